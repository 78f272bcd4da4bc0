import { z } from "zod";
import { oldBatches } from "../domain/batch-import.ts";
import {
  BATCH_TASK_STATUSES,
  BATCH_TYPES,
  MOST_BATCH_TASKS,
  type NewBatchTask,
} from "../domain/batch-types.ts";
import { flag } from "./inputs.ts";

const LONGEST_RESULT = 200_000;
const LONGEST_LABEL = 500;

const id = z.string().trim().min(1).max(80);
const label = z.string().trim().min(1).max(LONGEST_LABEL).describe("What is to be done, in a few words");
const subtask = z.strictObject({
  id: id.optional().describe("task_1, task_2, … when absent"),
  label: label.optional(),
});
const added = z.strictObject({ id: id.describe("None that is there already"), label: label.optional() });

/** With the ids and labels that were left out. */
function named(
  given: readonly { readonly id?: string | undefined; readonly label?: string | undefined }[],
  context: z.RefinementCtx,
): readonly NewBatchTask[] {
  const tasks = given.map((one, index) => ({
    id: one.id ?? `task_${index + 1}`,
    label: one.label ?? `Subtask ${index + 1}`,
  }));
  const seen = new Set<string>();
  for (const [index, task] of tasks.entries()) {
    if (seen.has(task.id))
      context.addIssue({
        code: "custom",
        path: [index, "id"],
        message: `there is a task ${task.id} already`,
      });
    seen.add(task.id);
  }
  return tasks;
}

const metadata = z
  .record(z.string(), z.unknown())
  .refine(({ expected_minutes }) => expected_minutes === undefined || isMinutes(expected_minutes), {
    path: ["expected_minutes"],
    message: "a number of minutes above 0",
  });
const isMinutes = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value > 0;

export const createBatchBody = z.strictObject({
  type: z.enum(BATCH_TYPES),
  subtasks: z.array(subtask).min(1, "at least one task").max(MOST_BATCH_TASKS).transform(named),
  metadata: metadata
    .optional()
    .describe(
      "Yours; expected_minutes in it is how long a task should take, for the note when nothing comes",
    ),
});
const result = z
  .string()
  .max(LONGEST_RESULT, `at most ${LONGEST_RESULT} characters: write it to a file and say where it is`);
/** What people and programs write for cancelled. */
const status = z.preprocess(
  (said) => (said === "canceled" ? "cancelled" : said),
  z.enum(BATCH_TASK_STATUSES),
);
export const updateBatchBody = z.strictObject({
  status,
  result: result.optional().describe("What it brought; for failed, the error"),
  session_key: z.string().trim().min(1).max(200).optional().describe("Of the sub-agent that does it"),
});
export const batchTaskParams = z.strictObject({ id: z.string().max(200), task: z.string().max(200) });
export const batchesQuery = z.strictObject({ active: flag.optional() });

const reason = z.string().trim().min(1).max(1000).optional();
export const resumeBatchBody = z
  .strictObject({
    choice: z
      .enum(["retry", "adjust"])
      .describe("retry: what failed once more; adjust: go on without it, with other tasks if you add some"),
    subtasks: z.array(added).max(MOST_BATCH_TASKS).transform(named).optional(),
    reason,
  })
  .refine(({ choice, subtasks }) => choice === "adjust" || !subtasks?.length, {
    path: ["subtasks"],
    message: "tasks are added with adjust",
  });
export const acceptBatchBody = z.strictObject({ reason }).nullish();
export const cleanupBody = z.strictObject({
  days: z.number().min(0).max(36_500).optional().describe("Those that did not change for so long (7)"),
  dry_run: z.boolean().optional(),
});
export const importBatchesBody = oldBatches;
