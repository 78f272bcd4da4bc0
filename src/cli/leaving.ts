import { Refusal } from "../kernel/refusal.ts";
import { LONGEST_TIMER_MS } from "../kernel/time.ts";
import type { Io } from "./io.ts";

/** Why waiting ends before what is waited for; the work goes on. */
export type Leaving = {
  /** Aborted with `interrupted` at Ctrl-C, with `late` when the time is over, or with what `leave` was given. */
  readonly signal: AbortSignal;
  readonly leave: (reason: unknown) => void;
  /** Takes back both; to be called when waiting is over. */
  readonly end: () => void;
};

/** Waits no longer than `withinMs`, however long that is: one timer alone fires at once above 24.8 days. */
export function createLeaving(io: Pick<Io, "onInterrupt">, withinMs: number | undefined): Leaving {
  const controller = new AbortController();
  const leave = (reason: unknown) => controller.abort(reason);
  let timer: NodeJS.Timeout | undefined;
  const arm = (leftMs: number): void => {
    const ms = Math.min(leftMs, LONGEST_TIMER_MS);
    timer = setTimeout(() => (leftMs > ms ? arm(leftMs - ms) : leave("late")), ms);
  };
  if (withinMs !== undefined) arm(withinMs);
  const stopListening = io.onInterrupt(() => leave("interrupted"));
  return {
    signal: controller.signal,
    leave,
    end() {
      clearTimeout(timer);
      stopListening();
    },
  };
}

/** Of a command that waits unless it is told not to. */
export function refuseIdleWait({
  wait,
  waitTimeout,
}: {
  readonly wait: boolean;
  readonly waitTimeout?: number;
}): void {
  if (wait || waitTimeout === undefined) return;
  throw new Refusal("invalid_input", "With --no-wait nothing waits, so --wait-timeout says nothing.", {
    hint: "Leave one of them out.",
  });
}
