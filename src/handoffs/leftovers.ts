import { type Dirent, opendirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { AgentCard } from "../domain/agent-card.ts";
import type { Settings } from "../domain/settings.ts";
import type { Leftover, Leftovers } from "../engine/ports/leftovers.ts";
import { dayOf, readName } from "./names.ts";
import { UPLOADS_MARK } from "./upload-files.ts";

const BATCH = 500;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** What lies in the folders of handoffs and runs, as far as its name says to whom it belongs. */
export function createLeftovers(deps: {
  readonly settings: () => Settings["handoffs"];
  readonly agents: () => readonly Pick<AgentCard, "handoffDir">[];
}): Leftovers {
  return {
    async *all(since) {
      const { dir, keepInPlace } = deps.settings();
      const root = resolve(dir);
      const own = deps.agents().flatMap(({ handoffDir }) => (handoffDir ? [resolve(handoffDir)] : []));
      for (const folder of new Set([root, join(root, "sub"), ...own])) {
        yield* inBatches(filesOf(folder, "inbox", keepInPlace));
      }
      for (const where of ["accepted", "rejected"] as const) {
        for (const day of entriesOf(join(root, where))) {
          const isWanted = since === undefined || !DAY.test(day.name) || day.name >= dayOf(since);
          if (day.isDirectory() && isWanted)
            yield* inBatches(filesOf(join(root, where, day.name), where, false));
        }
      }
      yield* inBatches(runFolders(join(root, "workflows"), since));
      yield* inBatches(uploadFolders(join(root, "artifacts"), since));
    },
  };
}

/** Lets others work between two of them. */
export async function* inBatches<T>(items: Iterable<T>): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (batch.length > 0) yield batch;
}

function* filesOf(folder: string, where: Leftover["where"], mayBeKept: boolean): Generator<Leftover> {
  for (const entry of entriesOf(folder)) {
    if (!entry.isFile() || entry.name.endsWith(".problems.json")) continue;
    const read = readName(entry.name.replace(/\.again-\d+(?=\.json$)/, ""), () => false);
    if (read.kind !== "handoff") continue;
    const path = join(folder, entry.name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats) continue;
    const isKept = mayBeKept && stats.nlink > 1;
    const stem = entry.name.slice(0, -".json".length);
    yield {
      where,
      path,
      stream: read.run,
      modifiedAt: stats.mtimeMs,
      ...(stem === read.run ? {} : { orElse: stem }),
      ...(isKept ? { isKept } : {}),
    };
  }
}

function* runFolders(folder: string, since: number | undefined): Generator<Leftover> {
  for (const entry of entriesOf(folder)) {
    if (!entry.isDirectory()) continue;
    const path = join(folder, entry.name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (!stats || (since !== undefined && stats.mtimeMs < since)) continue;
    yield { where: "run", path, stream: entry.name, modifiedAt: stats.mtimeMs };
  }
}

/** Only what was handed in over REST: what agents put beside it is theirs. */
function* uploadFolders(folder: string, since: number | undefined): Generator<Leftover> {
  for (const found of runFolders(folder, since)) {
    if (statSync(join(found.path, UPLOADS_MARK), { throwIfNoEntry: false })) yield found;
  }
}

export function* entriesOf(folder: string): Generator<Dirent> {
  let directory: ReturnType<typeof opendirSync>;
  try {
    directory = opendirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    // It says everything but that.
    throw Object.assign(error as Error, { path: folder });
  }
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) yield entry;
  } finally {
    directory.closeSync();
  }
}
