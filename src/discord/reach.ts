import { failureOf } from "./discord-failure.ts";

const LOOK_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 2000;

/** Requests that got no answer at all: since when (epoch ms), and what became of the last one. */
export type Unanswered = { readonly since: number; readonly text: string };

/**
 * Notices when requests to Discord are not answered, which says nothing of the gateway: a firewall may let one pass and
 * not the other. Any answer counts, a refusal too. From the first request without one on, looks are made until there is
 * one, so that it does not depend on what there is to say.
 */
export function createReach(deps: {
  /** One request that changes nothing; heard like all others. */
  readonly look: (signal: AbortSignal) => Promise<unknown>;
  readonly now: () => number;
}) {
  let unanswered: Unanswered | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function lookLater(): void {
    if (isStopped) return;
    timer ??= setTimeout(() => {
      const settled = deps.look(AbortSignal.timeout(LOOK_WITHIN_MS));
      // What comes of it was heard already.
      void Promise.allSettled([settled]).then(() => {
        timer = undefined;
        if (unanswered) lookLater();
      });
    }, LOOK_EVERY_MS);
  }

  return {
    unanswered: () => unanswered,
    /** Sends a request, and hears whether it is answered. */
    async heard<T>(request: () => Promise<T>): Promise<T> {
      try {
        const answer = await request();
        unanswered = undefined;
        return answer;
      } catch (error) {
        unanswered = { since: unanswered?.since ?? deps.now(), text: failureOf(error).text };
        lookLater();
        throw error;
      }
    },
    stop(): void {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
