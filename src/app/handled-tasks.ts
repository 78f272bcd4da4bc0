import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import type { Ledger } from "../engine/ports/ledger.ts";

export const HANDLED_TASKS = "handled-tasks.txt";
const MEMO = "tasks/handled";

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

/** The same where several homes share a ledger: those of all homes, as far as they were known when we came. */
export async function handledByAll(
  home: string,
  ledger: Pick<Ledger, "recall" | "remember">,
): Promise<ReadonlySet<string>> {
  const text = await ledger.recall(MEMO);
  const known = text ? (JSON.parse(text) as readonly string[]) : [];
  const all = new Set([...known, ...readHandledTasks(home)]);
  if (all.size > known.length) await ledger.remember(MEMO, JSON.stringify([...all]));
  return all;
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
  return join(home, HANDLED_TASKS);
}
