import { plainLetters } from "../kernel/text.ts";
import { failedTasks, failureReport, rollUp } from "./batch-roll-up.ts";
import type { BatchState, BatchStatus, BatchTask, BatchTaskStatus, BatchType } from "./batch-types.ts";

const MINUTE_MS = 60_000;
const LONGEST_SLUG = 40;

/** A task as agents' scripts know it: times are seconds since 1970. */
export type BatchTaskView = {
  readonly id: string;
  readonly label: string;
  readonly status: BatchTaskStatus;
  readonly session_key: string | null;
  readonly has_result: boolean;
  readonly started_at: number | null;
  readonly completed_at: number | null;
  readonly retries: number;
  readonly retries_left: number;
  /** What the latest failed try said, for the prompt of the next one. */
  readonly retry_context?: string;
  /** The label to spawn it under. */
  readonly spawn_label: string;
};

/** How a batch stands, in the shape that agents' scripts know. */
export type BatchView = {
  readonly workflow_id: string;
  readonly type: BatchType;
  readonly status: BatchStatus;
  readonly progress: string;
  readonly pending: number;
  readonly in_progress: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly total: number;
  readonly elapsed_seconds: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Nothing may be begun before somebody chooses; `report` is for the user. */
  readonly stopped: boolean;
  readonly report?: string;
  readonly choices?: Readonly<Record<"retry" | "adjust" | "accept", string>>;
  readonly accepted_at?: number;
  readonly stall?: { readonly minutes: number; readonly expected_minutes: number; readonly note: string };
  readonly subtasks: readonly BatchTaskView[];
};

/** What a batch has brought so far, with everything that is missing named. */
export type BatchResults = {
  readonly workflow_id: string;
  readonly type: BatchType;
  readonly status: BatchStatus;
  /** `empty`: it was completed without a result. */
  readonly completed_results: readonly {
    readonly task_id: string;
    readonly label: string;
    readonly result: string | null;
    readonly empty?: true;
  }[];
  readonly failures: readonly {
    readonly task_id: string;
    readonly label: string;
    readonly error: string;
    readonly retries: number;
  }[];
  readonly cancelled: readonly { readonly task_id: string; readonly label: string }[];
  readonly unfinished: readonly {
    readonly task_id: string;
    readonly label: string;
    readonly status: BatchTaskStatus;
  }[];
  readonly success_count: number;
  readonly failure_count: number;
  readonly cancelled_count: number;
  readonly unfinished_count: number;
  readonly total_tasks: number;
  readonly report: string;
};

const seconds = (ms: number) => ms / 1000;

export function viewOfBatch(state: BatchState, now: number): BatchView {
  const { id, type, tasks, metadata, at, updatedAt, stoppedAt, acceptedAt } = state;
  const status = rollUp(tasks);
  const count = (wanted: BatchTaskStatus) => tasks.filter((task) => task.status === wanted).length;
  const isOver = status !== "pending" && status !== "in_progress";
  const stall = stallOf(state, now);
  return {
    workflow_id: id,
    type,
    status,
    progress: `${count("completed")}/${tasks.length} complete`,
    pending: count("pending"),
    in_progress: count("in_progress"),
    completed: count("completed"),
    failed: count("failed"),
    cancelled: count("cancelled"),
    total: tasks.length,
    elapsed_seconds: seconds(Math.max(0, (isOver ? updatedAt : now) - at)),
    created_at: seconds(at),
    updated_at: seconds(updatedAt),
    metadata,
    stopped: stoppedAt !== undefined,
    ...(stoppedAt === undefined ? {} : { report: failureReport(tasks), choices: choicesOf(id) }),
    ...(acceptedAt === undefined ? {} : { accepted_at: seconds(acceptedAt) }),
    ...(stall ? { stall } : {}),
    subtasks: tasks.map((task) => viewOfTask(id, task)),
  };
}

function choicesOf(id: string): NonNullable<BatchView["choices"]> {
  const resume = `hq batch resume --id ${id} --choice`;
  return { retry: `${resume} retry`, adjust: `${resume} adjust`, accept: `hq batch accept --id ${id}` };
}

function viewOfTask(batch: string, task: BatchTask): BatchTaskView {
  const { id, label, status, retries, retryLimit, error } = task;
  const isToBeTried = status === "failed" || status === "pending" || status === "in_progress";
  return {
    id,
    label,
    status,
    session_key: task.sessionKey ?? null,
    has_result: status !== "failed" && (task.result ?? "") !== "",
    started_at: task.startedAt === undefined ? null : seconds(task.startedAt),
    completed_at: task.completedAt === undefined ? null : seconds(task.completedAt),
    retries,
    retries_left: Math.max(0, retryLimit - retries),
    ...(isToBeTried && error !== undefined ? { retry_context: error || "The last try said nothing." } : {}),
    spawn_label: spawnLabelOf(batch, id, label),
  };
}

