import type { TaskEvent } from "./task-events.ts";
import type { TaskState } from "./task-types.ts";

const NOTHING: readonly TaskEvent[] = [];

/** What can happen by itself: it is refused, or claimed, as soon as nobody edits it any more. */
export function goOn(state: TaskState, at: number): readonly TaskEvent[] {
  const { status, takenBy, claiming, graceUntil, refused, refusal, plan } = state;
  if (status !== "open" || takenBy || claiming || refused || at < graceUntil) return NOTHING;
  if (refusal) return [{ type: "task.refused", at, refusal }];
  if (!plan) return NOTHING;
  return [{ type: "task.claiming", at, try: state.tries.length + 1, executor: plan.executor }];
}
