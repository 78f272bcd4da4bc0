import { type Actor, actorName } from "./actor.ts";
import { TIME_OVER } from "./run-conditions.ts";
import { type Draft, draftOf, say, settle } from "./run-draft.ts";
import { finishFanOut, valuesOfItems } from "./run-fan-out.ts";
import { goOn } from "./run-go-on.ts";
import { isStepSettled, stepOf } from "./run-tally.ts";
import { isRunSettled, type Outcome, type RunEvent, type RunInput, type RunState } from "./run-types.ts";
import { stepAt } from "./run-work.ts";

type InputOf<Type extends RunInput["type"]> = Extract<RunInput, { type: Type }>;
const NOTHING: readonly RunEvent[] = [];
const THE_CLOCK: Actor = { kind: "system", id: "deadline" };

/** What waits ends at once, what runs when its child says so, and what has not begun as its condition says. */
export function cancelRun(state: RunState, { at, actor, reason }: InputOf<"cancel">): readonly RunEvent[] {
  if (isRunSettled(state.status) || state.canceling) return NOTHING;
  const draft = draftOf(state);
  say(draft, { type: "run.canceling", at, by: actor, reason });
  endWaiting(draft, { status: "canceled", at, reason, by: actor });
  return goOn(draft, at);
}

export function deadline(state: RunState, { at }: InputOf<"deadline">): readonly RunEvent[] {
  if (isRunSettled(state.status) || state.canceling || at < state.order.deadlineAt) return NOTHING;
  const draft = draftOf(state);
  say(draft, { type: "run.canceling", at, by: THE_CLOCK, reason: TIME_OVER, expired: true });
  endWaiting(draft, { status: "failed", at, reason: TIME_OVER });
  return goOn(draft, at);
}

export function acceptPartial(
  state: RunState,
  { at, actor }: InputOf<"accept-partial">,
): readonly RunEvent[] {
  if (!state.stopped || isRunSettled(state.status)) return NOTHING;
  const draft = draftOf(state);
  say(draft, { type: "run.resumed", at, by: actor, how: "accept-partial", reset: [] });
  endWaiting(draft, { status: "skipped", at, reason: "what there was has been accepted" });
  return goOn(draft, at);
}

/** Open gates and waits, and fan-outs of which nothing runs. */
function endWaiting(draft: Draft, outcome: Outcome): void {
  for (const [index, { id, cleanup }] of draft.state.order.definition.steps.entries()) {
    const step = stepOf(draft.state, index);
    if (draft.state.accepted && cleanup) continue;
    if (step.items) finishFanOut(draft, index, outcome.at);
    if (step.status !== "waiting") continue;
    if (outcome.status === "failed" && step.gate) {
      const { at, reason = "" } = outcome;
      say(draft, {
        type: "gate.decided",
        at,
        step: id,
        generation: step.generation,
        status: "expired",
        reason,
      });
    }
    settle(draft, id, step, outcome);
  }
}

export function skipStep(state: RunState, { at, step: id, actor }: InputOf<"skip">): readonly RunEvent[] {
  const step = stepAt(state, id);
  if (!step || isRunSettled(state.status) || isStepSettled(step.status)) return NOTHING;
  const draft = draftOf(state);
  const reason = `skipped by ${actorName(actor)}`;
  const done = step.itemCounts?.settled ? valuesOfItems(step) : {};
  settle(draft, id, step, { status: "skipped", at, reason, by: actor, ...done });
  return goOn(draft, at);
}
