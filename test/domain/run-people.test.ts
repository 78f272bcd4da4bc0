import assert from "node:assert/strict";
import test from "node:test";
import { composeTask } from "../../src/domain/run-work.ts";
import { assertReloads, begin, OPERATOR } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const task = taskOf("webster", "Go.");
const step = (id: string, needs: readonly string[] = [], more: Parameters<typeof stepOf>[2] = {}) =>
  stepOf(id, task, { needs, ...more });
const LIMITS = { maxParallel: 4, timeoutMs: 60_000, maxFailures: 3 };

test("cancel: what waits ends at once, what runs when its child says so, and always() still runs", () => {
  const law = begin([
    step("a"),
    step("b", ["a"]),
    stepOf("gate", approvalOf()),
    stepOf("rest", { kind: "wait", ms: 1000 }),
    step("report", ["a"], { if: "always()" }),
    step("sorry", ["gate"], { if: "cancelled()" }),
    step("mend", ["gate"], { if: "failure()" }),
    step("tidy", [], { cleanup: true }),
  ]);
  law.started("a");
  law.cancel();
  assert.deepEqual(law.bodies("cancel-child"), [
    { type: "cancel-child", child: "wf-1.a", kind: "delegation", reason: "not needed" },
  ]);
  assert.deepEqual(law.statuses, [
    "a running",
    "b pending",
    "gate canceled",
    "rest canceled",
    "report pending",
    "sorry running",
    "mend canceled",
    "tidy pending",
  ]);
  assert.deepEqual(law.cancel(), []);
  law.end(law.placeOf("a"), "canceled");
  assert.equal(law.step("b").status, "canceled");
  assert.equal(law.step("report").status, "running");
  law.succeed("sorry");
  law.succeed("report");
  assert.equal(law.step("tidy").status, "running");
  law.succeed("tidy");
  assert.equal(law.view.status, "canceled");
  assert.equal(law.view.reason, "not needed (by @ada)");
  assertReloads(law);
});

test("a child that is made while the run is canceled is told to stop as well", () => {
  const law = begin([step("a")]);
  law.cancel();
  law.started("a");
  assert.equal(law.bodies("cancel-child").length, 2);
  assert.equal(law.step("a").status, "running");
  law.end(law.placeOf("a"), "canceled");
  assert.equal(law.view.status, "canceled");
});

test("a child that was not made when the run was canceled ends its place", () => {
  const law = begin([step("a")]);
  law.cancel();
  law.take({ type: "child-refused", at: law.now, of: law.placeOf("a"), text: "no longer wanted" });
  assert.deepEqual(law.statuses, ["a canceled"]);
  assert.equal(law.view.status, "canceled");
});

test("steps that wait for room are canceled without having begun", () => {
  const law = begin([step("a"), step("b"), step("c")], { limits: { ...LIMITS, maxParallel: 1 } });
  law.cancel();
  assert.deepEqual(law.statuses, ["a running", "b canceled", "c canceled"]);
});

test("a result that comes after cancel is kept with the step that it is of", () => {
  const law = begin([step("a")]);
  law.cancel();
  law.succeed("a");
  assert.deepEqual(law.statuses, ["a succeeded"]);
  assert.equal(law.view.status, "canceled");
});

