import assert from "node:assert/strict";
import test from "node:test";
import { runRound, summary } from "./rounds.ts";

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
