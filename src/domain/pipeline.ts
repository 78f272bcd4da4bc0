import type { Decider } from "../kernel/decider.ts";
import { canonicalJson, digestOf } from "../kernel/id.ts";
import type { Actor } from "./actor.ts";
import type { Effect } from "./effects.ts";
import { checkAfter, checkStep, NOTE_YOUR_WORK, OVERRIDE_WITHIN_MS } from "./output-check.ts";
import type { PipelineDefinition, StageDefinition } from "./pipeline-types.ts";
import type { GateVerdict } from "./work-types.ts";
import type { StepDefinition, WorkflowDefinition } from "./workflow-types.ts";

/** A pipeline that people or agents take through its stages by hand; how far it is stands in its work items. */
export type PipelineState = PipelineDefinition & {
  readonly id: string;
  readonly name: string;
  readonly at: number;
  readonly maker: Actor;
  readonly canceled?: Canceled;
};
type Canceled = { readonly by: Actor; readonly at: number; readonly reason?: string };
export type PipelineInput =
  | ({ readonly type: "create" } & Omit<PipelineState, "canceled">)
  | ({ readonly type: "cancel" } & Canceled);
export type PipelineEvent =
  | ({ readonly type: "pipeline.created" } & Omit<PipelineState, "canceled">)
  | ({ readonly type: "pipeline.canceled" } & Canceled);

export const pipeline: Decider<PipelineState, PipelineInput, PipelineEvent, Effect> = {
  decide(state, input) {
    if (input.type === "create") return state ? [] : [{ ...input, type: "pipeline.created" }];
    return state && !state.canceled ? [{ ...input, type: "pipeline.canceled" }] : [];
  },
  evolve(before, event) {
    if (event.type === "pipeline.created") {
      const { type: _, ...state } = event;
      return state;
    }
    if (!before) throw new Error(`${event.type} before pipeline.created`);
    const { type: _, ...canceled } = event;
    return { ...before, canceled };
  },
  effects: () => [],
};

/** A stage's work, one attempt. */
const STAGE_TIMEOUT_FACTOR_MS = 2 * 60_000;
const LEAST_STAGE_MS = 10 * 60_000;

/**
 * The ordinary steps that do a pipeline: each stage hands its result to the next one, and a gate stands between them
 * that is there only when the check of the stage says fail.
 */
export function definitionOf(
  name: string,
  pipeline: PipelineDefinition,
  minutesOf: (skill: string) => number,
): WorkflowDefinition {
  const { stages } = pipeline;
  const isChecked = pipeline.postHooks.includes("sanity-check");
  const stageMs = stages.map(({ skill }) =>
    Math.max(LEAST_STAGE_MS, minutesOf(skill) * STAGE_TIMEOUT_FACTOR_MS),
  );
  const steps = stages.flatMap((stage, index): readonly StepDefinition[] => {
    const before = stages[index - 1];
    const step: StepDefinition = {
      id: stage.step,
      needs: before ? [before.step, ...(isChecked ? [checkStep(before.step)] : [])] : [],
      continueOnError: false,
      cleanup: false,
      ...(isChecked ? { isChecked } : {}),
      action: {
        kind: "task",
        capability: stage.via,
        task: stageText(name, pipeline, stage, before),
        timeoutMs: stageMs[index] ?? LEAST_STAGE_MS,
        retry: { maxAttempts: 2, delayMs: 0, backoff: "fixed" },
        validate: false,
        format: "json",
      },
    };
    return isChecked ? [step, checkAfter(step, `stage ${index} [${stage.capability}]`)] : [step];
  });
  const last = stages.at(-1);
  const spans =
    stageMs.reduce((sum, ms) => sum + 2 * ms, 0) + (isChecked ? stages.length * OVERRIDE_WITHIN_MS : 0);
  return {
    name,
    description: `The pipeline ${name}: ${stages.map(({ capability }) => capability).join(" → ")}.`,
    inputs: [],
    limits: { maxParallel: 1, timeoutMs: spans, maxFailures: 3 },
    steps,
    ...(last ? { output: { step: last.step } } : {}),
    schedules: [],
    digest: pipelineDigest(pipeline),
    pipeline,
  };
}

/** Of what was asked for; who happens to be free is no part of it. */
export function pipelineDigest({ project, stages, postHooks }: PipelineDefinition): string {
  const asked = stages.map(({ capability, goal, skill }) => ({ capability, goal, skill }));
  return digestOf(canonicalJson({ project, asked, postHooks }));
}

