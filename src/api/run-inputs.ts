import { z } from "zod";
import { RUN_STATUSES } from "../domain/run-types.ts";
import { duration, flag, number, oneOrMore, runId, word } from "./inputs.ts";

const inputs = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe("By name; text is read as the type that the workflow declares");
const caller = word.describe("A claim of whom it is for; only the operator may make one");

export const planBody = z.strictObject({ inputs: inputs.optional(), caller: caller.optional() }).nullish();

export const runBody = z.strictObject({
  workflow: word.describe("The name of the file in workflows/, without .yaml"),
  inputs: inputs.optional(),
  caller: caller.optional(),
  runId: runId.optional().describe("An id of your own; asking twice with the same content is a no-op"),
  deliver: z.boolean().optional().describe("Whether the result is posted to #results"),
});

export const runsQuery = z.strictObject({
  status: oneOrMore(RUN_STATUSES).optional(),
  workflow: word.optional(),
  open: flag.optional(),
  before: z.string().max(200).optional().describe("`next` of the page before"),
  limit: number(1, 200).optional(),
});

export const runQuery = z.strictObject({
  wait: duration
    .optional()
    .describe("Answer when it is settled, at the latest after this span (60s at most)"),
  untilGate: flag.optional().describe("With `wait`: answer as well when it waits for people alone"),
});

export const stepParams = z.strictObject({ id: z.string().max(200), step: z.string().max(200) });

const task = z
  .string()
  .max(20_000)
  .refine((text) => text.trim() !== "", "say what is to be done")
  .describe("Stands in for the task of the definition");
const resumes = z
  .int()
  .min(0)
  .optional()
  .describe("`resumes` of the run that you saw: sent again it is done once, and refused when more happened");
export const retryBody = z
  .strictObject({ tasks: z.record(z.string(), task).optional().describe("By step"), resumes })
  .nullish();
export const retryStepBody = z.strictObject({ task: task.optional(), resumes }).nullish();
export const rerunBody = z.strictObject({
  from: word.describe("This step, and all that depends on it, once more"),
  resumes,
});

export const decisionBody = z
  .strictObject({
    reason: z.string().max(1000).optional(),
    digest: z
      .string()
      .max(100)
      .optional()
      .describe("`gate.digest` of what you were shown: refused when something else waits by now"),
  })
  .nullish();
