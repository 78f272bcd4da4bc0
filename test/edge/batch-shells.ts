import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { cleanEnv, ROOT } from "../support/supervisor.ts";

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };
type More = {
  readonly env?: Record<string, string>;
  readonly input?: string;
  /** Under which name `hq` knows the commands. */
  readonly name?: "batch" | "ledger";
};

/** The commands about batches in a folder whose supervisor runs: ours, and under their old name. */
export function shellsFor(home: string) {
  const run = (command: string, args: readonly string[], more: More = {}): Promise<Ran> =>
    new Promise((resolve) => {
      const env = cleanEnv({ HQ_HOME: home, ...more.env });
      const child = execFile(command, args, { env, cwd: home }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
      });
      child.stdin?.end(more.input ?? "");
    });
  return {
    hq: (args: readonly string[], more: More = {}) =>
      run("node", [join(ROOT, "bin/hq.js"), more.name ?? "batch", ...args], more),
    old: (args: readonly string[], more?: More) =>
      run("python3", [join(ROOT, "compat/orchestrator.py"), ...args], more),
  };
}

export function read({ code, stdout, stderr }: Ran) {
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}
