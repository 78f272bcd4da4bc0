import { Refusal } from "../kernel/refusal.ts";

/** SQLite's primary result codes that tell of the machine, not of one write. */
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const NOMEM = 7;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** 0 when it is no error of SQLite. */
function codeOf(thrown: unknown): number {
  if (!(thrown instanceof Error) || !("errcode" in thrown) || typeof thrown.errcode !== "number") return 0;
  return thrown.errcode & 0xff;
}

export function isFull(thrown: unknown): boolean {
  return codeOf(thrown) === FULL;
}

export function isBusy(thrown: unknown): boolean {
  return codeOf(thrown) === BUSY;
}

/** The file is not there, or not ours to open. */
export function isUnopened(thrown: unknown): boolean {
  return codeOf(thrown) === CANTOPEN;
}

/** What is wrong with the store and how to mend it; undefined when the fault lies in the write itself. */
function remedyFor(code: number, path: string): string | undefined {
  switch (code) {
    case FULL:
      return `The disk that holds the ledger ${path} is full. Free some space there; nothing that was acknowledged is lost, and writing goes on by itself.`;
    case READONLY:
    case PERM:
      return `The ledger ${path} cannot be written. Make the file, its folder and their file system writable for this user.`;
    case BUSY:
    case LOCKED:
      return `The ledger ${path} is locked by another program. End that program; only one supervisor may use a ledger.`;
    case IOERR:
      return `The disk that holds the ledger ${path} reported an error. Check the disk and its free space; this write did not happen.`;
    case CORRUPT:
    case NOTADB:
      return `The ledger ${path} is damaged or is no ledger. Stop the supervisor, keep a copy of the file with its -wal and -shm, and restore a backup.`;
    case CANTOPEN:
      return `The ledger ${path} cannot be opened. Check that its folder exists and that this user may read and write there.`;
    case NOMEM:
      return `There is no memory left to write the ledger ${path}. Free some; this write did not happen.`;
    default:
      return undefined;
  }
}

/** Whether every write of the transaction fails for this reason, not only the one that met it. */
export function concernsAll(thrown: unknown): boolean {
  return remedyFor(codeOf(thrown), "") !== undefined;
}

/** The same error in words that name the path and the remedy; others stay as they are. */
export function explain(thrown: unknown, path: string): unknown {
  const remedy = remedyFor(codeOf(thrown), path);
  if (remedy === undefined) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new Refusal("ledger_trouble", `${remedy} (SQLite: ${detail})`, { cause: thrown });
}
