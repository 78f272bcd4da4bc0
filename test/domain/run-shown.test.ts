import assert from "node:assert/strict";
import test from "node:test";
import { stepDocument, summaryDocument } from "../../src/domain/run-documents.ts";
import { planOf } from "../../src/domain/run-plan.ts";
import type { TaskAction } from "../../src/domain/workflow-types.ts";
import { ADA, BEN, begin } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const look = stepOf("look", taskOf("webster", "Look."));

test("the view shows what is needed of each step, and what the run waits for", () => {
  const law = begin(
    [
      look,
      stepOf("opt", {
        ...taskOf("", "Think."),
        agent: undefined,
        capability: "optimization",
      } as unknown as TaskAction),
      stepOf("gate", approvalOf({ approvers: ["role:eng"], min: 2 }), { needs: ["look"] }),
      stepOf("rest", { kind: "wait", ms: 500 }),
    ],
    {},
    { inputs: { a: 1 }, parent: { run: "wf-0", step: "x", generation: 1 } },
  );
  law.started("opt");
  law.succeed("look", undefined, { confidence: "high", artifacts: ["/a"], output: { n: 1 } });
  law.decide("gate", "approve", { ...ADA, roles: [{ id: "9", name: "eng" }] } as typeof ADA);
  const { steps, waiting, parent, progress } = law.view;
  assert.deepEqual(progress, { settled: 1, total: 4, running: 1 });
  assert.deepEqual(parent, { run: "wf-0", step: "x" });
  assert.equal(waiting, undefined);
  assert.deepEqual(steps[0], {
    id: "look",
    kind: "task",
    status: "succeeded",
    needs: [],
    generation: 1,
    agent: "webster",
    child: "wf-1.look",
    startedAt: 1000,
    settledAt: 1002,
    confidence: "high",
    result: "look succeeded",
    output: { n: 1 },
    artifacts: ["/a"],
  });
  assert.equal(steps[1]?.capability, "optimization");
  assert.equal(steps[1]?.agent, "webster");
  assert.deepEqual(steps[2]?.gate?.approvals, [{ who: "@ada", at: law.now }]);
  assert.equal(steps[2]?.gate?.min, 2);
  assert.equal(steps[3]?.untilAt, 1500);
});

test("an item of which nothing is heard shows at its step", () => {
  const law = begin([
    stepOf("each", taskOf("webster", "Do."), {
      forEach: { expression: "split('a,b', ',')", maxParallel: 2 },
    }),
  ]);
  law.started("each", 1);
  law.take({ type: "stalled", at: 99_999, of: law.placeOf("each", 1), text: "slow", againAt: 199_999 });
  assert.equal(law.view.steps[0]?.stalled, "slow");
});

test("a step's file is a handoff that old tools read, with what is ours beside it", () => {
  const law = begin([
    look,
    stepOf("gate", approvalOf(), { needs: ["look"] }),
    stepOf("after", taskOf("x", "Go."), { needs: ["gate"] }),
  ]);
  law.started("look");
  law.succeed("look", undefined, { at: 5000, result: "cut", confidence: "high" });
  const handoff = {
    schemaVersion: "1.0",
    runId: "wf-1.look",
    agent: "webster",
    status: "complete",
    result: "the whole text",
    artifacts: ["/x"],
    confidence: "medium",
    notes: "one source",
    remarks: [],
  } as const;
  const { startedAt: _, ...file } = stepDocument(
    law.state,
    "look",
    new Map([["wf-1.look", handoff]]),
  ) as Record<string, unknown>;
  assert.deepEqual(file, {
    schemaVersion: "1.0",
    runId: "wf-1.look",
    workflowRunId: "wf-1",
    workflow: "law",
    step: "look",
    kind: "task",
    agent: "webster",
    status: "complete",
    result: "the whole text",
    artifacts: ["/x"],
    confidence: "medium",
    notes: "one source",
    timestamp: "1970-01-01T00:00:05.000Z",
    generation: 1,
    needs: [],
  });
  law.decide("gate", "reject", ADA, { reason: "no" });
  const gate = stepDocument(law.state, "gate") as Record<string, unknown>;
  assert.equal(gate["status"], "failed");
  assert.equal(gate["by"], "@ada");
  assert.equal((gate["gate"] as { status: string }).status, "rejected");
  assert.equal((stepDocument(law.state, "after") as { timestamp: unknown }).timestamp !== null, true);
  assert.throws(() => stepDocument(law.state, "x"), /no step x/);
});

