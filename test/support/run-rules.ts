import assert from "node:assert/strict";
import type { RunEvent, StepState } from "../../src/domain/run-types.ts";
import { childIdOf } from "../../src/domain/run-work.ts";
import { valuesOf } from "../../src/kernel/vector.ts";
import { assertReloads, type Law } from "./run-law.ts";

const limitOf = ({ state }: Law) => state.order.definition.limits.maxParallel;

export function assertChangesNothing(made: readonly RunEvent[]): void {
  assert.deepEqual(
    made.filter(({ type }) => type !== "late-result" && type !== "gate.late-decision"),
    [],
  );
}

/** What holds whenever a decision has been made. */
export function assertAtRest(law: Law, ids: readonly string[]): void {
  const { state } = law;
  const steps = ids.map((id, index) => ({
    id,
    step: law.step(id),
    definition: state.order.definition.steps[index],
  }));
  const atWork = steps.reduce((sum, { step }) => sum + workers(step), 0);
  assert.equal(state.counts.running, atWork, "what is counted is what runs");
  const isSettled = (id: string) => !["pending", "running", "waiting"].includes(law.step(id).status);
  assert.equal(state.counts.settled, ids.filter(isSettled).length);
  const having = (...statuses: readonly string[]) =>
    steps.filter(({ step }) => statuses.includes(step.status));
  assert.equal(state.counts.succeeded, having("succeeded").length, "what is partial is no success");
  assert.equal(state.counts.partial, having("partial").length);
  const lost = having("failed", "canceled").filter(
    ({ definition }) => !definition?.cleanup && !definition?.continueOnError,
  );
  assert.equal(state.counts.untolerated, lost.length);
  if (state.status !== "running") {
    assert.ok(ids.every(isSettled), "a settled run has nothing open");
    return;
  }
  assert.ok(!ids.every(isSettled), "a run with nothing open is settled");
  const isMainOver = steps.every(({ id, definition }) => definition?.cleanup || isSettled(id));
  for (const { id, step, definition } of steps) {
    if (step.status !== "pending") continue;
    const isFree = (definition?.needs ?? []).every(isSettled) && (!definition?.cleanup || isMainOver);
    assert.equal(step.unmet, (definition?.needs ?? []).filter((need) => !isSettled(need)).length);
    const isHeld = state.stopped !== undefined || state.counts.running >= limitOf(law);
    assert.ok(!isFree || isHeld, `${id} could begin and does not: ${law.statuses.join(", ")}`);
  }
  const isAnybodyBusy = atWork > 0 || steps.some(({ step }) => step.status === "waiting") || state.stopped;
  assert.ok(isAnybodyBusy, `it waits for nothing: ${law.statuses.join(", ")}`);
}

function workers(step: StepState): number {
  if (step.status !== "running") return 0;
  if (!step.items) return 1;
  return [...valuesOf(step.items)].filter(({ status }) => status === "running").length;
}

/** What holds for the whole history. */
export function assertSound(law: Law): void {
  assertReloads(law);
  const begun = new Map<string, number>();
  const decided = new Map<string, number>();
  const settled = new Map<string, number>();
  const approvals = new Map<string, Set<string>>();
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  for (const { body } of law.effects)
    if (body.type === "start-child") count(begun, childIdOf(body.run, body));
  for (const event of law.events) {
    if (event.type === "gate.decided") {
      count(decided, `${event.step}~${event.generation}`);
      if (event.status === "approved") {
        const action = law.state.order.definition.steps.find(({ id }) => id === event.step)?.action;
        const given = approvals.get(`${event.step}~${event.generation}`)?.size ?? 0;
        assert.ok(
          action?.kind === "approval" && given >= action.gate.min,
          "approved without enough approvals",
        );
      }
    }
    if (event.type === "gate.approval") {
      const key = `${event.step}~${event.generation}`;
      const who = event.actor.kind === "person" ? event.actor.id : event.actor.kind;
      approvals.set(key, (approvals.get(key) ?? new Set()).add(who));
    }
    if (event.type === "step.settled") count(settled, `${event.step}~${event.generation}`);
  }
  for (const [child, times] of begun) assert.equal(times, 1, `${child} was begun ${times} times`);
  for (const [gate, times] of decided) assert.equal(times, 1, `${gate} was decided ${times} times`);
  assertNeverTooMany(law.events, limitOf(law));
  assertStopsHold(law.events);
}

/** Nothing new of the main part begins between a stop and its answer. */
function assertStopsHold(events: readonly RunEvent[]): void {
  let isStopped = false;
  for (const event of events) {
    if (event.type === "run.stopped") isStopped = true;
    else if (["run.resumed", "run.canceling", "run.settled"].includes(event.type)) isStopped = false;
    const begins =
      event.type === "step.started" || event.type === "item.started" || event.type === "gate.opened";
    if (!isStopped || !begins) continue;
    const step = "of" in event ? event.of.step : event.step;
    assert.ok(["tidy", "tell"].includes(step), `${step} began while the run was stopped`);
  }
}

/** At most so many at once, counted from the events alone. */
function assertNeverTooMany(events: readonly RunEvent[], limit: number): void {
  const open = new Map<string, Set<string>>();
  const isFanOut = new Set<string>();
  for (const event of events) {
    if (event.type === "step.started") {
      if (event.items) isFanOut.add(event.step);
      if (!isFanOut.has(event.step)) open.set(event.step, new Set(["it"]));
    } else if (event.type === "item.started") {
      open.set(event.of.step, (open.get(event.of.step) ?? new Set()).add(`${event.of.item}`));
    } else if (event.type === "item.settled") open.get(event.of.step)?.delete(`${event.of.item}`);
    else if (event.type === "step.settled") open.delete(event.step);
    else if (event.type === "run.resumed") for (const { step } of event.reset) open.delete(step);
    const atOnce = [...open.values()].reduce((sum, { size }) => sum + size, 0);
    assert.ok(atOnce <= limit, `${atOnce} at once after ${event.type}`);
  }
}
