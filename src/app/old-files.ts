import { promises as files, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../domain/config.ts";
import type { Leftovers } from "../engine/ports/leftovers.ts";
import type { OldFile, OldFiles } from "../engine/ports/old-files.ts";

import { oddRejected } from "../handoffs/odd-rejected.ts";

const DATED_LOG = /^attempts-(\d{4}-\d\d-\d\d)\.jsonl$/;
const DAY_MS = 86_400_000;

/** What lies in dated folders, in folders of runs and workers, and in dated logs. The inbox is not for pruning. */
export function createOldFiles(deps: {
  readonly config: () => Config;
  readonly leftovers: Leftovers;
}): OldFiles {
  async function* logs(before: number): AsyncGenerator<readonly OldFile[]> {
    const { dir } = deps.config().settings.logs;
    const names = await files.readdir(dir).catch(ifAbsent([] as string[]));
    yield names.flatMap((name) => {
      const day = DATED_LOG.exec(name)?.[1];
      const at = day === undefined ? Number.NaN : Date.parse(day) + DAY_MS;
      if (!(at <= before)) return [];
      const path = join(dir, name);
      const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      return [{ path, streams: [], bytes, at }];
    });
  }

  return {
    async *all(before) {
      const workers = new Map<string, { streams: string[]; modifiedAt: number }>();
      for await (const batch of deps.leftovers.all()) {
        const old: OldFile[] = [];
        /** Also one that is empty, as a handoff that was never written to its end; none that is not there. */
        const add = async (path: string, streams: readonly string[], at: number) => {
          const bytes = await bytesOf(path);
          if (bytes !== undefined) old.push({ path, streams, bytes, at });
        };
        for (const { where, path, stream, orElse, modifiedAt } of batch) {
          if (where === "inbox" || modifiedAt >= before) continue;
          const streams = orElse === undefined ? [stream] : [stream, orElse];
          if (where === "worker") {
            const found = workers.get(path) ?? { streams: [], modifiedAt };
            found.streams.push(stream);
            workers.set(path, found);
          } else {
            await add(path, streams, modifiedAt);
            if (where === "rejected") await add(`${path}.problems.json`, streams, modifiedAt);
          }
        }
        yield old;
      }
      for await (const batch of oddRejected(deps.config().settings.handoffs.dir)) {
        const old = batch.filter(({ modifiedAt }) => modifiedAt < before);
        const files = old.map(async ({ path, streams, modifiedAt: at }) => ({
          path,
          streams,
          bytes: (await bytesOf(path)) ?? 0,
          at,
        }));
        yield await Promise.all(files);
      }
      for (const [path, { streams, modifiedAt: at }] of workers)
        yield [{ path, streams, bytes: (await bytesOf(path)) ?? 0, at }];
      yield* logs(before);
    },
    async remove(paths) {
      const folders = new Set<string>();
      for (const path of paths) {
        await files.rm(path, { recursive: true, force: true, maxRetries: 3 });
        folders.add(dirname(path));
      }
      for (const folder of folders) if (/\d{4}-\d\d-\d\d$/.test(folder)) await removeEmpty(folder);
    },
  };
}

async function removeEmpty(folder: string): Promise<void> {
  await files.rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "ENOENT") throw error;
  });
}

/** Of a folder, all that is in it; undefined when nothing is there. */
async function bytesOf(path: string): Promise<number | undefined> {
  const stats = await files.lstat(path).catch(ifAbsent(undefined));
  if (!stats) return undefined;
  if (!stats.isDirectory()) return stats.size;
  let sum = stats.size;
  for (const name of await files.readdir(path).catch(ifAbsent([] as string[])))
    sum += (await bytesOf(join(path, name))) ?? 0;
  return sum;
}

function ifAbsent<T>(instead: T) {
  return (error: NodeJS.ErrnoException): T => {
    if (error.code === "ENOENT") return instead;
    throw error;
  };
}
