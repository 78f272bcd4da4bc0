import assert from "node:assert/strict";
import test from "node:test";
import { RUN_CRASH_POINTS } from "../../src/engine/ports/log.ts";
import { runDiamonds } from "./run-rounds.ts";

test("killed once at every crash point of runs, each diamond ends once and its gate is decided once", {
  timeout: 300_000,
}, async (t) => {
  const round = await runDiamonds({ points: RUN_CRASH_POINTS, perKill: 4, nth: () => 2 });
  t.diagnostic(`runs ${round.runs} · kills ${round.kills} · marked ambiguous ${round.ambiguous}`);
  const { lost, doubled, unseen } = round.findings;
  assert.deepEqual([...lost, ...doubled, ...unseen], []);
  assert.deepEqual(round.notPassed, []);
  assert.equal(round.kills, RUN_CRASH_POINTS.length);
  assert.equal(round.runs, RUN_CRASH_POINTS.length * 4);
});
