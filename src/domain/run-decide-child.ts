import { TIME_OVER } from "./run-conditions.ts";
import { type Draft, draftOf, say, settle } from "./run-draft.ts";
import { lateResult, lateStart, workIn } from "./run-evolve.ts";
import { finishFanOut } from "./run-fan-out.ts";
import { goOn } from "./run-go-on.ts";
import { graphOf } from "./run-graph.ts";
import { stepOf } from "./run-tally.ts";
import type { Outcome, Place, RunEvent, RunInput, RunState, StepState, WorkState } from "./run-types.ts";

type InputOf<Type extends RunInput["type"]> = Extract<RunInput, { type: Type }>;
type Found = {
  readonly index: number;
  readonly step: StepState;
  readonly work: WorkState | undefined;
  /** It waits for this child. */
  readonly isCurrent: boolean;
};
const NOTHING: readonly RunEvent[] = [];

function find(state: RunState, of: Place): Found | undefined {
  const index = graphOf(state.order.definition).indexOf.get(of.step);
  if (index === undefined) return undefined;
  const step = stepOf(state, index);
  const work = workIn(step, of);
  const isSame = step.generation === of.generation;
  return { index, step, work, isCurrent: isSame && step.status === "running" && work?.status === "running" };
}

export function childStarted(state: RunState, input: InputOf<"child-started">): readonly RunEvent[] {
  const found = find(state, input.of);
  if (!found) return NOTHING;
  const { step, work, isCurrent } = found;
  const isKnown = work?.child === input.child;
  if (isKnown && (work.agent !== undefined || input.agent === undefined)) return NOTHING;
  if (!isKnown && !isCurrent && step.late?.includes(lateStart(input.child))) return NOTHING;
  return [{ ...input, type: "child.started" }];
}

export function childRefused(state: RunState, input: InputOf<"child-refused">): readonly RunEvent[] {
  const found = find(state, input.of);
  if (!found?.isCurrent) return NOTHING;
  const { at, text, problems } = input;
  const draft = draftOf(state);
  const outcome: Outcome = state.canceling
    ? { status: "canceled", at, reason: state.canceling.reason }
    : { status: "failed", at, reason: text, ...(problems?.length ? { problems } : {}) };
  settlePlace(draft, found, input.of, outcome);
  return goOn(draft, at);
}

export function childSettled(state: RunState, input: InputOf<"child-settled">): readonly RunEvent[] {
  const { of, child, outcome, at = outcome.at } = input;
  const found = find(state, of);
  if (!found) return NOTHING;
  const { step, work, isCurrent } = found;
  if (isCurrent && (work?.child === undefined || work.child === child)) {
    const draft = draftOf(state);
    // It was faster than the news of its beginning.
    if (work?.child === undefined) say(draft, { type: "child.started", at, of, child });
    settlePlace(draft, found, of, outcome);
    return goOn(draft, at);
  }
  const isSame = work?.child === child && work.outcome !== undefined && !work.outcome.by;
  if (isSame || step.late?.includes(lateResult(child))) return NOTHING;
  return [{ type: "late-result", of, child, outcome }];
}

/** What the end of the run's time has canceled has failed. */
function settlePlace(draft: Draft, { index, step }: Found, of: Place, given: Outcome): void {
  const isOver = given.status === "canceled" && draft.state.canceling?.expired === true;
  const outcome: Outcome = isOver ? { ...given, status: "failed", reason: TIME_OVER } : given;
  if (of.item === undefined) return settle(draft, of.step, step, outcome);
  say(draft, { type: "item.settled", of, outcome });
  finishFanOut(draft, index, outcome.at);
}

/** Nothing was heard for long; the same look is not kept twice. */
export function stalled(state: RunState, input: InputOf<"stalled">): readonly RunEvent[] {
  const found = find(state, input.of);
  if (!found?.isCurrent || input.at < (found.work?.stallAt ?? 0)) return NOTHING;
  return [{ ...input, type: "work.stalled" }];
}

export function waitOver(state: RunState, input: InputOf<"wait-over">): readonly RunEvent[] {
  const index = graphOf(state.order.definition).indexOf.get(input.step);
  const step = index === undefined ? undefined : stepOf(state, index);
  if (step?.status !== "waiting" || step.untilAt === undefined) return NOTHING;
  if (step.generation !== input.generation || input.at < step.untilAt) return NOTHING;
  const draft = draftOf(state);
  settle(draft, input.step, step, { status: "succeeded", at: input.at });
  return goOn(draft, input.at);
}
