import type { Decider } from "../kernel/decider.ts";
import type { Effect } from "./effects.ts";
import { rerun, retry } from "./run-decide-again.ts";
import { acceptPartial, cancelRun, deadline, skipStep } from "./run-decide-cancel.ts";
import { childRefused, childSettled, childStarted, stalled, waitOver } from "./run-decide-child.ts";
import { decideGate, expireGate, remindGate } from "./run-decide-gate.ts";
import { draftOf } from "./run-draft.ts";
import { runEffects } from "./run-effects.ts";
import { evolveRun } from "./run-evolve.ts";
import { goOn } from "./run-go-on.ts";
import { progress } from "./run-progress.ts";
import type { RunEvent, RunInput, RunOrder, RunState } from "./run-types.ts";

const NOTHING: readonly RunEvent[] = [];

/** The answer to what happened, and then everything that can go on by itself. */
function decide(state: RunState | undefined, input: RunInput): readonly RunEvent[] {
  if (input.type === "start") return state ? NOTHING : start(input.order);
  return state ? answer(state, input) : NOTHING;
}

function start(order: RunOrder): readonly RunEvent[] {
  const begun: RunEvent = { type: "run.started", order };
  return [begun, ...goOn(draftOf(evolveRun(undefined, begun)), order.startedAt)];
}

function answer(state: RunState, input: Exclude<RunInput, { type: "start" }>): readonly RunEvent[] {
  switch (input.type) {
    case "child-started":
      return childStarted(state, input);
    case "child-refused":
      return childRefused(state, input);
    case "child-settled":
      return childSettled(state, input);
    case "wait-over":
      return waitOver(state, input);
    case "decide-gate":
      return decideGate(state, input);
    case "gate-reminder":
      return remindGate(state, input);
    case "gate-expired":
      return expireGate(state, input);
    case "stalled":
      return stalled(state, input);
    case "deadline":
      return deadline(state, input);
    case "progress":
      return progress(state, input);
    case "cancel":
      return cancelRun(state, input);
    case "skip":
      return skipStep(state, input);
    case "retry":
      return retry(state, input);
    case "rerun":
      return rerun(state, input);
    case "accept-partial":
      return acceptPartial(state, input);
  }
}

export const run: Decider<RunState, RunInput, RunEvent, Effect> = {
  decide,
  evolve: evolveRun,
  effects: runEffects,
};
