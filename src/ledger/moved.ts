import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Refusal } from "../kernel/refusal.ts";

export const noteOfMove = (home: string) => join(home, "ledger.moved.json");

/**
 * Lies beside a ledger that was moved into a database. `moving` is written just before the database commits: whoever is
 * killed then finds in the database, by the id, whether the move is done.
 */
export type MovedNote = {
  readonly state: "moving" | "moved";
  readonly id: string;
  /** The database, without a password. */
  readonly to: string;
  readonly at: string;
};

export function readMoved(home: string): MovedNote | undefined {
  const path = noteOfMove(home);
  if (!existsSync(path)) return undefined;
  const note = noteIn(readFileSync(path, "utf8"));
  if (note) return note;
  throw new Refusal("invalid_input", `${path}, which says where the ledger was moved to, is damaged.`, {
    hint: "When it was moved, set DATABASE_URL to that database. When it was not, or to begin a new ledger here, take that note away.",
  });
}

function noteIn(text: string): MovedNote | undefined {
  try {
    const note = JSON.parse(text) as Partial<MovedNote> | null;
    const isWhole = note?.id && note.to && (note.state === "moving" || note.state === "moved");
    return isWhole ? (note as MovedNote) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function writeMoved(home: string, note: MovedNote): void {
  const path = noteOfMove(home);
  const half = `${path}.tmp`;
  const file = openSync(half, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(note, undefined, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(half, path);
  syncFolder(home);
}

/** Puts the moved ledger aside, under a name that no supervisor opens; the note that follows writes the folder. */
export function putAside(ledger: string): string {
  const aside = `${ledger}.moved`;
  // The log first: whoever is killed between finds the ledger, and goes on.
  for (const end of ["-wal", "-shm", ""]) {
    if (existsSync(`${ledger}${end}`)) renameSync(`${ledger}${end}`, `${aside}${end}`);
  }
  rmSync(`${ledger}.ballast`, { force: true });
  return aside;
}

/** A ledger that was moved is not begun anew in its old place without anybody noticing. */
export function refuseMoved(home: string): void {
  const note = readMoved(home);
  if (!note) return;
  if (note.state === "moved") {
    throw new Refusal("invalid_input", `The ledger of ${home} was moved to ${note.to} at ${note.at}.`, {
      hint: `Set DATABASE_URL to that database. To begin a new ledger here, take ${noteOfMove(home)} away.`,
    });
  }
  throw new Refusal(
    "invalid_input",
    `A move of the ledger of ${home} to ${note.to} was cut off at its end.`,
    {
      hint: "Run `hq store migrate --to postgres://…` with the same database again: it finds out whether the move is done, and ends it or begins anew.",
    },
  );
}

/** A name in a folder survives a power loss only when the folder is written too. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
