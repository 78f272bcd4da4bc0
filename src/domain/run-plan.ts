import type { ModelChoice } from "./model-choice.ts";
import { type PromptCost, promptCostOf, wordsOfTask } from "./prompt-cost.ts";
import { graphOf, levelsOf } from "./run-graph.ts";
import type { InputValue, StepDefinition, TaskAction, WorkflowDefinition } from "./workflow-types.ts";

/** What a run would do, for `--dry-run`. Spans in ms. */
export type RunPlan = {
  readonly workflow: string;
  readonly inputs: Readonly<Record<string, InputValue>>;
  /** Steps that can begin together, in order; cleanup steps are the last waves. */
  readonly waves: readonly (readonly PlannedStep[])[];
  /** Along the longest path, from the agents' history; absent without history. */
  readonly estimatedMs?: number;
  readonly cost: PromptCost;
  readonly warnings: readonly string[];
};

export type PlannedStep = {
  readonly id: string;
  readonly kind: "task" | "approval" | "workflow" | "wait" | "conclusion";
  readonly needs: readonly string[];
  readonly agent?: string;
  /** Why this agent: named by the step, or which capability it has and what the others lacked. */
  readonly why?: string;
  /** When a model is asked for: which one it would be now, and why. */
  readonly model?: ModelChoice;
  readonly approvers?: readonly string[];
  readonly if?: string;
  readonly forEach?: string;
  readonly estimatedMs?: number;
};

/** Plans of nested workflows are looked into so deep; the loader refuses deeper ones. */
const DEEPEST = 3;

export type Planning = {
  readonly definition: WorkflowDefinition;
  readonly nested: Readonly<Record<string, WorkflowDefinition>>;
  readonly inputs: Readonly<Record<string, InputValue>>;
  /** Who would do a task, and why; undefined when nobody can be named. */
  readonly resolve: (action: TaskAction) => { readonly agent: string; readonly why: string } | undefined;
  /** How long it usually takes; undefined without history. */
  readonly estimate: (action: TaskAction) => number | undefined;
  /** What reading so many tokens costs whoever does it, in US dollars; undefined without a price. */
  readonly price?: (action: TaskAction, tokens: number, words: number) => number | undefined;
  /** The model for so many words; undefined when none is asked for. */
  readonly model?: (action: TaskAction, words: number) => ModelChoice | undefined;
  /** Known mistakes of the plan, by name. */
  readonly advice?: readonly string[];
};

/** Waves and time of a run that would begin now. Changes nothing. */
export function planOf(planning: Planning): RunPlan {
  const { definition, inputs, resolve } = planning;
  const waves: PlannedStep[][] = [];
  const warnings: string[] = [];
  const level = levelsOf(definition);
  for (const [index, step] of definition.steps.entries()) {
    const planned = plannedStep(step, planning);
    const wave = level[index] ?? 0;
    (waves[wave] ??= []).push(planned);
    if (step.action.kind === "task" && !resolve(step.action))
      warnings.push(`${step.id}: no agent can be named for it now.`);
    if (step.action.kind === "task" && planned.estimatedMs === undefined)
      warnings.push(
        `${step.id}: ${planned.agent ?? "its agent"} has no history; its time is not in the estimate.`,
      );
    if (step.forEach)
      warnings.push(`${step.id}: the number of items is known when it begins; the time is that of one.`);
  }
  const estimatedMs = timeOf(planning, DEEPEST);
  return {
    workflow: definition.name,
    inputs,
    waves,
    ...(estimatedMs === undefined ? {} : { estimatedMs }),
    cost: promptCostOf(definition, inputs, planning.nested, planning.price),
    warnings: [...warnings, ...(planning.advice ?? [])],
  };
}

function plannedStep(step: StepDefinition, planning: Planning): PlannedStep {
  const { id, needs, action, forEach, if: condition } = step;
  const chosen = action.kind === "task" ? planning.resolve(action) : undefined;
  const estimatedMs = timeOfStep(step, planning, DEEPEST);
  const model = action.kind === "task" && planning.model?.(action, wordsOfTask(action.task, planning.inputs));
  return {
    id,
    kind: action.kind,
    needs,
    ...(chosen ? { agent: chosen.agent, why: chosen.why } : {}),
    ...(model ? { model } : {}),
    ...(action.kind === "approval" ? { approvers: action.gate.approvers } : {}),
    ...(condition === undefined ? {} : { if: condition }),
    ...(forEach ? { forEach: forEach.expression } : {}),
    ...(estimatedMs === undefined ? {} : { estimatedMs }),
  };
}

/** People take the time they take: a gate counts nothing. */
function timeOfStep({ action }: StepDefinition, planning: Planning, depth: number): number | undefined {
  switch (action.kind) {
    case "task":
      return planning.estimate(action);
    case "wait":
      return action.ms;
    case "approval":
    case "conclusion":
      return undefined;
    case "workflow": {
      const definition = planning.nested[action.workflow];
      return definition && depth > 0 ? timeOf({ ...planning, definition }, depth - 1) : undefined;
    }
  }
}

/** Along the longest path; undefined when nothing of it is known. */
function timeOf(planning: Planning, depth: number): number | undefined {
  const { definition } = planning;
  const { order, needs } = graphOf(definition);
  const ends: number[] = [];
  let isKnown = false;
  let last = 0;
  let lastMain = 0;
  for (const index of order) {
    const step = definition.steps[index] as StepDefinition;
    const own = timeOfStep(step, planning, depth);
    isKnown ||= own !== undefined;
    let from = step.cleanup ? lastMain : 0;
    for (const need of needs[index] ?? []) from = Math.max(from, ends[need] ?? 0);
    const end = from + (own ?? 0);
    ends[index] = end;
    last = Math.max(last, end);
    if (!step.cleanup) lastMain = Math.max(lastMain, end);
  }
  return isKnown ? last : undefined;
}
