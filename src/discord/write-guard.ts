/** Sends what `work` sends in time, or not at all. */
export type Sending = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Sees to it that what several supervisors may do is not sent by one that stood still and has been replaced. It stands
 * before each try of each request that changes something.
 */
export type WriteGuard = {
  /**
   * Asked for when something was claimed: all that is sent of it goes out within a time, and while nobody else can have
   * claimed the same since, as the one that leads on Discord, or as a member that is known to live. Else it is not sent
   * and fails as `withheld`.
   */
  readonly claimed: (as: "leader" | "member") => Sending;
  /** Why this must not be sent now; undefined = it may. `isFree` = what nobody claimed may be sent by anybody. */
  readonly refusal: (request: { readonly isFree: boolean }) => string | undefined;
};

/** Where nobody else can be doing the same. */
export const ALONE: WriteGuard = { claimed: () => (work) => work(), refusal: () => undefined };
