import type { Span, TalliedKind, Tally } from "../../domain/tally.ts";

/** Spans that begin at `from` or later and before `until`, epoch ms. */
export type TallyQuery = {
  readonly span: Span;
  readonly from: number;
  readonly until: number;
  readonly kind?: TalliedKind;
};

/** What the beginning of a list is: the open stream that was there first. */
export type OldestQuery = { readonly kind: "delegation" | "task" | "run"; readonly status: string };

/**
 * Kept figures of everything that ended. They follow the events at some distance and hold how far they have come,
 * so that counting twice is impossible and counting on is always possible.
 */
export type Tallies = {
  /** The position of the last event that was counted; 0 = none. */
  readonly position: () => Promise<number>;
  /**
   * Adds, and moves the position from `from` to `to`, in one transaction. False, and nothing was written, when
   * somebody else moved it.
   */
  readonly add: (counted: {
    readonly from: number;
    readonly to: number;
    readonly tallies: readonly Tally[];
  }) => Promise<boolean>;
  /** In no order. */
  readonly read: (query: TallyQuery) => Promise<readonly Tally[]>;
  /** The id of the open stream of a status that has been there longest. */
  readonly oldestOpen: (query: OldestQuery) => Promise<string | undefined>;
};
