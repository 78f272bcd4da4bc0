import { at, emptyVector, vectorOf, withAt } from "../kernel/vector.ts";
import { endingAll } from "./run-ending.ts";
import { evolveGate } from "./run-evolve-gate.ts";
import { evolveResumed } from "./run-evolve-resumed.ts";
import { graphOf } from "./run-graph.ts";
import { advance, enqueue, hasFailed, hold, holdAgain, isMainOver, recount } from "./run-queue.ts";
import { definitionAt, isStepSettled, NO_COUNTS, stepOf, withStep } from "./run-tally.ts";
import type { Outcome, Place, RunEvent, RunOrder, RunState, StepState, WorkState } from "./run-types.ts";

type EventOf<Type extends RunEvent["type"]> = Extract<RunEvent, { type: Type }>;

/** One fact folded into a run; each costs what the step's dependents cost, but for what people do to a whole run. */
export function evolveRun(state: RunState | undefined, event: RunEvent): RunState {
  if (event.type === "run.started") return begun(event.order);
  if (!state) throw new Error(`${event.type} before run.started`);
  return advance(changed(state, event));
}

function begun(order: RunOrder): RunState {
  const fresh: StepState = { status: "pending", generation: 1, unmet: 0, failedBefore: false };
  const empty = { ready: emptyVector, readyFrom: 0, held: emptyVector, heldFrom: 0, steps: emptyVector };
  const state: RunState = { order, status: "running", ...empty, counts: NO_COUNTS, asked: 0, round: 1 };
  return recount(
    state,
    order.definition.steps.map(() => fresh),
  );
}

function changed(state: RunState, event: Exclude<RunEvent, { type: "run.started" }>): RunState {
  switch (event.type) {
    case "step.queued":
      return hold(state, indexIn(state, event.step));
    case "step.started":
      return stepStarted(state, event);
    case "item.started":
      return itemStarted(state, event);
    case "child.started":
      return childStarted(state, event);
    case "wait.started": {
      const { at: startedAt, untilAt } = event;
      return changeStep(state, event.step, ({ held: _held, ...step }) => ({
        ...step,
        status: "waiting",
        startedAt,
        untilAt,
      }));
    }
    case "work.stalled":
      return changeWork(state, event.of, (work) => ({
        ...work,
        stalled: event.text,
        stallAt: event.againAt,
      }));
    case "item.settled":
      return itemSettled(state, event);
    case "step.settled":
      return stepSettled(state, indexIn(state, event.step), event.outcome);
    case "late-result":
      return withLate(state, event.of.step, lateResult(event.child));
    case "gate.opened":
    case "gate.approval":
    case "gate.reminded":
    case "gate.escalated":
    case "gate.decided":
    case "gate.late-decision":
      return changeStep(state, event.step, (step) => evolveGate(step, event));
    case "run.stopped": {
      const { at, failures, asked } = event;
      return { ...state, stopped: { at, failures }, asked };
    }
    case "run.progress":
      return { ...state, progress: { at: event.at, count: event.count } };
    case "run.canceling":
      return canceling(state, event);
    case "run.resumed":
      return evolveResumed(state, event);
    case "run.settled": {
      const { type: _, status, round: _round, ...outcome } = event;
      const { stopped: _stopped, ...rest } = state;
      return { ...rest, status, outcome };
    }
  }
}

function indexIn({ order }: RunState, step: string): number {
  const index = graphOf(order.definition).indexOf.get(step);
  if (index === undefined) throw new Error(`${order.id} has no step ${step}`);
  return index;
}

function changeStep(state: RunState, step: string, change: (step: StepState) => StepState): RunState {
  const index = indexIn(state, step);
  return withStep(state, index, change(stepOf(state, index)));
}

/** Changes the item of a fan-out, or the step itself; nothing when it has begun anew since. */
function changeWork(state: RunState, of: Place, change: (work: WorkState) => WorkState): RunState {
  return changeStep(state, of.step, (step) => {
    if (step.generation !== of.generation) return step;
    if (of.item === undefined) return { ...step, ...change(step) };
    const item = step.items && at(step.items, of.item);
    return step.items && item ? { ...step, items: withAt(step.items, of.item, change(item)) } : step;
  });
}

function stepStarted(state: RunState, event: EventOf<"step.started">): RunState {
  const index = indexIn(state, event.step);
  const { held: isItsTurn = false, ...before } = stepOf(state, index);
  const step: StepState = { ...before, status: "running", startedAt: event.at };
  if (!definitionAt(state, index).forEach) return withStep(state, index, step);
  if (!event.items) return holdAgain(withStep(state, index, step), index, isItsTurn);
  const items = vectorOf(event.items.map((value): WorkState => ({ status: "pending", value })));
  const itemCounts = { next: 0, running: 0, settled: 0, failed: 0, partial: 0, canceled: 0 };
  return holdAgain(withStep(state, index, { ...step, items, itemCounts }), index, isItsTurn);
}

