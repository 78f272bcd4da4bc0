import { promises as files } from "node:fs";
import { join } from "node:path";
import { agentsIn, placeOf, recordedIn } from "./place.ts";
import { readEnd } from "./record.ts";

/** An end stays at least this long, so that whoever waits for it has written it down. */
const LEAST_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * Removes the folders of workers that succeeded longer ago than the retention; failures and what still runs stay.
 * A folder in which nothing was ever recorded (we died while furnishing it) goes after a day.
 */
export async function pruneWorkers(given: {
  readonly dir: string;
  readonly retentionMs: number;
  readonly now: number;
  readonly isBusy: (folder: string) => boolean;
}): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const agent of agentsIn(given.dir)) {
    const folder = join(given.dir, agent);
    if (given.isBusy(folder) || !(await isOver(given, agent))) continue;
    await files.rm(folder, { recursive: true, force: true, maxRetries: 3 });
    removed.push(folder);
  }
  return removed;
}

async function isOver(
  { dir, retentionMs, now }: { readonly dir: string; readonly retentionMs: number; readonly now: number },
  agent: string,
): Promise<boolean> {
  const names = recordedIn(dir, agent);
  if (names.length === 0) {
    const { mtimeMs } = await files.stat(join(dir, agent));
    return now - mtimeMs > DAY_MS && !(await hasEnd(join(dir, agent, ".hq")));
  }
  const kept = Math.max(retentionMs, LEAST_MS);
  for (const name of names) {
    const end = await readEnd(placeOf(dir, agent, name).end);
    if (end?.status !== "succeeded" || end.endedAt + kept > now) return false;
  }
  return true;
}

/** Refused before it had a process: an end without a record is a failure too. */
async function hasEnd(control: string): Promise<boolean> {
  const entries = await files.readdir(control).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return entries.some((name) => name.endsWith(".end.json"));
}
