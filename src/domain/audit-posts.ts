import type { AuditContext, AuditedStream, Finding } from "./audit-types.ts";
import { MEND } from "./audit-ways.ts";
import type { DelegationState } from "./delegation-types.ts";
import type { Delivery } from "./effects.ts";
import { runDeliveries } from "./run-effects.ts";
import type { RunState } from "./run-types.ts";
import type { WorkerState } from "./worker-types.ts";

/** What people must be able to see of something that has settled, as its decider agreed it. */
function owedDeliveries({ id, kind, status, state }: AuditedStream): readonly Delivery[] {
  if (state === undefined) return [];
  const log: Delivery = { id: `${id}/log`, kind: "log", to: { role: "agentLogs" }, subject: id };
  const result: Delivery = { id: `${id}/result`, kind: "result", to: { role: "results" }, subject: id };
  switch (kind) {
    case "delegation": {
      const { deliver } = (state as Pick<DelegationState, "order">).order;
      return deliver && status !== "canceled" ? [result, log] : [log];
    }
    case "worker": {
      const { status: end } = state as Pick<WorkerState, "status">;
      return end === "canceled" ? [log] : [result, log];
    }
    case "run":
      return runDeliveries(state as Pick<RunState, "order" | "status" | "round">);
    default:
      return [];
  }
}

/** Settled, and the message that was due is neither there nor on its way. */
export function duePosts(stream: AuditedStream, context: AuditContext): readonly Finding[] {
  if (stream.open) return [];
  const waiting = new Set(
    stream.effects.flatMap(({ body }) => (body.type === "post" ? [body.delivery.id] : [])),
  );
  return owedDeliveries(stream).flatMap((delivery) =>
    stream.seen.has(delivery.id) || waiting.has(delivery.id) || context.isBatched(delivery.id)
      ? []
      : [unseen(delivery, stream.at, context.now)],
  );
}

/** Posting it looks into the channel's history first, however long ago it may have been sent. */
export function unseen(delivery: Delivery, since: number, now: number): Finding {
  const { id, kind, subject } = delivery;
  return {
    fault: "unseen",
    id,
    ...(subject === undefined ? {} : { of: subject }),
    reason: `the ${kind} was due, and no message of it is known`,
    mend: MEND,
    act: {
      type: "effect",
      effect: { body: { type: "post", delivery, mayBeThereSince: since }, lane: "discord", dueAt: now },
    },
  };
}