function itemStarted(state: RunState, { at: startedAt, of }: EventOf<"item.started">): RunState {
  return withItem(state, of, (item) => ({ ...item, status: "running", startedAt }));
}

function itemSettled(state: RunState, { of, outcome }: EventOf<"item.settled">): RunState {
  const after = withItem(state, of, ({ stalled: _stalled, stallAt: _at, ...item }) => ({
    ...item,
    status: outcome.status,
    outcome,
  }));
  return outcome.status === "failed" ? withFailure(after) : after;
}

/** One item changed, the counts of its fan-out with it, and the fan-out's turn. */
function withItem(state: RunState, of: Place, change: (item: WorkState) => WorkState): RunState {
  const index = indexIn(state, of.step);
  const step = stepOf(state, index);
  const { items, itemCounts } = step;
  const item = items && of.item !== undefined ? at(items, of.item) : undefined;
  if (!items || !itemCounts || !item || of.item === undefined) throw new Error(`${of.step} has no such item`);
  const after = change(item);
  const changed = withAt(items, of.item, after);
  const by = (status: WorkState["status"]) =>
    (after.status === status ? 1 : 0) - (item.status === status ? 1 : 0);
  let { next } = itemCounts;
  while (at(changed, next) && at(changed, next)?.status !== "pending") next++;
  const counts = {
    next,
    running: itemCounts.running + by("running"),
    settled: itemCounts.settled + (isStepSettled(after.status) ? 1 : 0),
    failed: itemCounts.failed + by("failed"),
    partial: itemCounts.partial + by("partial"),
    canceled: itemCounts.canceled + by("canceled"),
  };
  const isItsTurn = item.status === "pending";
  return holdAgain(withStep(state, index, { ...step, items: changed, itemCounts: counts }), index, isItsTurn);
}

/** News of a child that nobody waits for any more changes nothing else. */
function childStarted(state: RunState, event: EventOf<"child.started">): RunState {
  const { of, child, agent, model, stallAt } = event;
  const step = stepOf(state, indexIn(state, of.step));
  const work = step.generation === of.generation ? workIn(step, of) : undefined;
  const isMeant = work?.child === child || (work?.status === "running" && step.status === "running");
  if (!isMeant) return withLate(state, of.step, lateStart(child));
  return changeWork(state, of, (work) => ({
    ...work,
    child,
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
    ...(stallAt === undefined || work.status !== "running" ? {} : { stallAt }),
  }));
}

export function workIn(step: StepState, { item }: Pick<Place, "item">): WorkState | undefined {
  if (item === undefined) return step.items ? undefined : step;
  return step.items && at(step.items, item);
}

export const lateResult = (child: string) => `result of ${child}`;
export const lateStart = (child: string) => `start of ${child}`;

function withLate(state: RunState, step: string, what: string): RunState {
  return changeStep(state, step, (now) => ({ ...now, late: [...(now.late ?? []), what] }));
}

function withFailure(state: RunState): RunState {
  return { ...state, counts: { ...state.counts, failures: state.counts.failures + 1 } };
}

/** The step has come to something: what needs it is counted down, and is ready when nothing else is open. */
function stepSettled(state: RunState, index: number, outcome: Outcome): RunState {
  const { held: _, stalled: _stalled, stallAt: _at, ending: _ending, ...before } = stepOf(state, index);
  const step: StepState = { ...before, status: outcome.status, outcome };
  const definition = definitionAt(state, index);
  const wasMainOver = isMainOver(state);
  let next = withStep(state, index, step);
  // Each failed item has counted already.
  if (outcome.status === "failed" && !step.itemCounts?.failed) next = withFailure(next);
  const failed = hasFailed(step, definition) || step.failedBefore;
  for (const dependent of graphOf(state.order.definition).dependents[index] ?? []) {
    const one = stepOf(next, dependent);
    if (one.status !== "pending") continue;
    const unmet = one.unmet - 1;
    const changed = { ...one, unmet, failedBefore: one.failedBefore || failed };
    next = { ...next, steps: withAt(next.steps, dependent, changed) };
    if (unmet === 0) next = enqueue(next, dependent);
  }
  return !wasMainOver && isMainOver(next) ? withCleanup(next) : next;
}

/** Everything else is over: cleanup steps without needs of their own are ready. */
function withCleanup(state: RunState): RunState {
  let next = state;
  for (const [index, { cleanup }] of state.order.definition.steps.entries()) {
    if (!cleanup) continue;
    const { status, unmet } = stepOf(next, index);
    if (status === "pending" && unmet === 0) next = enqueue(next, index);
  }
  return next;
}

/** Conditions are looked at again, since cancelled() is true now; what had been put into a queue may not begin at all. */
function canceling(state: RunState, event: EventOf<"run.canceling">): RunState {
  const { type: _, ...canceling } = event;
  const { stopped: _stopped, ...rest } = state;
  return recount({ ...rest, canceling }, endingAll(state));
}
