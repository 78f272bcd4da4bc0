import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../handoffs/make-folder.ts";
import { readNote } from "../ledger/lock.ts";
import { takePlace } from "./successor.ts";

/** Held by who works in the folder, be it a supervisor or not. */
export const LOCK = "supervisor.lock";

/** How `hq` finds a running supervisor: `$HQ_HOME/run.json`, written when ready, removed at stop. */
export type RunFile = {
  readonly pid: number;
  readonly version: string;
  readonly api: string;
  readonly guild?: string;
  /** Needed for /local/* as soon as an agent is not a sample. */
  readonly guildKey?: string;
  readonly mode: "local" | "discord" | "embedded";
  readonly startedAt: string;
};

export function makeHome(home: string): void {
  takePlace(home);
  makeFolder(home);
}

export function writeRunFile(home: string, run: RunFile): void {
  const path = join(home, "run.json");
  const half = `${path}.${run.pid}.tmp`;
  writeFileSync(half, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  renameSync(half, path);
}

export function readRunFile(home: string): RunFile | undefined {
  const path = join(home, "run.json");
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as RunFile;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Only one's own: a successor may have written a new one. */
export function removeRunFile(home: string, pid: number): void {
  if (readRunFile(home)?.pid === pid) rmSync(join(home, "run.json"), { force: true });
}

/** The supervisor that held the folder last, and may hold it still: also while it starts and stops. */
export function supervisorIn(home: string): number | undefined {
  const note = readNote(join(home, LOCK)) as
    | { readonly pid?: number; readonly startedAt?: string }
    | undefined;
  return note?.startedAt === undefined ? undefined : note.pid;
}
