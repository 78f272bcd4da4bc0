import type { Delivery } from "../domain/effects.ts";
import type { Outcome } from "../engine/loop.ts";
import type { Log } from "../engine/ports/log.ts";
import type { DeliveryPort } from "./delivery-port.ts";
import { planMissingPlace, type RetryPlan } from "./retry-plan.ts";

/** Posts that wait for people to mend something; `reason` is that of the first of them. */
export type TroubledPosts = {
  readonly count: number;
  readonly reason: string;
  /** People are to decide, and there is no channel in which they could be asked. */
  readonly isUnasked?: boolean;
  /** There is no channel for them: known at once. Otherwise they were tried again and again for nothing. */
  readonly isNowhere?: boolean;
  /** Discord wants to be asked again then (epoch ms), and nobody has to mend anything. */
  readonly until?: number;
  /** Instead of posts: tasks that cannot be claimed, or the queue that cannot be read. */
  readonly what?: "tasks" | "queue";
};

/** What cannot be posted now goes back into the outbox, and is told where people look. */
export function createPostTrouble(deps: {
  readonly deliveries: Pick<DeliveryPort, "record">;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { deliveries, now, log } = deps;
  const lasting = new Map<string, { readonly reason: string; readonly until?: number }>();
  const nowhere = new Map<string, string>();

  async function giveBack(delivery: Delivery, plan: RetryPlan): Promise<Outcome> {
    const { outcome, isTrouble, isLasting, isLimited } = plan;
    nowhere.delete(delivery.id);
    log.warn(
      { delivery: delivery.id, dueAt: outcome.dueAt, reason: outcome.reason },
      "a post is tried again later",
    );
    if (isLasting)
      lasting.set(delivery.id, { reason: outcome.reason, ...(isLimited ? { until: outcome.dueAt } : {}) });
    // That time is over, and what is in the way now is another thing.
    else if (lasting.get(delivery.id)?.until !== undefined) lasting.delete(delivery.id);
    if (isTrouble)
      await deliveries.record({ type: "trouble", at: now(), delivery, text: outcome.reason }, []);
    return outcome;
  }

  return {
    giveBack,
    noPlace(delivery: Delivery, tries: number): Promise<Outcome> {
      const { id, to } = delivery;
      const wanted = "role" in to ? `the logical channel ${to.role}` : to.channel;
      const text = `the guild has no channel for ${wanted}, or has it twice; see config/channels.yaml`;
      log.warn({ delivery: id, to }, "a post has no channel and waits");
      const given = giveBack(delivery, planMissingPlace(text, tries, now()));
      nowhere.set(id, text);
      return given;
    },
    delete(id: string): void {
      lasting.delete(id);
      nowhere.delete(id);
    },
    told(): TroubledPosts | undefined {
      const [missing] = nowhere.values();
      if (missing !== undefined) return { count: nowhere.size, reason: missing, isNowhere: true };
      const [first] = lasting.values();
      return first && { count: lasting.size, ...first };
    },
  };
}
