import assert from "node:assert/strict";
import test from "node:test";
import {
  MOST_TURNS,
  openTurn,
  type SessionInput,
  type SessionState,
  session,
} from "../../src/domain/session.ts";
import { fold } from "../../src/kernel/decider.ts";

const actor = { kind: "operator" } as const;
const SPAWN: SessionInput = {
  type: "spawn",
  id: "s1",
  agent: "webster",
  instance: "webster",
  actor,
  at: 0,
  persistent: false,
};
const ask = (digest: string, at = 1): SessionInput => ({ type: "ask", at, digest, actor });
const answered = (turn: number, at = 2): SessionInput => ({
  type: "answered",
  at,
  turn,
  status: "succeeded",
});

function after(inputs: readonly SessionInput[], before?: SessionState): SessionState {
  const state = inputs.reduce(
    (known, input) => fold(session.evolve, known, session.decide(known, input)),
    before,
  );
  assert.ok(state);
  return state;
}

test("a session takes one turn at a time, 500 of them, and none after it is closed", () => {
  const begun = after([SPAWN, ask("a")]);
  assert.deepEqual(session.decide(begun, ask("b")), [], "the first is under way");
  const turns = Array.from({ length: 499 }, (_, n) => [ask(`${n}`), answered(n + 1)]).flat();
  const nearly = after([SPAWN, ...turns]);
  assert.equal(session.decide(nearly, ask("last")).length, 1);
  const full = after([ask("last"), answered(500)], nearly);
  assert.equal(MOST_TURNS, 500);
  assert.deepEqual(session.decide(full, ask("one more")), []);
  const closed = after([SPAWN, { type: "close", at: 1 }]);
  assert.deepEqual(session.decide(closed, ask("a")), []);
  assert.deepEqual(
    session.decide(closed, { type: "close", at: 2 }),
    [],
    "closing it twice is closing it once",
  );
});

test("an answer ends the turn that is open, at its time and once; what was asked is kept no longer", () => {
  const asked = after([SPAWN, { ...ask("a"), data: { message: "how?" } } as SessionInput]);
  assert.deepEqual(openTurn(asked)?.data, { message: "how?" });
  assert.deepEqual(session.decide(asked, answered(2)), [], "no such turn");
  const over = after([answered(1, 7)], asked);
  assert.equal(openTurn(over), undefined);
  const [turn] = over.turns;
  assert.deepEqual([turn?.answeredAt, turn?.status, turn?.data], [7, "succeeded", undefined]);
  assert.deepEqual(session.decide(over, answered(1)), []);
  assert.equal(over.status, "open");
});

test("a session that is closed while its agent works stays closed when the answer comes", () => {
  const state = after([SPAWN, ask("a"), { type: "close", at: 2 }, answered(1, 3)]);
  assert.deepEqual([state.status, state.turns[0]?.status], ["closed", "succeeded"]);
});
