import {
  type IIdentifyThrottler,
  type IShardingStrategy,
  SimpleShardingStrategy,
  type WebSocketOptions,
} from "discord.js";
import type { Log } from "../engine/ports/log.ts";

const BETWEEN_IDENTIFIES_MS = 5000;
const LONGEST_BACKOFF_MS = 15 * 60_000;
const REMEMBERED_MS = 30 * 60_000;
/** Discord makes the token invalid after 1,000 sessions in a day; from here on we wait for the next day's. */
const FEW_LEFT = 25;
const ABNORMAL_CLOSE = 1006;
/** After so many failures at the address for resuming, the session is offered at the main one. */
const MOST_AT_ONE_ADDRESS = 3;

type Gateway = Parameters<NonNullable<WebSocketOptions["buildStrategy"]>>[0];
/** The events by their names: discord.js exports an older list under the same name. */
type ShardEvents = {
  on(event: "closed", listener: (payload: { readonly code: number }) => void): unknown;
  on(event: "hello", listener: () => void): unknown;
};

/** How long to wait before the next IDENTIFY, from the instants of earlier ones and what Discord has left for us. */
export function identifyDelay(
  earlier: readonly number[],
  left: { readonly remaining: number; readonly resetAfterMs: number },
  now: number,
): number {
  if (left.remaining <= FEW_LEFT) return Math.max(left.resetAfterMs, BETWEEN_IDENTIFIES_MS);
  const recent = earlier.filter((at) => now - at < REMEMBERED_MS);
  const last = recent.at(-1);
  if (last === undefined) return 0;
  const wait = recent.length <= 3 ? BETWEEN_IDENTIFIES_MS : BETWEEN_IDENTIFIES_MS * 2 ** (recent.length - 3);
  return Math.max(0, last + Math.min(LONGEST_BACKOFF_MS, wait) - now);
}

export function createIdentifyThrottle(deps: {
  readonly now: () => number;
  readonly log: Log;
}): (manager: Gateway) => IIdentifyThrottler {
  const earlier: number[] = [];
  return (manager) => ({
    async waitForIdentify(_shard, signal) {
      const { session_start_limit: limit } = await manager.fetchGatewayInformation(true);
      const left = { remaining: limit.remaining, resetAfterMs: limit.reset_after };
      const delay = identifyDelay(earlier, left, deps.now());
      if (delay > BETWEEN_IDENTIFIES_MS) {
        deps.log.warn({ delay, remaining: limit.remaining }, "the next Discord session waits");
      }
      await sleep(delay, signal);
      earlier.push(deps.now());
      if (earlier.length > 100) earlier.shift();
    },
  });
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

/**
 * discord.js forgets its session when a reconnection meets a network error, and every event of the gap is lost.
 * This keeps it, so that the next connection resumes; Discord itself says when a session is no longer good.
 */
export function keepSession(manager: Gateway, isStopped: () => boolean): IShardingStrategy {
  const events = manager as unknown as ShardEvents;
  const before = { ...manager.options };
  const retrieve = (shard: number) => before.retrieveSessionInfo(shard);
  let isNetworkClose = false;
  let failures = 0;
  events.on("closed", ({ code }) => {
    isNetworkClose = code === ABNORMAL_CLOSE;
  });
  events.on("hello", () => {
    isNetworkClose = false;
    failures = 0;
  });
  // A client that is destroyed between two connections would connect once more; it waits here for good instead.
  manager.options.retrieveSessionInfo = (shard) =>
    isStopped() ? new Promise<never>(() => undefined) : retrieve(shard);
  manager.options.updateSessionInfo = async (shard, next) => {
    const session = next === null && isNetworkClose ? await retrieve(shard) : null;
    if (!session) return before.updateSessionInfo(shard, next);
    failures++;
    if (failures < MOST_AT_ONE_ADDRESS) return;
    const { url } = await manager.fetchGatewayInformation();
    return before.updateSessionInfo(shard, { ...session, resumeURL: url });
  };
  return new SimpleShardingStrategy(manager);
}
