import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";

/** Messages whose tasks other tools claimed before us: `$HQ_HOME/handled-tasks.txt`, an id a line. */
export function readHandledTasks(home: string): ReadonlySet<string> {
  try {
    const lines = readFileSync(pathIn(home), "utf8").split("\n");
    return new Set(lines.map((line) => line.trim()).filter((line) => line !== ""));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Set();
    throw error;
  }
}

/** Adds to them; returns how many are new. */
export function addHandledTasks(home: string, messages: readonly string[]): number {
  const before = readHandledTasks(home);
  const all = new Set([...before, ...messages]);
  if (all.size === before.size) return 0;
  mkdirSync(dirname(pathIn(home)), { recursive: true, mode: 0o700 });
  writeAtomically(pathIn(home), `${[...all].join("\n")}\n`, 0o600);
  return all.size - before.size;
}

function pathIn(home: string): string {
  return join(home, "handled-tasks.txt");
}
