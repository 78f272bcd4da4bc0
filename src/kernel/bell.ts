import { LONGEST_TIMER_MS } from "./time.ts";

/** What a loop sleeps on. A ring while nobody sleeps is kept, so no wake-up is lost. */
export type Bell = {
  readonly ring: () => void;
  /** Whether the next sleep would end at once. */
  readonly isRung: () => boolean;
  /** Resolves at the next ring, or after `ms` when given. One sleeper at a time. */
  readonly sleep: (ms?: number) => Promise<void>;
};

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    isRung: () => rung,
    ring() {
      rung = true;
      wake?.();
    },
    async sleep(ms) {
      if (!rung && (ms === undefined || ms > 0)) {
        await new Promise<void>((resolve) => {
          const timer = ms === undefined ? undefined : setTimeout(resolve, Math.min(ms, LONGEST_TIMER_MS));
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      rung = false;
    },
  };
}
