import { Refusal } from "../kernel/refusal.ts";

/** Opens a door; a port that another program holds is a refusal that says what to do. */
export async function onFreePort<T>(
  port: number,
  variable: "HQ_PORT" | "HQ_GUILD_PORT",
  open: () => Promise<T>,
): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Refusal("locked", `Port ${port} is taken by another program.`, {
      hint: `Choose another one, as in ${variable}=${port + 10} npm start (0 = a free one).`,
      cause: error,
    });
  }
}
