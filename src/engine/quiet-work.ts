import type { Part } from "../kernel/lifecycle.ts";
import type { Engine } from "./accept.ts";

/** How long nobody may have written for it to be a quiet moment, and how long a quiet moment is waited for. */
const QUIET_MS = 400;
const LONGEST_WAIT_MS = 1000;
const AFTER_FAILURE_MS = 10_000;

/**
 * Does what follows the events in the background: all that is left in a quiet moment, and one step now and then while
 * there is none, so that nobody who delegates waits for it.
 */
export function createQuietWork(deps: {
  readonly name: string;
  readonly engine: Pick<Engine, "watch">;
  /** False when nothing is left to do. */
  readonly step: () => Promise<boolean>;
  /** Whether an event of this type makes anything to do. */
  readonly isNews: (type: string) => boolean;
  readonly now: () => number;
  readonly onBroken: (error: unknown) => void;
}): Part {
  const { name, engine, step, isNews, now } = deps;
  let timer: NodeJS.Timeout | undefined;
  let stopWatching: (() => void) | undefined;
  let working: Promise<void> | undefined;
  let isStopped = false;
  let isBehind = false;
  let writtenAt = 0;
  let waitsSince = 0;

  function lookIn(ms: number): void {
    if (isStopped || timer || working) return;
    timer = setTimeout(look, ms);
    timer.unref();
  }

  function look(): void {
    timer = undefined;
    const at = now();
    const isQuiet = at - writtenAt >= QUIET_MS;
    if (!isQuiet && at - waitsSince < LONGEST_WAIT_MS) return lookIn(QUIET_MS);
    isBehind = false;
    working = work()
      .then((hasMore) => {
        working = undefined;
        waitsSince = now();
        if (hasMore || isBehind) lookIn(QUIET_MS);
      })
      .catch((error: unknown) => {
        working = undefined;
        deps.onBroken(error);
        lookIn(AFTER_FAILURE_MS);
      });
  }

  /** Step after step while it is quiet; one step when it is not. True when more is left. */
  async function work(): Promise<boolean> {
    for (;;) {
      if (isStopped || !(await step())) return false;
      await new Promise(setImmediate);
      if (now() - writtenAt < QUIET_MS) return true;
    }
  }

  return {
    name,
    async start() {
      stopWatching = engine.watch((events) => {
        writtenAt = now();
        if (isBehind || !events.some(({ type }) => isNews(type))) return;
        isBehind = true;
        waitsSince = writtenAt;
        lookIn(QUIET_MS);
      });
      waitsSince = now();
      lookIn(QUIET_MS);
    },
    async stop() {
      isStopped = true;
      stopWatching?.();
      clearTimeout(timer);
      await working;
    },
  };
}
