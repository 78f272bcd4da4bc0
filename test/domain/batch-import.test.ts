import assert from "node:assert/strict";
import test from "node:test";
import { batchFromOld, otherThanSaid, readOldBatches } from "../../src/domain/batch-import.ts";

const actor = { kind: "operator" } as const;
const oldTask = (id: string, status: string, more: object = {}) => ({ id, status, ...more });

function read(subtasks: readonly object[], more: object = {}, id = "wf_1") {
  const old = { type: "fan_out", created_at: 0, updated_at: 1.0006, subtasks, ...more };
  return readOldBatches({ workflows: { [id]: old } });
}

function taken(subtasks: readonly object[], more: object = {}) {
  const content = read(subtasks, more);
  assert.ok("workflows" in content, JSON.stringify(content));
  const [old] = Object.values(content.workflows);
  assert.ok(old);
  const batch = batchFromOld("wf_1", old, actor);
  return { batch, task: batch.tasks[0], said: otherThanSaid(old, batch) };
}

test("an old task keeps what is known of it, and a failed one does not stop its batch again", () => {
  const { batch, task } = taken([
    oldTask("t1", "failed", {
      label: "Zerodur",
      session_key: "agent:main:1",
      result: "timed out",
      started_at: 1.0004,
      completed_at: 2,
      retries: 5,
    }),
  ]);
  assert.deepEqual(task, {
    id: "t1",
    label: "Zerodur",
    status: "failed",
    retries: 5,
    retryLimit: 5,
    result: "timed out",
    error: "timed out",
    forgiven: true,
    sessionKey: "agent:main:1",
    startedAt: 1000,
    completedAt: 2000,
  });
  assert.deepEqual([batch.at, batch.updatedAt, batch.metadata], [0, 1001, {}]);
});

test("what an old task lacks has the ledger's own meaning", () => {
  const { task } = taken([oldTask(" t1 ", "pending", { completed_at: 2, started_at: null })]);
  assert.deepEqual(task, { id: "t1", label: "t1", status: "pending", retries: 0, retryLimit: 2 });
  assert.equal(taken([oldTask("t1", "failed")]).task?.error, "");
});

test("a batch whose old status is not what its tasks say is named with what the file said", () => {
  const [open, over] = [oldTask("t1", "in_progress"), oldTask("t1", "completed")];
  assert.equal(taken([open], { status: "completed" }).said, "completed");
  assert.equal(taken([open], { status: "in_progress" }).said, undefined);
  assert.equal(taken([open]).said, undefined, "it said nothing");
  assert.equal(taken([open], { status: "pending" }).said, undefined, "the old roll-up's own way");
  assert.equal(taken([over], { status: "pending" }).said, "pending");
});

test("an old ledger with no tasks, too many, two alike or ids that are none is refused with the place", () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => oldTask(`t${n}`, "pending"));
  const pathsOf = (content: ReturnType<typeof readOldBatches>) =>
    "problems" in content ? content.problems.map(({ path }) => path) : [];
  assert.deepEqual(pathsOf(read(many(1000))), []);
  assert.deepEqual(pathsOf(read(many(1001))), ["workflows.wf_1.subtasks"]);
  assert.deepEqual(pathsOf(read([])), ["workflows.wf_1.subtasks"]);
  const twice = read([oldTask("t1", "pending"), oldTask("t1", "completed")]);
  assert.deepEqual("problems" in twice && twice.problems, [
    { path: "workflows.wf_1.subtasks", message: "two tasks have the same id" },
  ]);
  for (const id of ["", "  ", "x".repeat(81)])
    assert.deepEqual(pathsOf(read([oldTask(id, "pending")])), ["workflows.wf_1.subtasks.0.id"], id);
  assert.deepEqual(pathsOf(read(many(1), {}, "x".repeat(80))), []);
  for (const id of ["../wf", "x".repeat(81), ".wf"])
    assert.deepEqual(pathsOf(read(many(1), {}, id)), [`workflows.${id}`], id);
  assert.deepEqual(pathsOf(read(many(1), { created_at: -1 })), ["workflows.wf_1.created_at"]);
});
