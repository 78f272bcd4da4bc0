import assert from "node:assert/strict";
import test from "node:test";
import type { PanelVerdict } from "../../src/domain/panel.ts";
import { simulateRun } from "../../src/domain/simulate-run.ts";
import type { Supervised } from "../../src/domain/supervise.ts";
import type { StepDefinition } from "../../src/domain/workflow-types.ts";
import { begin, orderOf } from "../support/run-law.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const ROLES = ["cost", "risk", "effort", "law"] as const;

/** A panel as the loader makes it. */
function panel(quorum: number, more: Partial<StepDefinition> = {}): readonly StepDefinition[] {
  const experts = ROLES.map((role) =>
    stepOf(`v-${role}`, taskOf("webster", "Judge."), { continueOnError: true, ...more }),
  );
  const of = { kind: "panel", quorum, experts: ROLES.map((role) => ({ role, step: `v-${role}` })) } as const;
  const verdict = stepOf("v", { kind: "conclusion", of }, { needs: experts.map(({ id }) => id) });
  return [...experts, verdict, stepOf("after", taskOf("webster", "Tell."), { needs: ["v"] })];
}

const vote = (verdict: string) => ({
  output: { verdict, confidence: "high", recommendation: `${verdict}!` },
});
const verdictOf = (output: unknown) => (output as PanelVerdict).verdict;

test("a panel concludes the moment its last expert is settled, in the same decision", () => {
  const law = begin(panel(3));
  for (const role of ROLES.slice(0, 3)) law.succeed(`v-${role}`, undefined, vote("approve"));
  assert.equal(law.step("v").status, "pending");
  const made = law.succeed("v-law", undefined, vote("strong_approve"));
  assert.deepEqual(
    made.map(({ type }) => type),
    ["child.started", "step.settled", "step.settled", "step.started"],
  );
  assert.equal(verdictOf(law.step("v").outcome?.output), "approve");
  assert.equal(law.step("v").outcome?.confidence, "high");
  assert.equal(law.step("after").status, "running");
});

test("an answer that is no vote is missing, however it ended", () => {
  const law = begin(panel(2));
  law.succeed("v-cost", undefined, { output: { verdict: "maybe" } });
  law.succeed("v-risk", undefined, vote("reject"));
  law.end(law.placeOf("v-effort"), "partial", vote("reject"));
  law.skip("v-law");
  const { missing } = (law.step("v").outcome?.output ?? {}) as PanelVerdict;
  assert.equal(law.step("v").status, "partial");
  assert.deepEqual(
    missing.map(({ role, why }) => `${role}: ${why}`),
    ["cost: its answer is no vote", "law: skipped by @ada"],
  );
});

test("experts whose condition says no make no panel, and neither do those whose needs failed", () => {
  const no = begin(panel(2, { if: "false" }));
  assert.equal(no.step("v").status, "skipped");
  assert.equal(no.view.status, "succeeded");
  const first = stepOf("first", taskOf("webster", "Begin."));
  const lost = begin([first, ...panel(2, { needs: ["first"] })]);
  lost.fail("first");
  assert.deepEqual([lost.step("v").status, lost.step("v").outcome?.lost], ["skipped", true]);
  assert.equal(lost.view.status, "failed");
});

test("a retry asks again who is missing, and concludes anew in a generation of its own; what came after stays", () => {
  const law = begin(panel(2));
  law.succeed("v-cost", undefined, vote("approve"));
  law.succeed("v-risk", undefined, vote("approve"));
  law.succeed("v-effort", undefined, vote("approve"));
  law.fail("v-law");
  law.succeed("after");
  assert.deepEqual([law.step("v").status, law.view.status], ["partial", "partial"]);
  law.retry();
  assert.equal(law.step("v").status, "pending");
  law.succeed("v-law", undefined, vote("approve"));
  assert.deepEqual([law.step("v").status, law.step("v").generation], ["succeeded", 2]);
  assert.equal(law.step("after").generation, 1);
  assert.equal(law.view.status, "succeeded");
});

test("three experts who fail stop the run; what there is makes a verdict when people accept it", () => {
  const law = begin(panel(1));
  law.succeed("v-cost", undefined, vote("reject"));
  for (const role of ROLES.slice(1)) law.fail(`v-${role}`);
  assert.ok(law.state.stopped);
  assert.equal(law.step("v").status, "pending");
  law.take({ type: "accept-partial", at: law.now + 1, actor: { kind: "operator" } });
  assert.equal(verdictOf(law.step("v").outcome?.output), "reject");
  assert.equal(law.step("v").outcome?.confidence, "low");
  assert.deepEqual([law.step("after").status, law.view.status], ["skipped", "partial"]);
});

