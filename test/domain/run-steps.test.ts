import assert from "node:assert/strict";
import test from "node:test";
import { contextFor, failedBy } from "../../src/domain/run-conditions.ts";
import { summaryDocument } from "../../src/domain/run-documents.ts";
import { composeTask } from "../../src/domain/run-work.ts";
import { assertReloads, begin } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const task = taskOf("webster", "Go.");
const step = (id: string, needs: readonly string[] = [], more: Partial<Parameters<typeof stepOf>[2]> = {}) =>
  stepOf(id, task, { needs, ...more });
const LIMITS = { maxParallel: 4, timeoutMs: 60_000, maxFailures: 9 };

test("a step begins when all it needs have succeeded, and the run ends with its last one", () => {
  const law = begin([step("a"), step("b"), step("c", ["a", "b"])]);
  assert.deepEqual(law.statuses, ["a running", "b running", "c pending"]);
  law.succeed("a");
  assert.deepEqual(law.statuses, ["a succeeded", "b running", "c pending"]);
  law.succeed("b");
  assert.deepEqual(law.statuses, ["a succeeded", "b succeeded", "c running"]);
  const last = law.succeed("c", undefined, { result: "the end" });
  assert.deepEqual(law.typesOf(last), ["child.started", "step.settled", "run.settled"]);
  assert.equal(law.view.status, "succeeded");
  assert.equal(law.view.result, "the end");
  assert.deepEqual(law.view.missing, []);
  assertReloads(law);
});

test("no more run at once than are allowed, and the next begins as soon as one ends", () => {
  const law = begin(
    ["a", "b", "c", "d"].map((id) => step(id)),
    {
      limits: { maxParallel: 2, timeoutMs: 60_000, maxFailures: 3 },
    },
  );
  assert.deepEqual(law.statuses, ["a running", "b running", "c pending", "d pending"]);
  law.succeed("b");
  assert.deepEqual(law.statuses, ["a running", "b succeeded", "c running", "d pending"]);
  assert.equal(law.view.progress.running, 2);
});

test("a nested run takes room like a task, also when its condition is looked at first", () => {
  const inner = (id: string) =>
    stepOf(id, { kind: "workflow", workflow: "other", with: {} }, { if: "always()" });
  const law = begin([inner("a"), inner("b"), step("c", [], { if: "always()" })], {
    limits: { maxParallel: 1, timeoutMs: 60_000, maxFailures: 3 },
  });
  assert.deepEqual(law.statuses, ["a running", "b pending", "c pending"]);
  law.succeed("a");
  assert.deepEqual(law.statuses, ["a succeeded", "b running", "c pending"]);
});

test("gates and waits need no room, and neither do steps that are skipped", () => {
  const law = begin(
    [
      step("a"),
      step("b"),
      stepOf("gate", approvalOf()),
      stepOf("rest", { kind: "wait", ms: 500 }),
      step("never", [], { if: "false" }),
      step("late", [], { if: "true" }),
    ],
    { limits: { maxParallel: 1, timeoutMs: 60_000, maxFailures: 3 } },
  );
  assert.deepEqual(law.statuses, [
    "a running",
    "b pending",
    "gate waiting",
    "rest waiting",
    "never skipped",
    "late pending",
  ]);
  law.succeed("a");
  assert.equal(law.step("b").status, "running");
  law.succeed("b");
  assert.equal(law.step("late").status, "running");
  assertReloads(law);
});

test("what hangs on a failed step is skipped at any distance, and the end says what is missing", () => {
  const law = begin([step("a"), step("b", ["a"]), step("c", ["b"]), step("other")]);
  law.succeed("other");
  law.fail("a");
  assert.deepEqual(law.statuses, ["a failed", "b skipped", "c skipped", "other succeeded"]);
  assert.equal(law.view.status, "failed");
  assert.deepEqual(law.view.missing, [
    "a failed: it went wrong.",
    "b was skipped: a failed.",
    "c was skipped: b was skipped.",
  ]);
  assert.equal(law.view.reason, "1 of 4 steps completed; a failed: it went wrong");
});

test("a failure that is tolerated lets the others go on, and the run is partial", () => {
  const law = begin([
    step("a", [], { continueOnError: true }),
    step("b", ["a"]),
    step("mend", ["b"], { if: "failure()" }),
  ]);
  law.fail("a");
  assert.deepEqual(law.statuses, ["a failed", "b running", "mend pending"]);
  law.succeed("b");
  assert.deepEqual(law.statuses, ["a failed", "b succeeded", "mend skipped"]);
  assert.equal(law.view.status, "partial");
  assert.deepEqual(law.view.missing, ["a failed: it went wrong."]);
});

