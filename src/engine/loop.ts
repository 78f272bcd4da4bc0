import type { EffectBody, Lane } from "../domain/effects.ts";
import { createBell } from "../kernel/bell.ts";
import type { ClaimedEffect, ClaimRequest, Ledger, Wake } from "./ports/ledger.ts";
import type { Log } from "./ports/log.ts";

/** What became of an effect: it is over, or it is tried again at an instant. Whoever performs it commits `over` itself when that has events. */
export type Outcome =
  | { readonly kind: "recorded" }
  | { readonly kind: "done"; readonly outcome: string }
  | {
      readonly kind: "again";
      readonly dueAt: number;
      readonly reason: string;
      /** What is still to be done, when a part of it is over. */
      readonly left?: EffectBody;
    };

export type Perform = (effect: ClaimedEffect) => Promise<Outcome>;

const HOLD_MS = 10 * 60_000;
const AT_ONCE: Readonly<Record<Lane, number>> = { any: 512, host: 128, discord: 2048 };
const SETTLE_SOON_MS = 200;
const AFTER_FAILURE_MS = 1000;
const LONGEST_SLEEP_MS = 60_000;
const WAKES_AT_ONCE = 256;

export type Loop = {
  /** Something may be due. Cheap, callable from anywhere. */
  readonly ring: () => void;
  /** A commit is on its way: what it makes due is claimed, and what is over is ended, in its transaction. */
  readonly join: () => void;
  /** Opens or closes a lane: the Discord lane only while Discord is connected. */
  readonly setLane: (lane: Lane, isOpen: boolean) => void;
  readonly start: () => void;
  /** Takes nothing new, waits for what is in flight (at most `withinMs`). */
  readonly stop: (withinMs: number) => Promise<void>;
  readonly inFlight: () => number;
};

/**
 * The one loop: asleep until something is due, then claim, perform, settle.
 * Schedule, retry, backoff and lease are rows that become due; deadlines are instants at which a stream is woken.
 */
