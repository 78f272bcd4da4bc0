import type { Actor } from "./actor.ts";

/** The patterns that a batch may follow, in the words of the ledger that agents know. */
export const BATCH_TYPES = ["fan_out", "pipeline", "supervisor", "expert_panel", "map_reduce"] as const;
export type BatchType = (typeof BATCH_TYPES)[number];

/** `cancelled` is spelled as in that ledger, whose words scripts read and write. */
export const BATCH_TASK_STATUSES = ["pending", "in_progress", "completed", "failed", "cancelled"] as const;
export type BatchTaskStatus = (typeof BATCH_TASK_STATUSES)[number];
export const BATCH_STATUSES = [...BATCH_TASK_STATUSES, "partial"] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** A task is tried again at most so often, unless people decide otherwise. */
export const MOST_TASK_RETRIES = 2;
/** So many failed tasks stop a batch. */
export const STOPPING_FAILURES = 3;
export const MOST_BATCH_TASKS = 1000;

export type NewBatchTask = { readonly id: string; readonly label: string };

/** One piece of work of a batch, done by whomever the agent has spawned for it. */
export type BatchTask = NewBatchTask & {
  readonly status: BatchTaskStatus;
  readonly sessionKey?: string;
  readonly result?: string;
  readonly startedAt?: number;
  readonly completedAt?: number;
  readonly retries: number;
  readonly retryLimit: number;
  /** What the latest failed try said; the next try has to know it. */
  readonly error?: string;
  /** It failed before people decided to go on, and does not stop the batch again. */
  readonly forgiven?: true;
};

/** Work that an agent spawns and tracks by hand from its shell. */
export type BatchState = {
  readonly id: string;
  readonly type: BatchType;
  /** Whose it is. */
  readonly actor: Actor;
  readonly at: number;
  readonly updatedAt: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tasks: readonly BatchTask[];
  /** Too many failed: nothing may be begun before somebody decides how to go on. */
  readonly stoppedAt?: number;
  /** What there was then has been taken as all there will be. */
  readonly acceptedAt?: number;
  readonly removedAt?: number;
};

export type BatchChange = {
  readonly task: string;
  readonly status: BatchTaskStatus;
  readonly result?: string;
  readonly sessionKey?: string;
};

export type BatchInput =
  | ({ readonly type: "create"; readonly tasks: readonly NewBatchTask[] } & Pick<
      BatchState,
      "id" | "actor" | "at" | "metadata"
    > & { readonly pattern: BatchType })
  | { readonly type: "import"; readonly at: number; readonly batch: BatchState }
  | ({ readonly type: "update"; readonly at: number } & BatchChange)
  | {
      readonly type: "resume";
      readonly at: number;
      /** `retry`: what failed once more. `adjust`: go on without it, with other tasks in its place if there are any. */
      readonly choice: "retry" | "adjust";
      readonly added: readonly NewBatchTask[];
      readonly reason?: string;
    }
  | { readonly type: "accept"; readonly at: number; readonly reason?: string }
  /** Means nothing when it was changed since. */
  | { readonly type: "remove"; readonly at: number; readonly unchangedSince?: number };

type EventOf<Type extends BatchInput["type"], Name extends string> = Omit<
  Extract<BatchInput, { type: Type }>,
  "type"
> & { readonly type: Name };

export type BatchEvent =
  | EventOf<"create", "batch.created">
  | EventOf<"import", "batch.imported">
  | EventOf<"update", "batch.updated">
  | { readonly type: "batch.stopped"; readonly at: number; readonly failed: readonly string[] }
  | EventOf<"resume", "batch.resumed">
  | EventOf<"accept", "batch.accepted">
  | { readonly type: "batch.removed"; readonly at: number };

export const batchStream = (id: string) => `batch-${id}`;

export function isTaskEnded(status: BatchTaskStatus): boolean {
  return status !== "pending" && status !== "in_progress";
}