test("what is canceled by itself is tolerated like a failure, where failures are", () => {
  for (const continueOnError of [true, false]) {
    const law = begin([step("a", [], { continueOnError }), step("b", ["a"])]);
    law.end(law.placeOf("a"), "canceled", { reason: "not needed" });
    assert.equal(law.step("b").status, continueOnError ? "running" : "skipped");
  }
});

test("a check that said no lets others go on; one that was never made, since what it needs failed, does not", () => {
  const check = stepOf("check", approvalOf(), {
    needs: ["a"],
    if: "steps.a.verdict == 'fail'",
    passesWhenSkipped: true,
  });
  const passed = begin([step("a"), check, step("b", ["check"])]);
  passed.succeed("a", undefined, { verdict: "pass" });
  assert.deepEqual(passed.statuses, ["a succeeded", "check skipped", "b running"]);
  const lost = begin([step("a"), check, step("b", ["check"])]);
  lost.fail("a");
  assert.deepEqual(lost.statuses, ["a failed", "check skipped", "b skipped"]);
  assert.equal(lost.view.status, "failed");
});

test("cleanup hears of no failure that is tolerated, nor of one of the cleanup itself", () => {
  const law = begin([
    step("a", [], { continueOnError: true }),
    step("tidy", [], { cleanup: true }),
    step("mend", ["tidy"], { cleanup: true, if: "failure()" }),
    step("cheer", ["tidy"], { cleanup: true, if: "success()" }),
  ]);
  law.fail("a");
  law.fail("tidy");
  assert.deepEqual(law.statuses, ["a failed", "tidy failed", "mend skipped", "cheer running"]);
});

test("failure() sees a failure at any distance, always() begins whatever happened", () => {
  const law = begin([
    step("a"),
    step("b", ["a"]),
    step("mend", ["b"], { if: "failure()" }),
    step("report", ["b"], { if: "always()" }),
    step("after", ["mend"]),
  ]);
  law.fail("a");
  assert.deepEqual(law.statuses, [
    "a failed",
    "b skipped",
    "mend running",
    "report running",
    "after pending",
  ]);
  law.succeed("mend");
  assert.equal(law.step("after").status, "running", "what mends lets its own followers go on");
  law.succeed("report");
  law.succeed("after");
  assert.equal(law.view.status, "failed");
});

test("what needs a step that its own condition skipped is skipped too, and that is no failure", () => {
  const law = begin(
    [step("a", [], { if: "inputs.deep" }), step("b", ["a"]), step("c")],
    {},
    { inputs: { deep: false } },
  );
  assert.deepEqual(law.statuses, ["a skipped", "b skipped", "c running"]);
  assert.equal(law.step("a").outcome?.reason, "its condition says no: inputs.deep");
  law.succeed("c");
  assert.equal(law.view.status, "succeeded");
  assert.deepEqual(law.view.missing, []);
});

test("a run of which every step was skipped by its own condition has succeeded and says so", () => {
  const law = begin([step("a", [], { if: "false" }), step("b", ["a"])]);
  assert.equal(law.view.status, "succeeded");
  assert.equal(law.view.reason, "nothing was done, since every step was skipped by its own condition");
  assert.deepEqual(law.view.missing, [], "on purpose");
  const { status, notes, counts } = summaryDocument(law.state) as { [key: string]: unknown };
  assert.deepEqual([status, notes], ["complete", law.view.reason]);
  assert.deepEqual(counts, { total: 2, complete: 0, partial: 0, failed: 0, skipped: 2, canceled: 0 });
});

test("conditions see what steps before came to", () => {
  const law = begin([
    step("a"),
    step("yes", ["a"], { if: "steps.a.output.mass > 3 && steps.a.confidence == 'high'" }),
    step("no", ["a"], { if: "steps.a.output.mass > 30" }),
  ]);
  law.succeed("a", undefined, { output: { mass: 4 }, confidence: "high" });
  assert.deepEqual(law.statuses.slice(1), ["yes running", "no skipped"]);
});

