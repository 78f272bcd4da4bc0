import { append, at, emptyVector, valuesOf, vectorOf, withAt } from "../kernel/vector.ts";
import { graphOf } from "./run-graph.ts";
import {
  definitionAt,
  isStepSettled,
  isUntolerated,
  itemsLeft,
  NO_COUNTS,
  stepOf,
  withShare,
} from "./run-tally.ts";
import type { RunState, StepState } from "./run-types.ts";
import type { StepDefinition } from "./workflow-types.ts";

/** The next step whose condition is to be looked at. */
export function nextReady(state: RunState): number | undefined {
  return at(state.ready, state.readyFrom);
}

/** The next step or fan-out that begins when there is room. */
export function nextHeld(state: RunState): number | undefined {
  return at(state.held, state.heldFrom);
}

export function roomIn({ order, counts }: RunState): number {
  return order.definition.limits.maxParallel - counts.running;
}

/** All that is not cleanup is settled. */
export function isMainOver(state: RunState): boolean {
  return state.counts.settledMain === graphOf(state.order.definition).mainCount;
}

/** Whether what a step needs lets it begin: a skip by a person counts as done, any other as not. */
export function isSatisfying(need: StepState, definition: StepDefinition): boolean {
  switch (need.status) {
    case "succeeded":
    case "partial":
      return true;
    case "skipped":
      if (definition.passesWhenSkipped && need.outcome?.lost !== true) return true;
      return need.outcome?.by !== undefined;
    case "pending":
    case "running":
    case "waiting":
    case "failed":
    case "canceled":
      return definition.continueOnError && isStepSettled(need.status);
  }
}

export function areNeedsSatisfied(state: RunState, index: number): boolean {
  const needs = graphOf(state.order.definition).needs[index] ?? [];
  return needs.every((need) => isSatisfying(stepOf(state, need), definitionAt(state, need)));
}

/** An item of it may begin. */
function mayBeginItem(step: StepState, definition: StepDefinition): boolean {
  const { status, itemCounts, ending } = step;
  if (status !== "running" || !itemCounts || ending || itemsLeft(step) === 0) return false;
  return itemCounts.running < (definition.forEach?.maxParallel ?? 1);
}

/** What begins without a condition that has to be computed waits for room at once; everything else is looked at first. */
export function enqueue(state: RunState, index: number): RunState {
  const { action, forEach, cleanup, if: condition } = definitionAt(state, index);
  const takesRoom = (action.kind === "task" || action.kind === "workflow") && !forEach;
  const isPlain = takesRoom && condition === undefined && !state.canceling && !state.accepted;
  if (isPlain && (cleanup || areNeedsSatisfied(state, index))) return hold(state, index);
  return { ...state, ready: append(state.ready, index) };
}

export function hold(state: RunState, index: number): RunState {
  const step = { ...stepOf(state, index), held: true };
  return { ...state, steps: withAt(state.steps, index, step), held: append(state.held, index) };
}

/** Takes a fan-out out of its turn, and puts it at the end again when more of its items may begin. */
export function holdAgain(state: RunState, index: number, isItsTurn: boolean): RunState {
  let next = state;
  if (isItsTurn && nextHeld(state) === index) {
    const { held: _, ...step } = stepOf(state, index);
    next = { ...state, heldFrom: state.heldFrom + 1, steps: withAt(state.steps, index, step) };
  }
  const step = stepOf(next, index);
  return !step.held && mayBeginItem(step, definitionAt(next, index)) ? hold(next, index) : next;
}

/** Passes over entries that mean nothing any more. */
export function advance(state: RunState): RunState {
  let { readyFrom, heldFrom } = state;
  for (let index = at(state.ready, readyFrom); index !== undefined; index = at(state.ready, readyFrom)) {
    if (isReady(stepOf(state, index))) break;
    readyFrom++;
  }
  for (let index = at(state.held, heldFrom); index !== undefined; index = at(state.held, heldFrom)) {
    const step = stepOf(state, index);
    if (step.held && (isPendingNow(step) || mayBeginItem(step, definitionAt(state, index)))) break;
    heldFrom++;
  }
  const isSame = readyFrom === state.readyFrom && heldFrom === state.heldFrom;
  return isSame ? state : { ...state, readyFrom, heldFrom };
}

const isPendingNow = ({ status, unmet }: StepState) => status === "pending" && unmet === 0;
const isReady = (step: StepState) => isPendingNow(step) && !step.held;

/** Failed and not tolerated: what hangs on it at any distance may ask for this by failure(). */
export function hasFailed(step: StepState, definition: StepDefinition): boolean {
  return step.status === "failed" && isUntolerated(step, definition);
}

/** Needs, counts and queues from the statuses of the steps: linear, so only for what people and time do to a whole run. */
export function recount(state: RunState, steps: Iterable<StepState> = valuesOf(state.steps)): RunState {
  const { definition } = state.order;
  const { order, needs } = graphOf(definition);
  const now = Array.from(steps, ({ held: _held, ...step }): StepState => step);
  for (const index of order) {
    let unmet = 0;
    let failedBefore = false;
    for (const need of needs[index] ?? []) {
      const step = now[need] as StepState;
      if (!isStepSettled(step.status)) unmet++;
      failedBefore ||= hasFailed(step, definitionAt(state, need)) || step.failedBefore;
    }
    now[index] = { ...(now[index] as StepState), unmet, failedBefore };
  }
  let counts = { ...NO_COUNTS, failures: state.counts.failures };
  for (const [index, step] of now.entries()) counts = withShare(counts, step, definitionAt(state, index), 1);
  const empty = { ready: emptyVector, readyFrom: 0, held: emptyVector, heldFrom: 0 };
  return requeue({ ...state, steps: vectorOf(now), counts, ...empty });
}

function requeue(state: RunState): RunState {
  const isOver = isMainOver(state);
  let next = state;
  for (const [index, definition] of state.order.definition.steps.entries()) {
    const step = stepOf(state, index);
    if (isPendingNow(step) && (isOver || !definition.cleanup)) next = enqueue(next, index);
    else if (mayBeginItem(step, definition)) next = hold(next, index);
  }
  return next;
}