test("the deadline fails what runs and cancels what has not begun", () => {
  const law = begin([step("a"), step("b", ["a"]), step("done")]);
  law.succeed("done");
  assert.deepEqual(law.take({ type: "deadline", at: law.state.order.deadlineAt - 1 }), []);
  law.deadline();
  law.end(law.placeOf("a"), "canceled");
  assert.deepEqual(law.statuses, ["a failed", "b canceled", "done succeeded"]);
  assert.equal(law.step("a").outcome?.reason, "the run's time is over");
  assert.equal(law.view.status, "failed");
  assert.match(law.view.reason ?? "", /^1 of 3 steps completed; the run's time is over$/);
  assert.deepEqual(law.take({ type: "deadline", at: law.now }), []);
});

test("three failures stop new starts, running ones go on, and people are asked", () => {
  const steps = ["a", "b", "c", "d", "e"].map((id) => step(id));
  const law = begin([...steps, step("after", ["d"])], {}, { card: { channel: "77" } });
  law.fail("a");
  law.fail("b");
  assert.equal(law.step("e").status, "running");
  const made = law.fail("c");
  assert.ok(law.typesOf(made).includes("run.stopped"));
  const ask = law.bodies("post").at(-1)?.delivery;
  assert.deepEqual(ask, { id: "wf-1/ask-1", kind: "ask", to: { channel: "77" }, subject: "wf-1" });
  assert.equal(law.view.waiting, undefined, "two still run");
  law.succeed("d");
  law.succeed("e");
  assert.equal(law.step("after").status, "pending");
  assert.equal(law.view.waiting, "answer");
  assert.deepEqual(law.bodies("post").length, 1);
  assertReloads(law);
});

test("without anything left to begin there is nothing to ask", () => {
  const law = begin([step("a"), step("b"), step("c"), step("after", ["a"])]);
  for (const id of ["a", "b", "c"]) law.fail(id);
  assert.equal(law.view.status, "failed");
  assert.equal(law.view.stopped, undefined);
  assert.deepEqual(
    law.bodies("post").map(({ delivery }) => delivery.kind),
    ["result", "log"],
  );
});

test("what fails while a run ends asks nobody: what always runs still runs", () => {
  const work = ["a", "b", "c"].map((id) => step(id));
  const report = step("report", ["a", "b", "c"], { if: "always()" });
  const late = begin([...work, report]);
  late.deadline();
  for (const { id } of work) late.end(late.placeOf(id), "canceled");
  assert.equal(late.state.counts.failures, 3);
  const canceled = begin([...work, report]);
  canceled.cancel();
  for (const { id } of work) canceled.fail(id);
  for (const law of [late, canceled]) {
    assert.equal(law.state.stopped, undefined);
    assert.equal(law.step("report").status, "running");
    law.succeed("report");
    assert.ok(law.view.settledAt, "it comes to its end");
    assert.deepEqual(
      law.bodies("post").filter(({ delivery }) => delivery.kind === "ask"),
      [],
    );
  }
});

test("answer retry: what failed begins anew with other words, and what failed because of it", () => {
  const other = begin([...["a", "b", "c", "d"].map((id) => step(id)), step("after", ["a"])], {
    limits: { ...LIMITS, maxParallel: 1 },
  });
  for (const id of ["a", "b", "c"]) other.fail(id);
  assert.equal(other.view.waiting, "answer");
  const made = other.retry(undefined, { a: "Go more slowly." });
  assert.equal(made[0]?.type, "run.resumed");
  assert.deepEqual(other.statuses, ["a running", "b pending", "c pending", "d pending", "after pending"]);
  assert.equal(other.step("a").generation, 2);
  assert.equal(other.step("after").generation, 1, "it had not begun");
  assert.equal(composeTask(other.state, other.placeOf("a")).objective, "Go more slowly.");
  assert.equal(other.state.counts.failures, 0);
  assert.equal(other.state.stopped, undefined);
  assertReloads(other);
});

test("answer accept-partial: what has not begun is skipped, what runs goes on, and the run is partial", () => {
  const law = begin(
    [
      ...["a", "b", "c", "d", "e"].map((id) => step(id)),
      stopGate("gate"),
      step("tidy", [], { cleanup: true }),
    ],
    { limits: { ...LIMITS, maxParallel: 2 } },
  );
  law.succeed("a");
  for (const id of ["b", "c", "d"]) law.fail(id);
  assert.equal(law.step("e").status, "running");
  assert.deepEqual(law.accept(), [], "nothing was asked: nothing is left to begin");
  const other = begin(
    [
      ...["a", "b", "c", "d", "e", "f"].map((id) => step(id)),
      stopGate("gate"),
      step("tidy", [], { cleanup: true }),
    ],
    { limits: { ...LIMITS, maxParallel: 2 } },
  );
  other.succeed("a");
  for (const id of ["b", "c", "d"]) other.fail(id);
  assert.deepEqual(other.statuses.slice(4), ["e running", "f pending", "gate waiting", "tidy pending"]);
  const accepted = other.typesOf(other.accept());
  assert.ok(!accepted.includes("gate.decided"), "nobody let the gate expire");
  assert.deepEqual(other.statuses.slice(4), ["e running", "f skipped", "gate skipped", "tidy pending"]);
  assert.deepEqual(other.accept(), []);
  other.succeed("e");
  other.succeed("tidy");
  assert.equal(other.view.status, "partial");
  assert.match(other.view.missing.join(" "), /f was skipped: what there was has been accepted\./);
  assertReloads(other);
  other.retry();
  assert.deepEqual(other.statuses.slice(5), ["f pending", "gate waiting", "tidy pending"]);
  assert.equal(other.step("b").status, "running");
});

const stopGate = (id: string) => stepOf(id, approvalOf());

test("whoever has accepted what there is is not asked again when more of what still runs fails", () => {
  const law = begin([...["a", "b", "c", "d", "e", "f", "g"].map((id) => step(id)), step("after", ["a"])], {
    limits: { ...LIMITS, maxParallel: 7 },
  });
  for (const id of ["b", "c", "d"]) law.fail(id);
  assert.ok(law.state.stopped);
  law.accept();
  for (const id of ["e", "f", "g"]) law.fail(id);
  assert.equal(law.state.stopped, undefined);
  assert.equal(law.bodies("post").filter(({ delivery }) => delivery.kind === "ask").length, 1);
  law.succeed("a");
  assert.deepEqual(law.statuses.slice(-1), ["after skipped"]);
  assert.equal(law.view.status, "partial");
});

test("when people skip all that was left of a stopped run, it tidies up and ends without an answer", () => {
  const steps = ["a", "b", "c", "d"].map((id) => step(id));
  const law = begin([...steps, step("tidy", [], { cleanup: true })], {
    limits: { ...LIMITS, maxParallel: 1 },
  });
  for (const id of ["a", "b", "c"]) law.fail(id);
  assert.equal(law.view.waiting, "answer");
  law.skip("d");
  assert.equal(law.step("tidy").status, "running");
  law.succeed("tidy");
  assert.equal(law.view.status, "failed");
});

test("answer cancel: the stopped run ends as canceled", () => {
  const law = begin(
    ["a", "b", "c", "d"].map((id) => step(id)),
    { limits: { ...LIMITS, maxParallel: 1 } },
  );
  for (const id of ["a", "b", "c"]) law.fail(id);
  law.cancel();
  assert.equal(law.view.status, "canceled");
});

test("a stopped run that nobody answers ends with its time, partial when the failures are tolerated", () => {
  const ids = ["a", "b", "c", "d"];
  const loose = { continueOnError: true };
  const law = begin([step("ok"), ...ids.map((id) => step(id, ["ok"], loose))], {
    limits: { ...LIMITS, maxParallel: 1 },
  });
  law.succeed("ok");
  for (const id of ["a", "b", "c"]) law.fail(id);
  assert.equal(law.view.waiting, "answer");
  law.deadline();
  assert.equal(law.view.status, "partial");
  const other = begin(
    ids.map((id) => step(id)),
    { limits: { ...LIMITS, maxParallel: 1 } },
  );
  for (const id of ["a", "b", "c"]) other.fail(id);
  other.deadline();
  assert.equal(other.view.status, "failed");
});

test("gates and waits that become ready while the run is stopped begin after the answer", () => {
  const law = begin(
    [...["a", "b", "c", "d"].map((id) => step(id)), stepOf("gate", approvalOf(), { needs: ["d"] })],
    { limits: { ...LIMITS, maxParallel: 4 } },
  );
  for (const id of ["a", "b", "c"]) law.fail(id);
  assert.ok(law.state.stopped);
  law.succeed("d");
  assert.equal(law.step("gate").status, "pending");
  assert.equal(law.step("gate").held, true);
  law.retry("a");
  assert.equal(law.step("gate").status, "waiting");
});

test("skip satisfies what needs the step, tells its child to stop, and leaves the run partial", () => {
  const law = begin([step("a"), step("b", ["a"]), step("c", ["b"])]);
  law.started("a");
  law.skip("b");
  assert.deepEqual(law.statuses, ["a running", "b skipped", "c running"]);
  law.skip("a");
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.a"],
  );
  assert.deepEqual(law.skip("a"), []);
  assert.deepEqual(law.typesOf(law.end(law.placeOf("a"), "canceled")), ["late-result"]);
  assert.deepEqual(law.end(law.placeOf("a"), "canceled"), []);
  assert.equal(law.step("b").status, "skipped", "it does not begin when its needs are settled");
  law.succeed("c");
  assert.equal(law.view.status, "partial");
  assert.deepEqual(law.view.missing, ["a was skipped: skipped by @ada.", "b was skipped: skipped by @ada."]);
  assert.deepEqual(law.skip("c"), []);
  assertReloads(law);
});