export function createLoop(deps: {
  readonly ledger: Ledger;
  readonly holder: string;
  readonly epoch: () => number;
  readonly now: () => number;
  readonly capacity: ClaimRequest["capacity"];
  readonly perform: Perform;
  /** Tells a stream that an instant it asked for has come. */
  readonly wake: (due: Wake) => Promise<void>;
  readonly log: Log;
  readonly onBroken: (error: unknown) => void;
}): Loop {
  const { ledger, now, log } = deps;
  const bell = createBell();
  const open = new Set<Lane>(["any", "host"]);
  const flying: Record<Lane, Set<Promise<void>>> = { any: new Set(), host: new Set(), discord: new Set() };
  let over: { id: string; outcome: string }[] = [];
  let settleTimer: NodeJS.Timeout | undefined;
  let stopping = false;
  let isJoined = false;
  let running: Promise<void> | undefined;
  const writes = new Set<Promise<unknown>>();
  const performing = new Set<string>();
  const waking = new Set<Promise<void>>();
  let restTimer: NodeJS.Timeout | undefined;

  /** Ends that need no commit of their own ride on the next transaction, or go after a moment. */
  function settleLater(id: string, outcome: string): void {
    over.push({ id, outcome });
    settleTimer ??= setTimeout(flushSettled, SETTLE_SOON_MS);
  }

  function flushSettled(): void {
    clearTimeout(settleTimer);
    settleTimer = undefined;
    if (over.length === 0) return;
    const batch = over;
    over = [];
    track(
      ledger.settle(batch).catch((error: unknown) => {
        // Done it is: only that is still to be noted.
        over = [...batch, ...over];
        if (!stopping) settleTimer ??= setTimeout(flushSettled, AFTER_FAILURE_MS);
        throw error;
      }),
    );
  }

  function track(write: Promise<unknown>): void {
    const tracked = write.catch(deps.onBroken).finally(() => writes.delete(tracked));
    writes.add(tracked);
  }

  async function performOne(effect: ClaimedEffect): Promise<void> {
    try {
      const outcome = await deps.perform(effect);
      if (outcome.kind === "done") settleLater(effect.id, outcome.outcome);
      if (outcome.kind === "again") {
        const { dueAt, reason, left } = outcome;
        await ledger.postpone(effect.id, dueAt, reason, left ? { left } : {});
        bell.ring();
      }
    } catch (error) {
      log.error(
        { effect: effect.id, type: effect.body.type, stream: effect.stream, err: error },
        "an effect failed and will be tried again",
      );
      const waitMs = Math.min(60_000, AFTER_FAILURE_MS * 2 ** Math.min(6, effect.tries));
      // What was done before it failed is unknown: it stays begun, so that it is looked into and not blindly repeated.
      await giveBack(effect.id, () => now() + waitMs, String(error));
      bell.ring();
    }
  }

  /** Until the ledger takes it: else it would be held for as long as we live. */
  async function giveBack(id: string, dueAt: () => number, reason: string): Promise<void> {
    for (;;) {
      try {
        return await ledger.postpone(id, dueAt(), reason, { stillBegun: true });
      } catch (error) {
        deps.onBroken(error);
        if (stopping) return;
        await new Promise((resolve) => setTimeout(resolve, AFTER_FAILURE_MS));
      }
    }
  }

  function begin(effect: ClaimedEffect): void {
    // A claim that outlived its hold while we still work on it is ours already.
    if (performing.has(effect.id)) return;
    performing.add(effect.id);
    const set = flying[effect.lane];
    const flight = performOne(effect).finally(() => {
      performing.delete(effect.id);
      set.delete(flight);
      if (set.size >= AT_ONCE[effect.lane] - 1) bell.ring();
    });
    set.add(flight);
  }

  async function claimLane(lane: Lane): Promise<void> {
    const room = AT_ONCE[lane] - flying[lane].size;
    if (room <= 0) return;
    const claimed = await ledger.claim({
      holder: deps.holder,
      epoch: deps.epoch(),
      lanes: [lane],
      now: now(),
      limit: room,
      holdMs: HOLD_MS,
      capacity: deps.capacity,
    });
    for (const effect of claimed) begin(effect);
  }

  /** One batch after the other, so that none is woken twice at a time. */
  const mayWake = () => waking.size === 0 && restTimer === undefined;

  async function wakeDue(): Promise<void> {
    if (!mayWake()) return;
    for (const due of await ledger.wakes(now(), WAKES_AT_ONCE)) {
      const flight: Promise<void> = deps
        .wake(due)
        .catch(restFromWaking)
        .finally(() => {
          waking.delete(flight);
          if (waking.size === 0) bell.ring();
        });
      waking.add(flight);
    }
  }

  /** The ledger does not take it now. */
  function restFromWaking(error: unknown): void {
    deps.onBroken(error);
    if (stopping) return;
    restTimer ??= setTimeout(() => {
      restTimer = undefined;
      bell.ring();
    }, AFTER_FAILURE_MS);
  }

  async function turn(): Promise<void> {
    isJoined = false;
    flushSettled();
    await Promise.all([...[...open].map(claimLane), wakeDue()]);
  }

  async function dueInMs(): Promise<number> {
    const withRoom = [...open].filter((lane) => flying[lane].size < AT_ONCE[lane]);
    const dueAt = await ledger.nextDue(withRoom, deps.capacity);
    const wakeAt = mayWake() ? await ledger.nextWake() : undefined;
    const first = Math.min(dueAt ?? Number.POSITIVE_INFINITY, wakeAt ?? Number.POSITIVE_INFINITY);
    return Math.min(LONGEST_SLEEP_MS, first - now());
  }

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        if (isJoined || (await dueInMs()) <= 0) await turn();
        await bell.sleep(bell.isRung() ? 0 : Math.max(1, await dueInMs()));
      } catch (error) {
        deps.onBroken(error);
        if (!stopping) await bell.sleep(AFTER_FAILURE_MS);
      }
    }
  }

  return {
    ring: bell.ring,
    join() {
      isJoined = true;
      bell.ring();
    },
    setLane(lane, isOpen) {
      if (isOpen) open.add(lane);
      else open.delete(lane);
      bell.ring();
    },
    start() {
      running ??= run();
    },
    async stop(withinMs) {
      stopping = true;
      bell.ring();
      await running;
      clearTimeout(restTimer);
      const all = [...waking, ...Object.values(flying).flatMap((set) => [...set])];
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([Promise.allSettled(all), limit]);
      clearTimeout(timer);
      flushSettled();
      await Promise.allSettled(writes);
    },
    inFlight: () => Object.values(flying).reduce((sum, set) => sum + set.size, 0),
  };
}
