import { z } from "zod";
import { TASK_STATUSES } from "../domain/task-types.ts";
import { WORKER_STATUSES, type WorkerView } from "../domain/worker-view.ts";
import type { Page } from "../engine/ports/ledger.ts";
import type { ClearedPage, TriggerAnswer } from "../engine/queue-verbs.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { instant, shows } from "./outputs.ts";

const tried = z.looseObject({
  number: z.int(),
  claimedAt: instant,
  executor: z.looseObject({ kind: z.enum(["agent", "worker", "workflow"]) }),
  child: z.string().optional().describe("The delegation, run or worker that does it"),
  outcome: z
    .looseObject({ at: instant, status: z.enum(["done", "failed"]), childStatus: z.string() })
    .optional(),
});

const task = z.looseObject({
  id: z.string(),
  status: z.enum(TASK_STATUSES),
  objective: z.string().describe("The text without its tags"),
  task: z.looseObject({
    id: z.string(),
    place: z.looseObject({ channel: z.string(), message: z.string() }),
    author: z.looseObject({ id: z.string(), name: z.string(), isBot: z.boolean() }),
    text: z.string(),
    postedAt: instant,
  }),
  tags: z.looseObject({}),
  tries: z.array(tried),
  refused: z.looseObject({ at: instant, text: z.string() }).optional(),
  handledBy: z.looseObject({ at: instant, user: z.string() }).optional(),
  takenBy: z.looseObject({ at: instant, text: z.string() }).optional(),
  deletedAt: instant.optional(),
});

export const workerOut = shows<WorkerView>(
  z.looseObject({
    id: z.string(),
    task: z.string(),
    agent: z.string(),
    worker: z.string(),
    model: z.string(),
    status: z.enum(WORKER_STATUSES),
    reason: z.string().optional(),
    result: z.string().optional(),
    summary: z.string().optional(),
    files: z.array(z.string()),
    folder: z.string().optional(),
    usage: z
      .looseObject({ inputTokens: z.int(), outputTokens: z.int(), usd: z.number().optional() })
      .optional()
      .describe("Absent = unknown"),
  }),
);
export const taskOut = shows<TaskView>(task);
export const repeatedTaskOut = shows<TaskView>(task.describe("The task that the same key began before"));
export const tasksOut = shows<Page<TaskView>>(
  z.object({ items: z.array(task), next: z.string().optional() }),
);
export const triggeredOut = shows<TriggerAnswer>(
  z.object({ messages: z.int(), open: z.int(), claimed: z.int() }),
);
export const clearedOut = shows<ClearedPage>(
  z.object({
    removed: z.int(),
    kept: z.array(z.object({ reason: z.string(), count: z.int() })),
    next: z.string().optional(),
  }),
);
export const exportOut = {
  description: "A line for each task, newest first: JSON objects, or with format=csv cells with a head line",
  content: {
    "application/x-ndjson": { schema: shows<ReadableStream<Uint8Array>>(z.string()) },
    "text/csv": { schema: shows<ReadableStream<Uint8Array>>(z.string()) },
  },
} as const;
