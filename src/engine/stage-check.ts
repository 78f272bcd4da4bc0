import { sanityOf } from "../domain/evolution.ts";
import type { Outcome, Place, RunState } from "../domain/run-types.ts";
import { WORDS_OF_STEP } from "../domain/status-words.ts";
import { artifactsOfStep, slugOfStep } from "../domain/work-of-run.ts";
import { workStream } from "../domain/work-types.ts";
import { notesOf } from "../domain/work-view.ts";
import type { Engine } from "./accept.ts";

export type CheckStage = (run: string, of: Place, outcome: Outcome) => Promise<Outcome>;

/** The output gate at the end of a stage, over what was handed in and what was noted about its work item. */
export function createCheckStage(deps: {
  readonly engine: Pick<Engine, "read">;
  readonly fileOf: (run: string, step: string) => string;
}): CheckStage {
  return async (id, of, outcome) => {
    if (of.item !== undefined) return outcome;
    const run = await deps.engine.read("run", id);
    const isWanted = run?.order.definition.steps.some((step) => step.id === of.step && step.isChecked);
    if (!run || !isWanted) return outcome;
    const noted = await deps.engine.read("work", workStream(slugIn(run, of.step)));
    const { telemetry, artifacts } = notesOf(noted);
    const { reason, status } = outcome;
    const { verdict, issues } = sanityOf({
      lifecycle: { status: WORDS_OF_STEP[status].item, ...(reason === undefined ? {} : { reason }) },
      artifacts: [...artifactsOfStep(outcome, deps.fileOf(id, of.step)), ...artifacts],
      telemetry,
    });
    return { ...outcome, verdict, issues };
  };
}

/** The slug of a step's work item. */
export function slugIn({ order }: RunState, step: string): string {
  const stage = order.definition.pipeline?.stages.find((one) => one.step === step);
  return slugOfStep(order.id, step, stage);
}