test("a child whose step was skipped while it was made is told to stop, once", () => {
  const law = begin([step("a"), step("b")]);
  law.skip("a");
  const told = law.bodies("cancel-child").length;
  assert.equal(law.started("a").length, 1);
  assert.equal(law.bodies("cancel-child").length, told + 1);
  assert.deepEqual(law.started("a"), []);
  assert.equal(law.step("a").child, undefined);
});

test("a run of which everything was skipped by people has not succeeded", () => {
  const law = begin([step("a")]);
  law.skip("a");
  assert.equal(law.view.status, "failed");
});

test("retry of a settled run opens it again with a deadline of its own, and repeats nothing that was done", () => {
  const law = begin([step("a"), step("b"), step("c", ["a", "b"])]);
  law.succeed("a");
  law.fail("b");
  assert.equal(law.view.status, "failed");
  law.pass(10_000);
  law.retry();
  assert.deepEqual(law.statuses, ["a succeeded", "b running", "c pending"]);
  assert.equal(law.view.status, "running");
  assert.equal(law.view.round, 2);
  assert.equal(law.view.deadlineAt, law.now + 2 * 3_600_000);
  const timers = law.effects.flatMap(({ body, dueAt }) =>
    body.type === "run-timer" ? [[body.what, dueAt]] : [],
  );
  assert.deepEqual(timers.slice(-2), [
    ["deadline", law.now + 2 * 3_600_000],
    ["progress", law.now + 10 * 60_000],
  ]);
  assert.deepEqual(law.retry(), [], "a second resume begins nothing twice");
  assert.deepEqual(
    law.bodies("start-child").map(({ step, generation }) => `${step}~${generation}`),
    ["a~1", "b~1", "b~2"],
  );
  law.succeed("b");
  law.succeed("c");
  assert.equal(law.view.status, "succeeded");
  const posts = law.bodies("post").map(({ delivery }) => delivery.id);
  assert.deepEqual(posts, ["wf-1/result", "wf-1/log", "wf-1/result~2", "wf-1/log~2"]);
  assertReloads(law);
});

