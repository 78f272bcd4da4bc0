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

const NAME = "ledger.moved.json";

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
  const path = join(home, NAME);
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as MovedNote) : undefined;
}

export function writeMoved(home: string, note: MovedNote): void {
  const path = join(home, NAME);
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
      hint: `Set DATABASE_URL to that database. To begin a new ledger here, take ${join(home, NAME)} away.`,
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
