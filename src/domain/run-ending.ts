import { at } from "../kernel/vector.ts";
import type { RunState, StepState } from "./run-types.ts";

/** Fan-outs that run begin no further item. */
export function* ending({ steps, order }: RunState, spared?: "cleanup"): Generator<StepState> {
  for (const [index, { cleanup }] of order.definition.steps.entries()) {
    const step = at(steps, index) as StepState;
    const isSpared = cleanup && spared === "cleanup";
    yield step.status === "running" && step.items && !isSpared ? { ...step, ending: true } : step;
  }
}

/** All that runs when the run is canceled is to end; what begins after that may go on. */
export function* endingAll({ steps, order }: RunState): Generator<StepState> {
  for (const index of order.definition.steps.keys()) {
    const step = at(steps, index) as StepState;
    yield step.status === "running" ? { ...step, ending: true } : step;
  }
}