test("retry names what failed: what runs, waits or succeeded is left alone", () => {
  const law = begin([step("a"), step("b"), step("c")]);
  law.succeed("a");
  assert.deepEqual(law.retry("a"), []);
  assert.deepEqual(law.retry("b"), []);
  assert.deepEqual(law.retry(), []);
  law.fail("b");
  assert.equal(law.retry("b").length > 0, true);
  assert.equal(law.step("b").generation, 2);
  assert.deepEqual(law.typesOf(law.end({ step: "b", generation: 1 }, "succeeded")), ["late-result"]);
  assert.deepEqual(law.end({ step: "b", generation: 1 }, "succeeded"), []);
  assert.equal(law.step("b").status, "running");
});

test("a retry leaves alone what is partial, and what a person had skipped before the rest was accepted", () => {
  const part = begin([step("a"), step("b")]);
  part.end(part.placeOf("a"), "partial");
  part.succeed("b");
  assert.deepEqual([part.view.status, part.retry()], ["partial", []]);
  const given = begin([step("a"), step("after", ["a"])]);
  given.skip("after");
  given.fail("a");
  given.retry();
  assert.deepEqual(given.statuses, ["a running", "after skipped"]);
  const steps = ["a", "b", "c", "d", "e"].map((id) => step(id));
  const accepted = begin(steps, { limits: { ...LIMITS, maxParallel: 1 } });
  for (const id of ["a", "b", "c"]) accepted.fail(id);
  accepted.skip("d");
  accepted.accept();
  accepted.retry();
  assert.deepEqual(accepted.statuses, ["a running", "b pending", "c pending", "d skipped", "e pending"]);
});

