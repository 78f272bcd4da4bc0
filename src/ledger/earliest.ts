import type { Lane } from "../domain/effects.ts";

/** What may become due: wakes of streams, and effects by lane, apart by whether they need an agent's capacity. */
type Due = "wakes" | Lane | `${Lane} in turn`;

/**
 * Before which instant nothing becomes due, kept beside the writes, so that most looks need no question to the ledger.
 * It may be earlier than the truth and is never later: nobody else writes to this ledger.
 */
export function createEarliest() {
  const known = new Map<Due, number>();

  function ahead(due: Due, now: number): number | undefined {
    const first = known.get(due);
    return first !== undefined && first > now ? first : undefined;
  }

  return {
    /** Something was written that is due then. Its transaction may still be undone. */
    note(due: Due, at: number): void {
      const first = known.get(due);
      if (first !== undefined && at < first) known.set(due, at);
    },
    /** What the ledger answered. */
    believe: (due: Due, at: number) => void known.set(due, at),
    mayBeDue: (due: Due, now: number): boolean => (known.get(due) ?? Number.NEGATIVE_INFINITY) <= now,
    /** The instant, when it is known and still to come. */
    ahead,
    /** The same, or what the ledger answers now; Infinity = nothing waits. */
    next(due: Due, now: number, ask: () => number): number {
      const first = ahead(due, now) ?? ask();
      known.set(due, first);
      return first;
    },
    /** Nobody knows what was changed. */
    forget: () => known.clear(),
  };
}

export type Earliest = ReturnType<typeof createEarliest>;

export const inTurn = (lane: Lane): Due => `${lane} in turn`;

/** `slot` is the slot lane that an effect waits in, if any. */
export const dueIn = (lane: Lane, slot: string | null | undefined): Due =>
  slot === null || slot === undefined ? lane : inTurn(lane);

/** The port says that nothing waits without a number. */
export const toldOf = (first: number): number | undefined => (Number.isFinite(first) ? first : undefined);