test("a step's file has what the run keeps where its child's handoff is not known, and why it is no success", () => {
  const law = begin([look, stepOf("gate", approvalOf(), { needs: ["look"] })]);
  const startedAt = law.now;
  law.end(law.placeOf("look"), "partial", {
    at: 5000,
    result: "half",
    output: { n: 1 },
    artifacts: ["/x"],
    confidence: "low",
    reason: "two of three",
    problems: [{ path: "n", message: "too small" }],
  });
  const file = stepDocument(law.state, "look") as Record<string, unknown>;
  assert.deepEqual(
    [file["status"], file["result"], file["output"], file["artifacts"], file["confidence"], file["reason"]],
    ["partial", "half", { n: 1 }, ["/x"], "low", "two of three"],
  );
  assert.deepEqual(file["problems"], [{ path: "n", message: "too small" }]);
  assert.equal(file["startedAt"], new Date(startedAt).toISOString());
  assert.equal(file["timestamp"], "1970-01-01T00:00:05.000Z");
  law.decide("gate", "reject", ADA, { reason: "no" });
  const { gate } = stepDocument(law.state, "gate") as { gate: Record<string, unknown> };
  const decidedAt = new Date(law.now).toISOString();
  assert.deepEqual([gate["decidedAt"], gate["decidedBy"], gate["reason"]], [decidedAt, "@ada", "no"]);
});

test("a gate's file has the reason of each approval that gave one", () => {
  const law = begin([stepOf("gate", approvalOf({ min: 3 }))]);
  law.decide("gate", "approve", ADA, { reason: "fits the budget" });
  law.decide("gate", "approve", BEN);
  const { gate } = stepDocument(law.state, "gate") as { gate: { approvals: unknown } };
  const [first, second] = law.step("gate").gate?.approvals.map(({ at }) => new Date(at)) ?? [];
  assert.deepEqual(gate.approvals, [
    { who: "@ada", at: first?.toISOString(), reason: "fits the budget" },
    { who: "@ben", at: second?.toISOString() },
  ]);
});

test("a fan-out's file has its items, whole as they are kept", () => {
  const law = begin([
    stepOf("each", taskOf("webster", "Do."), {
      forEach: { expression: "split('a,b', ',')", maxParallel: 1 },
    }),
  ]);
  law.succeed("each", 0, { at: 5000, output: 1, result: "cut", confidence: "high" });
  const whole = new Map([["wf-1.each_0", { result: "the whole text" }]]);
  const { items } = stepDocument(law.state, "each", whole) as { items: Record<string, unknown>[] };
  assert.deepEqual(items[0], {
    item: "a",
    status: "complete",
    runId: "wf-1.each_0",
    agent: null,
    result: "the whole text",
    confidence: "high",
    timestamp: "1970-01-01T00:00:05.000Z",
    output: 1,
  });
  assert.deepEqual(items[1], {
    item: "b",
    status: "running",
    runId: null,
    agent: null,
    result: "",
    confidence: null,
    timestamp: null,
  });
  law.end(law.placeOf("each", 1), "partial", { result: "half", reason: "one of two" });
  const after = stepDocument(law.state, "each") as { items: Record<string, unknown>[] };
  const { status, result, reason } = after.items[1] ?? {};
  assert.deepEqual([status, result, reason], ["partial", "half", "one of two"]);
});

type SummaryStep = { readonly file: unknown; readonly reason?: unknown };

test("the summary counts, names what is missing and where each step's file is", () => {
  const law = begin([
    look,
    stepOf("b", taskOf("x", "Go."), { needs: ["look"] }),
    stepOf("c", taskOf("y", "Go.")),
  ]);
  const open = summaryDocument(law.state) as Record<string, unknown>;
  assert.equal(open["status"], "running");
  assert.equal(open["timestamp"], null);
  assert.deepEqual(
    (open["steps"] as SummaryStep[]).map(({ file }) => file),
    [null, null, null],
    "what is not over has no file",
  );
  law.succeed("c", undefined, { output: { n: 1 } });
  law.fail("look");
  const summary = summaryDocument(law.state) as Record<string, unknown> & { steps: SummaryStep[] };
  assert.equal(summary["status"], "failed");
  assert.deepEqual(summary["counts"], {
    total: 3,
    complete: 1,
    partial: 0,
    failed: 1,
    skipped: 1,
    canceled: 0,
  });
  assert.deepEqual(summary["missing"], ["look failed: it went wrong.", "b was skipped: look failed."]);
  assert.deepEqual(summary["output"], { n: 1 });
  assert.deepEqual(
    summary.steps.map(({ file, reason }) => [file, reason]),
    [
      ["look.json", "it went wrong"],
      ["b.json", "look failed"],
      ["c.json", undefined],
    ],
  );
});