/** `<batch>_<task>_<description>`; the id of a batch begins with `wf_` already. */
export function spawnLabelOf(batch: string, task: string, label: string): string {
  const slug = plainLetters(label)
    .replace(/[^a-z0-9]+/g, "_")
    .slice(0, LONGEST_SLUG)
    .replace(/^_+|_+$/g, "");
  const plain = task.replace(/[^A-Za-z0-9._-]+/g, "-");
  return [batch, plain, ...(slug === "" ? [] : [slug])].join("_");
}

export function resultsOfBatch(state: BatchState): BatchResults {
  const { id, type, tasks } = state;
  const named = ({ id: task_id, label }: BatchTask) => ({ task_id, label });
  const completed = tasks.filter(({ status }) => status === "completed");
  const failed = failedTasks(tasks);
  const cancelled = tasks.filter(({ status }) => status === "cancelled");
  const unfinished = tasks.filter(({ status }) => status === "pending" || status === "in_progress");
  return {
    workflow_id: id,
    type,
    status: rollUp(tasks),
    completed_results: completed.map((task) => ({
      ...named(task),
      result: task.result ?? null,
      ...((task.result ?? "").trim() === "" ? { empty: true as const } : {}),
    })),
    failures: failed.map((task) => ({ ...named(task), error: task.error ?? "", retries: task.retries })),
    cancelled: cancelled.map(named),
    unfinished: unfinished.map((task) => ({ ...named(task), status: task.status })),
    success_count: completed.length,
    failure_count: failed.length,
    cancelled_count: cancelled.length,
    unfinished_count: unfinished.length,
    total_tasks: tasks.length,
    report: reportOf(tasks),
  };
}

/** One sentence that leaves no gap unsaid. */
function reportOf(tasks: readonly BatchTask[]): string {
  const ids = (status: BatchTaskStatus) => tasks.filter((task) => task.status === status).map(({ id }) => id);
  const of = (words: string, found: readonly string[]) =>
    found.length > 0 ? [` ${words}: [${found.join(", ")}].`] : [];
  const head =
    failedTasks(tasks).length > 0
      ? failureReport(tasks)
      : `${ids("completed").length} of ${tasks.length} tasks completed.`;
  return [
    head,
    ...of("Cancelled tasks", ids("cancelled")),
    ...of("Not finished", [...ids("in_progress"), ...ids("pending")]),
  ].join("");
}

/** Nothing was completed for more than twice the time that `metadata.expected_minutes` gives a task. */
function stallOf({ metadata, tasks, at }: BatchState, now: number): BatchView["stall"] {
  const expected = metadata["expected_minutes"];
  if (typeof expected !== "number" || !(expected > 0)) return undefined;
  if (!tasks.some(({ status }) => status === "in_progress")) return undefined;
  const ends = tasks.flatMap(({ status, completedAt }) =>
    status === "completed" && completedAt !== undefined ? [completedAt] : [],
  );
  const starts = tasks.flatMap(({ status, startedAt }) =>
    status === "in_progress" ? [startedAt ?? at] : [],
  );
  const since = Math.max(...ends, Math.min(...starts));
  const silentMs = now - since;
  if (silentMs <= 2 * expected * MINUTE_MS) return undefined;
  const minutes = Math.floor(silentMs / MINUTE_MS);
  const note = `Nothing was completed for ${minutes} minutes, and ${expected} were expected. Look whether the sub-agents still run (sessions_list): those that run are slow, so wait; of those that ended without a result say failed. Report honestly what there is.`;
  return { minutes, expected_minutes: expected, note };
}

/** One line for a heartbeat. */
export function briefOfBatch(view: BatchView): string {
  const { workflow_id, type, status, progress, elapsed_seconds, stopped, stall } = view;
  const counts = (["in_progress", "failed", "cancelled"] as const)
    .filter((one) => view[one] > 0)
    .map((one) => `, ${view[one]} ${one.replace("_", " ")}`);
  const notes = [
    ...(stopped ? ["; stopped, ask the user: retry, adjust or accept"] : []),
    ...(stall ? [`; nothing completed for ${stall.minutes} min`] : []),
  ];
  const minutes = Math.floor(elapsed_seconds / 60);
  return `${workflow_id} ${type} ${status}: ${progress}${counts.join("")}, ${minutes} min${notes.join("")}`;
}