test("cleanup that is done once more does all of it, and with other words when those are given", () => {
  const tidy = stepOf("tidy", taskOf("webster", "Tidy ${{ item }}."), {
    cleanup: true,
    forEach: { expression: "fromJSON('[1,2]')", maxParallel: 2 },
  });
  const law = begin([step("a"), tidy, step("note", [], { cleanup: true })]);
  const toTheEnd = () => {
    law.fail("a");
    for (const item of [0, 1]) law.succeed("tidy", item);
    law.succeed("note");
  };
  toTheEnd();
  assert.equal(law.view.status, "failed");
  assert.notDeepEqual(law.retry(undefined, { note: "Note it more shortly." }), []);
  assert.equal(law.step("tidy").items, undefined, "nothing of the first time counts as tidied");
  assert.equal(law.step("note").task, "Note it more shortly.");
  toTheEnd();
  assert.deepEqual([law.view.status, law.step("tidy").generation], ["failed", 2]);
});

test("a run that is being canceled is not taken up before it is over", () => {
  const law = begin([step("a"), step("b"), step("c", ["b"])]);
  law.fail("a");
  law.cancel();
  assert.deepEqual([law.retry(), law.rerun("a")], [[], []]);
  law.end(law.placeOf("b"), "canceled");
  assert.equal(law.view.status, "canceled");
  law.retry("b");
  assert.deepEqual(law.statuses, ["a failed", "b running", "c pending"], "c was canceled because of b");
});

test("two wishes of the same instant are two, and the same one twice is one", () => {
  const law = begin([step("a"), step("b"), step("c"), step("d", ["c"])]);
  law.fail("a");
  law.fail("b");
  const wish = (of: string) => law.take({ type: "retry", at: law.now, actor: OPERATOR, step: of });
  const rerun = (from: string) => law.take({ type: "rerun", at: law.now, actor: OPERATOR, from });
  assert.notDeepEqual(wish("a"), []);
  assert.notDeepEqual(wish("b"), []);
  assert.deepEqual(wish("b"), []);
  assert.notDeepEqual(rerun("b"), []);
  assert.deepEqual(law.statuses, ["a running", "b running", "c running", "d pending"]);
  assert.deepEqual([law.step("a").generation, law.step("b").generation], [2, 3]);
});

test("cleanup that still works when the run is taken up again is told to stop, and follows once more", () => {
  const law = begin([step("a"), step("tidy", [], { cleanup: true }), step("note", [], { cleanup: true })]);
  law.fail("a");
  law.started("tidy");
  law.succeed("note");
  const { deadlineAt } = law.state.order;
  law.pass(10);
  law.retry("a");
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.tidy"],
  );
  assert.equal(law.state.order.deadlineAt, deadlineAt, "the run was not over: its time goes on");
  law.succeed("a");
  assert.deepEqual(law.statuses, ["a succeeded", "tidy running", "note running"]);
  law.fail("tidy");
  law.succeed("note");
  law.rerun("tidy");
  assert.deepEqual([law.step("tidy").generation, law.step("note").generation], [3, 2]);
});

test("a run that is over is not canceled any more, and its deadline means nothing", () => {
  const law = begin([step("a")]);
  law.succeed("a");
  assert.deepEqual([law.cancel(), law.deadline()], [[], []]);
  assert.equal(law.view.status, "succeeded");
});

test("a failure that another step of a rerun has seen is seen again", () => {
  const law = begin([
    step("a"),
    step("b"),
    stepOf("mend", taskOf("webster", "Mend."), { needs: ["a", "b"], if: "failure()" }),
  ]);
  law.fail("a");
  law.succeed("b");
  law.succeed("mend");
  law.rerun("b");
  law.succeed("b");
  assert.deepEqual(law.statuses, ["a failed", "b succeeded", "mend running"]);
});

test("a failure that was seen from afar is seen again after a rerun", () => {
  const law = begin([
    step("a"),
    step("between", ["a"]),
    step("b"),
    stepOf("mend", taskOf("webster", "Mend."), { needs: ["between", "b"], if: "failure()" }),
  ]);
  law.fail("a");
  law.succeed("b");
  law.succeed("mend");
  law.rerun("b");
  law.succeed("b");
  assert.equal(law.step("mend").status, "running");
});

