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

const HASH = "0".repeat(64);
const FILES = [{ target: "TOOLS.md", before: HASH, after: HASH }] as const;

function stateAfter(inputs: readonly object[], before?: WorkState): WorkState {
  const state = inputs.reduce<WorkState | undefined>(
    (known, input) => fold(work.evolve, known, work.decide(known, input as WorkInput)),
    before,
  );
  assert.ok(state);
  return state;
}
const proposedAt = (at: number, more: object = {}) => ({
  type: "evolved",
  at,
  since: at,
  actor,
  verdict: "warn",
  issues: [],
  proposals: 1,
  ...more,
});
const doneAt = (at: number) => [
  { type: "start", at, actor },
  { type: "complete", at: at + 1, actor },
];

test("a new try has a number of its own, and nothing of what was said of the one before", () => {
  const first = stateAfter([
    CREATE,
    { type: "start", at: 1, actor, skill: "webster" },
    { type: "fail", at: 2, actor, reason: "no licence" },
    { type: "override", at: 3, actor, reason: "known", issues: ["x"] },
    { type: "hooks-run", at: 4, since: 2, actor },
    proposedAt(5),
  ]);
  assert.deepEqual(
    [first.round, first.assignee, first.failure, first.completedAt, first.overridden?.reason],
    [1, "webster", "no licence", 2, "known"],
  );
  const second = stateAfter([{ type: "start", at: 6, actor }], first);
  const { completedAt, failure, overridden, hooksRunAt, evolved } = second;
  assert.deepEqual([completedAt, failure, overridden, hooksRunAt, evolved], Array(5).fill(undefined));
  assert.deepEqual([second.round, second.startedAt, second.assignee], [2, 6, "webster"]);
});

test("who has it already is not handed it again, and what is said twice is said once", () => {
  const state = stateAfter([
    CREATE,
    { type: "handoff", to: "webster", at: 1, actor },
    ...doneAt(2),
    { type: "override", at: 4, actor, reason: "known", issues: [] },
    { type: "hooks-run", at: 5, since: 3, actor },
    { type: "block", on: "y", at: 6, actor },
    { type: "depend", slug: "z", at: 6, actor },
  ]);
  for (const input of [
    { type: "handoff", to: "webster", at: 7, actor },
    { type: "override", at: 7, actor, reason: "again", issues: [] },
    { type: "hooks-run", at: 7, since: 5, actor },
    { type: "block", on: "y", at: 7, actor },
    { type: "depend", slug: "z", at: 7, actor },
  ] as const)
    assert.deepEqual(work.decide(state, input), [], input.type);
  assert.equal(work.decide(state, { type: "hooks-run", at: 7, since: 6, actor }).length, 1, "of a later try");
});

test("a decision is about what was shown, once, and only accepted files are written, once", () => {
  const decide = (more: object = {}) => ({ type: "decide", decision: "accepted", at: 9, actor, ...more });
  const decided = (state: WorkState, more: object = {}) =>
    work.decide(state, decide(more) as WorkInput).length;
  assert.equal(
    decided(stateAfter([CREATE, ...doneAt(1), proposedAt(3, { proposals: 0 })])),
    0,
    "nothing proposed",
  );
  const open = stateAfter([CREATE, ...doneAt(1), proposedAt(3)]);
  assert.deepEqual([decided(open), decided(open, { of: 3 }), decided(open, { of: 2 })], [1, 1, 0]);
  const accepted = stateAfter([decide({ files: FILES })], open);
  assert.equal(decided(accepted, { decision: "dismissed" }), 0);
  const written = (state: WorkState, of: number) =>
    work.decide(state, { type: "applied", of, at: 10, actor }).length;
  assert.deepEqual([written(accepted, 3), written(accepted, 2), written(open, 3)], [1, 0, 0]);
  assert.equal(written(stateAfter([decide()], open), 3), 0, "no files to write");
  assert.equal(written(stateAfter([{ type: "applied", of: 3, at: 10, actor }], accepted), 3), 0);
});

test("the two latest messages of what is proposed follow it; accepting carries it out, dismissing does not", () => {
  const state = stateAfter([
    CREATE,
    ...doneAt(1),
    proposedAt(3),
    proposedAt(6),
    proposedAt(9),
    proposedAt(12, { proposals: 0 }),
  ]);
  assert.deepEqual(state.rounds, [6, 9], "where nothing was proposed there is no message");
  const follow = (input: object, before: WorkState) => {
    const [event] = work.decide(before, input as WorkInput);
    assert.ok(event);
    const effects = work.effects(work.evolve(before, event), event);
    return effects.map(({ body }) => (body.type === "card" && "round" in body ? body.round : body.type));
  };
  const open = stateAfter([CREATE, ...doneAt(1), proposedAt(3), proposedAt(6)]);
  const decide = { type: "decide", at: 20, actor };
  assert.deepEqual(follow({ ...decide, decision: "accepted" }, open), ["carry-out", 3, 6]);
  assert.deepEqual(follow({ ...decide, decision: "dismissed" }, open), [3, 6]);
  const accepted = stateAfter([{ ...decide, decision: "accepted", files: FILES }], open);
  assert.deepEqual(follow({ type: "applied", of: 6, at: 21, actor }, accepted), [3, 6]);
  const failed = stateAfter([CREATE, { type: "fail", at: 1, actor }, proposedAt(3)]);
  assert.deepEqual(follow({ type: "start", at: 4, actor }, failed), [3], "it is about an earlier try now");
  assert.deepEqual(follow({ type: "handoff", to: "webster", at: 4, actor }, failed), []);
});

test("an item remembers its latest 500 moments", () => {
  const notes = Array.from({ length: 600 }, (_, n) => ({ type: "finding", text: `${n}` }));
  const { history } = stateAfter([CREATE, { type: "note", notes, at: 1, actor }]);
  assert.deepEqual([history.length, history.at(-1)?.payload["text"]], [500, "599"]);
});
