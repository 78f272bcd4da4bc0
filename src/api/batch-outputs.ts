import { z } from "zod";
import { BATCH_STATUSES, BATCH_TASK_STATUSES, BATCH_TYPES } from "../domain/batch-types.ts";
import type { BatchResults, BatchView } from "../domain/batch-view.ts";
import { shows } from "./outputs.ts";

const seconds = z.number().describe("Seconds since 1970");
const batch = z.looseObject({
  workflow_id: z.string(),
  type: z.enum(BATCH_TYPES),
  status: z.enum(BATCH_STATUSES),
  progress: z.string(),
  pending: z.int(),
  in_progress: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  total: z.int(),
  elapsed_seconds: z.number(),
  created_at: seconds,
  updated_at: seconds,
  metadata: z.record(z.string(), z.unknown()),
  stopped: z.boolean(),
  report: z.string().optional(),
  choices: z.record(z.string(), z.string()).optional(),
  accepted_at: seconds.optional(),
  stall: z.object({ minutes: z.number(), expected_minutes: z.number(), note: z.string() }).optional(),
  subtasks: z.array(
    z.looseObject({
      id: z.string(),
      label: z.string(),
      status: z.enum(BATCH_TASK_STATUSES),
      session_key: z.string().nullable(),
      has_result: z.boolean(),
      started_at: seconds.nullable(),
      completed_at: seconds.nullable(),
      retries: z.int(),
      retries_left: z.int(),
      retry_context: z.string().optional(),
      spawn_label: z.string(),
    }),
  ),
});
export const batchOut = shows<BatchView>(batch);
export const batchesOut = shows<{ readonly workflows: readonly BatchView[] }>(
  z.object({ workflows: z.array(batch) }),
);

const named = { task_id: z.string(), label: z.string() };
export const resultsOut = shows<BatchResults>(
  z.looseObject({
    workflow_id: z.string(),
    type: z.enum(BATCH_TYPES),
    status: z.enum(BATCH_STATUSES),
    completed_results: z.array(
      z.object({ ...named, result: z.string().nullable(), empty: z.literal(true).optional() }),
    ),
    failures: z.array(z.object({ ...named, error: z.string(), retries: z.int() })),
    cancelled: z.array(z.object(named)),
    unfinished: z.array(z.object({ ...named, status: z.enum(BATCH_TASK_STATUSES) })),
    success_count: z.int(),
    failure_count: z.int(),
    cancelled_count: z.int(),
    unfinished_count: z.int(),
    total_tasks: z.int(),
    report: z.string(),
  }),
);

export type CleanupAnswer = {
  readonly removed: readonly string[];
  readonly remaining: number;
  readonly dry_run: boolean;
};
export const cleanupOut = shows<CleanupAnswer>(
  z.object({ removed: z.array(z.string()), remaining: z.int(), dry_run: z.boolean() }),
);

export type ImportAnswer = {
  readonly imported: readonly string[];
  readonly already_there: readonly string[];
  readonly corrected: readonly { readonly id: string; readonly said: string; readonly is: string }[];
};
export const importOut = shows<ImportAnswer>(
  z.object({
    imported: z.array(z.string()),
    already_there: z.array(z.string()),
    corrected: z.array(z.object({ id: z.string(), said: z.string(), is: z.string() })),
  }),
);
