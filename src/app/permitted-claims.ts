import type { Lane } from "../domain/effects.ts";
import type { Lease, Ledger } from "../engine/ports/ledger.ts";

/** Whoever posts to Discord holds this lease; its number goes into every claim of that work. */
export const DISCORD = "discord";
const LOOK_AGAIN_MS = 500;

/**
 * Whoever was not heard of for so long that others may have given up on it claims nothing until it was: nobody would
 * end what such a one holds if it died then. A claim that arrives so late finds that the member's place is no more.
 */
export function onlyAlive(
  ledger: Ledger,
  deps: {
    readonly life: () => number | undefined;
    readonly place: () => Lease | undefined;
    readonly now: () => number;
  },
): Ledger {
  const { life, now } = deps;
  const place = () => (life() === undefined ? undefined : deps.place());
  return {
    ...ledger,
    async claim(request) {
      const held = place();
      if (!held) return [];
      // Discord's lease ends with its member as well.
      return ledger.claim({ fence: { lease: held.name, epoch: held.epoch }, ...request });
    },
    nextDue: async (lanes, capacity) => (place() ? ledger.nextDue(lanes, capacity) : now() + LOOK_AGAIN_MS),
  };
}

/** Discord's work is claimed under the lease's number, and by nobody who knows that it has none. */
export function onlyLeader(ledger: Ledger, lease: () => Lease | undefined): Ledger {
  const permitted = (lanes: readonly Lane[]) => (lease() ? lanes : lanes.filter((lane) => lane !== DISCORD));
  return {
    ...ledger,
    async claim(request) {
      const held = lease();
      if (!request.lanes.includes(DISCORD)) return ledger.claim(request);
      if (held) return ledger.claim({ ...request, fence: { lease: DISCORD, epoch: held.epoch } });
      const lanes = permitted(request.lanes);
      return lanes.length === 0 ? [] : ledger.claim({ ...request, lanes });
    },
    nextDue: (lanes, capacity) => ledger.nextDue(permitted(lanes), capacity),
  };
}
