import type { Outcome } from "../engine/loop.ts";
import type { Log } from "../engine/ports/log.ts";
import type { DeliveryPort } from "./delivery-port.ts";

/** Channels are looked for in what Discord told us already. */
const NO_PLACE_AGAIN_MS = 5000;

/** What waits for people and has no channel: it is told of at once, and shown as soon as there is one for it. */
export function createPlaceless(deps: {
  readonly deliveries: Pick<DeliveryPort, "tellUnasked">;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { deliveries, now, log } = deps;
  const waiting = new Map<string, string>();
  return {
    async waits(id: string): Promise<Outcome> {
      const reason = `the guild has no channel in which ${id} could be shown`;
      if (!waiting.has(id)) {
        log.warn({ question: id }, "what waits for people has no channel and waits");
        await deliveries.tellUnasked?.(id, now());
      }
      waiting.set(id, reason);
      return { kind: "again", dueAt: now() + NO_PLACE_AGAIN_MS, reason };
    },
    /** What waits for nobody, or not any more. */
    leftOut(id: string): Outcome {
      waiting.delete(id);
      log.warn({ card: id }, "a card has no channel and is left out");
      return { kind: "done", outcome: "no such channel" };
    },
    delete: (id: string): void => void waiting.delete(id),
    all: (): readonly string[] => [...waiting.values()],
  };
}
