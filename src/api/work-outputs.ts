import { z } from "zod";
import type { HookTask } from "../domain/evolution.ts";
import type { PipelineView } from "../domain/pipeline.ts";
import { STAGE_STATUSES } from "../domain/pipeline.ts";
import type { SkillContract } from "../domain/skill-contract.ts";
import type { Evolved } from "../domain/work-types.ts";
import { WORK_STATUSES } from "../domain/work-types.ts";
import type { WorkItem } from "../domain/work-view.ts";
import type {
  Advanced,
  DecidedProposals,
  EvolvedItem,
  EvolveVerbs,
  WorkHook,
  WorkStats,
} from "../engine/work-verbs.ts";
import { instant, shows } from "./outputs.ts";

const list = z.array(z.string());
const item = z.object({
  slug: z.string(),
  title: z.string(),
  project: z.string(),
  source_task_id: z.string(),
  intent: z.object({ goal: z.string(), success_criteria: list, constraints: list }),
  lifecycle: z.object({
    status: z.enum(WORK_STATUSES),
    assignee_skill: z.string(),
    agent: z.string().optional(),
    orchestrator_workflow: z.string(),
    reason: z.string().optional(),
    timestamps: z.object({
      created_at: z.string(),
      started_at: z.string().nullable(),
      completed_at: z.string().nullable(),
    }),
  }),
  dependencies: z.object({ blockers: list, dependents: list }),
  telemetry: z.looseObject({ metrics: z.array(z.unknown()), tests: z.array(z.unknown()), logs: list }),
  artifacts: z.array(z.object({ type: z.string(), label: z.string(), path: z.string() })),
  lessons: z.object({ findings: list, followups: list }),
  history: z.array(z.looseObject({ event: z.string(), timestamp: z.string(), author: z.string() })),
});

export const workOut = shows<WorkItem>(item);
export const worksOut = shows<{ readonly items: readonly WorkItem[] }>(z.object({ items: z.array(item) }));
export const hooksOut = shows<{ readonly items: readonly WorkHook[] }>(
  z.object({
    items: z.array(
      z.looseObject({ slug: z.string(), event: z.string(), timestamp: z.string(), author: z.string() }),
    ),
  }),
);
const counts = z.record(z.string(), z.int());
export const statsOut = shows<WorkStats>(
  z.object({ total: z.int(), byStatus: counts, byProject: counts, bySkill: counts }),
);

const contract = z.looseObject({
  name: z.string(),
  skill_path: z.string(),
  description: z.string(),
  capabilities: list,
  inputs: z.array(z.looseObject({ name: z.string(), type: z.string() })),
  outputs: z.array(z.looseObject({ name: z.string(), type: z.string() })),
  upstream: list,
  downstream: list,
  estimated_minutes: z.number(),
  model_preference: z.string(),
});
export const skillOut = shows<SkillContract>(contract);
export const skillsOut = shows<{ readonly items: readonly SkillContract[] }>(
  z.object({ items: z.array(contract) }),
);

const verdict = z.enum(["pass", "warn", "fail"]);
const pipeline = z.object({
  id: z.string(),
  name: z.string(),
  project: z.string().optional(),
  mode: z.enum(["run", "manual"]),
  status: z.enum(["pending", "in_progress", "completed", "failed", "canceled"]),
  canceled: z.object({ by: z.string(), at: instant, reason: z.string().optional() }).optional(),
  stages: z.array(
    z.looseObject({
      index: z.int(),
      capability: z.string(),
      goal: z.string(),
      skill: z.string(),
      agent: z.string().optional(),
      workItem: z.string(),
      status: z.enum(STAGE_STATUSES),
      verdict: verdict.optional(),
      issues: list.optional(),
      override: z.object({ by: z.string(), at: instant, reason: z.string() }).optional(),
      postHooksRun: z.boolean(),
    }),
  ),
  current: z.int().optional().describe("The stage that is done now or comes next"),
  postHooks: list,
  createdAt: instant,
});
export const pipelineOut = shows<PipelineView>(pipeline);
export const pipelinesOut = shows<{ readonly items: readonly PipelineView[] }>(
  z.object({ items: z.array(pipeline) }),
);
export const advancedOut = shows<Advanced>(
  z.object({
    outcome: z.enum(["started", "running", "blocked", "failed", "done"]),
    stage: z.int().optional(),
    why: z.string(),
    pipeline,
  }),
);
export const hookTasksOut = shows<{ readonly items: readonly HookTask[] }>(
  z.object({
    items: z.array(
      z.object({
        skill: z.string(),
        label: z.string(),
        description: z.string(),
        inputs: z.record(z.string(), z.string()),
      }),
    ),
  }),
);

const health = z.looseObject({ skill: z.string(), health: z.enum(["healthy", "degraded", "failing"]) });
export const evolvedOut = shows<{ readonly items: readonly EvolvedItem[] }>(
  z.object({
    items: z.array(
      z.looseObject({ slug: z.string(), skill: z.string(), verdict, issues: list, proposals: z.int() }),
    ),
  }),
);
export const proposalsOut = shows<DecidedProposals>(
  z.object({
    slug: z.string(),
    decision: z.enum(["accepted", "dismissed"]),
    delegation: z.string().optional(),
    written: list.optional(),
    dryRun: z.literal(true).optional(),
    changes: z.array(z.object({ target: z.string(), diff: z.string() })).optional(),
    agent: z.string().optional(),
  }),
);
export const evolveScanOut = shows<{ readonly items: readonly string[] }>(z.object({ items: list }));
export const evolveLogOut = shows<{ readonly items: readonly ({ readonly slug: string } & Evolved)[] }>(
  z.object({ items: z.array(z.looseObject({ slug: z.string(), at: instant, verdict, issues: list })) }),
);
export const evolveStatusOut = shows<Awaited<ReturnType<EvolveVerbs["status"]>>>(
  z.object({ waiting: z.int(), looked: z.int(), skills: z.array(health) }),
);
