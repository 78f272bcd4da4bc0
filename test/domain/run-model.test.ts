import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Command, commandOf, play } from "../support/run-model.ts";
import { assertSound } from "../support/run-rules.ts";

const ROUNDS = 400;

test("any order of results, decisions, time, people's wishes and crashes keeps every rule of runs", () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(commandOf(), { minLength: 5, maxLength: 60 }), (shape, commands) => {
      assertSound(play(shape, commands).law);
    }),
    { numRuns: ROUNDS },
  );
});

test("from wherever it was left, a run that is answered and served comes to an end", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(commandOf(), { maxLength: 30 }),
      fc.boolean(),
      (shape, commands, isGood) => {
        const played = play(shape, commands);
        played.serveToTheEnd(isGood);
        assert.notEqual(played.law.view.status, "running", JSON.stringify(played.law.statuses));
        assertSound(played.law);
      },
    ),
    { numRuns: ROUNDS },
  );
});

test("every command of the model is one that does something now and then", () => {
  const seen = new Set<Command["what"]>();
  const wanted: readonly Command["what"][] = [
    "started",
    "settled",
    "refused",
    "approve",
    "reject",
    "expire",
    "remind",
    "wait-over",
    "stalled",
    "cancel",
    "deadline",
    "skip",
    "retry",
    "rerun",
    "accept",
    "again",
    "crash",
  ];
  fc.assert(
    fc.property(fc.nat(), fc.array(commandOf(), { minLength: 30, maxLength: 60 }), (shape, commands) => {
      for (const what of play(shape, commands).effective) seen.add(what);
    }),
    { numRuns: ROUNDS, seed: 1 },
  );
  assert.deepEqual(
    wanted.filter((what) => !seen.has(what) && what !== "again" && what !== "crash"),
    [],
  );
  assert.ok(
    !seen.has("again") && !seen.has("crash"),
    "the same news twice does nothing, in the next life neither",
  );
});