test("expressions see all that a step came to, of a fan-out each item, and nothing undefined", () => {
  const each = { forEach: { expression: "split('x,y', ',')", maxParallel: 2 } };
  const law = begin([step("a"), step("each", [], each), step("b", ["a", "each"])]);
  assert.equal(contextFor(law.state, 2).step("a"), undefined, "not before it is over");
  const { item, index } = contextFor(law.state, 1, 1);
  assert.deepEqual([item, index], ["y", 1]);
  law.started("a");
  const more = { output: { n: 1 }, confidence: "high", reason: "why", artifacts: ["/x"] } as const;
  law.succeed("a", undefined, { ...more, result: "done", verdict: "warn", issues: ["one", "two"] });
  const ofA = { status: "succeeded", result: "done", outputs: [], results: [], agent: "webster" };
  assert.deepEqual(contextFor(law.state, 2).step("a"), {
    ...more,
    ...ofA,
    verdict: "warn",
    issues: "one; two",
  });
  law.succeed("each", 0, { output: 1, result: "first" });
  law.take({
    type: "child-settled",
    of: law.placeOf("each", 1),
    child: "wf-1.each_1",
    outcome: { status: "succeeded", at: law.now },
  });
  const { outputs, results } = contextFor(law.state, 2).step("each") ?? {};
  assert.deepEqual(
    [outputs, results],
    [
      [1, null],
      ["first", ""],
    ],
  );
});

test("what is canceled has not succeeded, nor has it failed, and cleanup hears of that", () => {
  const tidy = step("tidy", [], { cleanup: true });
  const law = begin([step("a"), step("b", ["a"]), tidy], { limits: LIMITS });
  law.fail("a");
  const failed = { success: false, failure: true, canceled: false };
  for (const index of [1, 2]) assert.deepEqual(contextFor(law.state, index).status, failed);
  const canceled = { success: false, failure: false, canceled: true };
  const both = begin([step("a"), step("x"), step("b", ["a"])], { limits: LIMITS });
  both.fail("a");
  both.cancel();
  assert.deepEqual(contextFor(both.state, 2).status, canceled);
  const only = begin([step("a"), tidy]);
  only.cancel();
  assert.deepEqual(contextFor(only.state, 1).status, canceled);
});

test("what is only a part, or left by a step that failed, is never passed on as the whole: a note says so, once", () => {
  const part = "Note: the result of the step a is partial (half). Treat it as incomplete.";
  const left = "Note: the step a failed (half). What stands here of it is not its result.";
  const notes = (words: string, status: "partial" | "failed", needs: readonly string[], more = {}) => {
    const law = begin(
      [
        step("a", [], { continueOnError: true }),
        step("between", ["a"]),
        stepOf("b", taskOf("webster", words), { needs, ...more }),
      ],
      { limits: LIMITS },
    );
    law.end(law.placeOf("a"), status, { reason: "half", output: ["x"] });
    const { objective } = composeTask(law.state, law.placeOf("b"));
    return objective.split("\n\n").filter((text) => text.startsWith("Note:"));
  };
  for (const property of ["result", "results", "output", "outputs"]) {
    const words = `Go on with $\{{ toJSON(steps.a.${property}) }}.`;
    assert.deepEqual(notes(words, "partial", ["between"]), [part], property);
    assert.deepEqual(notes(words, "partial", ["between", "a"]), [part], property);
    assert.deepEqual(notes(words, "failed", ["a"]), [left], property);
  }
  assert.deepEqual(notes("Go on with ${{ toJSON(steps.a) }}.", "partial", ["between"]), [part]);
  assert.deepEqual(notes("Go on.", "partial", ["a"]), [part]);
  assert.deepEqual(notes("Go on.", "failed", ["a"]), [], "it is not there to be taken for a result");
  assert.deepEqual(notes("It ${{ steps.a.status }}.", "failed", ["a"]), []);
  const forEach = { expression: "steps.a.output", maxParallel: 1 };
  assert.deepEqual(notes("Do ${{ item }}.", "partial", ["between"], { forEach }), [part]);
});

