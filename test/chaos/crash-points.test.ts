import assert from "node:assert/strict";
import test from "node:test";
import { CRASH_POINTS } from "../../src/engine/ports/log.ts";
import { runRound, summary } from "./rounds.ts";

test("killed once at every named crash point, nothing is lost, doubled or unseen", {
  timeout: 300_000,
}, async (t) => {
  const round = await runRound({
    points: CRASH_POINTS,
    perKill: 6,
    // One claim may take all that is to be posted in a life.
    nth: (_, point) => (/^interaction:|^post:claimed$/.test(point) ? 1 : 2),
  });
  const { text, isClean } = summary(round);
  t.diagnostic(text);
  assert.deepEqual(round.notPassed, []);
  assert.equal(round.kills, CRASH_POINTS.length);
  assert.ok(isClean, text);
});
