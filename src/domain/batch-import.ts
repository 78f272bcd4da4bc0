import { z } from "zod";
import type { Problem } from "../kernel/refusal.ts";
import type { Actor } from "./actor.ts";
import { isBatchActive, rollUp } from "./batch-roll-up.ts";
import {
  BATCH_STATUSES,
  BATCH_TASK_STATUSES,
  BATCH_TYPES,
  type BatchState,
  type BatchTask,
  isTaskEnded,
  MOST_BATCH_TASKS,
  MOST_TASK_RETRIES,
} from "./batch-types.ts";
import { inWords } from "./schema-words.ts";

const seconds = z.number().nonnegative().describe("Seconds since 1970");
const oldTask = z.looseObject({
  id: z.string().trim().min(1).max(80),
  label: z.string().optional(),
  status: z.enum(BATCH_TASK_STATUSES),
  session_key: z.string().nullish(),
  result: z.string().nullish(),
  started_at: seconds.nullish(),
  completed_at: seconds.nullish(),
  retries: z.int().min(0).nullish(),
});
const oldBatch = z.looseObject({
  type: z.enum(BATCH_TYPES),
  status: z.enum(BATCH_STATUSES).optional(),
  created_at: seconds,
  updated_at: seconds,
  subtasks: z
    .array(oldTask)
    .min(1)
    .max(MOST_BATCH_TASKS)
    .refine(
      (tasks) => new Set(tasks.map(({ id }) => id)).size === tasks.length,
      "two tasks have the same id",
    ),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});
/** The content of the old workflows.json. */
export const oldBatches = z.object({
  workflows: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "no id of a workflow"), oldBatch),
});
export type OldBatches = z.output<typeof oldBatches>;
type OldBatch = OldBatches["workflows"][string];

/** Checks it as a whole: every problem with its place, or the content. */
export function readOldBatches(content: unknown): OldBatches | { readonly problems: readonly Problem[] } {
  const read = oldBatches.safeParse(content, { error: inWords });
  if (read.success) return read.data;
  return { problems: read.error.issues.map(({ path, message }) => ({ path: path.join("."), message })) };
}

/** An old batch as one of ours. Its status follows from its tasks and not from what the file says. */
export function batchFromOld(id: string, old: OldBatch, actor: Actor): BatchState {
  const ms = (given: number) => Math.round(given * 1000);
  const tasks = old.subtasks.map((task): BatchTask => {
    const { status, retries, result, session_key, started_at, completed_at } = task;
    return {
      id: task.id,
      label: task.label ?? task.id,
      status,
      retries: retries ?? 0,
      retryLimit: Math.max(MOST_TASK_RETRIES, retries ?? 0),
      ...(result ? { result } : {}),
      ...(status === "failed" ? { error: result ?? "", forgiven: true as const } : {}),
      ...(session_key ? { sessionKey: session_key } : {}),
      ...(started_at ? { startedAt: ms(started_at) } : {}),
      ...(completed_at && isTaskEnded(status) ? { completedAt: ms(completed_at) } : {}),
    };
  });
  const [at, updatedAt] = [ms(old.created_at), ms(old.updated_at)];
  return { id, type: old.type, actor, at, updatedAt, metadata: old.metadata ?? {}, tasks };
}

/** What the file said of a batch where that differs from what its tasks say. */
export function otherThanSaid(old: OldBatch, { tasks }: BatchState): string | undefined {
  const status = rollUp(tasks);
  if (old.status === undefined || old.status === status) return undefined;
  // The old roll-up left a batch pending when its first task had failed.
  return isBatchActive({ tasks }) && old.status === "pending" ? undefined : old.status;
}
