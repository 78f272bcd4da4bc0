import assert from "node:assert/strict";
import test from "node:test";
import { briefOfBatch, resultsOfBatch, spawnLabelOf } from "../../src/domain/batch-view.ts";
import { MINUTE, open } from "../support/batch.ts";

test("the aggregate names every gap, and a completed task without a result stays in it", () => {
  const one = open(5);
  one.update("t1", "completed", "");
  one.update("t2", "completed", "two");
  one.fail("t3");
  one.update("t4", "cancelled");
  const results = resultsOfBatch(one.now());
  assert.deepEqual(results.completed_results, [
    { task_id: "t1", label: "Task 1", result: "", empty: true },
    { task_id: "t2", label: "Task 2", result: "two" },
  ]);
  assert.deepEqual(results.failures, [{ task_id: "t3", label: "Task 3", error: "t3 broke", retries: 0 }]);
  assert.deepEqual(results.unfinished, [{ task_id: "t5", label: "Task 5", status: "pending" }]);
  assert.equal(
    results.report,
    "2 of 5 tasks completed. Failed tasks: [t3 (Task 3)]. Partial results available. Cancelled tasks: [t4]. Not finished: [t5].",
  );
});

test("a batch in which nothing is completed for more than twice the expected time says so", () => {
  const one = open(2, { expected_minutes: 10 });
  one.update("t1", "in_progress");
  assert.equal(one.view(20 * MINUTE).stall, undefined);
  assert.equal(one.view(21 * MINUTE).stall?.minutes, 21);
  assert.match(one.view(21 * MINUTE).stall?.note ?? "", /21 minutes, and 10 were expected.*sessions_list/);
  one.update("t1", "completed", "x");
  assert.equal(one.view(60 * MINUTE).stall, undefined, "nothing runs");
  one.update("t2", "in_progress");
  assert.equal(one.view(20 * MINUTE).stall, undefined);
  assert.ok(one.view(21 * MINUTE).stall);
  const without = open(1);
  without.update("t1", "in_progress");
  assert.equal(without.view(1000 * MINUTE).stall, undefined);
});

test("labels are the batch's id, the task's and what it is about", () => {
  assert.equal(spawnLabelOf("wf_abc123", "t1", "Auth review"), "wf_abc123_t1_auth_review");
  assert.equal(
    spawnLabelOf("wf_abc123", "t1", "  Prüfe: «Zerodur», 50 °C! "),
    "wf_abc123_t1_prufe_zerodur_50_c",
  );
  assert.equal(spawnLabelOf("wf_abc123", "a b", "…"), "wf_abc123_a-b");
  assert.doesNotMatch(spawnLabelOf("wf_abc123", "t1", "x".repeat(200)), /wf_wf_|x{41}/);
});

test("a heartbeat gets one line", () => {
  const one = open(5, { expected_minutes: 1 });
  one.update("t1", "completed", "x");
  one.update("t2", "in_progress");
  assert.equal(
    briefOfBatch(one.view(30_000)),
    "wf_0badcafe fan_out in_progress: 1/5 complete, 1 in progress, 2 min",
  );
  one.fail("t3", "t4", "t5");
  assert.equal(
    briefOfBatch(one.view(3 * MINUTE)),
    "wf_0badcafe fan_out in_progress: 1/5 complete, 1 in progress, 3 failed, 11 min; stopped, ask the user: retry, adjust or accept; nothing completed for 9 min",
  );
});
