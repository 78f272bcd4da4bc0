import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { INSTALLATION } from "./cli-harness.ts";

export type Started = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves as soon as stderr or stdout satisfies the pattern; rejects when the process ends before. */
  readonly said: (pattern: RegExp) => Promise<void>;
  readonly done: Promise<{ code: number | null; signal: string | null; out: string; err: string }>;
};

const CLEAN = [
  "HQ_HOME",
  "HQ_CONFIG",
  "HQ_PORT",
  "HQ_GUILD_PORT",
  "HQ_AGENTS",
  "HQ_AGENT_TOKEN",
  "ORCHESTRATOR_API_KEY",
  "DISCORD_TOKEN",
  "ORCHESTRATOR_AGENT_TOKEN",
  "CHIP_TOKEN",
  "GUILD_ID",
];

/** What a start says whose door, at the API or the local guild, is another program's; it ends and leaves nothing. */
export async function refusedPort(
  t: TestContext,
  home: string,
  door: "port" | "guild-port",
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  const flags = ["--port", "0", "--guild-port", "0", `--${door}`, `${port}`];
  const hq = startHq(t, ["start", ...flags], { env: { HQ_HOME: home, ...env }, cwd: home });
  const { code, err } = await hq.done;
  assert.deepEqual([code, existsSync(join(home, "run.json"))], [3, false], err);
  const variable = door === "port" ? "HQ_PORT" : "HQ_GUILD_PORT";
  const another = port + 10 < 65_536 ? port + 10 : 0;
  assert.equal(
    err,
    `Port ${port} is taken by another program.\nChoose another one, as in ${variable}=${another} npm start (0 = a free one).\n`,
  );
}

/** The `hq` command as a process of its own. */
export function startHq(
  t: TestContext,
  argv: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly nodeFlags?: readonly string[];
  },
): Started {
  const env = {
    ...process.env,
    ...Object.fromEntries(CLEAN.map((name) => [name, undefined])),
    ...options.env,
  };
  const child = spawn(
    process.execPath,
    [...(options.nodeFlags ?? []), join(INSTALLATION, "bin", "hq.js"), ...argv],
    {
      cwd: options.cwd,
      env,
    },
  );
  t.after(() => child.kill("SIGKILL"));
  let out = "";
  let err = "";
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    tell();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    tell();
  });
  child.stdin.end();
  const done = new Promise<{ code: number | null; signal: string | null; out: string; err: string }>(
    (resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal, out, err }));
    },
  );
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(err) && !pattern.test(out)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      void done.then(() => reject(new Error(`ended before it said ${String(pattern)}: ${out}${err}`)));
      look();
    });
  return { child, out: () => out, err: () => err, said, done };
}

export function runHq(t: TestContext, argv: readonly string[], options: Parameters<typeof startHq>[2]) {
  return startHq(t, argv, options).done;
}

export function pidIn(home: string): number | undefined {
  const path = join(home, "run.json");
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as { pid: number }).pid : undefined;
}

/** A folder for a home; whatever supervisor a test leaves in it is ended before the folder goes. */
export function newRoot(t: TestContext): { readonly root: string; readonly home: string } {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "hq-cli-")));
  const home = join(root, ".hq");
  t.after(async () => {
    const pid = pidIn(home);
    if (pid !== undefined && isAlive(pid)) {
      process.kill(pid, "SIGKILL");
      await goneWithin(pid, 5000);
    }
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  return { root, home };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Nothing signals the end of a process that is not our child. */
export async function goneWithin(pid: number, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (isAlive(pid) && Date.now() < deadline) await pause(25);
  return !isAlive(pid);
}
