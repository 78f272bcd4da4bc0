import type { IIdentifyThrottler, WebSocketOptions } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { inTime } from "../kernel/in-time.ts";
import { Refusal } from "../kernel/refusal.ts";
import { formatDuration } from "../kernel/time.ts";
import { failureOf } from "./discord-failure.ts";
import type { Memory } from "./tasks-read.ts";

const MEMO = "discord/sessions-begun";
const BETWEEN_IDENTIFIES_MS = 5000;
/** Begun so far apart, a day has 720: results need not wait longer for a session while Discord has some left. */
const LONGEST_BACKOFF_MS = 2 * 60_000;
const REMEMBERED_MS = 30 * 60_000;
const DAY_MS = 24 * 3_600_000;
/** Discord makes the token invalid after 1,000 sessions in a day; the last ones are for whoever has to mend it. */
const PER_DAY = 1000;
const FEW_LEFT = 25;
const MOST_A_DAY = PER_DAY - FEW_LEFT;
/** From here on what is left of a day's sessions is spread over a day. */
const FREELY = PER_DAY / 2;
const SPREAD_MS = Math.ceil(DAY_MS / (MOST_A_DAY - FREELY));
/** A ledger that does not answer keeps no session waiting for longer. */
const ASKED_MS = 2000;

type Gateway = Parameters<NonNullable<WebSocketOptions["buildStrategy"]>>[0];
type Left = { readonly remaining: number; readonly resetAfterMs: number };

/** How long to wait before the next IDENTIFY, from the instants of our earlier ones and what Discord has left for us. */
export function identifyDelay(earlier: readonly number[], left: Left, now: number): number {
  if (left.remaining <= FEW_LEFT) return Math.max(left.resetAfterMs, BETWEEN_IDENTIFIES_MS);
  const recent = earlier.filter((at) => now - at < REMEMBERED_MS);
  const last = recent.at(-1);
  if (last === undefined) return 0;
  const wait = recent.length <= 3 ? BETWEEN_IDENTIFIES_MS : BETWEEN_IDENTIFIES_MS * 2 ** (recent.length - 3);
  return Math.max(0, last + Math.min(LONGEST_BACKOFF_MS, wait) - now);
}

/** The same from the instants of everybody who shares the ledger, and of earlier lives, oldest first. */
export function dayDelay(all: readonly number[], now: number): number {
  const today = all.filter((at) => now - at < DAY_MS);
  const last = today.at(-1);
  if (last === undefined) return 0;
  const oldest = today.at(-MOST_A_DAY);
  if (today.length >= MOST_A_DAY && oldest !== undefined) return oldest + DAY_MS - now;
  const between = today.length < FREELY ? BETWEEN_IDENTIFIES_MS : SPREAD_MS;
  return Math.max(0, Math.min(last, now) + between - now);
}

export type Identifies = {
  readonly throttle: (manager: Gateway) => IIdentifyThrottler;
};

/** Counts the sessions that are begun, and lets the next one wait: in the ledger, for all who share it. */
export function createIdentifies(deps: {
  /** Where the instants are kept; without it only this life counts. */
  readonly memory?: Memory | undefined;
  readonly now: () => number;
  readonly log: Log;
  /** The next session waits for long; undefined when it waits no more. */
  readonly onWait?: (why: Refusal | undefined) => void;
}): Identifies {
  const { memory, now, log } = deps;
  let own: readonly number[] = [];

  async function everybodys(): Promise<readonly number[]> {
    if (!memory) return own;
    try {
      const text = await inTime(ASKED_MS, memory.recall(MEMO), undefined);
      const kept = text === undefined ? [] : (JSON.parse(text) as readonly number[]);
      return [...new Set([...kept, ...own])].sort((a, b) => a - b);
    } catch (error) {
      log.warn({ err: error }, "the ledger does not say which Discord sessions others began");
      return own;
    }
  }

  async function note(all: readonly number[]): Promise<void> {
    own = [...own, now()].filter((at) => now() - at < DAY_MS).slice(-PER_DAY);
    if (!memory) return;
    const today = [...new Set([...all, ...own])].filter((at) => now() - at < DAY_MS).sort((a, b) => a - b);
    const noting = memory.remember(MEMO, JSON.stringify(today.slice(-PER_DAY)));
    const noted = noting.catch((error: unknown) => {
      log.warn({ err: error }, "the ledger was not told of a new Discord session");
    });
    await inTime(ASKED_MS, noted, undefined);
  }

  /** Discord's own count; when it cannot be had, ours has to do. */
  async function leftAt(manager: Gateway): Promise<Left> {
    try {
      const { session_start_limit: limit } = await manager.fetchGatewayInformation(true);
      return { remaining: limit.remaining, resetAfterMs: limit.reset_after };
    } catch (thrown) {
      log.warn({ failure: failureOf(thrown).text }, "Discord does not say how many sessions are left");
      return { remaining: Number.POSITIVE_INFINITY, resetAfterMs: 0 };
    }
  }

  return {
    throttle: (manager) => ({
      async waitForIdentify(_shard, signal) {
        const [left, all] = await Promise.all([leftAt(manager), everybodys()]);
        const delay = Math.max(identifyDelay(own, left, now()), dayDelay(all, now()));
        const isLong = delay > BETWEEN_IDENTIFIES_MS;
        if (isLong) {
          const why = refusalOf(delay, left, all, now());
          log.warn({ delay, remaining: left.remaining, why: why.message }, "the next Discord session waits");
          deps.onWait?.(why);
        }
        try {
          await sleep(delay, signal);
        } finally {
          if (isLong) deps.onWait?.(undefined);
        }
        // Before it is begun: one that is counted and never begun does no harm.
        await note(delay > ASKED_MS ? await everybodys() : all);
        if (signal.aborted) throw new Error("the connection closed while a session waited");
      },
    }),
  };
}

function refusalOf(delay: number, left: Left, all: readonly number[], now: number): Refusal {
  const today = all.filter((at) => now - at < DAY_MS).length;
  const counted = Number.isFinite(left.remaining)
    ? `Discord has ${left.remaining} of a day's ${PER_DAY} sessions left for this bot, and ${today} were begun from this ledger in the last 24 hours`
    : `${today} of a day's ${PER_DAY} Discord sessions were begun from this ledger in the last 24 hours`;
  const at = new Date(now + delay).toISOString();
  return new Refusal(
    "no_discord",
    `${counted}: the next one is begun in ${formatDuration(delay)}, at ${at}, since Discord takes the token away from a bot that begins too many.`,
    {
      hint: "Nothing has to be done for it to go on, and results wait until then. Find out what restarts or disconnects the supervisor so often, or which other program uses this bot's token.",
    },
  );
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const onAbort = () => {
      clearTimeout(timer);
      reject(new Error("the connection closed while a session waited"));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
