import type { SearchedKind } from "../../domain/search.ts";
import type { Asked } from "../../domain/search-words.ts";
import type { Loaded, Page } from "./ledger.ts";

/** That something was written to a stream; without the event itself, which is not needed to find it. */
export type Change = { readonly position: number; readonly stream: string; readonly type: string };

/** By what a stream is found from now on. */
export type SearchEntry = {
  readonly stream: string;
  readonly kind: SearchedKind;
  readonly status: string;
  readonly agent?: string;
  /** Small letters and digits of any language, each once. */
  readonly words: readonly string[];
};

/** All of what is said here; of several kinds, statuses or agents any one. */
export type SearchFor = {
  readonly asked: Asked;
  readonly kinds?: readonly SearchedKind[];
  readonly statuses?: readonly string[];
  readonly agents?: readonly string[];
  /** `next` of the page before. */
  readonly before?: string;
  readonly limit: number;
};

/**
 * The index over all history. It follows the events at some distance and holds how far it has come, so that nothing is
 * missed and nothing is found twice, whenever it stops.
 */
export type SearchIndex = {
  /** The position of the last change that was taken in; 0 = none. */
  readonly position: () => Promise<number>;
  /** The position of the last event there is. */
  readonly head: () => Promise<number>;
  /** In order, from the first one after a position on. */
  readonly changes: (after: number, limit: number) => Promise<readonly Change[]>;
  /**
   * Puts entries in the place of what their streams were found by, and moves the position from `from` to `to`, in one
   * transaction. False, and nothing was written, when somebody else moved it.
   */
  readonly put: (taken: {
    readonly from: number;
    readonly to: number;
    readonly entries: readonly SearchEntry[];
  }) => Promise<boolean>;
  /** Newest first. */
  readonly find: (query: SearchFor) => Promise<Page<Loaded>>;
  /** They are found no more; for what is taken out of the ledger. */
  readonly forget: (streams: readonly string[]) => Promise<void>;
  /** Puts the index in order, a little each time; false when there is nothing to do. */
  readonly tidy: () => Promise<boolean>;
};
