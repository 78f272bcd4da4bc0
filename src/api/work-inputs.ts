import { z } from "zod";
import { POST_HOOKS } from "../domain/pipeline-types.ts";
import { TEST_STATUSES, WORK_EVENTS, WORK_STATUSES } from "../domain/work-types.ts";
import { number, word } from "./inputs.ts";

const text = z.string().trim().min(1).max(4000);
const slug = z.string().max(200);

export const slugParams = z.strictObject({ slug });
export const workQuery = z.strictObject({
  status: z.enum(WORK_STATUSES).optional(),
  project: word.optional(),
  skill: word.optional(),
  workflow: word.optional().describe("Only stages and steps of this run or pipeline"),
  limit: number(1, 500).optional(),
});
export const hooksParams = z.strictObject({ event: z.enum(WORK_EVENTS) });
export const hooksQuery = z.strictObject({
  since: number(0, Number.MAX_SAFE_INTEGER).optional().describe("Epoch milliseconds"),
  limit: number(1, 500).optional(),
});

export const createWorkBody = z.strictObject({
  title: z.string().trim().min(1).max(400),
  slug: z.string().max(120).optional().describe("Made from project and title when it is left out"),
  project: word.optional(),
  goal: text.optional(),
  criteria: z.array(text).max(50).optional().describe("When it is done"),
  constraints: z.array(text).max(50).optional(),
  skill: word.optional().describe("The skill or agent that is to do it"),
  blockers: z.array(slug).max(50).optional().describe("Items that have to be done first"),
  source: word.optional().describe("The task that it comes from"),
});
export const startWorkBody = z.strictObject({ skill: word.optional() }).nullish();
export const failBody = z.strictObject({ reason: z.string().trim().max(2000).optional() }).nullish();
export const handoffWorkBody = z.strictObject({ to: word });
export const blockBody = z.strictObject({ on: slug.min(1) });

const name = z.string().trim().min(1).max(200);
export const notesBody = z.strictObject({
  notes: z
    .array(
      z.discriminatedUnion("type", [
        z.strictObject({
          type: z.literal("artifact"),
          path: z.string().min(1).max(1000),
          kind: z.string().max(60).default("file"),
          label: z.string().max(200).default(""),
        }),
        z.strictObject({
          type: z.literal("metric"),
          name,
          value: z.number(),
          unit: z.string().max(30).default(""),
        }),
        z.strictObject({
          type: z.literal("test"),
          name,
          status: z.enum(TEST_STATUSES),
          evidence: z.string().max(2000).default(""),
        }),
        z.strictObject({ type: z.literal("finding"), text }),
        z.strictObject({ type: z.literal("followup"), text }),
      ]),
    )
    .min(1)
    .max(100),
});

export const skillsQuery = z.strictObject({
  capability: word.optional(),
  input: word.optional(),
  output: word.optional(),
});

export const pipelineBody = z.strictObject({
  name: z.string().max(100).describe("Small letters, digits and dashes"),
  project: word.optional(),
  stages: z
    .array(z.strictObject({ capability: word, goal: text, skill: word.optional() }))
    .min(1)
    .max(20),
  postHooks: z
    .array(z.enum(POST_HOOKS))
    .optional()
    .describe("What follows each stage; all three when it is left out"),
  manual: z.boolean().optional().describe("Taken through its stages by hand"),
  deliver: z.boolean().optional(),
  caller: word.optional().describe("A claim of whom it is for; only the operator may make one"),
});
export const pipelinesQuery = z.strictObject({
  status: z.enum(["pending", "in_progress", "completed", "failed", "canceled"]).optional(),
});
export const advanceBody = z
  .strictObject({ resume: z.boolean().optional().describe("Begin the stage that failed once more") })
  .nullish();
export const stageParams = z.strictObject({ id: z.string().max(200), stage: number(0, 99) });
export const overrideBody = z.strictObject({ reason: z.string().trim().min(1).max(2000) });

export const evolveBody = z
  .strictObject({
    slug: slug.optional().describe("One item; without it all that have ended and were not looked at since"),
    dryRun: z.boolean().optional().describe("Say what would be done, and change nothing"),
  })
  .nullish();
export const acceptBody = z
  .strictObject({
    dryRun: z.boolean().optional().describe("Say what would be written and sent, and change nothing"),
  })
  .nullish();
export const evolveLogQuery = z.strictObject({ limit: number(1, 500).optional() });
