import assert from "node:assert/strict";
import test from "node:test";
import { type StepChild, type TimelineStep, timelineOf } from "../../src/domain/run-timeline.ts";
import { ADA, begin, type Law } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const task = taskOf("webster", "Go.");
const step = (id: string, needs: readonly string[] = []) => stepOf(id, task, { needs });

function timelineAt(law: Law, now: number, children: Readonly<Record<string, readonly StepChild[]>> = {}) {
  const timeline = timelineOf(law.state, now, (id) => children[id] ?? []);
  const found = (id: string): TimelineStep => {
    const one = timeline.steps.find((each) => each.id === id);
    assert.ok(one, `there is a step ${id}`);
    return one;
  };
  /** Each wait as its kind, its text and how long it was; "…" while it goes on. */
  const waits = (id: string) =>
    found(id).waitedFor.map(({ for: what, text, ms, to }) =>
      [what, text, `${ms}${to === undefined ? "…" : ""}`].join(" | "),
    );
  return { timeline, found, waits };
}

const childOf = (more: Partial<StepChild> = {}): StepChild => ({
  id: "wf-1.a",
  kind: "delegation",
  state: "queued",
  agent: "webster",
  ...more,
});

test("a step waits for those that it needs, by name, and then for the last of them", () => {
  const law = begin([step("a"), step("b"), step("c", ["a", "b"])]);
  law.succeed("a");
  assert.deepEqual(timelineAt(law, 1500).waits("c"), ["need | waits for b | 500…"]);
  assert.deepEqual(timelineAt(law, 1500).waits("a"), [], "what is so short is no wait");
  law.pass(100);
  law.succeed("b");
  assert.deepEqual(timelineAt(law, 1500).waits("c"), ["need | waited for b | 102"]);
  assert.equal(timelineAt(law, 1500).found("c").waitedFor[0]?.id, "b");
});

test("a step that may begin waits for room while too many others run", () => {
  const law = begin([step("a"), step("b")], { limits: { maxParallel: 1, timeoutMs: 9000, maxFailures: 3 } });
  assert.deepEqual(timelineAt(law, 1049).waits("b"), []);
  assert.deepEqual(timelineAt(law, 1050).waits("b"), ["room | waits until fewer steps run | 50…"]);
  law.pass(100);
  law.succeed("a");
  assert.deepEqual(timelineAt(law, 1500).waits("b"), ["room | waited until fewer steps ran | 101"]);
  law.succeed("b");
  law.pass(100);
  law.rerun("b");
  assert.deepEqual(timelineAt(law, 1500).waits("b"), [], "done once more, it had what it needs long before");
});

test("what a run that is over never began waits for nothing, and nothing of it waits on", () => {
  const law = begin([step("a"), step("b", ["a"])]);
  law.pass(100);
  law.fail("a");
  const { timeline, found, waits } = timelineAt(law, 99_000, { a: [childOf({ startedAt: 900 })] });
  assert.deepEqual([timeline.status, timeline.settledAt, timeline.at], ["failed", 1101, 99_000]);
  assert.deepEqual(waits("b"), []);
  assert.deepEqual(waits("a"), ["agent | waits for webster | 201…"], "up to the end of the run");
  assert.deepEqual([found("a").reason, found("b").reason], ["it went wrong", "a failed"]);
});

test("an agent is waited for until it has the work, with what it is busy with", () => {
  const law = begin([step("a")]);
  const waits = (child: Partial<StepChild>) => timelineAt(law, 2000, { a: [childOf(child)] }).waits("a");
  assert.deepEqual(waits({ startedAt: 1000, waiting: "webster has 1 of 1" }), [
    "agent | waits for webster: webster has 1 of 1 | 1000…",
  ]);
  assert.deepEqual(waits({ startedAt: 1000, dispatchedAt: 1500, settledAt: 1900 }), [
    "agent | waited for webster | 500",
  ]);
  assert.deepEqual(waits({ startedAt: 1000, settledAt: 1900 }), ["agent | waited for webster | 900"]);
  assert.deepEqual(waits({ startedAt: 1000, dispatchedAt: 1049 }), []);
  assert.deepEqual(waits({ startedAt: 1000, dispatchedAt: 1050 }).length, 1);
  assert.deepEqual(waits({}), [], "it was not asked yet");
  const two = [childOf({ dispatchedAt: 1700 }), childOf({ dispatchedAt: 1600 })];
  assert.equal(timelineAt(law, 2000, { a: two }).found("a").dispatchedAt, 1600);
  assert.equal("dispatchedAt" in timelineAt(law, 2000).found("a"), false);
});

