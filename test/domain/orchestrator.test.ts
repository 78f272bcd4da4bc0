import assert from "node:assert/strict";
import test from "node:test";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { type Load, pickBalanced } from "../../src/domain/balance.ts";
import { call, partIdOf } from "../../src/domain/call.ts";
import { readInstances, readInstanceWords } from "../../src/domain/instances.ts";
import { ROLL_CALL, readPayload } from "../../src/domain/payload.ts";
import {
  MOST_TURNS,
  type SessionInput,
  type SessionState,
  session,
  turnIdOf,
} from "../../src/domain/session.ts";
import { historyOf } from "../../src/domain/session-history.ts";
import { isStuck, shareOf } from "../../src/domain/share.ts";
import { type SkillInput, skill } from "../../src/domain/skill.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import { findAgent } from "../../src/engine/choose-agent.ts";
import { fold } from "../../src/kernel/decider.ts";
import { isRunId } from "../../src/kernel/id.ts";
import { isRefusal, type Refusal } from "../../src/kernel/refusal.ts";
import { AGENT_IDS, cardOf } from "../support/core.ts";

const registry = createRegistry(
  AGENT_IDS.map((id, index) => cardOf(id, { letter: String.fromCharCode(65 + index) })),
);
const ids = (...words: string[]) => readInstances(registry, words).map(({ id }) => id);
const refusalOf = (act: () => unknown): Refusal => {
  try {
    act();
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

test("agents are named by id, alias, letter, range and list, in any case; the order asked for stays, each once", () => {
  assert.deepEqual(ids("A-H"), AGENT_IDS);
  assert.deepEqual(ids("a-c"), ["manager", "tech-lead", "secretary"]);
  assert.deepEqual(ids("H,technical-lead", "webster", "B", "A-B"), ["webster", "tech-lead", "manager"]);
  assert.deepEqual(ids(" C , A "), ["secretary", "manager"]);
  assert.deepEqual(ids("tech-lead"), ["tech-lead"], "a name with a dash is no range");
  const words = readInstanceWords(registry, ["webster,A-B"]).map(({ word }) => word);
  assert.deepEqual(words, ["webster", "A", "B"], "as they were asked for");
});

test("everything that is unknown is named at once, an empty list and a range that goes backwards are refused", () => {
  const unknown = refusalOf(() => ids("A", "webstr", "Z"));
  assert.equal(unknown.code, "unknown_agent");
  assert.deepEqual(
    unknown.problems.map(({ path }) => path),
    ["webstr", "Z"],
  );
  assert.match(unknown.message, /Did you mean webster\?/);
  assert.match(unknown.hint ?? "", /A manager/);
  const nobody = createRegistry([]);
  for (const ask of [() => readInstances(nobody, ["webster"]), () => findAgent(nobody, "webster")])
    assert.equal(refusalOf(ask).hint, "No agent is configured: add one to config/agents.yaml.");
  assert.equal(
    refusalOf(() => findAgent(registry, "webstr")).hint,
    `Did you mean webster? The agents are ${AGENT_IDS.join(", ")}.`,
  );
  assert.equal(refusalOf(() => ids("J")).instance, "J", "the one that it is about");
  const beyond = refusalOf(() => ids("G-J"));
  assert.deepEqual(
    beyond.problems.map(({ path }) => path),
    ["I", "J"],
  );
  for (const empty of [[], [""], [" , "]]) assert.equal(refusalOf(() => ids(...empty)).code, "invalid_input");
  assert.match(refusalOf(() => ids("H-A")).hint ?? "", /A-H/);
});

test("a payload with a text is that text with the rest attached, any other is itself the objective", () => {
  assert.deepEqual(readPayload({ task: " Find it " }), { objective: "Find it", attachments: [] });
  const more = readPayload({ message: "Find it", unit: "ppm/K" });
  assert.equal(more.objective, "Find it");
  assert.deepEqual(more.attachments, [{ name: "payload.json", text: '{\n  "unit": "ppm/K"\n}' }]);
  assert.equal(readPayload({ objective: "One", message: "Two" }).objective, "One");
  assert.match(readPayload({ data: "task" }).objective, /JSON:\n\n\{\n {2}"data": "task"\n\}$/);
  assert.match(readPayload({ task: 7 }).objective, /"task": 7/, "a number says nothing");
  assert.match(readPayload({ task: "  " }).objective, /"task": " {2}"/);
  assert.deepEqual(readPayload(undefined), { objective: ROLL_CALL, attachments: [] });
});

const loads = (...all: Partial<Load>[]): readonly Load[] =>
  all.map((load, index) => ({ agent: `a${index}`, canTake: true, open: 0, concurrency: 1, ...load }));

test("the least busy healthy one gets the work, and of equals the one whose turn was longest ago", () => {
  assert.equal(pickBalanced([]), undefined);
  assert.equal(pickBalanced(loads({ canTake: false })), undefined);
  assert.equal(pickBalanced(loads({ open: 2 }, { open: 1 }, { open: 0, canTake: false }))?.agent, "a1");
  assert.equal(pickBalanced(loads({ open: 2, concurrency: 4 }, { open: 1 }))?.agent, "a0", "busy in parts");
  assert.equal(pickBalanced(loads({ turnAt: 5 }, { turnAt: 3 }, { turnAt: 4 }))?.agent, "a1");
  assert.equal(pickBalanced(loads({ turnAt: 5 }, {}))?.agent, "a1", "whoever never had a turn comes first");
});

test("800 choices over eight equal agents give each of them 100", () => {
  const turns = new Map<string, number>();
  const counts = new Map<string, number>();
  for (let n = 0; n < 800; n++) {
    const all = AGENT_IDS.map((agent): Load => {
      const turnAt = turns.get(agent);
      const load = { agent, canTake: true, open: 0, concurrency: 1 };
      return turnAt === undefined ? load : { ...load, turnAt };
    });
    const agent = pickBalanced(all)?.agent ?? "nobody";
    turns.set(agent, n);
    counts.set(agent, (counts.get(agent) ?? 0) + 1);
  }
  assert.deepEqual(new Set(counts.values()), new Set([100]));
  assert.equal(counts.size, 8);
});

test("a call keeps who was chosen, and its parts have ids that no handoff file is taken for", () => {
  const asked = {
    type: "call",
    id: "call-1",
    at: 1,
    mode: "balance",
    chosen: [{ instance: "H", agent: "webster" }],
  } as const;
  const events = call.decide(undefined, asked);
  const state = fold(call.evolve, undefined, events);
  assert.deepEqual(state, { id: "call-1", at: 1, mode: "balance", chosen: asked.chosen });
  assert.deepEqual(call.decide(state, { ...asked, chosen: [] }), [], "decided once");
  const id = partIdOf("call-1m7yjthepahbr52enm4", 99);
  assert.ok(isRunId(id));
  assert.doesNotMatch(id, /\.\d{1,2}$/);
});

const spawned: SessionInput = {
  type: "spawn",
  id: "s1",
  agent: "webster",
  instance: "H",
  actor: { kind: "operator" },
  at: 1,
  persistent: false,
};
const asked = (at: number, key?: string): SessionInput => ({
  type: "ask",
  at,
  data: { task: "x" },
  digest: `d${at}`,
  actor: { kind: "operator" },
  ...(key ? { key } : {}),
});
const answered = (turn: number): SessionInput => ({ type: "answered", at: 9, turn, status: "succeeded" });

function play(...inputs: readonly SessionInput[]): {
  state: SessionState | undefined;
  types: readonly string[];
} {
  let state: SessionState | undefined;
  const types: string[] = [];
  for (const input of inputs) {
    const events = session.decide(state, input);
    types.push(...events.map(({ type }) => type));
    state = fold(session.evolve, state, events);
  }
  return { state, types };
}

test("turns of a session come strictly one after the other", () => {
  const { state, types } = play(spawned, asked(2), asked(3), answered(1), asked(4));
  assert.deepEqual(types, ["session.spawned", "turn.asked", "turn.answered", "turn.asked"]);
  assert.equal(state?.status, "busy");
  assert.deepEqual(
    state?.turns.map(({ turn, digest, status, data }) => [turn, digest, status, data]),
    [
      [1, "d2", "succeeded", undefined],
      [2, "d4", undefined, { task: "x" }],
    ],
    "what was said is kept until its delegation has ended",
  );
  assert.deepEqual(play(spawned, asked(2), answered(2)).types, ["session.spawned", "turn.asked"]);
  assert.deepEqual(play(spawned, asked(2), answered(1), answered(1)).types.length, 3, "answered once");
});

test("a session is spawned once, takes nothing after it was closed, and is full at its last turn", () => {
  assert.deepEqual(play(spawned, { ...spawned, agent: "auditor" }).state?.agent, "webster");
  const closed = play(
    spawned,
    asked(2),
    { type: "close", at: 3 },
    { type: "close", at: 4 },
    answered(1),
    asked(5),
  );
  assert.deepEqual(closed.types, ["session.spawned", "turn.asked", "session.closed", "turn.answered"]);
  assert.deepEqual([closed.state?.status, closed.state?.turns[0]?.status], ["closed", "succeeded"]);
  assert.deepEqual(play(asked(1)).types, [], "nothing before it was spawned");
  const many = Array.from({ length: MOST_TURNS + 1 }, (_, n) => [asked(n), answered(n + 1)]).flat();
  assert.equal(play(spawned, ...many).state?.turns.length, MOST_TURNS);
  assert.ok(isRunId(turnIdOf("x".repeat(60), MOST_TURNS)));
});

test("the earlier turns fit in their bounds: the newest are kept, what is left out is marked", () => {
  assert.equal(historyOf([]), undefined);
  const short = historyOf([{ turn: 1, asked: "CTE?", answered: "0.02" }]);
  assert.equal(short?.text, "## Turn 1\nAsked: CTE?\nAnswered: 0.02");
  const long = historyOf(
    Array.from({ length: 40 }, (_, n) => ({
      turn: n + 1,
      asked: `question ${n + 1}`,
      answered: "x".repeat(3000),
    })),
  );
  assert.ok((long?.text.length ?? 0) < 25_000);
  assert.match(long?.text ?? "", /^\[33 earlier turns are left out\]\n\n## Turn 34\n/);
  assert.match(long?.text ?? "", /## Turn 40\nAsked: question 40\n/);
  const cut = historyOf([{ turn: 1, asked: "a", answered: "y".repeat(5000) }]);
  assert.match(cut?.text ?? "", /y \[cut: 1000 more characters\]$/);
});

const view = (more: Partial<DelegationView>): DelegationView => ({
  id: "call-1.i1",
  status: "dispatched",
  agent: "webster",
  reroutes: [],
  caller: "operator",
  asker: "operator",
  objective: "x",
  attempt: 1,
  maxAttempts: 2,
  timeoutMs: 300_000,
  queuedAt: 1000,
  problems: [],
  deliver: false,
  validate: false,
  format: "json",
  origin: { door: "rest" },
  attempts: [],
  ...more,
});
const handoff = {
  schemaVersion: "1.0",
  runId: "call-1.i1",
  agent: "webster",
  status: "complete",
  result: "0.02",
  artifacts: [],
  notes: "half",
  remarks: [],
} as const;
const waiting = (reason: string) =>
  ({ waiting: { reason, text: `it says ${reason}`, untilAt: 9 } }) as Partial<DelegationView>;
const share = (more: Partial<DelegationView>, isWaited = true) =>
  shareOf("H", view(more), { now: 4000, isWaited });

test("what an instance brought is said as it is: results, failures, and why there is nothing yet", () => {
  const ok = share({ status: "succeeded", settledAt: 3000, handoff });
  assert.deepEqual(
    [ok.status, ok.result, ok.error, ok.durationMs, ok.open],
    ["ok", "0.02", undefined, 2000, undefined],
  );
  assert.deepEqual(
    [share({ status: "partial", settledAt: 3000, handoff })].map(({ status, notes }) => [status, notes]),
    [["partial", "half"]],
  );
  const failed = share({ status: "failed", settledAt: 3000, reason: "it broke" });
  assert.deepEqual(failed.error, { code: "failed", message: "it broke" });
  for (const [reason, status] of [
    ["agent_down", "instance_down"],
    ["agent_unauthorized", "unauthorized"],
    ["agent_draining", "instance_draining"],
    ["agent_busy", "not_taken"],
    ["rate_limited", "not_taken"],
    ["uncertain", "timeout"],
  ] as const) {
    const one = share({ status: "queued", ...waiting(reason) });
    assert.deepEqual([one.status, one.open], [status, true], reason);
    assert.match(one.error?.message ?? "", new RegExp(`it says ${reason}.*hq wait call-1\\.i1`));
  }
  const late = share({});
  assert.deepEqual([late.status, late.durationMs], ["timeout", 3000]);
  assert.match(late.error?.message ?? "", /goes on: read it later.*call-1\.i1/);
  assert.deepEqual(share({ status: "timed_out", settledAt: 3000, reason: "too slow" }).open, undefined);
  assert.deepEqual([share({}, false).status, share({}, false).error], ["accepted", undefined]);
  assert.equal(isStuck(view(waiting("agent_unauthorized"))), true);
  assert.equal(isStuck(view(waiting("agent_busy"))), false);
});

test("a rerouting is said, from the agent asked for to the one that has it", () => {
  const reroutes = [
    { at: 1, from: "webster", to: "auditor", why: "webster is down" },
    { at: 2, from: "auditor", to: "secretary", why: "auditor is down" },
  ];
  const { agent, rerouted } = share({
    status: "succeeded",
    settledAt: 2,
    handoff,
    agent: "secretary",
    reroutes,
  });
  assert.deepEqual(
    [agent, rerouted],
    ["secretary", { from: "webster", to: "secretary", why: "auditor is down" }],
  );
});

test("a skill that is known already is no news; another agent or version is", () => {
  const input: SkillInput = {
    type: "register",
    at: 1,
    skill: "orchestrator",
    by: "operator",
    agent: "manager",
  };
  const first = fold(skill.evolve, undefined, skill.decide(undefined, input));
  assert.deepEqual(skill.decide(first, { ...input, at: 2 }), []);
  const more = fold(skill.evolve, first, skill.decide(first, { ...input, agent: "webster", version: "2" }));
  assert.deepEqual([more?.agents, more?.version], [["manager", "webster"], "2"]);
});
