import { AsyncLocalStorage } from "node:async_hooks";
import type { WriteGuard } from "../discord/write-guard.ts";
import type { Shared } from "./membership.ts";

/** Well inside the two minutes in which Discord surely remembers a nonce. */
export const SENT_WITHIN_MS = 60_000;

type Permit = {
  readonly as: "leader" | "member";
  /** The lease's number, or the one of our life as a member; none = it was not ours from the first. */
  readonly number: number | undefined;
  readonly wallAt: number;
  readonly steadyAt: number;
};

/**
 * Permits to write to Discord, which go along with the work that they were given for through all its waits. What waits
 * in line for its channel after it was claimed stays ours as long as the lease keeps its number, so its time begins
 * when it is its turn. Both clocks count: one goes on while the process stands still, the other one also while the
 * machine does.
 */
export function createWritePermits(deps: {
  readonly shared: Pick<Shared, "term" | "life">;
  readonly wall: () => number;
  readonly steady?: () => number;
}): WriteGuard {
  const { shared, wall, steady = () => performance.now() } = deps;
  const permits = new AsyncLocalStorage<Permit>();
  const numberAs = (as: Permit["as"]) => (as === "leader" ? shared.term() : shared.life());

  return {
    claimed(as) {
      const number = numberAs(as);
      return (work) => permits.run({ as, number, wallAt: wall(), steadyAt: steady() }, work);
    },
    refusal({ isFree }) {
      const permit = permits.getStore();
      if (!permit) return isFree || shared.term() !== undefined ? undefined : NOT_OURS.leader;
      const elapsed = Math.max(wall() - permit.wallAt, steady() - permit.steadyAt);
      if (elapsed > SENT_WITHIN_MS) return `it was to be sent within ${SENT_WITHIN_MS / 1000} s`;
      const isOurs = permit.number !== undefined && numberAs(permit.as) === permit.number;
      return isOurs ? undefined : NOT_OURS[permit.as];
    },
  };
}

const NOT_OURS = {
  leader: "another supervisor may lead on Discord by now",
  member: "others may have taken this supervisor for gone",
} as const;
