import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { work } from "../../src/domain/work-item.ts";
import type { WorkInput, WorkState } from "../../src/domain/work-types.ts";
import { fold } from "../../src/kernel/decider.ts";

const actor = { kind: "operator" } as const;
const CREATE: WorkInput = {
  type: "create",
  slug: "x",
  title: "x",
  criteria: [],
  constraints: [],
  blockers: [],
  maker: actor,
  at: 0,
};

/** What each act makes of a status; a missing one changes nothing. */
const MOVES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  start: { todo: "in_progress", review: "in_progress", failed: "in_progress" },
  review: { in_progress: "review" },
  complete: { in_progress: "done", review: "done" },
  fail: { todo: "failed", in_progress: "failed", review: "failed" },
};

test("whatever is asked, an item stands as the table of its moves says, and doing a thing again changes nothing", () => {
  const acts = fc.array(fc.constantFrom("start", "review", "complete", "fail"), { maxLength: 20 });
  fc.assert(
    fc.property(acts, (asked) => {
      let state = fold(work.evolve, undefined, work.decide(undefined, CREATE));
      let expected = "todo";
      for (const [index, type] of asked.entries()) {
        const input = { type, at: index + 1, actor } as WorkInput;
        expected = MOVES[type]?.[expected] ?? expected;
        state = fold(work.evolve, state, work.decide(state, input));
        assert.equal(state?.status, expected);
        const isMove = MOVES[type]?.[expected] !== undefined;
        assert.equal(work.decide(state, input).length, isMove ? 1 : 0);
      }
    }),
  );
});

test("an item of a step takes notes and nothing that moves it", () => {
  const adopt: WorkInput = { type: "adopt", slug: "r.s", run: "r", step: "s", at: 0, actor };
  const state = fold(work.evolve, undefined, work.decide(undefined, adopt)) as WorkState;
  const moves: WorkInput[] = ["start", "review", "complete", "fail"].map(
    (type) => ({ type, at: 1, actor }) as WorkInput,
  );
  for (const input of [...moves, { type: "handoff", to: "y", at: 1, actor } as const])
    assert.deepEqual(work.decide(state, input), [], input.type);
  const note: WorkInput = { type: "note", notes: [{ type: "finding", text: "clay" }], at: 1, actor };
  assert.equal(fold(work.evolve, state, work.decide(state, note))?.notes.length, 1);
});

test("what was said of an earlier try says nothing of the next one", () => {
  const acts: readonly WorkInput[] = [
    { type: "start", at: 1, actor },
    { type: "complete", at: 2, actor },
    { type: "evolved", at: 3, since: 2, actor, verdict: "fail", issues: ["x"], proposals: 0 },
    { type: "evolved", at: 4, since: 2, actor, verdict: "fail", issues: ["x"], proposals: 0 },
  ];
  let state = fold(work.evolve, undefined, work.decide(undefined, CREATE));
  const counts = acts.map((input) => {
    const events = work.decide(state, input);
    state = fold(work.evolve, state, events);
    return events.length;
  });
  assert.deepEqual(counts, [1, 1, 1, 0]);
  const later = {
    type: "evolved",
    at: 6,
    since: 5,
    actor,
    verdict: "pass",
    issues: [],
    proposals: 0,
  } as const;
  assert.equal(work.decide(state, later).length, 1);
});
