import assert from "node:assert/strict";
import test from "node:test";
import { runRound, summary } from "./rounds.ts";
import { runDiamonds } from "./run-rounds.ts";

test("killed between the commit and its answer: the same key finds what was committed, and nothing is there twice", {
  timeout: 120_000,
}, async (t) => {
  const round = await runRound({ points: ["accept:committed"], perKill: 6, nth: () => 1, isQuiet: true });
  const { text, isClean } = summary(round);
  t.diagnostic(text);
  assert.equal(round.kills, 1);
  assert.ok(round.repeated > 0, "somebody asked, and was not answered");
  assert.equal(round.asked, 6);
  assert.ok(isClean, text);
});

test("killed between a run's commit and its answer: the same key finds the run, and there is no second one", {
  timeout: 120_000,
}, async (t) => {
  const round = await runDiamonds({ points: ["accept:committed"], perKill: 2, nth: () => 1 });
  const { lost, doubled, unseen } = round.findings;
  t.diagnostic(`runs ${round.runs} · kills ${round.kills} · answers lost ${round.repeated}`);
  assert.deepEqual([...lost, ...doubled, ...unseen], []);
  assert.deepEqual([round.kills, round.runs, round.repeated], [1, 2, 1]);
});
