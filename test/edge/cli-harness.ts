import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";
import type { ApiParts } from "../../src/api/parts.ts";
import type { Io } from "../../src/cli/io.ts";
import { runCommandLine } from "../../src/cli/program.ts";
import { OPERATOR_KEY, openDoor } from "./api-scripted.ts";

export const INSTALLATION = resolve(import.meta.dirname, "../..");

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "hq-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

export function writeRun(home: string, url: string, more: object = {}): void {
  mkdirSync(home, { recursive: true });
  const run = {
    pid: process.pid,
    version: "0.0.0",
    api: url,
    mode: "local",
    startedAt: "2026-02-15T10:00:00Z",
    ...more,
  };
  writeFileSync(join(home, "run.json"), JSON.stringify(run), { mode: 0o600 });
}

/** A door with scripted verbs that the command line finds through run.json, and the command line itself. */
export async function openDesk(t: TestContext, more: Partial<ApiParts> = {}) {
  const door = await openDoor(more);
  t.after(door.api.stop);
  const home = temporaryFolder(t);
  writeRun(home, door.url);
  writeFileSync(join(home, "api.key"), `${OPERATOR_KEY}\n`, { mode: 0o600 });
  return { door, home, hq: (...argv: string[]) => hq(argv, { env: { HQ_HOME: home } }) };
}

export type Ran = {
  readonly code: number;
  readonly out: string;
  readonly err: string;
};

export type Given = Partial<Io> & { readonly input?: string };

/** Runs one command line inside this process. */
export async function hq(argv: readonly string[], given: Given = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const io: Io = {
    out: (text) => {
      out += text;
    },
    taken: async () => undefined,
    err: (text) => {
      err += text;
    },
    isErrTerminal: false,
    errSize: () => ({ columns: 120, rows: 40 }),
    env: {},
    cwd: tmpdir(),
    installation: INSTALLATION,
    readInput: async () => given.input ?? "",
    now: Date.now,
    onInterrupt: () => () => undefined,
    ...given,
  };
  const code = await runCommandLine(argv, io);
  return { code, out, err };
}