test("what there was has been accepted once: what still fails after that asks nobody again", () => {
  const law = begin(panel(1), { limits: { maxParallel: 4, timeoutMs: 60_000, maxFailures: 2 } });
  law.fail("v-cost");
  law.fail("v-risk");
  law.accept();
  law.fail("v-effort");
  law.fail("v-law");
  assert.deepEqual([law.step("v").status, law.view.status], ["failed", "failed"]);
  assert.equal(law.events.filter(({ type }) => type === "run.stopped").length, 1);
});

test("a canceled run concludes nothing", () => {
  const law = begin(panel(1));
  law.succeed("v-cost", undefined, vote("approve"));
  law.cancel();
  for (const role of ROLES.slice(1)) law.end(law.placeOf(`v-${role}`), "canceled");
  assert.equal(law.step("v").status, "canceled");
});

/** Supervised work of two rounds as the loader makes it. */
function led(): readonly StepDefinition[] {
  const rounds = [1, 2].map((n) => ({ ask: `w-ask-${n}`, work: `w-work-${n}` }));
  const steps = rounds.flatMap(({ ask, work }, n) => [
    stepOf(ask, taskOf("manager", "Lead."), { continueOnError: true, needs: n > 0 ? [`w-work-${n}`] : [] }),
    stepOf(work, taskOf("webster", "${{ item.task }}", { workers: ["webster"] }), {
      continueOnError: true,
      needs: [ask],
      if: `steps.${ask}.output.next && !steps.${ask}.output.done`,
      forEach: { expression: `steps.${ask}.output.next`, maxParallel: 2 },
    }),
  ]);
  const conclusion = stepOf(
    "w",
    { kind: "conclusion", of: { kind: "supervise", rounds } },
    {
      needs: steps.map(({ id }) => id),
      if: "always() && !cancelled() && steps.w-ask-1.status != 'skipped'",
    },
  );
  return [...steps, conclusion];
}

const next = (...tasks: readonly string[]) => ({
  output: { done: false, next: tasks.map((task) => ({ agent: "webster", task })) },
});

test("supervised work that is done in its first round needs no worker, and is a success", () => {
  const law = begin(led());
  law.succeed("w-ask-1", undefined, { output: { done: true, result: "It is there." } });
  assert.deepEqual(law.statuses, [
    "w-ask-1 succeeded",
    "w-work-1 skipped",
    "w-ask-2 skipped",
    "w-work-2 skipped",
    "w succeeded",
  ]);
  assert.deepEqual([law.view.status, law.view.result], ["succeeded", "It is there."]);
});

test("when the leading agent fails later, the pieces that there are make it partial", () => {
  const law = begin(led());
  law.succeed("w-ask-1", undefined, next("a", "b"));
  law.succeed("w-work-1", 0, { result: "A" });
  law.fail("w-work-1", 1);
  law.fail("w-ask-2");
  const { status, reason, output } = law.step("w").outcome ?? {};
  assert.deepEqual([status, reason], ["partial", "nobody led round 2: it went wrong"]);
  const { done, rounds, pieces, failed } = output as Supervised;
  assert.deepEqual([done, rounds, pieces.length, failed.map(({ task }) => task)], [false, 1, 2, ["b"]]);
});

test("a round that nobody led is told also when no reason was given", () => {
  const law = begin(led());
  law.end(law.placeOf("w-ask-1"), "canceled");
  assert.match(law.step("w").outcome?.reason ?? "", /^nobody led round 1: the supervising agent failed$/);
});

test("max_rounds without a single good piece is a failure", () => {
  const law = begin(led(), { limits: { maxParallel: 4, timeoutMs: 9000, maxFailures: 9 } });
  law.succeed("w-ask-1", undefined, next("a"));
  law.fail("w-work-1", 0);
  law.succeed("w-ask-2", undefined, next("b"));
  law.fail("w-work-2", 0);
  assert.deepEqual([law.step("w").status, law.view.status], ["failed", "failed"]);
  assert.match(law.step("w").outcome?.reason ?? "", /max_rounds \(2\) is reached/);
});

test("stubs go the same way: experts have stubs, their verdict has none", () => {
  const stub = { confidence: "high", ...vote("approve") };
  const steps = Object.fromEntries(ROLES.map((role) => [`v-${role}`, stub]));
  const { view, problems } = simulateRun(
    orderOf(workflowOf("law", panel(3))),
    { steps: { ...steps, after: {} } },
    1000,
  );
  assert.deepEqual(problems, []);
  assert.equal(verdictOf(view.steps.find(({ id }) => id === "v")?.output), "approve");
});
