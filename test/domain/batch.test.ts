import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { failureReport, rollUp } from "../../src/domain/batch-roll-up.ts";
import { BATCH_TASK_STATUSES, type BatchTaskStatus } from "../../src/domain/batch-types.ts";
import { resultsOfBatch } from "../../src/domain/batch-view.ts";
import { whyNotBatch } from "../../src/domain/batch-why-not.ts";
import { open, START, taskIn } from "../support/batch.ts";

test("the roll-up counts failed and cancelled tasks honestly", () => {
  const rolled = (...statuses: BatchTaskStatus[]) => rollUp(statuses.map((status) => ({ status })));
  assert.equal(rolled("failed", "cancelled"), "failed", "not completed when nothing was");
  assert.equal(rolled("failed", "pending"), "in_progress", "not pending when something was tried");
  assert.equal(rolled("completed", "failed"), "partial");
  assert.equal(rolled("completed", "cancelled"), "partial");
  assert.equal(rolled("cancelled", "cancelled"), "cancelled");
  assert.equal(rolled("completed", "completed"), "completed");
  assert.equal(rolled("pending", "pending"), "pending");
  assert.equal(rolled("pending", "in_progress"), "in_progress");
  assert.equal(rolled("completed", "pending"), "in_progress");
});

test("the roll-up agrees with a naive one for any tasks", () => {
  const naive = (statuses: readonly BatchTaskStatus[]): string => {
    const tally = { pending: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0 };
    for (const status of statuses) tally[status]++;
    const total = statuses.length;
    if (tally.pending === total) return "pending";
    if (tally.pending + tally.in_progress > 0) return "in_progress";
    if (tally.completed === total) return "completed";
    if (tally.completed > 0) return "partial";
    return tally.failed > 0 ? "failed" : "cancelled";
  };
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...BATCH_TASK_STATUSES), { minLength: 1, maxLength: 12 }),
      (statuses) => {
        assert.equal(rollUp(statuses.map((status) => ({ status }))), naive(statuses));
      },
    ),
  );
});

