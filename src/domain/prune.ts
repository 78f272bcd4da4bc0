import { valuesOf } from "../kernel/vector.ts";
import { type CallState, callOfPart, partIdOf } from "./call.ts";
import type { DelegationState } from "./delegation-types.ts";
import { deliverySubject } from "./delivery-id.ts";
import type { DeliveryState } from "./delivery-types.ts";
import type { RunState } from "./run-types.ts";
import { type SessionState, sessionStream, turnIdOf } from "./session.ts";
import type { TaskState } from "./task-types.ts";
import type { WorkerState } from "./worker-types.ts";

/** What may go when it is old; agents, skills, work items, batches and pipelines are what one knows, not what happened. */
export const PRUNABLE: ReadonlySet<string> = new Set([
  "delegation",
  "run",
  "task",
  "worker",
  "delivery",
  "interaction",
  "stray",
  "notice",
  "call",
  "session",
  "mend",
]);

/** The other streams that a stream names: none of them goes while the others stay. */
export function neighboursOf(kind: string, state: unknown): readonly string[] {
  if (state === undefined) return [];
  switch (kind) {
    case "delegation": {
      const { id, parent, childOf, taskOf, session, workflow } = (state as DelegationState).order;
      const ofSession = session && sessionStream(session.id);
      return named(parent?.id, childOf?.run, taskOf?.task, ofSession, workflow?.run, callOfPart(id));
    }
    case "run": {
      const { order, steps } = state as RunState;
      const children = [...valuesOf(steps)].flatMap(({ child, items }) =>
        named(child, ...(items ? [...valuesOf(items)].map((item) => item.child) : [])),
      );
      return named(order.parent?.run, order.taskOf?.task, ...children);
    }
    case "task":
      return named(...(state as TaskState).tries.map(({ child }) => child));
    case "worker":
      return named((state as WorkerState).work.taskOf.task);
    case "call": {
      const { id, chosen } = state as CallState;
      return chosen.map((_, index) => partIdOf(id, index));
    }
    case "session": {
      const { id, turns } = state as SessionState;
      return turns.map(({ turn }) => turnIdOf(id, turn));
    }
    case "delivery": {
      const { subject, members = [] } = (state as DeliveryState).delivery;
      return named(subject, ...members.map(deliverySubject));
    }
    default:
      return [];
  }
}

function named(...ids: readonly (string | undefined)[]): readonly string[] {
  return ids.filter((id) => id !== undefined);
}
