import { execFile } from "node:child_process";
import { systemdEnv } from "./environment.ts";
import { TEMPLATE_UNIT, unitOf } from "./units.ts";

type Env = Readonly<Record<string, string | undefined>>;
export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** How a unit stands, in systemd's words. */
export type UnitStanding = {
  readonly active: string;
  readonly result: string;
  readonly pid?: number;
  readonly restarts: number;
  readonly since?: number;
};

export type Systemd = ReturnType<typeof createSystemd>;

const WITHIN_MS = 30_000;
const SHOWN = "ActiveState,Result,MainPID,NRestarts,StateChangeTimestamp";

/** The user's systemd, by its own programs. */
export function createSystemd(env: Env) {
  const systemctl = (args: readonly string[], timeoutMs = WITHIN_MS) =>
    runProgram("systemctl", ["--user", ...args], env, timeoutMs);

  return {
    systemctl,

    /** Why it cannot be used here; undefined when it answers. */
    async trouble(): Promise<string | undefined> {
      const { code, err } = await systemctl(["show", "--property=Version"]);
      if (code === 0) return undefined;
      return err.trim().split("\n")[0] || `systemctl --user ended with exit code ${code}`;
    },

    async isInstalled(): Promise<boolean> {
      const { code, out } = await systemctl(["list-unit-files", "--no-legend", TEMPLATE_UNIT]);
      return code === 0 && out.includes(TEMPLATE_UNIT);
    },

    async show(id: string): Promise<UnitStanding> {
      const { out } = await systemctl(["show", `--property=${SHOWN}`, "--timestamp=unix", unitOf(id)]);
      const said = Object.fromEntries(
        out.split("\n").flatMap((line) => {
          const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
          return name === undefined || value === undefined ? [] : [[name, value] as const];
        }),
      );
      const pid = Number(said["MainPID"] ?? 0);
      const since = Number(/^@(\d+)$/.exec(said["StateChangeTimestamp"] ?? "")?.[1] ?? 0) * 1000;
      return {
        active: said["ActiveState"] ?? "unknown",
        result: said["Result"] ?? "",
        restarts: Number(said["NRestarts"] ?? 0),
        ...(pid > 0 ? { pid } : {}),
        ...(since > 0 ? { since } : {}),
      };
    },

    /** Whether the user's units run without a login; undefined when logind does not say. */
    async lingers(user: string): Promise<boolean | undefined> {
      const { code, out } = await runProgram(
        "loginctl",
        ["show-user", user, "--property=Linger"],
        env,
        WITHIN_MS,
      );
      const [, word] = /^Linger=(yes|no)$/m.exec(out) ?? [];
      return code === 0 && word !== undefined ? word === "yes" : undefined;
    },
  };
}

/** 127 when there is no such program, 124 when it took too long. */
function runProgram(program: string, args: readonly string[], env: Env, timeoutMs: number): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { env: systemdEnv(env), timeout: timeoutMs, encoding: "utf8" },
      (error, out, err) => {
        if (!error) return resolve({ code: 0, out, err });
        if (error.code === "ENOENT")
          return resolve({ code: 127, out, err: `${program} is not installed here` });
        if (error.killed) return resolve({ code: 124, out, err: `${program} did not answer in time` });
        resolve({ code: typeof error.code === "number" ? error.code : 1, out, err });
      },
    );
  });
}
