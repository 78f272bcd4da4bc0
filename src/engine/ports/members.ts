/** One process that works on a shared ledger. */
export type Member = {
  readonly id: string;
  /** Where it lives: one life at a time, as its own lock sees to. */
  readonly home: string;
  readonly version: string;
  readonly startedAt: number;
  readonly seenAt: number;
  /** Leases that it holds now. */
  readonly leads: readonly string[];
};

/**
 * Who works on a ledger that several coordinators share. A member's id is the `holder` of what it claims. One that was
 * not heard of for 10 s is over, and what it held is given back by whichever member notices first; what a living one
 * holds stays with it, whatever its epoch.
 */
export type Members = {
  /** Enters this life with a number of its own. Earlier ones of the same home are over: what they held is given back. */
  readonly join: (
    member: Pick<Member, "id" | "home" | "version">,
  ) => Promise<{ readonly epoch: number; readonly given: number }>;
  /**
   * Says that this member lives, and ends those that were not heard of; `given` is how many effects that gave back.
   * Not `alive`: others have taken it for dead, and may do what it held. It joins again as another one.
   */
  readonly beat: (id: string) => Promise<{ readonly alive: boolean; readonly given: number }>;
  /**
   * Looks whether the store's clock was set back since somebody looked last: then what was to come comes earlier by as
   * much, which is returned (0 = it was not, or by less than 10 s). `followedMs`: by how much we just followed it back.
   */
  readonly lookAtClock: (followedMs: number) => Promise<number>;
  /** Homes that have open work of their own: on their files, or with their processes. */
  readonly homesWithWork: () => Promise<readonly string[]>;
  /** Gives back what it holds, and is gone. */
  readonly leave: (id: string) => Promise<void>;
  readonly list: () => Promise<readonly Member[]>;
  /** Calls when another one may have written: soon after it did, and now and then without a reason. */
  readonly onOthers: (listener: () => void) => () => void;
};
