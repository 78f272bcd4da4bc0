import assert from "node:assert/strict";
import test from "node:test";
import { type Stubs, simulateRun } from "../../src/domain/simulate-run.ts";
import type { StepDefinition, WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import { orderOf } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const simulate = (steps: readonly StepDefinition[], stubs: Stubs, more: Partial<WorkflowDefinition> = {}) =>
  simulateRun(orderOf(workflowOf("law", steps, more)), stubs, 1000);

const research = stepOf("research", taskOf("webster", "Look."));
const judge = stepOf("judge", taskOf("tech-lead", "Judge ${{ steps.research.result }}."), {
  needs: ["research"],
});

test("a run on given outputs goes the way that the real one would", () => {
  const { view, problems, waiting } = simulate([research, judge], {
    steps: {
      research: { result: "0.007" },
      judge: { status: "partial", result: "half", confidence: "low", reason: "one source" },
    },
  });
  assert.equal(view.status, "partial");
  assert.equal(view.result, "half");
  assert.equal(view.steps[1]?.confidence, "low");
  assert.deepEqual([problems, waiting], [[], []]);
});

test("a step without a stub is a problem and fails", () => {
  const { view, problems } = simulate([research, judge], { steps: { reserch: {} } });
  assert.deepEqual(problems, [
    'There is no step "reserch" in law. Did you mean research?',
    "There is no stub for research.",
  ]);
  assert.equal(view.status, "failed");
  assert.equal(view.steps[1]?.status, "skipped");
});

test("gates are decided by their stubs, and without one the run waits there", () => {
  const gate = stepOf("sign", approvalOf({ min: 2, approvers: ["role:eng", "user:7"] }), {
    needs: ["research"],
  });
  const stubs = { steps: { research: {}, after: {} } };
  const after = stepOf("after", taskOf("webster", "Go."), { needs: ["sign"] });
  const open = simulate([research, gate, after], stubs);
  assert.deepEqual(open.waiting, ["sign"]);
  assert.equal(open.view.waiting, "gate");
  assert.equal(
    simulate([research, gate, after], { ...stubs, gates: { sign: "approve" } }).view.status,
    "succeeded",
  );
  const no = simulate([research, gate, after], { ...stubs, gates: { sign: "reject" } });
  assert.deepEqual(
    no.view.steps.map(({ status }) => status),
    ["succeeded", "failed", "skipped"],
  );
  assert.deepEqual(
    simulate([research], { steps: { research: {} }, gates: { research: "approve", sgn: "approve" } })
      .problems,
    ["research is no gate; its stub belongs under steps.", 'There is no gate "sgn" in law.'],
  );
});

test("items of a fan-out have a stub each, and waits pass at once", () => {
  const each = stepOf("each", taskOf("webster", "Do."), {
    forEach: { expression: "split('a,b,c', ',')", maxParallel: 1 },
  });
  const rest = stepOf("rest", { kind: "wait", ms: 5000 }, { needs: ["each"] });
  const { view, problems } = simulate([each, rest], {
    steps: { each: [{ result: "1" }, { status: "blocked" }] },
  });
  assert.deepEqual(problems, ["There is no stub for item 2 of each."]);
  assert.equal(view.steps[0]?.status, "partial");
  assert.equal(view.steps[1]?.settledAt, 6000);
});

test("stubs beyond the items of a fan-out are problems; of one that never began nobody knows", () => {
  const over = (list: string) =>
    stepOf("each", taskOf("webster", "Do."), { forEach: { expression: list, maxParallel: 4 } });
  const three = { each: [{ result: "1" }, { result: "2" }, { result: "3" }] };
  const problemsOf = (steps: readonly StepDefinition[], stubs: Stubs) => simulate(steps, stubs).problems;
  assert.deepEqual(problemsOf([over("split('a,b', ',')")], { steps: three }), [
    "each has 2 items and 3 stubs; take 1 away.",
  ]);
  assert.deepEqual(problemsOf([over("split('', ',')")], { steps: three }), [
    "each has no items and 3 stubs; take 3 away.",
  ]);
  assert.deepEqual(problemsOf([over("split('a', ',')")], { steps: three }), [
    "each has 1 item and 3 stubs; take 2 away.",
  ]);
  assert.deepEqual(problemsOf([over("split('a,b,c', ',')")], { steps: three }), []);
  const after = { ...over("split('a', ',')"), needs: ["sign"] };
  const gated = [stepOf("sign", approvalOf()), after];
  assert.deepEqual(problemsOf(gated, { steps: three }), []);
  assert.deepEqual(problemsOf(gated, { steps: three, gates: { sign: "reject" } }), []);
});

test("an item that too many failures kept from beginning may have its stub", () => {
  const each = stepOf("each", taskOf("webster", "Do."), {
    forEach: { expression: "split('a,b,c', ',')", maxParallel: 1 },
  });
  const failing = { each: [{ status: "failed" }, { result: "2" }, { result: "3" }] };
  const limits = { maxParallel: 1, timeoutMs: 9000, maxFailures: 1 };
  const { view, problems } = simulate([each], { steps: failing }, { limits });
  assert.deepEqual([view.waiting, problems], ["answer", []]);
});

test("a stub of a step that no agent does is a problem that says where it belongs", () => {
  const sign = stepOf("sign", approvalOf(), { needs: ["research"] });
  const rest = stepOf("rest", { kind: "wait", ms: 5000 }, { needs: ["sign"] });
  const votes = { kind: "votes", experts: [{ role: "thermal", step: "research" }], quorum: 1 } as const;
  const verdict = stepOf("verdict", { kind: "conclusion", of: votes }, { needs: ["research"] });
  const stubs = { steps: { research: {}, sign: { result: "yes" }, rest: {}, verdict: { result: "go" } } };
  assert.deepEqual(simulate([research, sign, rest, verdict], stubs).problems, [
    "sign is a gate; its decision belongs under gates.",
    "rest is a wait, which hands nothing in; take its stub away.",
    "verdict is made of what other steps hand in; take its stub away.",
  ]);
});

test("the run's time counts: a wait beyond it fails the run", () => {
  const rest = stepOf("rest", { kind: "wait", ms: 5000 });
  const { view } = simulate([rest], {}, { limits: { maxParallel: 1, timeoutMs: 1000, maxFailures: 3 } });
  assert.equal(view.status, "failed");
});

test("the result of a step that expects JSON is read as JSON", () => {
  const typed = stepOf("typed", taskOf("webster", "Look.", { expect: { file: "s.json", schema: {} } }));
  const say = stepOf("say", taskOf("webster", "Go."), { needs: ["typed"], if: "steps.typed.output.n == 4" });
  const run = (stub: object) =>
    simulate([typed, say], { steps: { typed: stub, say: {} } }).view.steps[1]?.status;
  assert.equal(run({ result: '{"n":4}' }), "succeeded");
  assert.equal(run({ output: { n: 4 } }), "succeeded");
  assert.equal(run({ result: "no JSON" }), "skipped");
});

test("a status that there is not, and a list for a single step, are problems", () => {
  assert.match(
    simulate([research], { steps: { research: { status: "wat" } } }).problems[0] ?? "",
    /has the status "wat"; it can be/,
  );
  assert.deepEqual(simulate([research], { steps: { research: [{}] } }).problems, [
    "There is no stub for research.",
  ]);
});

test("a run that stops after too many failures waits for an answer", () => {
  const steps = ["a", "b", "c", "d"].map((id) => stepOf(id, taskOf("webster", "Go.")));
  const failing = { a: { status: "failed" }, b: { status: "failed" }, c: { status: "failed" }, d: {} };
  const { view } = simulate(
    steps,
    { steps: failing },
    { limits: { maxParallel: 1, timeoutMs: 9000, maxFailures: 3 } },
  );
  assert.equal(view.waiting, "answer");
});
