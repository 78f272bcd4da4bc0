import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Refusal } from "../kernel/refusal.ts";
import { isBusy, isUnopened } from "./trouble.ts";

/** Keeps held locks alive: a connection that is garbage collected gives its lock away. */
const held = new Set<DatabaseSync>();

export type Hold =
  | { readonly ok: true; readonly release: () => Promise<void> }
  /** What the holder wrote about itself; undefined when it has not yet. */
  | { readonly ok: false; readonly holder: unknown };

/**
 * Takes the lock that lets one supervisor use a folder. `path` is a file made for this alone: an open exclusive
 * transaction on it is the lock, so the system frees it however the process ends. No other code may open that
 * file, since closing any handle on it would free the lock. `describe` is kept beside it, in `<path>.json`.
 */
export async function holdHome(options: { readonly path: string; readonly describe: object }): Promise<Hold> {
  const { path, describe } = options;
  const note = `${path}.json`;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 0 });
    db.exec("begin exclusive");
  } catch (error) {
    db?.close();
    if (isBusy(error)) return { ok: false, holder: readNote(path) };
    const why = error instanceof Error ? ` (SQLite: ${error.message})` : "";
    throw new Refusal("ledger_trouble", `The folder of ${path} cannot be locked${why}.`, {
      hint: "Make it writable for this user, with some space left, and keep it on a local disk.",
      cause: error,
    });
  }
  const lock = db;
  held.add(lock);
  async function release(): Promise<void> {
    if (!held.delete(lock)) return;
    rmSync(note, { force: true });
    lock.close();
  }
  try {
    writeNote(note, describe);
  } catch (error) {
    await release();
    throw error;
  }
  return { ok: true, release };
}

/** Whether another process holds the lock of a folder; none does of one that is not there, or that is not ours to read. */
export function isHomeHeld(path: string): boolean {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: 0 });
    db.prepare("select count(*) from sqlite_master").get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    if (isUnopened(error)) return false;
    throw error;
  } finally {
    db?.close();
  }
}

function writeNote(note: string, describe: object): void {
  const draft = `${note}.new`;
  writeFileSync(draft, JSON.stringify(describe), { mode: 0o600 });
  renameSync(draft, note);
}

/** What the last holder of a lock wrote about itself; undefined when it is between taking the lock and writing that. */
export function readNote(path: string): unknown {
  try {
    return JSON.parse(readFileSync(`${path}.json`, "utf8"));
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