test("people are waited for from the opening of a gate to its decision, and a pause is a wait for time", () => {
  const law = begin([
    stepOf("sign", approvalOf({ approvers: ["role:eng", "ada"] })),
    stepOf("anybody", approvalOf()),
    stepOf("rest", { kind: "wait", ms: 500 }),
  ]);
  const open = timelineAt(law, 1300);
  assert.deepEqual(open.waits("sign"), ["gate | waits for role:eng, ada | 300…"]);
  assert.deepEqual(open.waits("anybody"), ["gate | waits for whoever may operate | 300…"]);
  assert.deepEqual(open.waits("rest"), ["time | a pause | 300…"]);
  const { gate } = open.found("sign");
  assert.deepEqual(gate, { status: "open", openedAt: 1000, expiresAt: 86_401_000 });
  law.pass(99);
  law.decide("anybody", "reject", ADA, { reason: "too thin" });
  const { found, waits } = timelineAt(law, 1300);
  assert.deepEqual(waits("anybody"), ["gate | waited for whoever may operate | 100"]);
  assert.deepEqual(found("anybody").gate, {
    status: "rejected",
    openedAt: 1000,
    expiresAt: 86_401_000,
    decidedBy: "@ada",
    decidedAt: 1100,
    reason: "too thin",
  });
});

test("a step tells what the run says of it, and no more than is known", () => {
  const law = begin([
    stepOf("a", task, { forEach: { expression: "split('x,y', ',')", maxParallel: 2 } }),
    step("b"),
    step("c", ["b"]),
  ]);
  law.started("b");
  const { timeline, found } = timelineAt(law, 1500);
  assert.equal(timeline.deadlineAt, law.state.order.deadlineAt);
  const [a, b] = [found("a"), found("b")];
  assert.deepEqual(a.items, { total: 2, settled: 0, failed: 0, running: 2 });
  assert.deepEqual(
    [b.agent, b.startedAt, b.generation, "settledAt" in b, "items" in b],
    ["webster", law.view.steps[1]?.startedAt, 1, false, false],
  );
  assert.equal("startedAt" in found("c"), false);
  const at = law.step("b").stallAt ?? 0;
  law.take({ type: "stalled", at, of: law.placeOf("b"), text: "nothing was heard", againAt: at + 5 });
  assert.equal(timelineAt(law, 1500).found("b").stalled, "nothing was heard");
  law.succeed("b");
  const settled = timelineAt(law, 1500).found("b");
  assert.equal(settled.settledAt, law.now);
  law.rerun("b");
  assert.equal(timelineAt(law, 1500).found("b").generation, 2);
});

test("what was waited for less than 50 ms is not told, and a question that nobody answered is over with its run", () => {
  for (const [before, waits] of [
    [48, []],
    [49, ["need | waited for a | 50"]],
  ] as const) {
    const law = begin([step("a"), step("b", ["a"])]);
    law.pass(before);
    law.succeed("a");
    assert.deepEqual(timelineAt(law, 1500).waits("b"), waits);
  }
  const law = begin([stepOf("sign", approvalOf()), stepOf("rest", { kind: "wait", ms: 500 })]);
  law.pass(99);
  law.cancel();
  const { waits } = timelineAt(law, 1300);
  assert.deepEqual(waits("sign"), ["gate | waited for whoever may operate | 100"]);
  assert.deepEqual(waits("rest"), ["time | a pause | 100"]);
  const nobody = begin([step("a")]);
  const { agent: _, ...child } = childOf({ startedAt: 1000 });
  assert.deepEqual(timelineAt(nobody, 1500, { a: [child] }).waits("a"), [
    "agent | waits for its agent | 500…",
  ]);
});
