import { at, withAt } from "../kernel/vector.ts";
import type { RunState, StepState, StepStatus } from "./run-types.ts";
import type { StepDefinition } from "./workflow-types.ts";

type Counts = RunState["counts"];
type Share = Omit<Counts, "failures">;

export const NO_COUNTS: Counts = {
  running: 0,
  settled: 0,
  settledMain: 0,
  failures: 0,
  partial: 0,
  succeeded: 0,
  untolerated: 0,
  unbegun: 0,
};

export function isStepSettled(status: StepStatus): boolean {
  return status !== "pending" && status !== "running" && status !== "waiting";
}

/** It came to nothing, and what needs it does not do without. */
export function isUntolerated({ status }: Pick<StepState, "status">, definition: StepDefinition): boolean {
  return (status === "failed" || status === "canceled") && !definition.continueOnError;
}

/** Items that neither run nor are settled. */
export function itemsLeft({ items, itemCounts }: StepState): number {
  if (!items || !itemCounts) return 0;
  return items.size - itemCounts.settled - itemCounts.running;
}

/** What one step adds to the run's counts. */
function shareOf(step: StepState, definition: StepDefinition): Share {
  const { status } = step;
  const isMain = !definition.cleanup;
  const isSettled = isStepSettled(status);
  const isRunning = status === "running";
  const unbegun = status === "pending" ? 1 : isRunning && !step.ending ? itemsLeft(step) : 0;
  return {
    running: isRunning ? (step.itemCounts?.running ?? 1) : 0,
    settled: isSettled ? 1 : 0,
    settledMain: isSettled && isMain ? 1 : 0,
    partial: status === "partial" ? 1 : 0,
    succeeded: status === "succeeded" ? 1 : 0,
    untolerated: isMain && isUntolerated(step, definition) ? 1 : 0,
    unbegun: isMain ? unbegun : 0,
  };
}

/** The counts with one step more, or less. */
export function withShare(counts: Counts, step: StepState, definition: StepDefinition, sign: 1 | -1): Counts {
  const share = shareOf(step, definition);
  return {
    failures: counts.failures,
    running: counts.running + sign * share.running,
    settled: counts.settled + sign * share.settled,
    settledMain: counts.settledMain + sign * share.settledMain,
    partial: counts.partial + sign * share.partial,
    succeeded: counts.succeeded + sign * share.succeeded,
    untolerated: counts.untolerated + sign * share.untolerated,
    unbegun: counts.unbegun + sign * share.unbegun,
  };
}

/** The state with another step at its place, and the counts that follow. */
export function withStep(state: RunState, index: number, step: StepState): RunState {
  const definition = definitionAt(state, index);
  const without = withShare(state.counts, stepOf(state, index), definition, -1);
  return {
    ...state,
    steps: withAt(state.steps, index, step),
    counts: withShare(without, step, definition, 1),
  };
}

export function stepOf(state: RunState, index: number): StepState {
  const step = at(state.steps, index);
  if (!step) throw new RangeError(`${state.order.id} has no step number ${index}`);
  return step;
}

export function definitionAt({ order }: RunState, index: number): StepDefinition {
  const definition = order.definition.steps[index];
  if (!definition) throw new RangeError(`${order.definition.name} has no step number ${index}`);
  return definition;
}
