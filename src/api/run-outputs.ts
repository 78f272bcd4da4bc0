import { z } from "zod";
import type { RunPlan } from "../domain/run-plan.ts";
import { RUN_STATUSES } from "../domain/run-types.ts";
import type { RunView } from "../domain/run-view.ts";
import type { Page } from "../engine/ports/ledger.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";
import type { RunListing, WorkflowListing } from "./listings.ts";
import { instant, shows } from "./outputs.ts";
import { runDrawing } from "./page-outputs.ts";
import type { RunDrawing } from "./run-drawing.ts";

const input = z.looseObject({
  name: z.string(),
  type: z.enum(["string", "number", "boolean", "choice"]),
  description: z.string(),
  required: z.boolean(),
});
const schedule = z.looseObject({
  cron: z.string(),
  timezone: z.string(),
  overlap: z.enum(["skip", "queue"]),
  catchupMs: z.number(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export const workflowsOut = shows<{ readonly items: readonly WorkflowListing[] }>(
  z.object({
    items: z.array(
      z.object({
        name: z.string(),
        description: z.string().optional(),
        inputs: z.array(input),
        steps: z.int(),
        schedules: z.array(schedule),
        problems: z.array(z.string()),
      }),
    ),
  }),
);

const action = z.looseObject({ kind: z.enum(["task", "approval", "workflow", "wait", "conclusion"]) });
export const workflowOut = shows<WorkflowEntry>(
  z.object({
    name: z.string(),
    definition: z
      .looseObject({
        name: z.string(),
        description: z.string(),
        inputs: z.array(input),
        limits: z.looseObject({ maxParallel: z.int(), timeoutMs: z.number(), maxFailures: z.int() }),
        steps: z.array(
          z.looseObject({
            id: z.string(),
            needs: z.array(z.string()),
            continueOnError: z.boolean(),
            cleanup: z.boolean(),
            action,
          }),
        ),
        schedules: z.array(schedule),
        digest: z.string(),
      })
      .optional(),
    problems: z
      .array(z.string())
      .describe("Of the file as it is now; the definition is then the last good one"),
  }),
);

export const planOut = shows<RunPlan>(
  z.looseObject({
    workflow: z.string(),
    inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    waves: z.array(
      z.array(
        z.looseObject({
          id: z.string(),
          kind: z.enum(["task", "approval", "workflow", "wait", "conclusion"]),
          needs: z.array(z.string()),
          agent: z.string().optional(),
          why: z.string().optional(),
          model: z
            .looseObject({ model: z.string().optional(), why: z.string(), usd: z.number().optional() })
            .optional(),
          approvers: z.array(z.string()).optional(),
          estimatedMs: z.number().optional(),
        }),
      ),
    ),
    estimatedMs: z.number().optional(),
    cost: z
      .looseObject({ words: z.int(), workers: z.int(), isAtLeast: z.boolean(), usd: z.number().optional() })
      .describe("Words of all prompts together; usd = to read them, where every model has a price"),
    warnings: z.array(z.string()),
  }),
);

const gate = z.looseObject({
  status: z.enum(["open", "approved", "rejected", "expired"]),
  prompt: z.string(),
  digest: z.string(),
  approvers: z.array(z.string()),
  min: z.int(),
  approvals: z.array(z.object({ who: z.string(), at: instant, reason: z.string().optional() })),
  openedAt: instant,
  expiresAt: instant,
});
const step = z.looseObject({
  id: z.string(),
  kind: z.enum(["task", "approval", "workflow", "wait", "conclusion"]),
  status: z.enum(["pending", "running", "waiting", "succeeded", "partial", "failed", "skipped", "canceled"]),
  needs: z.array(z.string()),
  generation: z.int(),
  agent: z.string().optional(),
  model: z.string().optional().describe("Its model and why, when one was asked for"),
  workers: z.string().optional().describe("Of pieces for workers: who got them, and whose came to nothing"),
  child: z.string().optional(),
  reason: z.string().optional(),
  result: z.string().optional(),
  output: z.unknown().optional(),
  gate: gate.optional(),
});
const listed = {
  id: z.string(),
  workflow: z.string(),
  status: z.enum(RUN_STATUSES),
  waiting: z.enum(["gate", "answer", "time"]).optional(),
  caller: z.string(),
  asker: z.string(),
  inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  startedAt: instant,
  deadlineAt: instant,
  settledAt: instant.optional(),
  progress: z.object({ settled: z.int(), total: z.int(), running: z.int() }),
  stopped: z.object({ failures: z.int(), at: instant }).optional(),
  round: z.int(),
  resumes: z.int().describe("How often people had it go on or begin anew"),
  code: z.literal("timed_out").optional(),
  reason: z.string().optional(),
  missing: z.array(z.string()),
};
const run = z.looseObject({
  ...listed,
  steps: z.array(step),
  result: z.string().optional(),
  output: z.unknown().optional(),
});
export const runOut = shows<RunView>(run);
export const repeatedRunOut = shows<RunView>(
  run.describe("The run that the same key or run id began before"),
);
export const runsOut = shows<Page<RunListing>>(
  z.object({
    items: z.array(z.looseObject({ ...listed, gates: z.array(z.string()) })),
    next: z.string().optional(),
  }),
);

export const graphOut = {
  description: "A mermaid flowchart",
  content: { "text/plain": { schema: shows<string>(z.string()) } },
} as const;
export const runGraphOut = {
  description: "A mermaid flowchart; with format=json the steps in time and in place",
  content: { ...graphOut.content, "application/json": { schema: shows<RunDrawing>(runDrawing) } },
} as const;
