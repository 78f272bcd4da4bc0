import { createOneByOne } from "../kernel/one-by-one.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { OldFile, OldFiles } from "./ports/old-files.ts";

const PAGE = 500;
/** Between two looks at the size: no more goes than must. */
const PAGE_BY_SIZE = 50;
/** However little room there is, what ended in the last day stays: keys and late handoffs count on it. */
const LEAST_AGE_MS = 86_400_000;
const AT_ONCE = 200;

export type PruneOptions = {
  /** What ended so long ago goes; without a size either, what ended before the last day. */
  readonly olderThanMs?: number;
  /** The oldest goes until the rows of the ledger take no more than this. A dry run names all that may go. */
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

type Gone = {
  readonly tally: { streams: number; events: number; effects: number; receipts: number };
  readonly streams: Set<string>;
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
    const { dry = false, olderThanMs, keepBytes, signal } = options;
    const now = deps.now();
    const young = now - LEAST_AGE_MS;
    const isByAge = olderThanMs !== undefined || keepBytes === undefined;
    const old = Math.min(young, now - (olderThanMs ?? LEAST_AGE_MS));
    const gone: Gone = {
      tally: { streams: 0, events: 0, effects: 0, receipts: 0 },
      streams: new Set(),
    };
    // What goes stays in the figures.
    while (!dry && (await deps.countOn())) signal?.throwIfAborted();
    // One that was killed has left rows of streams that are gone, and nothing else may be due.
    if (!dry) await drop(gone.tally, [], old);
    if (isByAge) await takeOut(gone, options, { before: old, limit: PAGE });
    if (keepBytes !== undefined) {
      const isTooLarge = async () => {
        const { bytes, freeBytes } = await upkeep.size();
        return bytes - freeBytes > keepBytes;
      };
      await takeOut(gone, options, { before: young, limit: PAGE_BY_SIZE, isWanted: isTooLarge });
    }
    const keys = dry ? 0 : await upkeep.pruneKeys();
    const oldest = keepBytes === undefined ? undefined : await oldestAt();
    const isOld = ({ at, streams }: OldFile) =>
      (isByAge && at <= old) ||
      (oldest !== undefined && at < oldest) ||
      (streams.length > 0 && streams.every((stream) => gone.streams.has(stream)));
    const files = await removeFiles(gone, options, keepBytes === undefined ? old : young, isOld);
    const before = isByAge ? old : young;
    return { before, dry, ...gone.tally, keys, files, ledger: await upkeep.size() };
  }

  async function drop(tally: Gone["tally"], streams: readonly string[], before: number): Promise<void> {
    const out = await upkeep.prune(streams, before);
    for (const name of ["streams", "events", "effects", "receipts"] as const) tally[name] += out[name];
  }

  async function takeOut(
    { tally, streams: gone }: Gone,
    { dry, onProgress, signal }: PruneOptions,
    what: { readonly before: number; readonly limit: number; readonly isWanted?: () => Promise<boolean> },
  ): Promise<void> {
    const { before, limit } = what;
    for (let after: string | undefined; (await what.isWanted?.()) ?? true; ) {
      signal?.throwIfAborted();
      const page = await upkeep.prunable({ before, limit, ...(after ? { after } : {}) });
      const found = page.streams.filter((stream) => !gone.has(stream));
      for (let from = 0; from < found.length; from += AT_ONCE) {
        signal?.throwIfAborted();
        const streams = found.slice(from, from + AT_ONCE);
        for (const stream of streams) gone.add(stream);
        if (dry) {
          tally.streams += streams.length;
          continue;
        }
        await deps.ledger.search.forget(streams);
        await drop(tally, streams, before);
      }
      onProgress?.(`${tally.streams} streams`);
      after = page.next;
      if (after === undefined) break;
    }
  }

  /** When the oldest delegation that is there began: what is older than it went, by our hand or another member's. */
  async function oldestAt(): Promise<number | undefined> {
    const { items } = await upkeep.streams({ kind: "delegation", limit: 1 });
    return items[0]?.beganAt;
  }

  /** Files go when nothing that is kept is told by them. */
  async function removeFiles(
    gone: Gone,
    { dry, signal }: PruneOptions,
    before: number,
    isOld: (file: OldFile) => boolean,
  ) {
    let count = 0;
    let bytes = 0;
    for await (const all of deps.oldFiles.all(before)) {
      signal?.throwIfAborted();
      const batch = all.filter(isOld);
      const there = await upkeep.standings([...new Set(batch.flatMap(({ streams }) => streams))]);
      const isFree = (stream: string) => !there.has(stream) || (dry === true && gone.streams.has(stream));
      const free = batch.filter(({ streams }) => streams.every(isFree));
      count += free.length;
      bytes += free.reduce((sum, file) => sum + file.bytes, 0);
      if (!dry) await deps.oldFiles.remove(free.map(({ path }) => path));
    }
    return { count, bytes };
  }

  return {
    /** One at a time: a second one waits for the first. */
    prune: (options: PruneOptions): Promise<PruneReport> => oneByOne(() => pruneNow(options)),
  };
}
