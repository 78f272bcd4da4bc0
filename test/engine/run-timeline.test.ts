import assert from "node:assert/strict";
import test from "node:test";
import { delegation } from "../../src/domain/delegation.ts";
import type { DelegationInput } from "../../src/domain/delegation-types.ts";
import type { Loaded } from "../../src/engine/ports/ledger.ts";
import { createRunTimeline } from "../../src/engine/run-timeline.ts";
import { fold } from "../../src/kernel/decider.ts";
import { ORDER } from "../support/order.ts";
import { begin, type Law, OPERATOR } from "../support/run-law.ts";
import { stepOf, taskOf } from "../support/workflow.ts";

const task = taskOf("webster", "Go.");
const many = (count: number) => ({
  forEach: { expression: `split('${"x,".repeat(count - 1)}x', ',')`, maxParallel: count },
});
const AT_ONCE = { limits: { maxParallel: 2000, timeoutMs: 9_000_000, maxFailures: 3 } };

/** The timeline of a run, with what a ledger has of its children. */
function timelineOf(law: Law, children: Readonly<Record<string, Pick<Loaded, "kind" | "state">>> = {}) {
  const kept = { "wf-1": { kind: "run", state: law.state }, ...children };
  const load = async (id: string) =>
    Object.hasOwn(kept, id) ? ({ ...kept[id as "wf-1"], later: [] } as unknown as Loaded) : undefined;
  return createRunTimeline({ ledger: { load }, now: () => 5000 })("wf-1");
}

function delegated(...inputs: readonly DelegationInput[]) {
  let state = fold(
    delegation.evolve,
    undefined,
    delegation.decide(undefined, { type: "queue", order: { ...ORDER, queuedAt: 1050 } }),
  );
  for (const input of inputs) state = fold(delegation.evolve, state, delegation.decide(state, input));
  return { kind: "delegation", state } as const;
}

test("of a run with very many children a thousand are told, those of the first steps", async () => {
  const ids = Array.from({ length: 22 }, (_, index) => `s${index}`);
  const law = begin(
    ids.map((id, index) => stepOf(id, task, many(index === 0 ? 30 : 50))),
    AT_ONCE,
  );
  for (const [index, id] of ids.entries())
    for (let item = 0; item < (index === 0 ? 30 : 50); item++) law.started(id, item);
  const { steps } = await timelineOf(law);
  const counts = steps.map(({ children }) => children.length);
  assert.deepEqual(counts, [30, ...Array.from({ length: 19 }, () => 50), 20, 0]);
});

test("a child that the ledger no longer has is told by what its run knows of it", async () => {
  const law = begin([stepOf("a", task), stepOf("b", task, many(2))], AT_ONCE);
  law.started("a");
  law.started("b", 1);
  law.succeed("a");
  const { steps } = await timelineOf(law);
  assert.deepEqual(steps[0]?.children, [
    {
      id: "wf-1.a",
      kind: "delegation",
      state: "succeeded",
      agent: "webster",
      startedAt: 1000,
      settledAt: law.now,
    },
  ]);
  assert.deepEqual(steps[1]?.children, [
    { id: "wf-1.b_1", kind: "delegation", state: "running", agent: "webster", item: 1, startedAt: 1000 },
  ]);
});

test("a child is told as its own story has it, from its first acknowledgment, also before its run heard of it", async () => {
  const nested = { kind: "workflow", workflow: "inner", with: {} } as const;
  const law = begin([stepOf("a", task), stepOf("in", nested), stepOf("put-off", task)], AT_ONCE);
  law.started("a");
  law.started("in");
  law.started("put-off");
  const inner = begin([stepOf("look", task)], {}, { id: "wf-1.in", startedAt: 1500 });
  inner.succeed("look");
  const child = delegated(
    { type: "reroute", attempt: 1, at: 1100, from: "webster", to: "manager", why: "webster is down" },
    { type: "dispatched", attempt: 1, at: 1200, again: false },
    {
      type: "bad-handoff",
      at: 1300,
      source: { path: "/in/a.json", digest: "d", attempt: 1 },
      problems: [{ path: "", message: "is no JSON" }],
    },
    { type: "dispatched", attempt: 2, at: 1400, again: false },
    { type: "cancel", at: 1600, actor: OPERATOR },
  );
  const putOff = delegated(
    {
      type: "deferred",
      attempt: 1,
      at: 1100,
      untilAt: 9000,
      reason: "agent_down",
      text: "down",
      again: false,
    },
    { type: "cancel", at: 1600, actor: OPERATOR },
  );
  const { steps } = await timelineOf(law, {
    "wf-1.a": child,
    "wf-1.in": { kind: "run", state: inner.state },
    "wf-1.put-off": putOff,
  });
  assert.deepEqual(steps[0]?.children, [
    {
      id: "wf-1.a",
      kind: "delegation",
      state: "canceled",
      agent: "manager",
      startedAt: 1050,
      dispatchedAt: 1200,
      settledAt: 1600,
    },
  ]);
  assert.deepEqual(steps[1]?.children, [
    {
      id: "wf-1.in",
      kind: "run",
      state: "succeeded",
      agent: "webster",
      startedAt: 1500,
      dispatchedAt: 1500,
      settledAt: inner.now,
    },
  ]);
  assert.deepEqual(steps[2]?.children, [
    {
      id: "wf-1.put-off",
      kind: "delegation",
      state: "canceled",
      agent: "webster",
      startedAt: 1050,
      settledAt: 1600,
    },
  ]);
});