test("whatever is told in whatever order: the counts add up, retries have a limit, and nothing begins while it is stopped", () => {
  const said = fc.record({
    task: fc.constantFrom("t1", "t2", "t3", "t4", "t5", "t9"),
    status: fc.constantFrom(...BATCH_TASK_STATUSES),
    result: fc.option(fc.constantFrom("", "done", "broke"), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(said, { maxLength: 60 }), (all) => {
      const one = open(5);
      for (const { task, status, result } of all) {
        const before = one.now();
        one.update(task, status, result);
        const view = one.view();
        assert.equal(view.pending + view.in_progress + view.completed + view.failed + view.cancelled, 5);
        if (view.status === "completed") assert.equal(view.completed, 5);
        if (view.failed > 0) assert.notEqual(view.status, "completed");
        assert.ok(one.now().tasks.every(({ retries }) => retries <= 2));
        if (before.stoppedAt !== undefined) {
          const started = one.now().tasks.filter((after, i) => {
            return after.status === "in_progress" && before.tasks[i]?.status !== "in_progress";
          });
          assert.deepEqual(started, []);
          assert.notEqual(one.now().stoppedAt, undefined, "only people go on");
        }
        const results = resultsOfBatch(one.now());
        const shown =
          results.success_count + results.failure_count + results.cancelled_count + results.unfinished_count;
        assert.equal(shown, 5);
      }
    }),
  );
});

test("a task is tried twice more, with the last error given back; a third retry is refused with the reason", () => {
  const one = open(2);
  one.fail("t1");
  assert.deepEqual([taskIn(one, "t1").retry_context, taskIn(one, "t1").retries_left], ["t1 broke", 2]);
  one.update("t1", "in_progress");
  assert.deepEqual([taskIn(one, "t1").retries, taskIn(one, "t1").retry_context], [1, "t1 broke"]);
  one.update("t1", "failed", "timed out");
  one.update("t1", "pending");
  one.update("t1", "in_progress");
  assert.deepEqual([taskIn(one, "t1").retries, taskIn(one, "t1").retry_context], [2, "timed out"]);
  one.update("t1", "failed", "timed out again");
  assert.deepEqual(one.update("t1", "in_progress"), []);
  const why = one.whyNot("t1", "in_progress");
  assert.equal(why?.code, "retries_used");
  assert.match(why.text, /tried 3 times.*timed out again/);
  assert.equal(one.whyNot("t1", "pending")?.code, "retries_used");
  assert.deepEqual(one.update("t2", "in_progress"), ["batch.updated"], "the others go on");
  assert.deepEqual(one.update("t1", "completed", "late"), ["batch.updated"], "a late result is taken");
  assert.equal(taskIn(one, "t1").retry_context, undefined);
});

test("what a retry brings does not begin with the old error", () => {
  const one = open(1);
  one.fail("t1");
  assert.equal(taskIn(one, "t1").has_result, false);
  one.update("t1", "in_progress");
  one.update("t1", "completed");
  assert.deepEqual(resultsOfBatch(one.now()).completed_results, [
    { task_id: "t1", label: "Task 1", result: null, empty: true },
  ]);
});

test("three failed tasks stop the batch with a report, and nothing is begun before somebody decides", () => {
  const one = open(5);
  one.update("t5", "in_progress");
  one.update("t4", "completed", "four");
  one.fail("t1", "t2");
  assert.equal(one.view().stopped, false);
  one.update("t3", "in_progress");
  assert.deepEqual(one.update("t3", "failed", "no"), ["batch.updated", "batch.stopped"]);
  const { stopped, report, choices } = one.view();
  assert.equal(stopped, true);
  assert.equal(
    report,
    "1 of 5 tasks completed. Failed tasks: [t1 (Task 1), t2 (Task 2), t3 (Task 3)]. Partial results available.",
  );
  assert.deepEqual(Object.keys(choices ?? {}), ["retry", "adjust", "accept"]);
  for (const status of ["in_progress", "pending"] as const) {
    const why = one.whyNot("t1", status);
    assert.equal(why?.code, "batch_stopped");
    assert.match(why.hint ?? "", /batch accept --id wf_0badcafe/);
  }
  assert.deepEqual(one.update("t1", "in_progress"), []);
  assert.deepEqual(one.update("t5", "completed", "five"), ["batch.updated"], "what runs may end");
});

test("without a completed task the report promises no results", () => {
  const one = open(3);
  one.fail("t1", "t2", "t3");
  assert.match(failureReport(one.now().tasks), /^0 of 3 tasks completed\..*There are no results\.$/);
  assert.equal(one.view().stopped, true);
});

test("retry: what failed is tried again with two retries more", () => {
  const one = open(4);
  one.fail("t1", "t2", "t3");
  one.resume("retry");
  assert.deepEqual([one.view().stopped, one.view().pending], [false, 4]);
  assert.deepEqual([taskIn(one, "t1").retries, taskIn(one, "t1").retries_left], [1, 2]);
  assert.equal(taskIn(one, "t1").retry_context, "t1 broke");
  one.fail("t1", "t2");
  assert.equal(one.view().stopped, false);
  one.fail("t3");
  assert.equal(one.view().stopped, true, "it stops again");
});

test("adjust: what failed stays failed and does not stop it again, other tasks take its place", () => {
  const one = open(4);
  one.fail("t1", "t2", "t3");
  const twice = { type: "resume", at: 1, choice: "adjust", added: [{ id: "t1", label: "x" }] } as const;
  assert.match(whyNotBatch(one.now(), twice)?.text ?? "", /a task t1 already/);
  one.resume("adjust", [{ id: "t1a", label: "Half of task 1" }]);
  assert.deepEqual([one.view().stopped, one.view().failed, one.view().total], [false, 3, 5]);
  one.fail("t4");
  assert.equal(one.view().stopped, false);
  one.update("t1a", "completed", "half");
  assert.equal(one.view().status, "partial");
});

test("accept: what has not ended is cancelled, and only late results are taken after that", () => {
  const one = open(5);
  one.update("t4", "completed", "four");
  one.update("t5", "in_progress");
  one.fail("t1", "t2", "t3");
  one.accept();
  const { status, stopped, cancelled, accepted_at } = one.view();
  assert.deepEqual([status, stopped, cancelled, accepted_at !== undefined], ["partial", false, 1, true]);
  assert.equal(one.whyNot("t1", "in_progress")?.code, "already_settled");
  assert.deepEqual(one.accept(), []);
  one.update("t5", "completed", "late");
  assert.equal(one.view().completed, 2);
});

test("who is not stopped has nothing to decide, and what is over nothing to accept", () => {
  const one = open(1);
  assert.deepEqual(one.resume("retry"), []);
  one.update("t1", "completed", "x");
  assert.deepEqual(one.accept(), []);
});

test("the same said twice is one event, and a completed task is not begun again by mistake", () => {
  const one = open(2);
  assert.deepEqual(one.update("t1", "in_progress"), ["batch.updated"]);
  assert.deepEqual(one.update("t1", "in_progress"), []);
  assert.equal(one.whyNot("t1", "in_progress"), undefined);
  one.update("t1", "completed", "x");
  assert.deepEqual(one.update("t1", "completed", "x"), []);
  assert.equal(one.whyNot("t1", "in_progress")?.code, "already_settled");
  assert.deepEqual(one.update("t1", "failed", "no <result>"), ["batch.updated"], "a result can be malformed");
  assert.match(one.whyNot("t9", "completed")?.hint ?? "", /t1, t2/);
});

test("what is open is not cleaned up, nor what was changed since it was looked at", () => {
  const one = open(1);
  assert.deepEqual(one.remove(), []);
  one.update("t1", "completed", "x");
  assert.deepEqual(one.remove(START), []);
  assert.deepEqual(one.remove(one.now().updatedAt), ["batch.removed"]);
  assert.deepEqual(one.now().tasks, [], "its results are let go");
  assert.equal(one.whyNot("t1", "completed")?.code, "not_found");
});
