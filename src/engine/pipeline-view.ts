import { actorName } from "../domain/actor.ts";
import { sanityOf } from "../domain/evolution.ts";
import { checkStep } from "../domain/output-check.ts";
import {
  nextOf,
  type PipelineState,
  type PipelineView,
  pipelineStatus,
  type StageView,
} from "../domain/pipeline.ts";
import type { StageDefinition } from "../domain/pipeline-types.ts";
import type { RunState } from "../domain/run-types.ts";
import { type StepView, viewOfRun } from "../domain/run-view.ts";
import { STAGE_OF_ITEM, WORDS_OF_STEP } from "../domain/status-words.ts";
import type { WorkItems } from "./work-items.ts";

export const stageSlug = (id: string, index: number) => `${id}-stage-${index}`;

/** How pipelines stand: one kind by its run, the other by its work items. */
export function createPipelineView({ items }: { readonly items: WorkItems }) {
  async function viewOfRunState(state: RunState): Promise<PipelineView> {
    const { definition, startedAt, id } = state.order;
    const { stages = [], project, postHooks = [] } = definition.pipeline ?? {};
    const steps = new Map(viewOfRun(state).steps.map((step) => [step.id, step]));
    const views = await Promise.all(
      stages.map(async (stage): Promise<StageView> => {
        const step = steps.get(stage.step);
        const workItem = stageSlug(id, stage.index);
        const found = await items.lookFor(workItem);
        const hooksRunAt = found?.kind === "step" ? found.kept?.hooksRunAt : undefined;
        return {
          ...shown(stage),
          ...(step?.agent === undefined ? {} : { agent: step.agent }),
          workItem,
          status: step && isLeftOut(step) ? "pending" : WORDS_OF_STEP[step?.status ?? "pending"].stage,
          ...(step?.reason === undefined ? {} : { reason: step.reason }),
          ...(step?.verdict === undefined ? {} : { verdict: step.verdict, issues: step.issues ?? [] }),
          ...overrideIn(steps.get(checkStep(stage.step))),
          postHooksRun: hooksRunAt !== undefined && hooksRunAt >= (step?.settledAt ?? 0),
        };
      }),
    );
    const { status } = state;
    // Also where no stage failed: a person said that one may not pass.
    const over = status === "canceled" || status === "failed" ? status : undefined;
    return composed({ id, name: definition.name, project, postHooks, at: startedAt, over }, "run", views);
  }

  async function viewOfManual(state: PipelineState): Promise<PipelineView> {
    const isChecked = state.postHooks.includes("sanity-check");
    const views = await Promise.all(
      state.stages.map(async (stage): Promise<StageView> => {
        const workItem = stageSlug(state.id, stage.index);
        const found = await items.find(workItem);
        const item = await items.viewOf(found);
        const { status, reason } = item.lifecycle;
        const kept = found.kind === "own" ? found.state : undefined;
        const isOver = status === "done" || status === "failed";
        const { overridden, hooksRunAt, completedAt = 0 } = kept ?? {};
        return {
          ...shown(stage),
          workItem,
          status: STAGE_OF_ITEM[status],
          ...(reason === undefined ? {} : { reason }),
          ...(isOver && isChecked ? sanityOf(item) : {}),
          ...(overridden
            ? { override: { by: actorName(overridden.by), at: overridden.at, reason: overridden.reason } }
            : {}),
          postHooksRun: hooksRunAt !== undefined && hooksRunAt >= completedAt,
        };
      }),
    );
    const { canceled, ...rest } = state;
    const told = canceled && {
      by: actorName(canceled.by),
      at: canceled.at,
      ...(canceled.reason === undefined ? {} : { reason: canceled.reason }),
    };
    return composed({ ...rest, ...(told ? { over: "canceled", canceled: told } : {}) }, "manual", views);
  }

  return { viewOfRunState, viewOfManual };
}

/** Without what is only of the run. */
function shown({ index, capability, goal, skill, agent }: StageDefinition) {
  return { index, capability, goal, skill, ...(agent === undefined ? {} : { agent }) };
}

/** Skipped because something before it came to nothing: it is still to do. */
function isLeftOut({ status, by }: StepView): boolean {
  return status === "skipped" && by === undefined;
}

/** A gate that passed, or that a person skipped: both let the stage before it pass. */
function overrideIn(check: StepView | undefined): Pick<StageView, "override"> {
  if (!check || check.settledAt === undefined) return {};
  const { gate, by, reason, settledAt: at } = check;
  if (gate?.status === "approved")
    return {
      override: { by: gate.decidedBy ?? by ?? "", at: gate.decidedAt ?? at, reason: gate.reason ?? "" },
    };
  return check.status === "skipped" && by !== undefined ? { override: { by, at, reason: reason ?? "" } } : {};
}

type Shown = Pick<PipelineView, "id" | "name" | "postHooks" | "canceled"> & {
  readonly project?: string | undefined;
  readonly at: number;
  readonly over?: "canceled" | "failed" | undefined;
};

function composed(
  { id, name, project, postHooks, at, canceled, over }: Shown,
  mode: PipelineView["mode"],
  stages: readonly StageView[],
): PipelineView {
  const next = nextOf(stages);
  const isHeld = next.outcome === "blocked";
  const status = over ?? pipelineStatus(stages);
  return {
    id,
    name,
    ...(project === undefined ? {} : { project }),
    mode,
    status: isHeld && status === "completed" ? "in_progress" : status,
    ...(canceled ? { canceled } : {}),
    stages,
    ...(next.outcome === "done" || over === "canceled" ? {} : { current: next.stage }),
    postHooks,
    createdAt: at,
  };
}
