import assert from "node:assert/strict";
import test from "node:test";
import { begin, type Law } from "../support/run-law.ts";
import { approvalOf, stepOf, taskOf } from "../support/workflow.ts";

const MINUTE = 60_000;
const START = 1000;
const task = taskOf("webster", "Go.");
const steps = [stepOf("a", task), stepOf("b", task, { needs: ["a"] })];

const at = (law: Law, minutes: number) => law.take({ type: "progress", at: START + minutes * MINUTE });
const timersOf = (law: Law) =>
  law.effects
    .filter(({ body }) => body.type === "run-timer" && body.what === "progress")
    .map(({ dueAt }) => (dueAt - START) / MINUTE);
const postsOf = (law: Law) =>
  law
    .bodies("post")
    .flatMap(({ delivery }) =>
      delivery.kind === "notice" ? [[delivery.id, delivery.to, delivery.text]] : [],
    );

test("a run of more than 10 minutes says how far it is, and then after twice the time", () => {
  const law = begin(steps);
  law.started("a");
  at(law, 10);
  law.succeed("a");
  law.started("b");
  at(law, 20);
  at(law, 40);
  assert.deepEqual(timersOf(law), [10, 20, 40, 80]);
  const results = { role: "results" };
  assert.deepEqual(postsOf(law), [
    [
      "wf-1/progress-1",
      results,
      "⏳ **law** still runs · 0 of 2 steps after 10m 00s · now: a (webster) · wf-1",
    ],
    [
      "wf-1/progress-2",
      results,
      "⏳ **law** still runs · 1 of 2 steps after 20m 00s · now: b (webster) · wf-1",
    ],
    [
      "wf-1/progress-3",
      results,
      "⏳ **law** still runs · 1 of 2 steps after 40m 00s · now: b (webster) · wf-1",
    ],
  ]);
});

test("it stands where the card is", () => {
  const law = begin(steps, {}, { card: { channel: "77" } });
  at(law, 10);
  assert.deepEqual(postsOf(law)[0]?.[1], { channel: "77" });
});

test("the same timer twice says nothing twice, and too early it says nothing", () => {
  const law = begin(steps);
  at(law, 9);
  at(law, 10);
  at(law, 10);
  assert.equal(postsOf(law).length, 1);
});

test("a run that waits for people or is settled says nothing", () => {
  const waiting = begin([stepOf("gate", approvalOf())]);
  at(waiting, 10);
  assert.deepEqual([postsOf(waiting), timersOf(waiting)], [[], [10, 20]]);
  const over = begin([stepOf("a", task)]);
  over.succeed("a");
  assert.deepEqual(at(over, 10), []);
});

test("nested runs and those whose result is not posted have no such timer", () => {
  assert.deepEqual(timersOf(begin(steps, {}, { deliver: false })), []);
  const parent = { run: "wf-0", step: "x", generation: 1 };
  assert.deepEqual(timersOf(begin(steps, {}, { parent, depth: 2 })), []);
});

test("of a fan-out it says how many items are settled, and what has failed", () => {
  const law = begin([
    stepOf("bad", task, { continueOnError: true }),
    stepOf("each", task, { forEach: { expression: "split('a,b,c', ',')", maxParallel: 2 } }),
  ]);
  law.fail("bad");
  law.succeed("each", 0);
  at(law, 10);
  assert.match(JSON.stringify(postsOf(law)), /1 of 2 steps after .* · 1 failed · now: each \(webster\) 1\/3/);
});
