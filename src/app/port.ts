import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../kernel/refusal.ts";
import { type PortName, portBeside } from "./mode.ts";

/** `$HQ_HOME/api.port`: the API's port in the last life. */
export const API_PORT = "api.port";

/** Opens a door; a port that another program holds is a refusal that says what to do. */
export async function onFreePort<T>(port: number, variable: PortName, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Refusal("locked", `Port ${port} is taken by another program.`, {
      hint: `Choose another one, as in ${variable}=${portBeside(port)} npm start (0 = a free one).`,
      cause: error,
    });
  }
}

/**
 * Opens the API on its port, or on a free one that stays the same from one life to the next where it can: prompts name
 * the address, and one that is sent again must be the same to the byte.
 */
export async function onUsualPort(
  home: string,
  { api: port, guild }: { readonly api: number; readonly guild: number },
  listen: (port: number) => Promise<string>,
): Promise<string> {
  const address = await (port === 0
    ? listenAgain(keptPort(home, guild), listen)
    : onFreePort(port, "HQ_PORT", () => listen(port)));
  writeFileSync(join(home, API_PORT), `${new URL(address).port}\n`, { mode: 0o600 });
  return address;
}

async function listenAgain(kept: number, listen: (port: number) => Promise<string>): Promise<string> {
  try {
    return await listen(kept);
  } catch (error) {
    if (kept === 0 || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    return listen(0);
  }
}

/** The one of the life before, unless it is the local guild's by now. */
function keptPort(home: string, guild: number): number {
  const path = join(home, API_PORT);
  const port = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
  return Number.isInteger(port) && port > 0 && port < 65_536 && port !== guild ? port : 0;
}