test("a canceled run can be taken up again where it was", () => {
  const law = begin([step("a"), step("b", ["a"]), step("c", ["b"])]);
  law.succeed("a");
  law.cancel();
  assert.deepEqual(law.retry(), [], "not while it is being canceled");
  law.end(law.placeOf("b"), "canceled");
  assert.equal(law.view.status, "canceled");
  law.retry();
  assert.deepEqual(law.statuses, ["a succeeded", "b running", "c pending"]);
  assert.equal(law.step("b").generation, 2);
  law.succeed("b");
  law.succeed("c");
  assert.equal(law.view.status, "succeeded");
});

test("rerun does a step and all that hangs on it once more, whatever they came to", () => {
  const law = begin([
    step("a"),
    step("b", ["a"]),
    step("c", ["b"]),
    step("d", ["a"]),
    step("tidy", [], { cleanup: true }),
  ]);
  law.succeed("a");
  law.succeed("b");
  law.rerun("b");
  assert.deepEqual(law.statuses.slice(0, 4), ["a succeeded", "b running", "c pending", "d running"]);
  assert.deepEqual(
    law.bodies("cancel-child").map(({ child }) => child),
    ["wf-1.c"],
  );
  assert.deepEqual(law.typesOf(law.end({ step: "c", generation: 1 }, "canceled")), ["late-result"]);
  assert.deepEqual(law.rerun("c"), [], "it has not begun");
  law.succeed("b");
  law.succeed("c");
  law.succeed("d");
  law.succeed("tidy");
  assert.equal(law.view.status, "succeeded");
  law.rerun("d");
  assert.deepEqual(law.statuses, ["a succeeded", "b succeeded", "c succeeded", "d running", "tidy pending"]);
  assert.equal(law.step("tidy").generation, 2, "cleanup follows once more");
  assertReloads(law);
});

test("nested runs that a rerun leaves behind are canceled as runs", () => {
  const law = begin([stepOf("inner", { kind: "workflow", workflow: "other", with: {} })]);
  law.rerun("inner");
  assert.deepEqual(law.bodies("cancel-child"), [
    { type: "cancel-child", child: "wf-1.inner", kind: "run", reason: "its step begins anew" },
  ]);
  assert.deepEqual(law.bodies("start-child").length, 2);
  assert.equal(law.started("inner").length, 1);
});

test("what a settled run is told is kept and changes nothing", () => {
  const law = begin([step("a")]);
  law.skip("a");
  const before = law.view;
  law.end(law.placeOf("a"), "succeeded");
  assert.deepEqual(law.view, before);
  assert.deepEqual(law.cancel(), []);
  assert.deepEqual(law.accept(), []);
});

test("a rerun that is asked with what was seen is done once; a second wish of what is seen then is another", () => {
  const law = begin([step("a"), step("b", ["a"])]);
  law.succeed("a");
  law.succeed("b");
  assert.equal(law.view.resumes, 0);
  const asked = { type: "rerun", actor: OPERATOR, from: "a", resumes: 0 } as const;
  assert.notDeepEqual(law.take({ ...asked, at: law.now + 1 }), []);
  assert.deepEqual([law.view.resumes, law.step("a").generation], [1, 2]);
  assert.deepEqual(law.take({ ...asked, at: law.now + 2 }), []);
  assert.notDeepEqual(law.take({ ...asked, at: law.now + 3, resumes: 1 }), []);
  assert.deepEqual([law.view.resumes, law.step("a").generation], [2, 3]);
  assertReloads(law);
});

test("a retry that is asked with what was seen is done once, also when what it began has failed by then", () => {
  const law = begin([step("a")]);
  law.fail("a");
  const asked = { type: "retry", actor: OPERATOR, resumes: 0 } as const;
  assert.notDeepEqual(law.take({ ...asked, at: law.now + 1 }), []);
  law.fail("a");
  assert.deepEqual(law.take({ ...asked, at: law.now + 2 }), []);
  assert.equal(law.view.status, "failed");
  assert.notDeepEqual(law.take({ ...asked, at: law.now + 3, resumes: 1 }), []);
});
