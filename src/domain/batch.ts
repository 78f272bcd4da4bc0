import type { Decider } from "../kernel/decider.ts";
import { failedTasks } from "./batch-roll-up.ts";
import {
  type BatchEvent,
  type BatchInput,
  type BatchState,
  type BatchTask,
  isTaskEnded,
  MOST_TASK_RETRIES,
  type NewBatchTask,
  STOPPING_FAILURES,
} from "./batch-types.ts";
import { whyNotBatch } from "./batch-why-not.ts";
import type { Effect } from "./effects.ts";

function decide(state: BatchState | undefined, input: BatchInput): readonly BatchEvent[] {
  if (input.type === "create") return state ? [] : [{ ...input, type: "batch.created" }];
  if (input.type === "import") return state ? [] : [{ ...input, type: "batch.imported" }];
  if (!state || whyNotBatch(state, input)) return [];
  switch (input.type) {
    case "update":
      return decideUpdate(state, input);
    case "resume":
      return [{ ...input, type: "batch.resumed" }];
    case "accept":
      return [{ ...input, type: "batch.accepted" }];
    case "remove": {
      const isChanged = input.unchangedSince !== undefined && input.unchangedSince !== state.updatedAt;
      return isChanged ? [] : [{ type: "batch.removed", at: input.at }];
    }
  }
}

function decideUpdate(
  state: BatchState,
  input: Extract<BatchInput, { type: "update" }>,
): readonly BatchEvent[] {
  const task = state.tasks.find(({ id }) => id === input.task);
  if (!task || saysNothingNew(task, input)) return [];
  const updated: BatchEvent = { ...input, type: "batch.updated" };
  const failed = failedTasks(evolve(state, updated).tasks).filter(({ forgiven }) => !forgiven);
  const stops =
    input.status === "failed" && state.stoppedAt === undefined && failed.length >= STOPPING_FAILURES;
  if (!stops) return [updated];
  return [updated, { type: "batch.stopped", at: input.at, failed: failed.map(({ id }) => id) }];
}

/** The same said twice is said once: a command whose answer was lost may be given again. */
function saysNothingNew(
  task: BatchTask,
  { status, result, sessionKey }: Extract<BatchInput, { type: "update" }>,
): boolean {
  return (
    task.status === status &&
    (result === undefined || result === task.result) &&
    (sessionKey === undefined || sessionKey === task.sessionKey)
  );
}

function evolve(state: BatchState | undefined, event: BatchEvent): BatchState {
  if (event.type === "batch.created") {
    const { type: _, pattern, tasks, ...rest } = event;
    return { ...rest, type: pattern, updatedAt: event.at, tasks: tasks.map(pendingTask) };
  }
  if (event.type === "batch.imported") return event.batch;
  if (!state) throw new Error(`${event.type} before batch.created`);
  switch (event.type) {
    case "batch.updated":
      return {
        ...state,
        updatedAt: event.at,
        tasks: state.tasks.map((task) => (task.id === event.task ? updatedTask(task, event) : task)),
      };
    case "batch.stopped":
      return { ...state, stoppedAt: event.at };
    case "batch.resumed": {
      const decided = state.tasks.map((task) =>
        task.status === "failed" ? decidedTask(task, event.choice) : task,
      );
      const { stoppedAt: _, ...rest } = state;
      return { ...rest, updatedAt: event.at, tasks: [...decided, ...event.added.map(pendingTask)] };
    }
    case "batch.accepted": {
      const tasks = state.tasks.map((task) =>
        isTaskEnded(task.status) ? task : { ...task, status: "cancelled" as const, completedAt: event.at },
      );
      const { stoppedAt: _, ...rest } = state;
      return { ...rest, updatedAt: event.at, acceptedAt: event.at, tasks };
    }
    case "batch.removed":
      return { ...state, removedAt: event.at, metadata: {}, tasks: [] };
  }
}

function pendingTask({ id, label }: NewBatchTask): BatchTask {
  return { id, label, status: "pending", retries: 0, retryLimit: MOST_TASK_RETRIES };
}

function updatedTask(before: BatchTask, event: Extract<BatchEvent, { type: "batch.updated" }>): BatchTask {
  const { status, at } = event;
  const isNewTry = before.status === "failed" && !isTaskEnded(status);
  const { sessionKey: _key, result: _result, completedAt: _completed, startedAt: _started, ...rest } = before;
  const { forgiven: _forgiven, ...unforgiven } = rest;
  const sessionKey = event.sessionKey ?? (isNewTry ? undefined : before.sessionKey);
  // What a failed task has is its error, which is kept as such; a later result does not begin with it.
  const kept = before.status === "failed" && status !== "failed" ? undefined : before.result;
  const result = event.result ?? kept;
  const startedAt =
    status === "in_progress" && before.status !== "in_progress"
      ? at
      : status === "pending"
        ? undefined
        : before.startedAt;
  return {
    ...(status === "failed" && before.status === "failed" ? rest : unforgiven),
    status,
    retries: before.retries + (isNewTry ? 1 : 0),
    ...(sessionKey === undefined ? {} : { sessionKey }),
    ...(result === undefined ? {} : { result }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(isTaskEnded(status) ? { completedAt: at } : {}),
    ...(status === "failed"
      ? { error: event.result ?? (before.status === "failed" ? (before.error ?? "") : "") }
      : {}),
  };
}

function decidedTask(task: BatchTask, choice: "retry" | "adjust"): BatchTask {
  if (choice === "adjust") return { ...task, forgiven: true };
  const { id, label, error = "" } = task;
  const retries = task.retries + 1;
  return { id, label, status: "pending", retries, retryLimit: retries + MOST_TASK_RETRIES, error };
}

export const batch: Decider<BatchState, BatchInput, BatchEvent, Effect> = {
  decide,
  evolve,
  effects: () => [],
};
