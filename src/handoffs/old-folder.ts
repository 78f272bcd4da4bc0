import { readdirSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { OldFile, Skipped } from "../domain/old-handoffs.ts";
import { readPlainFile } from "./read.ts";

const MOST_BYTES = 4 << 20;
const LARGEST_LOG = 256 << 20;
const DEEPEST = 6;
/** Files that agents had to hand in again, what they were told, and what they made. */
const NO_HANDOFFS = new Set(["rejected", "artifacts"]);

export type OldFolder = {
  /** One file after the other: a folder may hold a million. */
  readonly files: Iterable<OldFile>;
  /** Folders that could not be read; filled while the files are gone through. */
  readonly unread: readonly Skipped[];
};

/** The JSON files of a folder of handoffs and of those below it, in the order of their names. Writes nothing. */
export function readOldFolder(folder: string): OldFolder {
  const unread: Skipped[] = [];
  const named = (path: string) => relative(folder, path).split(sep).join("/");

  function* walk(dir: string, depth: number): Generator<OldFile> {
    let entries: ReturnType<typeof list>;
    try {
      entries = list(dir);
    } catch (error) {
      if (depth === 0) throw error;
      unread.push({ path: `${named(dir)}/`, why: wordsOf(error) });
      return;
    }
    for (const entry of entries) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (depth < DEEPEST && !NO_HANDOFFS.has(entry.name)) yield* walk(path, depth + 1);
      } else if (entry.name.endsWith(".json")) yield read(path, named(path));
    }
  }

  return { files: walk(folder, 0), unread };
}

function list(dir: string) {
  return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function read(path: string, name: string): OldFile {
  try {
    const modifiedAt = Math.round(statSync(path).mtimeMs);
    return { path: name, text: readPlainFile(path, MOST_BYTES).toString("utf8"), modifiedAt };
  } catch (error) {
    return { path: name, why: wordsOf(error), modifiedAt: 0 };
  }
}

/** The lines of every JSONL file of a folder; none when it is not there. */
export function* readOldLogs(folder: string): Generator<string> {
  let names: readonly string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  for (const name of names) {
    if (!/\.(jsonl|ndjson|log)$/.test(name)) continue;
    yield* readPlainFile(join(folder, name), LARGEST_LOG).toString("utf8").split("\n");
  }
}

const wordsOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
