import type { DelegationState } from "../domain/delegation-types.ts";
import { LONGEST_TIMER_MS } from "../kernel/time.ts";
import type { Engine } from "./accept.ts";

export type UntilOptions = { readonly timeoutMs?: number; readonly signal?: AbortSignal };

/**
 * Resolves as soon as a delegation is over in the sense of `isOver`, at `timeoutMs`, or when aborted; look at its
 * state to learn which. It looks once before it waits, so nothing is missed in between.
 */
export async function until(
  engine: Pick<Engine, "read" | "watch">,
  id: string,
  isOver: (state: DelegationState) => boolean,
  options: UntilOptions,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(finish, Math.min(options.timeoutMs ?? LONGEST_TIMER_MS, LONGEST_TIMER_MS));
    const look = () => {
      engine.read("delegation", id).then((state) => {
        if (state && isOver(state)) finish();
      }, fail);
    };
    const unwatch = engine.watch(look, id);
    function leave() {
      clearTimeout(timer);
      unwatch();
      options.signal?.removeEventListener("abort", finish);
    }
    function finish() {
      leave();
      resolve();
    }
    function fail(error: unknown) {
      leave();
      reject(error instanceof Error ? error : new Error(String(error)));
    }
    options.signal?.addEventListener("abort", finish, { once: true });
    if (options.signal?.aborted) finish();
    look();
  });
}
