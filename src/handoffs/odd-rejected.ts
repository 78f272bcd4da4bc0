import { lstatSync } from "node:fs";
import { join, resolve } from "node:path";
import { entriesOf, inBatches } from "./leftovers.ts";
import { readName } from "./names.ts";

const NOTICE = ".problems.json";
const DAY = /^\d{4}-\d\d-\d\d$/;
const DEEPEST = 8;

/** A file, or a link itself; the streams are those that its name may mean, none when it means none. */
export type OddFile = {
  readonly path: string;
  readonly streams: readonly string[];
  readonly modifiedAt: number;
};

/**
 * What lies in rejected/ and is none of the plain handoffs of its dated folders, which `Leftovers` tells of: other names,
 * other places, links, and notices whose document is gone. No link is followed.
 */
export function oddRejected(dir: string): AsyncGenerator<readonly OddFile[]> {
  return inBatches(walk(join(resolve(dir), "rejected"), 0, false));
}

function* walk(folder: string, depth: number, isDay: boolean): Generator<OddFile> {
  for (const entry of entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (depth < DEEPEST) yield* walk(path, depth + 1, depth === 0 && DAY.test(entry.name));
      continue;
    }
    const isNotice = entry.name.endsWith(NOTICE);
    const name = isNotice ? entry.name.slice(0, -NOTICE.length) : entry.name;
    const streams = streamsOf(name);
    const document = isNotice ? statOf(path.slice(0, -NOTICE.length)) : undefined;
    // It goes with its document.
    if (document) continue;
    if (isDay && !isNotice && streams.length > 0 && entry.isFile()) continue;
    const stats = statOf(path);
    if (!stats) continue;
    const odd = { streams, modifiedAt: stats.mtimeMs };
    yield { ...odd, path };
    if (!isNotice && statOf(`${path}${NOTICE}`)) yield { ...odd, path: `${path}${NOTICE}` };
  }
}

function streamsOf(name: string): readonly string[] {
  const read = readName(name.replace(/\.again-\d+(?=\.json$)/, ""), () => false);
  if (read.kind !== "handoff") return [];
  return [...new Set([read.run, name.slice(0, -".json".length)])];
}

function statOf(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}
