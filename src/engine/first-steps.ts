import type { Engine } from "./accept.ts";

/** So few runs are in hand at a time that what a handoff makes ready is sent within some milliseconds. */
const MOST_IN_HAND = 6;
/** A run of which nothing was heard for so long waits for its agents or for people. */
const QUIET_MS = 15;
const LOOK_MS = 5;
const LONGEST_WAIT_MS = 1000;
/** The loop has room for only so many effects, and these keep some of it. */
const MOST_WAITING = 256;

type Waiting = PromiseWithResolvers<void> & { readonly since: number };

/**
 * What is under way goes before what begins: the first steps of further runs wait until one of those in hand is over or
 * waits for its agents, so that nothing of them waits behind all that was asked at once.
 */
export function createFirstSteps(deps: {
  readonly engine: Pick<Engine, "read" | "watch">;
  /** Monotonic, ms. */
  readonly clock: () => number;
}) {
  const { engine, clock } = deps;
  /** Runs that began here and are open. */
  const begun = new Set<string>();
  /** Those of them that were heard of just now, by when, oldest first. */
  const inHand = new Map<string, number>();
  const waiting = new Map<string, Waiting>();
  let timer: NodeJS.Timeout | undefined;

  engine.watch((events) => {
    for (const { stream, type } of events) {
      if (type === "run.settled") end(stream);
      else if (begun.has(stream)) hear(stream, clock());
    }
  });

  function hear(run: string, now: number): void {
    inHand.delete(run);
    inHand.set(run, now);
  }

  function end(run: string): void {
    begun.delete(run);
    inHand.delete(run);
    waiting.get(run)?.resolve();
    waiting.delete(run);
    if (waiting.size > 0) look();
  }

  function look(): void {
    const now = clock();
    for (const [run, heardAt] of inHand) {
      if (now - heardAt < QUIET_MS) break;
      inHand.delete(run);
    }
    for (const [run, { since, resolve }] of waiting) {
      if (inHand.size >= MOST_IN_HAND && now - since < LONGEST_WAIT_MS) break;
      waiting.delete(run);
      begun.add(run);
      hear(run, now);
      resolve();
    }
    clearTimeout(timer);
    timer = waiting.size > 0 ? setTimeout(look, LOOK_MS) : undefined;
  }

  function waitFor(run: string): Waiting {
    const before = waiting.get(run);
    if (before) return before;
    const one = { ...Promise.withResolvers<void>(), since: clock() };
    waiting.set(run, one);
    if (waiting.size === 1) look();
    return one;
  }

  return {
    /** Resolves when a step of this run may begin, which is at once for all but the first steps of runs of their own. */
    async turn(run: string): Promise<void> {
      const state = await engine.read("run", run);
      const isFirst = state?.order.parent === undefined && state?.counts.settled === 0;
      if (!isFirst || begun.has(run) || waiting.size >= MOST_WAITING) return;
      await waitFor(run).promise;
    },
  };
}
