import assert from "node:assert/strict";
import test from "node:test";
import { aggregates } from "../../src/domain/aggregates.ts";
import { type MendInput, mend } from "../../src/domain/mend.ts";

const FOUND = {
  at: 7,
  id: "mend-1",
  by: "operator",
  finding: { fault: "unseen", id: "orch-1/result", of: "orch-1", reason: "its message was deleted" },
} as const;

test("what is said to be well is noted once, belongs to what it tells of, and nothing follows", () => {
  const input: MendInput = {
    ...FOUND,
    type: "accept",
    message: "12",
    why: "told by phone",
    parent: "orch-1",
  };
  const events = mend.decide(undefined, input);
  assert.deepEqual<unknown>(events, [{ ...input, type: "finding.accepted" }]);
  const [event] = events;
  assert.ok(event);
  const state = mend.evolve(undefined, event);
  assert.deepEqual(aggregates.mend.columns(state), { status: "accepted", open: false, parent: "orch-1" });
  assert.deepEqual(mend.effects(state, event), []);
  assert.deepEqual(mend.decide(state, { ...input, at: 8, why: "another reason" }), []);
});

test("what was mended has the work that follows, and no parent", () => {
  const effect = {
    body: { type: "tell", run: "wf-1", child: "orch-1", kind: "delegation" },
    lane: "any",
    dueAt: 7,
  } as const;
  const input: MendInput = { ...FOUND, type: "mend", done: "told", effect };
  const [event] = mend.decide(undefined, input);
  assert.ok(event?.type === "mend.made");
  const state = mend.evolve(undefined, event);
  assert.deepEqual(mend.effects(state, event), [effect]);
  assert.deepEqual(aggregates.mend.columns(state), { status: "made", open: false });
});
