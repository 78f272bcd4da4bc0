import {
  hitOf,
  type Searched,
  type SearchedKind,
  type SearchHit,
  searchedDelegation,
  searchedRun,
  searchedTask,
  searchedWork,
  searchedWorker,
  wordsOf,
} from "../domain/search.ts";
import { askedIn } from "../domain/search-words.ts";
import { createOneByOne } from "../kernel/one-by-one.ts";
import { stateOf } from "./accept.ts";
import type { Ledger, Loaded, Page } from "./ports/ledger.ts";
import type { Change, SearchEntry, SearchFor } from "./ports/search.ts";

/** Streams that one step takes in, which holds the process up for some milliseconds, and changes looked at for each. */
const AT_ONCE = 32;
const CHANGES_EACH = 12;
/** After so many the index is put in order a little, so that it never has to be put in order for long. */
const TIDY_EACH = 64;
/** How long a search waits for what is not in the index yet. */
const FRESHEN_MS = 25;
const USUAL_LIMIT = 20;
const MOST_FOUND = 100;

/** Events that change by what something is found. */
const TELLING: Readonly<Record<string, SearchedKind>> = {
  "delegation.queued": "delegation",
  "attempt.dispatched": "delegation",
  "attempt.deferred": "delegation",
  "attempt.lost": "delegation",
  "attempt.failed": "delegation",
  "delegation.rerouted": "delegation",
  "delegation.settled": "delegation",
  "run.started": "run",
  "run.resumed": "run",
  "run.settled": "run",
};

const NOTHING: Page<Loaded> = { items: [] };

/** What somebody typed and chose. */
export type SearchQuery = Omit<SearchFor, "asked" | "limit"> & {
  readonly typed: string;
  readonly limit?: number;
};

export type SearchAnswer = {
  /** Newest first. */
  readonly items: readonly SearchHit[];
  readonly next?: string;
  /** How far the index has come. */
  readonly indexed: { readonly position: number; readonly head: number; readonly isComplete: boolean };
};

export type Searching = {
  readonly search: (query: SearchQuery) => Promise<SearchAnswer>;
  /** Takes the next changes into the index; false when nothing is left. */
  readonly step: () => Promise<boolean>;
  /** A step, and when nothing is left to take in, the index is put in order a little. */
  readonly keepOn: () => Promise<boolean>;
  readonly isTelling: (type: string) => boolean;
};

/** Search over all history, and the index of it, which is kept beside the work and never in its commits. */
export function createSearching(deps: {
  readonly ledger: Pick<Ledger, "load" | "search">;
  readonly now: () => number;
  /** Streams that one step takes in; for who has the process for himself. */
  readonly atOnce?: number;
}): Searching {
  const { ledger, now, atOnce = AT_ONCE } = deps;
  const index = ledger.search;
  const oneByOne = createOneByOne();
  const most = atOnce * CHANGES_EACH;
  let untidied = 0;
  /** Looked at up to here: nothing before it tells anything new. */
  let seen = 0;

  async function takeIn(): Promise<boolean> {
    const from = await index.position();
    const after = Math.max(from, seen);
    const changes = await index.changes(after, most);
    const { streams, to, isAll } = batchOf(changes, atOnce);
    if (streams.length > 0) {
      const entries = (await Promise.all(streams.map(entryOf))).filter((entry) => entry !== undefined);
      untidied += entries.length;
      const isUntidy = untidied >= TIDY_EACH;
      // In one transaction: it is the disk that takes the time.
      await Promise.all([index.put({ from, to, entries }), isUntidy ? index.tidy() : undefined]);
      if (isUntidy) untidied = 0;
    }
    // Changes that tell nothing are not worth a write: they are passed over again after a restart.
    seen = Math.max(seen, to);
    return !isAll || changes.length === most;
  }

  async function entryOf(stream: string): Promise<SearchEntry | undefined> {
    const loaded = await ledger.load(stream);
    const searched = loaded && searchedIn(loaded);
    if (!searched) return undefined;
    const { kind, status, agent } = searched;
    return { stream, kind, status, ...(agent === undefined ? {} : { agent }), words: wordsOf(searched) };
  }

  /** A whole id needs no index. */
  async function namedBy(typed: string, query: Omit<SearchQuery, "typed" | "limit">) {
    const id = typed.trim();
    if (!/^[\w.~-]{8,200}$/.test(id) || query.before !== undefined) return undefined;
    const loaded = await ledger.load(id);
    const searched = loaded && searchedIn(loaded);
    if (!searched) return undefined;
    const { kind, status, agent = "" } = searched;
    const fits = (list: readonly string[] | undefined, name: string) => !list?.length || list.includes(name);
    const isWanted = fits(query.kinds, kind) && fits(query.statuses, status) && fits(query.agents, agent);
    return isWanted ? { items: [loaded] } : NOTHING;
  }

  async function search({ typed, limit = USUAL_LIMIT, ...query }: SearchQuery): Promise<SearchAnswer> {
    const asked = askedIn(typed);
    const until = now() + FRESHEN_MS;
    let isBehind = true;
    while (isBehind && now() < until) isBehind = await step();
    const most = Math.max(1, Math.min(MOST_FOUND, limit));
    const named = await namedBy(typed, query);
    const [page, position, head]: readonly [Page<Loaded>, number, number] = await Promise.all([
      named ?? (isUnwordly(typed, asked) ? NOTHING : index.find({ ...query, asked, limit: most })),
      index.position(),
      index.head(),
    ]);
    const items = page.items
      .flatMap((loaded) => searchedIn(loaded) ?? [])
      .map((found) => hitOf(found, asked));
    const reached = Math.max(position, seen);
    return {
      items,
      ...(page.next === undefined ? {} : { next: page.next }),
      indexed: { position: reached, head, isComplete: !isBehind },
    };
  }

  /** One step after the other, whoever asks. */
  const step = () => oneByOne(takeIn);

  return {
    search,
    step,
    keepOn: async () => (await step()) || index.tidy(),
    isTelling: (type) => kindOfChange(type) !== undefined,
  };
}

/** The streams of the first changes, each once, and the position after which the next step begins. */
function batchOf(changes: readonly Change[], most: number) {
  const streams = new Set<string>();
  let to = 0;
  for (const { stream, type, position } of changes) {
    const isTelling = kindOfChange(type) !== undefined;
    if (isTelling && !streams.has(stream) && streams.size >= most)
      return { streams: [...streams], to, isAll: false };
    if (isTelling) streams.add(stream);
    to = position;
  }
  return { streams: [...streams], to, isAll: true };
}

/** Streams of these kinds are short: each of their events counts. */
function kindOfChange(type: string): SearchedKind | undefined {
  const known = TELLING[type];
  if (known) return known;
  const prefix = type.slice(0, type.indexOf("."));
  return prefix === "task" || prefix === "worker" || prefix === "work" ? prefix : undefined;
}

function searchedIn(loaded: Loaded): Searched | undefined {
  const { kind } = loaded;
  if (kind === "delegation") return searchedDelegation(stateOf(kind, loaded));
  if (kind === "run") return searchedRun(stateOf(kind, loaded));
  if (kind === "task") return searchedTask(stateOf(kind, loaded));
  if (kind === "worker") return searchedWorker(stateOf(kind, loaded));
  return kind === "work" ? searchedWork(stateOf(kind, loaded)) : undefined;
}

/** Signs alone were typed, which stand in no index: nothing is found by them. */
function isUnwordly(typed: string, { words, beginning }: ReturnType<typeof askedIn>): boolean {
  return typed.trim() !== "" && words.length === 0 && beginning === undefined;
}
