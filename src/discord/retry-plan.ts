import type { Outcome } from "../engine/loop.ts";
import type { DiscordFailure } from "./discord-failure.ts";

const NOT_THERE_AGAIN_MS = 500;
const PLACE_AGAIN_MS = 5 * 60_000;
const TOKEN_AGAIN_MS = 60_000;
const LONGEST_BACKOFF_MS = 60_000;
/** From here on people should know why nothing comes. */
const LONG_LIMIT_MS = 60_000;
/** From this try on, a thing that only people can mend is reported. */
const TRIES_BEFORE_TROUBLE = 5;

/** How often something was tried, over all lives of the supervisor, and how often Discord failed in a row here and now. */
export type Tried = { readonly tries: number; readonly failures: number };

/** 2, 4, 8, 16, 32, then 60 seconds; `tries` counts from 1. */
export function backoffMs(tries: number): number {
  return tries > 5 ? LONGEST_BACKOFF_MS : 2000 * 2 ** (Math.max(1, tries) - 1);
}

export type RetryPlan = {
  readonly outcome: Extract<Outcome, { kind: "again" }>;
  /** Whether everything else for this channel would meet the same. */
  readonly isWholeChannel: boolean;
  /** Whether a person has to do something. */
  readonly isTrouble: boolean;
  /** Whether it has failed for so long that people should know, be it Discord's own failure. */
  readonly isLasting: boolean;
  /** Whether Discord said when it is to be asked again. */
  readonly isLimited?: true;
};

const PASSING = { isTrouble: false, isLasting: false } as const;

/**
 * When a post that failed is tried again. It is never given up: the outbox keeps it. Only Discord's own failures make
 * the wait longer: a post is also claimed anew after a crash, and given back because of another that failed.
 */
export function planRetry(failure: DiscordFailure, { tries, failures }: Tried, now: number): RetryPlan {
  // Instants are whole milliseconds; Discord gives fractions of them.
  const again = (ms: number) => ({
    kind: "again" as const,
    dueAt: now + Math.ceil(ms),
    reason: failure.text,
  });
  const isTrouble = tries >= TRIES_BEFORE_TROUBLE;
  const forPeople = { isTrouble, isLasting: isTrouble };
  switch (failure.kind) {
    // A short wait that Discord asks for time and again becomes longer by itself.
    case "limited": {
      const { retryAfterMs = 0 } = failure;
      const leastMs = retryAfterMs > 0 && failures === 1 ? 0 : backoffMs(failures);
      return {
        outcome: again(Math.max(retryAfterMs, leastMs)),
        isWholeChannel: true,
        isTrouble: false,
        isLasting: retryAfterMs >= LONG_LIMIT_MS || failures >= TRIES_BEFORE_TROUBLE,
        isLimited: true,
      };
    }
    // Whoever may do it takes it at once.
    case "withheld":
      return { outcome: again(0), isWholeChannel: true, ...PASSING };
    case "unsure": {
      const isLasting = failures >= TRIES_BEFORE_TROUBLE;
      return { outcome: again(backoffMs(failures)), isWholeChannel: true, isTrouble: false, isLasting };
    }
    case "unauthorized":
      return { outcome: again(TOKEN_AGAIN_MS), isWholeChannel: true, ...forPeople };
    case "unreachable-place":
      return { outcome: again(PLACE_AGAIN_MS), isWholeChannel: true, ...forPeople };
    case "refused":
      return { outcome: again(PLACE_AGAIN_MS), isWholeChannel: false, ...forPeople };
  }
}

/** Claimed by one that has left Discord since, or was not there yet: whoever leads takes it, or we when we are there. */
export function planUnknownGuild(now: number): RetryPlan["outcome"] {
  return { kind: "again", dueAt: now + NOT_THERE_AGAIN_MS, reason: "Discord is not connected here" };
}

/** A post for a channel that the guild does not have. */
export function planMissingPlace(text: string, tries: number, now: number): RetryPlan {
  return planRetry({ kind: "unreachable-place", text }, { tries, failures: 1 }, now);
}
