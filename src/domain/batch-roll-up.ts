import { type BatchState, type BatchStatus, type BatchTask, isTaskEnded } from "./batch-types.ts";

/**
 * How a batch stands by its tasks. Completed is it only when every task is: a failed or cancelled one beside completed
 * ones makes it partial, without a completed one it is failed, or cancelled when nothing failed. Before all have ended it
 * is in progress as soon as one is no longer pending.
 */
export function rollUp(tasks: readonly Pick<BatchTask, "status">[]): BatchStatus {
  const has = (status: BatchTask["status"]) => tasks.some((task) => task.status === status);
  if (!tasks.every(({ status }) => isTaskEnded(status))) {
    return tasks.every(({ status }) => status === "pending") ? "pending" : "in_progress";
  }
  if (has("completed")) return has("failed") || has("cancelled") ? "partial" : "completed";
  return has("failed") ? "failed" : "cancelled";
}

export function failedTasks(tasks: readonly BatchTask[]): readonly BatchTask[] {
  return tasks.filter(({ status }) => status === "failed");
}

export function isBatchActive(state: Pick<BatchState, "tasks">): boolean {
  return ["pending", "in_progress"].includes(rollUp(state.tasks));
}

/** What to tell the user when tasks failed. */
export function failureReport(tasks: readonly BatchTask[]): string {
  const completed = tasks.filter(({ status }) => status === "completed").length;
  const failed = failedTasks(tasks).map(({ id, label }) => (label === id ? id : `${id} (${label})`));
  const rest = completed > 0 ? "Partial results available." : "There are no results.";
  return `${completed} of ${tasks.length} tasks completed. Failed tasks: [${failed.join(", ")}]. ${rest}`;
}
