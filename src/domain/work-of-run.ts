import { oneLine } from "../kernel/text.ts";
import type { StageDefinition } from "./pipeline-types.ts";
import { graphOf } from "./run-graph.ts";
import type { RunState } from "./run-types.ts";
import { type StepView, viewOfRun } from "./run-view.ts";
import { WORDS_OF_STEP } from "./status-words.ts";
import { subjectOf } from "./templates/render-template.ts";
import type { WorkMoment, WorkState } from "./work-types.ts";
import { historyOf, isoOf, isoOrNull, notesOf, type WorkItem } from "./work-view.ts";
import type { StepDefinition, WorkflowDefinition } from "./workflow-types.ts";

/** `<run>-stage-<i>` of a pipeline's stage, `<run>.<step>` of any other step. */
export function slugOfStep(run: string, step: string, stage: StageDefinition | undefined): string {
  return stage ? `${run}-stage-${stage.index}` : `${run}.${step}`;
}

/** What a step of a run hands on: its result stands in a file of its own. */
export function artifactsOfStep(
  step: Pick<StepView, "result" | "artifacts">,
  resultFile: string,
): WorkItem["artifacts"] {
  const handed = (step.artifacts ?? []).map((path) => ({
    type: "file",
    label: path.split("/").at(-1) ?? path,
    path,
  }));
  const result = step.result?.trim() ? [{ type: "result", label: "result", path: resultFile }] : [];
  return [...result, ...handed];
}

/** The work in a run: the steps that somebody does. Gates, waits and conclusions are nobody's work. */
export type RunWork = {
  readonly steps: readonly StepView[];
  readonly slugFor: (step: string) => string;
  /** The item of a step: everything about its standing is the run's, and what was noted about it stands in `kept`. */
  readonly item: (step: StepView, kept: WorkState | undefined) => WorkItem;
};

/** `fileOf` names the file of a step's result. Prepared once for a run, each item costs no more than its own needs. */
export function workOfRun(run: RunState, fileOf: (run: string, step: string) => string): RunWork {
  const { id, actor, startedAt, definition } = run.order;
  const { stages = [], project = "" } = definition.pipeline ?? {};
  const stageOf = new Map(stages.map((stage) => [stage.step, stage]));
  const actionOf = new Map(definition.steps.map((step) => [step.id, step.action]));
  const all = new Map(viewOfRun(run).steps.map((step) => [step.id, step]));
  const steps = [...all.values()].filter(({ kind }) => kind === "task" || kind === "workflow");
  const found = needsOf(definition);
  const before = (step: string) => found.get(step) ?? [];
  const after = new Map<string, string[]>();
  for (const step of steps) {
    for (const need of before(step.id)) {
      const known = after.get(need);
      if (known) known.push(step.id);
      else after.set(need, [step.id]);
    }
  }
  const slugFor = (step: string) => slugOfStep(id, step, stageOf.get(step));
  const isDone = (step: string) => WORDS_OF_STEP[all.get(step)?.status ?? "pending"].item === "done";

  function item(step: StepView, kept: WorkState | undefined): WorkItem {
    const stage = stageOf.get(step.id);
    const action = actionOf.get(step.id);
    const title =
      stage?.goal ??
      oneLine(action?.kind === "task" ? subjectOf(action.task) : `${definition.name}: ${step.id}`, 200);
    const notes = notesOf(kept);
    const needs = before(step.id);
    const isBlocked = step.status === "pending" && !needs.every(isDone);
    const moments: WorkMoment[] = [
      { at: startedAt, event: "created", actor, payload: { title } },
      ...(step.startedAt === undefined
        ? []
        : [{ at: step.startedAt, event: "started", actor: ENGINE, payload: { agent: step.agent ?? null } }]),
      ...endOf(step),
      ...(kept?.history ?? []),
    ];
    return {
      slug: slugFor(step.id),
      title,
      project,
      source_task_id: step.child ?? "",
      intent: { goal: title, success_criteria: [], constraints: [] },
      lifecycle: {
        status: isBlocked ? "blocked" : WORDS_OF_STEP[step.status].item,
        assignee_skill: stage?.skill ?? step.capability ?? "",
        ...(step.agent === undefined ? {} : { agent: step.agent }),
        ...(step.model === undefined ? {} : { model: step.model }),
        orchestrator_workflow: id,
        ...(step.reason === undefined ? {} : { reason: step.reason }),
        timestamps: {
          created_at: isoOf(startedAt),
          started_at: isoOrNull(step.startedAt),
          completed_at: isoOrNull(step.settledAt),
        },
      },
      dependencies: {
        blockers: [...needs.map(slugFor), ...(kept?.blockers ?? [])],
        dependents: [...(after.get(step.id) ?? []).map(slugFor), ...(kept?.dependents ?? [])],
      },
      ...notes,
      artifacts: [...artifactsOfStep(step, fileOf(id, step.id)), ...notes.artifacts],
      history: historyOf(moments),
    };
  }

  return { steps, slugFor, item };
}

/** The work before each step; of a gate or a wait, the work before that. */
function needsOf(definition: WorkflowDefinition): ReadonlyMap<string, readonly string[]> {
  const { order, needs } = graphOf(definition);
  const found = new Map<string, readonly string[]>();
  // Whatever a step needs comes before it in this order.
  for (const index of order) {
    const own = (needs[index] ?? []).flatMap((need) => {
      const { id, action } = definition.steps[need] as StepDefinition;
      return action.kind === "task" || action.kind === "workflow" ? [id] : (found.get(id) ?? []);
    });
    found.set((definition.steps[index] as StepDefinition).id, [...new Set(own)]);
  }
  return found;
}

const ENGINE = { kind: "system", id: "engine" } as const;

function endOf({ status, settledAt, reason }: StepView): readonly WorkMoment[] {
  if (settledAt === undefined) return [];
  const event = status === "succeeded" || status === "partial" ? "completed" : "failed";
  const payload = { status, ...(reason === undefined ? {} : { reason }) };
  return [{ at: settledAt, event: status === "skipped" ? "status_change" : event, actor: ENGINE, payload }];
}
