import assert from "node:assert/strict";
import test from "node:test";
import { runQueue } from "./queue-rounds.ts";

/** One of each stretch of a task's way; `npm run test:faults` kills at all of them. */
const POINTS = [
  "submission:posted",
  "task-claim:sent",
  "task-check:sent",
  "worker:recorded",
  "tell-task:claimed",
] as const;

test("killed on the way of tasks, each is claimed, done, ticked and seen once", {
  timeout: 300_000,
}, async (t) => {
  const round = await runQueue({ points: POINTS, perKill: 2, nth: () => 1 });
  t.diagnostic(`tasks ${round.tasks} · kills ${round.kills} · marked ambiguous ${round.ambiguous}`);
  const { lost, doubled, unseen } = round.findings;
  assert.deepEqual([...lost, ...doubled, ...unseen], []);
  assert.deepEqual(round.notPassed, []);
  assert.equal(round.tasks, POINTS.length * 4);
});
