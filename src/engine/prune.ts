import { createOneByOne } from "../kernel/one-by-one.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { OldFiles } from "./ports/old-files.ts";

const PAGE = 500;
/** However little room there is, what ended in the last day stays: keys and late handoffs count on it. */
export const LEAST_AGE_MS = 86_400_000;
const AT_ONCE = 200;

export type PruneOptions = {
  /** What ended so long ago goes. */
  readonly olderThanMs?: number;
  /** The oldest goes until the rows of the ledger take no more than this. */
  readonly keepBytes?: number;
  readonly dry?: boolean;
  readonly onProgress?: (text: string) => void;
  readonly signal?: AbortSignal;
};

export type PruneReport = {
  readonly before: number;
  readonly dry: boolean;
  readonly streams: number;
  readonly events: number;
  readonly effects: number;
  readonly receipts: number;
  readonly keys: number;
  readonly files: { readonly count: number; readonly bytes: number };
  readonly ledger: { readonly bytes: number; readonly freeBytes: number };
};

/** Takes out what ended long ago: first from the ledger, then the files of what is not there any more. */
export function createPruner(deps: {
  readonly ledger: Pick<Ledger, "upkeep" | "search">;
  readonly oldFiles: OldFiles;
  /** Counts on into the kept figures; false when all is counted. */
  readonly countOn: () => Promise<boolean>;
  readonly now: () => number;
}) {
  const { upkeep } = deps.ledger;
  const oneByOne = createOneByOne();

  async function pruneNow(options: PruneOptions): Promise<PruneReport> {
    const { dry = false, keepBytes, onProgress, signal } = options;
    const age = Math.max(LEAST_AGE_MS, options.olderThanMs ?? LEAST_AGE_MS);
    const before = deps.now() - age;
    const tally = { streams: 0, events: 0, effects: 0, receipts: 0 };
    const wouldGo = new Set<string>();
    // What goes stays in the figures.
    while (!dry && (await deps.countOn())) signal?.throwIfAborted();
    const isWanted = async () => {
      if (options.olderThanMs !== undefined || keepBytes === undefined) return true;
      const { bytes, freeBytes } = await upkeep.size();
      return bytes - freeBytes > keepBytes;
    };
    for (let after: string | undefined; await isWanted(); ) {
      signal?.throwIfAborted();
      const page = await upkeep.prunable({ before, limit: PAGE, ...(after ? { after } : {}) });
      for (let from = 0; from < page.streams.length; from += AT_ONCE) {
        signal?.throwIfAborted();
        const streams = page.streams.slice(from, from + AT_ONCE);
        if (dry) {
          for (const stream of streams) wouldGo.add(stream);
          tally.streams += streams.length;
          continue;
        }
        await deps.ledger.search.forget(streams);
        const gone = await upkeep.prune(streams, before);
        for (const name of ["streams", "events", "effects", "receipts"] as const) tally[name] += gone[name];
      }
      onProgress?.(`${tally.streams} streams`);
      after = page.next;
      if (after === undefined) break;
    }
    const keys = dry ? 0 : await upkeep.pruneKeys();
    const files = await oldFiles(before, dry, wouldGo, signal);
    return { before, dry, ...tally, keys, files, ledger: await upkeep.size() };
  }

  /** Files go when nothing that is kept is told by them. */
  async function oldFiles(
    before: number,
    dry: boolean,
    wouldGo: ReadonlySet<string>,
    signal: AbortSignal | undefined,
  ) {
    let count = 0;
    let bytes = 0;
    for await (const batch of deps.oldFiles.all(before)) {
      signal?.throwIfAborted();
      const names = batch.flatMap(({ streams }) => streams);
      const there = await upkeep.standings([...new Set(names)]);
      const gone = batch.filter(({ streams }) => streams.every((stream) => isFree(stream)));
      count += gone.length;
      bytes += gone.reduce((sum, file) => sum + file.bytes, 0);
      if (!dry) await deps.oldFiles.remove(gone.map(({ path }) => path));

      function isFree(stream: string): boolean {
        return !there.has(stream) || wouldGo.has(stream);
      }
    }
    return { count, bytes };
  }

  return {
    /** One at a time: a second one waits for the first. */
    prune: (options: PruneOptions): Promise<PruneReport> => oneByOne(() => pruneNow(options)),
  };
}