test("the summary of a run that is over tells each way in which its steps ended, and when", () => {
  const steps = ["a", "b", "c", "d"].map((id) => stepOf(id, taskOf("x", "Go.")));
  const law = begin([...steps, stepOf("e", taskOf("x", "Go."), { if: "false" })], { output: { step: "a" } });
  law.succeed("a", undefined, { confidence: "high" });
  law.end(law.placeOf("b"), "partial", { reason: "half" });
  law.fail("c");
  law.end(law.placeOf("d"), "canceled", { at: 9000, reason: "not needed" });
  const summary = summaryDocument(law.state) as Record<string, unknown> & {
    steps: Record<string, unknown>[];
  };
  assert.deepEqual(summary["counts"], {
    total: 5,
    complete: 1,
    partial: 1,
    failed: 1,
    skipped: 1,
    canceled: 1,
  });
  assert.equal(summary["timestamp"], new Date(law.view.settledAt ?? 0).toISOString());
  assert.match(
    String(summary["notes"]),
    /^2 of 5 steps completed; c failed: it went wrong\nb is partial: half\./,
  );
  assert.equal(summary["result"], "a succeeded");
  assert.equal(summary.steps[0]?.["confidence"], "high");
  assert.equal(summary.steps[1]?.["status"], "partial");
  assert.equal(summary.steps[3]?.["timestamp"], "1970-01-01T00:00:09.000Z");
  law.retry();
  assert.equal((summaryDocument(law.state) as Record<string, unknown>)["round"], 2);
});

test("at most twenty sentences say what is missing", () => {
  const law = begin([
    look,
    ...Array.from({ length: 30 }, (_, n) => stepOf(`s${n}`, taskOf("x", "Go."), { needs: ["look"] })),
  ]);
  law.fail("look");
  assert.equal(law.view.missing.length, 21);
  assert.equal(law.view.missing.at(-1), "And 11 more.");
});

test("the result is that of the output's step, else of the last work on which nothing hangs", () => {
  const end = stepOf("end", taskOf("x", "Go."), { needs: ["look"] });
  const named = begin([look, end], { output: { step: "look" } });
  named.succeed("look", undefined, { result: "first" });
  named.succeed("end");
  assert.equal(named.view.result, "first");
  const nested = begin([
    stepOf("inner", { kind: "workflow", workflow: "other", with: {} }),
    stepOf("rest", { kind: "wait", ms: 500 }),
  ]);
  nested.succeed("inner", undefined, { result: "of the nested run" });
  nested.take({ type: "wait-over", at: 1501, step: "rest", generation: 1 });
  assert.equal(nested.view.result, "of the nested run");
  const gated = begin([look, stepOf("gate", approvalOf(), { needs: [] })]);
  gated.succeed("look", undefined, { result: "work" });
  gated.decide("gate", "approve", ADA);
  assert.equal(gated.view.result, "work");
  const only = begin([stepOf("gate", approvalOf())]);
  only.decide("gate", "approve", ADA);
  assert.equal(only.view.result, "approved by @ada");
  const waits = begin([stepOf("rest", { kind: "wait", ms: 1 })]);
  waits.take({ type: "wait-over", at: 1001, step: "rest", generation: 1 });
  assert.equal(waits.view.result, undefined);
});

test("a plan has waves, agents with reasons, gates and the time along the longest path", () => {
  const inner = workflowOf("inner", [stepOf("deep", taskOf("webster", "Go."))]);
  const definition = workflowOf("plan", [
    stepOf("tidy", taskOf("webster", "Tidy."), { cleanup: true }),
    stepOf("a", taskOf("webster", "Go."), { if: "inputs.x" }),
    stepOf("b", taskOf("optimizer", "Go."), {
      forEach: { expression: "split(inputs.y, ',')", maxParallel: 2 },
    }),
    stepOf("gate", approvalOf({ approvers: ["role:eng"] }), { needs: ["a", "b"] }),
    stepOf("rest", { kind: "wait", ms: 500 }, { needs: ["gate"] }),
    stepOf("sub", { kind: "workflow", workflow: "inner", with: {} }, { needs: ["rest"] }),
    stepOf("nobody", taskOf("ghost", "Go."), { needs: ["gate"] }),
  ]);
  const plan = planOf({
    definition,
    nested: { inner },
    inputs: { x: true },
    resolve: ({ agent = "" }) => (agent === "ghost" ? undefined : { agent, why: "named by the step" }),
    estimate: ({ agent }) => (agent === "webster" ? 1000 : agent === "optimizer" ? 3000 : undefined),
  });
  assert.deepEqual(
    plan.waves.map((wave) => wave.map(({ id }) => id)),
    [["a", "b"], ["gate"], ["rest", "nobody"], ["sub"], ["tidy"]],
  );
  assert.equal(plan.estimatedMs, 3000 + 500 + 1000 + 1000);
  assert.equal(plan.waves[0]?.[0]?.why, "named by the step");
  assert.equal(plan.waves[0]?.[0]?.if, "inputs.x");
  assert.equal(plan.waves[0]?.[1]?.forEach, "split(inputs.y, ',')");
  assert.deepEqual(plan.waves[1]?.[0]?.approvers, ["role:eng"]);
  assert.equal(plan.waves[3]?.[0]?.estimatedMs, 1000);
  assert.deepEqual(plan.warnings, [
    "b: the number of items is known when it begins; the time is that of one.",
    "nobody: no agent can be named for it now.",
    "nobody: its agent has no history; its time is not in the estimate.",
  ]);
  const unknown = planOf({
    definition: inner,
    nested: {},
    inputs: {},
    resolve: () => undefined,
    estimate: () => undefined,
  });
  assert.equal(unknown.estimatedMs, undefined);
});