function stageText(
  name: string,
  { project, stages }: PipelineDefinition,
  stage: StageDefinition,
  before: StageDefinition | undefined,
): string {
  return [
    `Work as the skill ${stage.skill}. This is stage ${stage.index + 1} of ${stages.length} of the pipeline ${name}${project === undefined ? "" : ` (project ${project})`}.`,
    `[${stage.capability}] ${literal(stage.goal)}`,
    `${NOTE_YOUR_WORK} A test whose last word is fail holds the next stage.`,
    ...(before ? [`What the stage before handed on: \${{ steps.${before.step}.result }}`] : []),
  ].join("\n\n");
}

/** Text that holds no expression, whatever people wrote. */
function literal(text: string): string {
  return text.replaceAll("${{", "${{ '${{' }}");
}

export const STAGE_STATUSES = ["pending", "in_progress", "done", "failed", "skipped"] as const;
export type StageStatus = (typeof STAGE_STATUSES)[number];

export type StageView = Omit<StageDefinition, "step" | "via"> & {
  readonly workItem: string;
  readonly status: StageStatus;
  readonly reason?: string;
  /** What the check said, once the stage has ended. */
  readonly verdict?: GateVerdict;
  readonly issues?: readonly string[];
  /** Who let it pass although the check said fail, and why. */
  readonly override?: { readonly by: string; readonly at: number; readonly reason: string };
  readonly postHooksRun: boolean;
};

export type PipelineView = {
  readonly id: string;
  readonly name: string;
  readonly project?: string;
  /** `run`: the coordinator takes it through its stages; `manual`: whoever calls `advance`. */
  readonly mode: "run" | "manual";
  readonly status: "pending" | "in_progress" | "completed" | "failed" | "canceled";
  readonly canceled?: { readonly by: string; readonly at: number; readonly reason?: string };
  readonly stages: readonly StageView[];
  /** The stage that is done now or comes next; absent when all are over. */
  readonly current?: number;
  readonly postHooks: readonly string[];
  readonly createdAt: number;
};

const STAGE_ICONS: Readonly<Record<StageStatus, string>> = {
  pending: "⏳",
  in_progress: "🔄",
  done: "✅",
  failed: "❌",
  skipped: "⏭",
};

export function pipelineStatus(stages: readonly { readonly status: StageStatus }[]): PipelineView["status"] {
  if (stages.some(({ status }) => status === "failed")) return "failed";
  if (stages.every(({ status }) => status === "done" || status === "skipped")) return "completed";
  return stages.every(({ status }) => status === "pending") ? "pending" : "in_progress";
}

export type Next =
  | { readonly outcome: "ready"; readonly stage: number }
  | { readonly outcome: "running"; readonly stage: number; readonly why: string }
  | { readonly outcome: "blocked"; readonly stage: number; readonly why: string }
  | { readonly outcome: "failed"; readonly stage: number; readonly why: string }
  | { readonly outcome: "done"; readonly why: string };

/** What comes next, in four distinct words: nothing is called over that only waits. */
export function nextOf(stages: readonly StageView[]): Next {
  for (const { index, status, capability, goal, reason, verdict, issues = [], override } of stages) {
    const name = `stage ${index} [${capability}]`;
    switch (status) {
      case "pending":
        return { outcome: "ready", stage: index };
      case "in_progress":
        return { outcome: "running", stage: index, why: `${name} is being done: ${goal}` };
      case "failed":
        return { outcome: "failed", stage: index, why: `${name} failed${reason ? `: ${reason}` : ""}` };
      case "done":
        if (verdict === "fail" && !override)
          return {
            outcome: "blocked",
            stage: index,
            why: `sanity-check says fail of ${name}: ${issues.join("; ")}`,
          };
        continue;
      case "skipped":
        continue;
    }
  }
  return { outcome: "done", why: "every stage is done" };
}

/** The head and a line a stage: `  ⏳ 0. [implement] Build … → python-backend (webster)`. */
export function summaryOf(view: PipelineView): string {
  const { name, project, status, id, stages, canceled } = view;
  const head = `${name}${project === undefined ? "" : ` (${project})`}: ${status} · ${id}`;
  const lines = stages.flatMap((stage) => {
    const { index, capability, goal, skill, agent, verdict, issues = [], override } = stage;
    const who = agent === undefined ? "" : ` (${agent})`;
    const line = `  ${STAGE_ICONS[stage.status]} ${index}. [${capability}] ${goal} → ${skill}${who}`;
    if (verdict === undefined || verdict === "pass") return [line];
    const passed = override ? `; ${override.by} let it pass: ${override.reason}` : "";
    return [line, `       sanity-check: ${verdict}: ${issues.join("; ")}${passed}`];
  });
  const why = canceled?.reason === undefined ? "" : `: ${canceled.reason}`;
  return [head, ...(canceled ? [`  canceled by ${canceled.by}${why}`] : []), ...lines].join("\n");
}
