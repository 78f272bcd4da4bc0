import { z } from "zod";
import { TASK_STATUSES, THINKING_LEVELS } from "../domain/task-types.ts";
import { duration, flag, number, oneOrMore } from "./inputs.ts";

/** What may stand between `[model:` and `]`. */
const tagValue = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((text) => !/[[\]\r\n]/.test(text), "no brackets and no line breaks");

export const taskBody = z.strictObject({
  text: z.string().refine((text) => text.trim() !== "", "say what is to be done"),
  model: tagValue.optional().describe("A model of config/hq.yaml; then a worker does it"),
  thinking: z.enum(THINKING_LEVELS).optional(),
  agent: tagValue.optional().describe("Id, alias or letter"),
  worker: tagValue.optional().describe("A kind of worker of config/hq.yaml"),
  workflow: tagValue.optional().describe("Its first required text input gets the text"),
  timeout: duration.optional(),
});

export const tasksQuery = z.strictObject({
  status: oneOrMore(TASK_STATUSES).optional(),
  open: flag.optional(),
  before: z.string().max(200).optional().describe("`next` of the page before"),
  limit: number(1, 200).optional(),
});

export const taskQuery = z.strictObject({
  wait: duration
    .optional()
    .describe(
      "Answer when nothing more happens to it by itself, at the latest after this span (60s at most)",
    ),
});

export const clearQuery = z
  .strictObject({
    status: oneOrMore(TASK_STATUSES).optional().describe("The messages of tasks with these statuses"),
    channel: z
      .enum(["task-queue", "results", "worker-pool"])
      .optional()
      .describe("Or every message of this channel"),
    before: z.string().max(200).optional().describe("`next` of the page before"),
  })
  .refine(({ status, channel }) => (status === undefined) !== (channel === undefined), {
    path: ["status"],
    message: "name statuses or a channel, one of the two",
  });

export const exportQuery = z.strictObject({ format: z.enum(["jsonl", "csv"]).optional() });
