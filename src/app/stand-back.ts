import type { MemberView } from "../engine/verbs.ts";

/** Resuming takes seconds, and a new session may wait some more for its turn: after this long something is in the way. */
export const REACHED_WITHIN_MS = 30_000;
const FIRST_BACK_MS = 30_000;
const LONGEST_BACK_MS = 5 * 60_000;
/** Until somebody has led in between, nobody knows whether it would be better now; an old story is not told for ever. */
const TOLD_MS = 3_600_000;
/** Each says every 2.5 s that it lives; who missed two of these is not waited for. */
const SILENT_MS = 6000;

/** Counts how long we lead without reaching Discord, and for how long we then leave the lead to others. */
export function createPatience(steady: () => number) {
  let waitingSince: number | undefined;
  let times = 0;
  return {
    /** Asked now and then; says for how long we have led without reaching it. */
    look({ leads, isReached }: { readonly leads: boolean; readonly isReached: boolean }): number {
      if (leads && isReached) times = 0;
      if (!leads || isReached) waitingSince = undefined;
      else waitingSince ??= steady();
      return waitingSince === undefined ? 0 : steady() - waitingSince;
    },
    /** Our time is over: for so long others have theirs, and longer each time until we reached it again. */
    end(): number {
      waitingSince = undefined;
      return Math.min(LONGEST_BACK_MS, FIRST_BACK_MS * 2 ** times++);
    },
  };
}

export type StandBack = {
  readonly begin: (forMs: number, why: string) => void;
  /** Discord is reached. */
  readonly forget: () => void;
  /** Whether the lead is left to others now. */
  readonly isOn: () => boolean;
  /** What is told of it. */
  readonly told: () => MemberView["standsBack"];
};

/** Remembers that Discord was not reached from here, and until when others are to try. */
export function createStandBack({
  now,
  steady = () => performance.now(),
}: {
  readonly now: () => number;
  readonly steady?: () => number;
}): StandBack {
  let standing: { readonly endsAt: number; readonly told: NonNullable<MemberView["standsBack"]> } | undefined;
  return {
    begin(forMs, why) {
      const since = now();
      standing = { endsAt: steady() + forMs, told: { since, until: since + forMs, why } };
    },
    forget() {
      standing = undefined;
    },
    isOn: () => standing !== undefined && steady() < standing.endsAt,
    told: () => (standing && now() < standing.told.until + TOLD_MS ? standing.told : undefined),
  };
}

/** Whether somebody else is there to lead: alive, here to stay, and not standing back itself. */
export function canOthersLead(members: readonly MemberView[], now: number): boolean {
  return members.some(
    ({ isUs, isTemporary, host, seenAt, standsBack }) =>
      !isUs &&
      !isTemporary &&
      // Who has said nothing of itself yet is just coming.
      host !== undefined &&
      now - seenAt < SILENT_MS &&
      (standsBack === undefined || standsBack.until <= now),
  );
}
