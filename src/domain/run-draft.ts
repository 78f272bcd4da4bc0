import { evolveRun } from "./run-evolve.ts";
import type { Outcome, RunEvent, RunState, StepState } from "./run-types.ts";

/** A decision while it is made: the facts so far and the state that they lead to. */
export type Draft = { state: RunState; readonly events: RunEvent[] };

export function draftOf(state: RunState): Draft {
  return { state, events: [] };
}

export function say(draft: Draft, event: RunEvent): void {
  draft.state = evolveRun(draft.state, event);
  draft.events.push(event);
}

export function settle(
  draft: Draft,
  step: string,
  { generation }: Pick<StepState, "generation">,
  outcome: Outcome,
): void {
  say(draft, { type: "step.settled", step, generation, outcome });
}