test("a skipped step names what failed rather than what was skipped, and its own condition where that asked", () => {
  const no = { if: "1 > 2" };
  const law = begin(
    [
      step("wish", [], no),
      step("bad"),
      step("lost", ["bad"]),
      step("after-bad", ["wish", "lost", "bad"]),
      step("after-lost", ["wish", "lost"]),
      step("asks", ["bad"], { if: "cancelled()" }),
      step("tidy", ["bad"], { cleanup: true, ...no }),
    ],
    { limits: LIMITS },
  );
  law.fail("bad");
  const why = (id: string) => {
    const { reason, lost = false } = law.step(id).outcome ?? {};
    return [reason, lost];
  };
  assert.deepEqual(why("wish"), ["its condition says no: 1 > 2", false]);
  assert.deepEqual(why("lost"), ["bad failed", true]);
  assert.deepEqual(why("after-bad"), ["bad failed", true]);
  assert.deepEqual(why("after-lost"), ["lost was skipped", true]);
  assert.deepEqual(why("asks"), ["its condition says no: cancelled()", false]);
  assert.deepEqual(why("tidy"), ["its condition says no: 1 > 2", false]);
});

test("cleanup runs also when people take what there is", () => {
  const steps = ["a", "b", "c", "d"].map((id) => step(id));
  const law = begin([...steps, step("tidy", [], { cleanup: true })], {
    limits: { ...LIMITS, maxParallel: 1, maxFailures: 2 },
  });
  law.fail("a");
  law.fail("b");
  assert.ok(law.state.stopped);
  law.accept();
  assert.deepEqual(law.statuses.slice(2), ["c skipped", "d skipped", "tidy running"]);
});

test("an expression that cannot be evaluated fails its step with the sentence", () => {
  const law = begin(
    [
      step("cond", [], { if: "fromJSON('{')" }),
      stepOf("text", taskOf("webster", "Go ${{ fromJSON('{') }}.")),
      stepOf("each", task, { forEach: { expression: "'a,b'", maxParallel: 2 } }),
      stepOf("with", { kind: "workflow", workflow: "other", with: { n: "${{ fromJSON('{') }}" } }),
      stepOf("gate", approvalOf({ prompt: "${{ fromJSON('{') }}" })),
    ],
    { limits: { maxParallel: 4, timeoutMs: 60_000, maxFailures: 9 } },
  );
  assert.deepEqual(
    law.view.steps.map(({ status }) => status),
    ["failed", "failed", "failed", "failed", "failed"],
  );
  assert.match(law.step("cond").outcome?.reason ?? "", /fromJSON/);
  assert.match(law.step("each").outcome?.reason ?? "", /must give a list for for_each, not a string/);
  assert.equal(law.bodies("start-child").length, 0);
});

test("only what an expression lacks fails its step; a bug stays one", () => {
  const bug = new TypeError("a bug");
  assert.throws(() => failedBy(bug, 1), bug);
});

test("a partial result satisfies what needs it and is never called success", () => {
  const law = begin([step("a"), step("b", ["a"])]);
  law.end(law.placeOf("a"), "partial", { reason: "half of it" });
  law.succeed("b");
  assert.equal(law.view.status, "partial");
  assert.deepEqual(law.view.missing, ["a is partial: half of it."]);
});

test("cleanup runs last, whatever happened, in its own order", () => {
  const law = begin([
    step("tidy", [], { cleanup: true }),
    step("a"),
    step("report", ["tidy"], { cleanup: true, if: "failure()" }),
    step("cheer", [], { cleanup: true, if: "success()" }),
    step("b", ["a"]),
  ]);
  assert.deepEqual(law.statuses, [
    "tidy pending",
    "a running",
    "report pending",
    "cheer pending",
    "b pending",
  ]);
  law.fail("a");
  assert.deepEqual(law.statuses, [
    "tidy running",
    "a failed",
    "report pending",
    "cheer skipped",
    "b skipped",
  ]);
  law.succeed("tidy");
  assert.equal(law.step("report").status, "running");
  law.succeed("report");
  assert.equal(law.view.status, "failed");
  assertReloads(law);
});

test("a wait ends at its time and not before", () => {
  const law = begin([stepOf("rest", { kind: "wait", ms: 500 }), step("a", ["rest"])]);
  assert.equal(law.view.waiting, "time");
  assert.deepEqual(
    law.effects.find(({ body }) => body.type === "run-timer" && body.what === "wait")?.dueAt,
    1500,
  );
  const over = { type: "wait-over", step: "rest", generation: 1 } as const;
  assert.deepEqual(law.take({ ...over, at: 1499 }), []);
  assert.deepEqual(law.take({ ...over, at: 1500, generation: 2 }), []);
  law.take({ ...over, at: 1500 });
  assert.deepEqual(law.statuses, ["rest succeeded", "a running"]);
  assert.deepEqual(law.take({ ...over, at: 1500 }), []);
});

