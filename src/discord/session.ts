import {
  GatewayDispatchEvents,
  type IShardingStrategy,
  type SessionInfo,
  SimpleShardingStrategy,
  type WebSocketOptions,
} from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { failureOf } from "./discord-failure.ts";
import type { SessionStore } from "./session-store.ts";

const ABNORMAL_CLOSE = 1006;
/** After a close with 1000 or 1001 Discord ends the session; this one says that somebody will go on with it. */
const CLOSE_TO_RESUME = 4200;
/** After so many failures at the address for resuming, the session is offered at the main one. */
const MOST_AT_ONE_ADDRESS = 3;

export type Gateway = Parameters<NonNullable<WebSocketOptions["buildStrategy"]>>[0];
/** The events by their names: discord.js exports an older list under the same name. */
type ShardEvents = {
  on(event: "closed", listener: (payload: { readonly code: number }) => void): unknown;
  on(event: "hello" | "heartbeat", listener: () => void): unknown;
  on(
    event: "dispatch",
    listener: (payload: { readonly data: { readonly s: number; readonly t: GatewayDispatchEvents } }) => void,
  ): unknown;
};

export type KeepSessionDeps = {
  /** The client is not to connect any more. */
  readonly isStopped: () => boolean;
  /** Where the session outlives us. */
  readonly kept?: {
    readonly store: SessionStore;
    /** We leave, and others or our next life may go on with the session. */
    readonly isLeaving: () => boolean;
    /** Makes the client ready as READY would have; false when that did not come about, and a new session is needed. */
    readonly prepare: (manager: Gateway, session: SessionInfo) => Promise<boolean>;
    readonly log: Log;
  };
};

/**
 * discord.js forgets its session when a reconnection meets a network error, and every event of the gap is lost.
 * This keeps it, so that the next connection resumes, also one of another process; Discord itself says when a session
 * is no longer good.
 */
export function keepSession(manager: Gateway, { isStopped, kept }: KeepSessionDeps): IShardingStrategy {
  const events = manager as unknown as ShardEvents;
  const before = { ...manager.options };
  const retrieve = (shard: number) => before.retrieveSessionInfo(shard);
  let isNetworkClose = false;
  let isDown = true;
  let isFirst = true;
  let failures = 0;
  events.on("closed", ({ code }) => {
    isNetworkClose = code === ABNORMAL_CLOSE;
    isDown = true;
  });
  events.on("hello", () => {
    isNetworkClose = false;
    isDown = false;
    failures = 0;
  });
  events.on("heartbeat", () => kept?.store.touch());
  events.on("dispatch", ({ data }) => {
    // All else is read back after every READY and RESUMED; an interaction comes only once.
    if (data.t === GatewayDispatchEvents.InteractionCreate) kept?.store.hold(data.s);
  });

  async function update(shard: number, next: SessionInfo | null): Promise<void> {
    await before.updateSessionInfo(shard, next);
    kept?.store.change(next);
  }

  /** Undefined where Discord does not say it: discord.js waits for nobody who asks, so an error here would end the process. */
  async function mainAddress(): Promise<string | undefined> {
    try {
      return (await manager.fetchGatewayInformation()).url;
    } catch (thrown) {
      kept?.log.warn({ failure: failureOf(thrown).text }, "Discord does not say where it is reached");
      return undefined;
    }
  }

  /** What the next connection begins with. */
  async function toConnect(shard: number, { store, prepare, log }: NonNullable<typeof kept>) {
    const own = await retrieve(shard);
    if (own) {
      if (!(await store.isTaken(own))) return own;
      log.info({}, "another supervisor went on with the Discord session; a new one is begun");
      await update(shard, null);
      return null;
    }
    if (!isFirst) return null;
    isFirst = false;
    const session = await store.left();
    if (!session || !(await prepare(manager, session))) return null;
    await store.take(session);
    await before.updateSessionInfo(shard, session);
    return session;
  }

  // A client that is destroyed between two connections would connect once more; it waits here for good instead.
  const forGood = () => new Promise<never>(() => undefined);
  manager.options.retrieveSessionInfo = async (shard) => {
    if (isStopped()) return forGood();
    if (!kept || !isDown) return retrieve(shard);
    const session = await toConnect(shard, kept);
    return isStopped() ? forGood() : session;
  };
  manager.options.updateSessionInfo = async (shard, next) => {
    // Closed by ourselves, the session is still good.
    if (next === null && kept?.isLeaving()) return;
    const session = next === null && isNetworkClose ? await retrieve(shard) : null;
    if (!session) return update(shard, next);
    failures++;
    if (failures < MOST_AT_ONE_ADDRESS) return;
    return update(shard, { ...session, resumeURL: (await mainAddress()) ?? session.resumeURL });
  };
  const strategy = new SimpleShardingStrategy(manager);
  const destroy = strategy.destroy.bind(strategy);
  strategy.destroy = (options) =>
    destroy(kept?.isLeaving() && kept.store.isKept() ? { ...options, code: CLOSE_TO_RESUME } : options);
  return strategy;
}

/** discord.js does not even connect when no session is left for the day; to resume one, none is needed. */
export function connectWithoutSessionsLeft(manager: Gateway): void {
  const ask = manager.fetchGatewayInformation.bind(manager);
  manager.fetchGatewayInformation = async (force) => {
    const found = await ask(force);
    if (force) return found;
    const { session_start_limit: limit } = found;
    return { ...found, session_start_limit: { ...limit, remaining: Math.max(1, limit.remaining) } };
  };
}