test("a child that cannot be made fails its step with the reason", () => {
  const law = begin([step("a")]);
  const refused = {
    type: "child-refused",
    at: 2000,
    of: law.placeOf("a"),
    text: "There is no agent x.",
  } as const;
  law.take({ ...refused, problems: [{ path: "agent", message: "unknown" }] });
  assert.equal(law.step("a").outcome?.reason, "There is no agent x.");
  assert.deepEqual(law.step("a").outcome?.problems, [{ path: "agent", message: "unknown" }]);
  assert.deepEqual(law.take(refused), []);
});

test("the same news twice changes nothing, whatever the order", () => {
  const law = begin([step("a"), step("b", ["a"])]);
  const of = law.placeOf("a");
  const begun = {
    type: "child-started",
    at: 2000,
    of,
    child: "wf-1.a",
    agent: "webster",
    stallAt: 9000,
  } as const;
  assert.equal(law.take(begun).length, 1);
  assert.deepEqual(law.take(begun), []);
  const ended = {
    type: "child-settled",
    of,
    child: "wf-1.a",
    outcome: { status: "succeeded", at: 3000, result: "x" },
  } as const;
  assert.ok(law.take(ended).length > 0);
  assert.deepEqual(law.take(ended), []);
  assert.deepEqual(law.take(begun), []);
  assert.deepEqual(law.take({ type: "start", order: law.state.order }), []);
  assert.deepEqual(law.step("b").status, "running");
});

test("a child without an agent, as a nested run is, is told of once", () => {
  const law = begin([step("a")]);
  const begun = { type: "child-started", at: 2000, of: law.placeOf("a"), child: "wf-1.a" } as const;
  assert.equal(law.take(begun).length, 1);
  assert.deepEqual(law.take(begun), []);
});

test("a child that ends before the news of its beginning keeps its name, and its agent when that comes", () => {
  const law = begin([step("a")]);
  law.succeed("a");
  assert.equal(law.view.steps[0]?.child, "wf-1.a");
  law.started("a");
  assert.equal(law.step("a").agent, "webster");
  assert.deepEqual(law.started("a"), []);
  assert.equal(law.bodies("cancel-child").length, 0);
});

test("news of steps that there are not mean nothing", () => {
  const law = begin([step("a")]);
  const of = { step: "x", generation: 1 };
  assert.deepEqual(law.take({ type: "child-started", at: 1, of, child: "c" }), []);
  assert.deepEqual(
    law.take({ type: "child-settled", of, child: "c", outcome: { status: "failed", at: 1 } }),
    [],
  );
  assert.deepEqual(law.take({ type: "child-refused", at: 1, of, text: "no" }), []);
  assert.deepEqual(law.take({ type: "wait-over", at: 1, step: "x", generation: 1 }), []);
  assert.deepEqual(law.take({ type: "gate-expired", at: 1, step: "x", generation: 1 }), []);
  assert.deepEqual(law.skip("x"), []);
  assert.deepEqual(law.rerun("x"), []);
  assert.deepEqual(law.retry("x"), []);
});

test("what stalls is said once for each look, and forgotten when the step ends", () => {
  const law = begin([step("a")]);
  law.started("a");
  const look = {
    type: "stalled",
    of: law.placeOf("a"),
    text: "slow, waiting on webster",
    againAt: 9000,
  } as const;
  assert.deepEqual(law.take({ ...look, at: law.now }), [], "not before its time");
  assert.equal(law.take({ ...look, at: 3000 }).length, 1);
  assert.equal(law.view.steps[0]?.stalled, "slow, waiting on webster");
  assert.deepEqual(law.take({ ...look, at: 3000 }), []);
  law.succeed("a");
  assert.equal(law.view.steps[0]?.stalled, undefined);
  assert.deepEqual(law.take({ ...look, at: 9000 }), []);
});

test("20,000 steps that skip each other settle at once, without recursion", () => {
  const chain = Array.from({ length: 20_000 }, (_, n) =>
    step(`s${n}`, n === 0 ? [] : [`s${n - 1}`], n === 0 ? { if: "false" } : {}),
  );
  const law = begin(chain);
  assert.equal(law.view.status, "succeeded");
  assert.equal(law.state.counts.settled, 20_000);
});
