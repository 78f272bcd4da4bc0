import assert from "node:assert/strict";
import test from "node:test";
import { slotsAfter } from "../../src/domain/capacity.ts";
import { delegation, delegationWakeAt } from "../../src/domain/delegation.ts";
import {
  type DelegationEvent,
  type DelegationInput,
  type DelegationState,
  delayBefore,
  type Order,
} from "../../src/domain/delegation-types.ts";
import { joinFilings } from "../../src/domain/filing.ts";
import type { Handoff, HandoffSource } from "../../src/domain/handoff-types.ts";
import { fold } from "../../src/kernel/decider.ts";
import { ORDER as order } from "../support/order.ts";

const source = (more: Partial<HandoffSource> = {}): HandoffSource => ({
  path: "/h/orch-1.json",
  digest: "d1",
  inode: "7",
  attempt: 1,
  ...more,
});
const handoff = (more: Partial<Handoff> = {}): Handoff => ({
  schemaVersion: "1.0",
  runId: "orch-1",
  agent: "webster",
  status: "complete",
  result: "0 ± 0.02 ppm/K",
  artifacts: [],
  notes: "",
  remarks: [],
  ...more,
});

/** Given inputs, what the last one leads to. */
function given(...inputs: readonly DelegationInput[]) {
  let state: DelegationState | undefined;
  let events: readonly DelegationEvent[] = [];
  for (const input of inputs) {
    events = delegation.decide(state, input);
    state = fold(delegation.evolve, state, events);
  }
  assert.ok(state);
  const settled = state;
  const effects = events.flatMap((event) => delegation.effects(settled, event));
  return {
    state: settled,
    events,
    types: events.map(({ type }) => type),
    effects,
    kinds: effects.map(({ body }) => body.type),
  };
}

const queued: DelegationInput = { type: "queue", order };
const dispatched: DelegationInput = { type: "dispatched", attempt: 1, at: 2000, again: false };
const arrived: DelegationInput = { type: "handoff", at: 3000, source: source(), handoff: handoff() };

test("an asked delegation is queued with a dispatch that needs the agent's capacity, and wakes when it should have begun", () => {
  const { state, effects } = given(queued);
  assert.equal(state.status, "queued");
  assert.deepEqual(
    effects.map(({ body, dueAt, slot }) => [body.type, dueAt, slot?.lane]),
    [["dispatch", 1000, "agent:webster"]],
  );
  assert.equal(delegationWakeAt(state), 3_601_000);
});

test("asking twice is a no-op", () => {
  assert.deepEqual(given(queued, queued).events, []);
});

test("the deadline counts from the acknowledgment, not from the asking", () => {
  const { state } = given(queued, dispatched);
  assert.equal(state.status, "dispatched");
  assert.equal(state.attempts[0]?.deadlineAt, 302_000);
  assert.equal(delegationWakeAt(state), 302_000);
});

test("where an attempt went is known as long as it is there", () => {
  const sent: DelegationInput = { ...dispatched, sentTo: "http://a" };
  const lost: DelegationInput = { type: "lost", attempt: 1, at: 3000, text: "it forgot", takenAt: 2000 };
  const went = (...inputs: readonly DelegationInput[]) =>
    given(queued, ...inputs).state.attempts.at(-1)?.sentTo;
  assert.equal(went(sent), "http://a");
  assert.equal(went(sent, lost), undefined);
  assert.equal(
    went(sent, lost, { ...dispatched, at: 4000, again: true }),
    undefined,
    "to nobody knows where",
  );
});

test("a child's deadline never lies beyond its parent's", () => {
  const child = { ...order, parent: { id: "orch-0", chain: ["manager"], depth: 2, deadlineAt: 5000 } };
  const { state } = given({ type: "queue", order: child }, dispatched);
  assert.deepEqual([state.attempts[0]?.deadlineAt, delegationWakeAt(state)], [5000, 5000]);
});

test("a complete handoff succeeds: archived, posted to both channels, logged for people", () => {
  const { state, types, effects } = given(queued, dispatched, arrived);
  assert.equal(state.status, "succeeded");
  assert.deepEqual(types, ["handoff.seen", "delegation.settled"]);
  const [filing, ...posts] = joinFilings(effects);
  assert.ok(filing?.body.type === "filing");
  assert.deepEqual(
    filing.body.moves.map(({ path, to }) => [path, to]),
    [["/h/orch-1.json", "accepted"]],
  );
  assert.deepEqual(
    filing.body.lines.map(({ file }) => file),
    ["attempts", "project"],
  );
  assert.deepEqual(
    posts.map(({ body }) => body.type),
    ["post", "post"],
  );
});

/** What the last of some inputs writes about attempts. */
const linesOf = (...inputs: readonly DelegationInput[]) =>
  given(...inputs)
    .effects.flatMap(({ body }) => (body.type === "filing" ? body.lines : []))
    .filter(({ file }) => file === "attempts")
    .map(({ line }) => JSON.parse(line) as Record<string, unknown>);

test("each attempt has a line of JSON when it begins and one when it ends, also one that is canceled", () => {
  const about = { runId: "orch-1", agent: "webster", caller: "operator", attempt: 1 };
  const start = { ...about, event: "start", at: "1970-01-01T00:00:02.000Z" };
  const end = { ...about, event: "end", at: "1970-01-01T00:00:03.000Z" };
  assert.deepEqual(linesOf(queued), []);
  assert.deepEqual(linesOf(queued, dispatched), [{ ...start, deadlineAt: "1970-01-01T00:05:02.000Z" }]);
  const sure = { ...arrived, handoff: handoff({ confidence: "high" }) };
  assert.deepEqual(linesOf(queued, dispatched, sure), [{ ...end, status: "succeeded", confidence: "high" }]);
  const blocked = { ...arrived, handoff: handoff({ status: "blocked" }) };
  assert.deepEqual(linesOf(queued, dispatched, blocked), [{ ...end, status: "blocked" }]);
  const failed = { ...arrived, handoff: handoff({ status: "failed", notes: "no license" }) };
  assert.deepEqual(linesOf(queued, dispatched, failed), [
    { ...end, status: "failed", reason: "agent_failed", text: "webster says it failed: no license" },
  ]);
  const cancel: DelegationInput = { type: "cancel", at: 3000, reason: "not needed", actor: order.actor };
  assert.deepEqual(linesOf(queued, dispatched, cancel), [{ ...end, status: "canceled" }]);
  assert.deepEqual(linesOf(queued, cancel), [], "what never began does not end");
});

test("an agent that hands in before its hook's answer is recorded has begun all the same: one line, before its end", () => {
  const linesOfAll = (...inputs: readonly DelegationInput[]) =>
    inputs
      .flatMap((_, i) => linesOf(...inputs.slice(0, i + 1)))
      .map(({ attempt, event, at }) => [attempt, event, Date.parse(String(at))]);
  const started = [1, "start", 3000];
  const late: DelegationInput = { ...dispatched, at: 3500 };
  const once = [started, [1, "end", 3000]];
  assert.deepEqual(linesOfAll(queued, arrived, late), once);
  const failed: DelegationInput = { ...arrived, handoff: handoff({ status: "failed" }) };
  assert.deepEqual(linesOfAll(queued, failed, late), once);
  const bad: DelegationInput = { type: "bad-handoff", at: 3000, source: source(), problems: [] };
  assert.deepEqual(linesOfAll(queued, bad, late), once);
  const unsure: DelegationInput = {
    type: "uncertain",
    attempt: 1,
    at: 1500,
    sentAt: 1400,
    lookAt: 9000,
    text: "reset",
  };
  assert.deepEqual(linesOfAll(queued, unsure, arrived), once);
  const lost: DelegationInput = { type: "lost", attempt: 1, at: 2500, text: "restarted", takenAt: 2000 };
  const known = [
    [1, "start", 2000],
    [1, "end", 3000],
  ];
  assert.deepEqual(linesOfAll(queued, dispatched, lost, arrived), known);
  assert.deepEqual(linesOfAll(queued, unsure, dispatched, lost, arrived), known);
  // A document of the first one that comes after all: the second one never began, so it does not end.
  const afterAll: DelegationInput = { ...arrived, at: 80_000, source: source({ digest: "d2" }) };
  assert.equal(given(queued, failed, afterAll).state.status, "succeeded");
  assert.deepEqual(linesOfAll(queued, failed, afterAll), once);
  const cancel: DelegationInput = { type: "cancel", at: 3000, actor: order.actor };
  assert.deepEqual(linesOfAll(queued, dispatched, lost, cancel), known, "lost is begun all the same");
  assert.deepEqual(linesOfAll(queued, unsure, cancel), []);
  const second: DelegationInput = { ...arrived, at: 90_000, source: source({ attempt: 2, digest: "d2" }) };
  assert.deepEqual(linesOfAll(queued, failed, second), [...once, [2, "start", 90_000], [2, "end", 90_000]]);
});

test("a handoff that comes before the hook has answered settles it, and the answer then changes nothing", () => {
  assert.equal(given(queued, arrived).state.status, "succeeded");
  assert.deepEqual(given(queued, arrived, dispatched).events, []);
});

test("partial is settled as partial and blocked is not tried again", () => {
  const partial = given(queued, dispatched, { ...arrived, handoff: handoff({ status: "partial" }) });
  assert.equal(partial.state.status, "partial");
  const blocked = given(queued, dispatched, {
    ...arrived,
    handoff: handoff({ status: "blocked", notes: "no access" }),
  });
  assert.equal(blocked.state.status, "blocked");
  assert.equal(blocked.state.outcome?.reason, "no access");
});

test("a failed handoff is tried again with its reason, then fails for good with the last word kept", () => {
  const failed: DelegationInput = {
    ...arrived,
    handoff: handoff({ status: "failed", notes: "license server down" }),
  };
  const first = given(queued, dispatched, failed);
  assert.deepEqual(first.types, ["handoff.seen", "attempt.failed"]);
  assert.equal(first.state.status, "queued");
  assert.match(first.state.attempts[0]?.problems?.[0]?.message ?? "", /license server down/);
  assert.equal(first.effects.find(({ body }) => body.type === "dispatch")?.slot?.attempt, 2);
  const second = given(
    queued,
    dispatched,
    failed,
    { ...dispatched, attempt: 2 },
    { ...failed, source: source({ attempt: 2, digest: "d2", path: "/h/orch-1.2.json" }) },
  );
  assert.equal(second.state.status, "failed");
  assert.equal(second.state.outcome?.handoff?.notes, "license server down");
});

test("an unacceptable handoff is a failed attempt and the problems go into the next one", () => {
  const problems = [{ path: "status", message: "is missing" }];
  const { state, types } = given(queued, dispatched, {
    type: "bad-handoff",
    at: 3000,
    source: source(),
    problems,
  });
  assert.deepEqual(types, ["handoff.seen", "attempt.failed"]);
  assert.deepEqual(state.attempts[0]?.problems, problems);
  assert.equal(state.attempts[1]?.attempt, 2);
});

test("silence until the deadline is tried again, then timed out; an old deadline changes nothing", () => {
  const first = given(queued, dispatched, { type: "wake", at: 302_000 });
  assert.equal(first.state.status, "queued");
  const second = [
    queued,
    dispatched,
    { type: "wake", at: 302_000 },
    { ...dispatched, attempt: 2, at: 303_000 },
  ] as const;
  assert.deepEqual(given(...second, { type: "wake", at: 304_000 }).events, []);
  assert.equal(delegationWakeAt(given(...second).state), 603_000);
  assert.equal(given(...second, { type: "wake", at: 603_000 }).state.status, "timed_out");
});

test("a delay is waited before each attempt but the first: the same, or doubled each time", () => {
  const waits = (retryDelay?: Order["retryDelay"]) =>
    [1, 2, 3, 4].map((attempt) => delayBefore({ ...order, ...(retryDelay ? { retryDelay } : {}) }, attempt));
  assert.deepEqual(waits(), [0, 0, 0, 0]);
  assert.deepEqual(waits({ ms: 15_000, backoff: "fixed" }), [0, 15_000, 15_000, 15_000]);
  assert.deepEqual(waits({ ms: 15_000, backoff: "exponential" }), [0, 15_000, 30_000, 60_000]);
});

test("the next dispatch is due when the delay is over, and the limit for its start counts from then", () => {
  const slowly: DelegationInput = {
    type: "queue",
    order: { ...order, retryDelay: { ms: 15_000, backoff: "fixed" } },
  };
  const { state, effects } = given(slowly, dispatched, {
    ...arrived,
    handoff: handoff({ status: "failed" }),
  });
  const next = effects.find(({ body }) => body.type === "dispatch");
  assert.deepEqual(
    [next?.body.type === "dispatch" && next.body.attempt, next?.dueAt, delegationWakeAt(state)],
    [2, 18_000, 3_618_000],
  );
  assert.equal(given(slowly).effects[0]?.dueAt, 1000);
});

test("a valid handoff of an earlier attempt settles the delegation; an earlier failure does not", () => {
  const retried = [queued, dispatched, { type: "wake", at: 302_000 }] as const;
  assert.equal(given(...retried, arrived).state.status, "succeeded");
  const failed = given(...retried, { ...arrived, handoff: handoff({ status: "failed" }) });
  assert.deepEqual(
    failed.events.map((event) => event.type === "handoff.seen" && event.verdict),
    ["superseded"],
  );
  assert.equal(failed.state.status, "queued");
});

test("after a failure that was handed in, the result again is a duplicate, and other bytes a change of it", () => {
  const settled = [
    queued,
    dispatched,
    { ...arrived, handoff: handoff({ status: "failed" }) },
    { ...arrived, at: 5000, source: source({ attempt: 2, digest: "d2", inode: "9" }) },
  ] as const satisfies readonly DelegationInput[];
  const verdictOf = (more: Partial<HandoffSource>) => {
    const again = { ...arrived, at: 6000, source: source({ inode: "10", ...more }) } as const;
    const [event] = given(...settled, again).events;
    return event?.type === "handoff.seen" ? event.verdict : event?.type;
  };
  assert.equal(verdictOf({ attempt: 2, digest: "d2" }), "duplicate");
  assert.equal(verdictOf({ attempt: 2, digest: "d3" }), "changed");
  assert.equal(verdictOf({ attempt: 1 }), "duplicate");
  assert.equal(verdictOf({ attempt: 1, digest: "d4" }), "late");
});

test("what arrives after settlement is recorded as late, duplicate or changed, set aside, and changes no state", () => {
  const verdictOf = (...inputs: DelegationInput[]) => {
    const { events, state, effects } = given(...inputs);
    const [event] = events;
    assert.equal(event?.type, "handoff.seen");
    const [filing] = effects;
    const [move] = filing?.body.type === "filing" ? filing.body.moves : [];
    assert.ok(move?.to === "rejected" && move.problems.length > 0);
    return [event.verdict, state.status];
  };
  const again = (more: Partial<HandoffSource>): DelegationInput => ({
    ...arrived,
    at: 4000,
    source: source(more),
  });
  assert.deepEqual(verdictOf(queued, dispatched, arrived, again({ inode: "8" })), ["duplicate", "succeeded"]);
  assert.deepEqual(verdictOf(queued, dispatched, arrived, again({ inode: "8", digest: "d2" })), [
    "changed",
    "succeeded",
  ]);
  const canceled: DelegationInput = { type: "cancel", at: 2500, actor: { kind: "operator" } };
  assert.deepEqual(verdictOf(queued, dispatched, canceled, again({})), ["late", "canceled"]);
});

test("the same file read again after a crash between commit and archive is nothing new", () => {
  assert.deepEqual(given(queued, dispatched, arrived, { ...arrived, at: 9000 }).events, []);
});

test("what is settled never wakes", () => {
  const { state } = given(queued, dispatched, arrived);
  assert.equal(delegationWakeAt(state), undefined);
  assert.deepEqual(given(queued, dispatched, arrived, { type: "wake", at: 9_000_000 }).events, []);
});

test("a gateway that puts us off leaves it queued with the reason, and gives the capacity back", () => {
  const deferred: DelegationInput = {
    type: "deferred",
    attempt: 1,
    at: 1500,
    untilAt: 2500,
    reason: "agent_down",
    text: "refused",
    again: false,
  };
  const seen = { deferrals: 0, reroutes: 0 };
  const { state, effects } = given(queued, deferred);
  assert.equal(state.waiting?.reason, "agent_down");
  assert.equal(effects.find(({ body }) => body.type === "dispatch")?.dueAt, 2500);
  assert.deepEqual(slotsAfter(state, deferred), [{ attempt: 1, until: "free" }]);
  assert.deepEqual(given(queued, dispatched, deferred).events, [], "it was taken after all");
  assert.deepEqual(given(queued, dispatched, { ...deferred, seen }).events, []);
  assert.deepEqual(given(queued, { ...deferred, seen }).types, ["attempt.deferred"]);
  assert.deepEqual(given(queued, deferred, { ...deferred, seen }).events, [], "it was put off since");
  const once = { ...deferred, seen: { ...seen, deferrals: 1 } };
  assert.deepEqual(given(queued, deferred, once).types, ["attempt.deferred"]);
  const moved = { type: "reroute", attempt: 1, at: 1600, from: "webster", to: "manager", why: "" } as const;
  assert.deepEqual(given(queued, deferred, moved, { ...deferred, seen }).events, [], "it went elsewhere");
  const there = { ...deferred, seen: { ...seen, reroutes: 1 } };
  assert.deepEqual(given(queued, deferred, moved, there).types, ["attempt.deferred"]);
});

test("what is with its agent goes to no other one, and what has gone to another one does not go from the first", () => {
  const moved = { type: "reroute", attempt: 1, at: 2500, from: "webster", to: "manager", why: "" } as const;
  assert.deepEqual(given(queued, moved).types, ["delegation.rerouted"]);
  assert.deepEqual(given(queued, dispatched, moved).events, []);
  assert.deepEqual(given(queued, moved, { ...moved, to: "auditor" }).events, []);
});

test("what is or may be with its agent is not held, for it is looked into all the same", () => {
  const held = {
    type: "hold",
    at: 2500,
    agent: "webster",
    reason: "agent_draining",
    text: "drained",
  } as const;
  const uncertain = {
    type: "uncertain",
    attempt: 1,
    at: 2100,
    sentAt: 2000,
    lookAt: 2100,
    text: "reset",
  } as const;
  assert.deepEqual(given(queued, held).types, ["attempt.held"]);
  assert.deepEqual(given(queued, held, held).events, []);
  assert.deepEqual(given(queued, { ...held, agent: "manager" }).events, []);
  assert.deepEqual(given(queued, dispatched, held).events, []);
  assert.deepEqual(given(queued, uncertain, held).events, []);
});

test("an agent that fails twice in the same words over REST has failed twice", () => {
  const failed = (attempt: number) =>
    ({
      type: "handoff",
      at: 3000 + attempt,
      source: source({ path: "rest", inode: "", attempt }),
      handoff: handoff({ status: "failed" }),
    }) as const;
  assert.deepEqual(given(queued, dispatched, failed(1), failed(1)).events, []);
  const { state, types } = given(queued, dispatched, failed(1), { ...dispatched, attempt: 2 }, failed(2));
  assert.ok(types.includes("attempt.failed"));
  assert.deepEqual(
    state.handoffs.map(({ attempt }) => attempt),
    [1, 2],
  );
});

test("work that nobody could be given within its start limit is timed out with what it waited for", () => {
  const deferred: DelegationInput = {
    type: "deferred",
    attempt: 1,
    at: 1500,
    untilAt: 2500,
    reason: "agent_down",
    text: "connection refused",
    again: false,
  };
  assert.deepEqual(given(queued, deferred, { type: "wake", at: 3_600_999 }).events, [], "it has its time");
  const { state } = given(queued, deferred, { type: "wake", at: 3_601_000 });
  assert.equal(state.status, "timed_out");
  assert.equal(state.outcome?.code, "not_started");
  assert.match(state.outcome?.reason ?? "", /connection refused/);
  const brief: DelegationInput = { type: "queue", order: { ...order, startWithinMs: 5000 } };
  assert.deepEqual(given(brief, dispatched, { type: "wake", at: 6000 }).events, [], "the work was given");
});

test("an answer nobody saw is looked into before the same attempt is sent again, and stays marked as ambiguous", () => {
  const uncertain: DelegationInput = {
    type: "uncertain",
    attempt: 1,
    at: 1500,
    sentAt: 1400,
    lookAt: 1500,
    text: "reset",
  };
  const unsure = given(queued, uncertain);
  assert.deepEqual(unsure.kinds, ["reconcile"]);
  assert.deepEqual(slotsAfter(unsure.state, uncertain), []);
  const lost = given(queued, uncertain, { type: "lost", attempt: 1, at: 1600, text: "restarted" });
  const [again] = lost.effects;
  assert.ok(again?.body.type === "dispatch" && again.body.again && again.body.attempt === 1);
  assert.equal(delegationWakeAt(lost.state), 3_601_000, "it is still to begin by the first instant");
  const sent = given(
    queued,
    uncertain,
    { type: "lost", attempt: 1, at: 1600, text: "restarted" },
    { ...dispatched, again: true },
  );
  assert.deepEqual(
    sent.state.attempts.map(({ ambiguous, sends }) => [ambiguous, sends]),
    [[true, 2]],
  );
});

test("a gateway that answers after its agent handed in keeps no capacity, which the handoff gave back", () => {
  const { state } = given(queued, arrived);
  assert.deepEqual(slotsAfter(state, dispatched), []);
  assert.deepEqual(slotsAfter(state, { ...dispatched, attempt: 2 }), [{ attempt: 2, until: 332_000 }]);
});

test("what is handed in under the name of an attempt that never was gives back the place of the one there is", () => {
  const ahead: DelegationInput = { ...arrived, source: source({ attempt: 2 }) };
  const bad: DelegationInput = {
    type: "bad-handoff",
    at: 4000,
    source: source({ attempt: 2 }),
    problems: [],
  };
  const { state } = given(queued, dispatched);
  for (const input of [ahead, bad])
    assert.deepEqual(slotsAfter(state, input), [{ attempt: 1, until: "free" }]);
  assert.deepEqual(
    slotsAfter(given(queued, ahead).state, dispatched),
    [],
    "also before the gateway answered",
  );
  const next: DelegationInput = { type: "dispatched", attempt: 2, at: 5000, again: false };
  const again = given(queued, dispatched, bad).state;
  assert.deepEqual(slotsAfter(again, next), [{ attempt: 2, until: 335_000 }], "the next one has its own");
});

test("a final no of the gateway is not tried again", () => {
  const { state } = given(queued, { type: "refused", attempt: 1, at: 1500, text: "400 message required" });
  assert.deepEqual([state.status, state.outcome?.code], ["failed", "refused"]);
});

test("cancel settles at once, keeps the agent's capacity until its deadline, and posts no result", () => {
  const { state, effects } = given(queued, dispatched, {
    type: "cancel",
    at: 2500,
    actor: { kind: "operator" },
    reason: "changed my mind",
  });
  assert.deepEqual([state.status, state.outcome?.reason], ["canceled", "changed my mind"]);
  assert.deepEqual(
    effects.map(({ body }) => (body.type === "post" ? body.delivery.kind : body.type)),
    ["filing", "log"],
  );
  assert.deepEqual(slotsAfter(state, { type: "cancel", at: 2500, actor: { kind: "operator" } }), []);
  assert.deepEqual(slotsAfter(state, dispatched), [{ attempt: 1, until: 332_000 }]);
});

test("without delivery there is no result message, and the log line stays", () => {
  const { effects } = given({ type: "queue", order: { ...order, deliver: false } }, dispatched, arrived);
  assert.deepEqual(
    effects.flatMap(({ body }) => (body.type === "post" ? [body.delivery.id] : [])),
    ["orch-1/log"],
  );
});

test("a delegation from Discord keeps a card in its channel through every change", () => {
  const carded = { ...order, card: { channel: "123" } };
  for (const inputs of [[], [dispatched], [dispatched, arrived]] as const) {
    assert.ok(given({ type: "queue", order: carded }, ...inputs).kinds.includes("card"));
  }
});

test("a run that a restarted gateway forgot is sent again; the deadline of the first sending is not the second's", () => {
  const lost = { type: "lost", attempt: 1, at: 9000, takenAt: 2000, text: "restarted" } as const;
  const { state, kinds } = given(queued, dispatched, lost);
  assert.equal(state.status, "queued");
  assert.deepEqual(kinds, ["dispatch"]);
  assert.equal(delegationWakeAt(state), 9000 + 3_600_000, "the limit for its start counts anew");
  assert.deepEqual(given(queued, dispatched, { ...lost, takenAt: 1000 }).events, []);
  assert.deepEqual(given(queued, dispatched, { type: "lost", attempt: 1, at: 9000, text: "?" }).events, []);
  assert.deepEqual(given(queued, dispatched, lost, lost).events, [], "it was found before");
  const resent = [queued, dispatched, lost, { ...dispatched, at: 10_000, again: true }] as const;
  assert.deepEqual(given(...resent, { ...lost, at: 11_000 }).events, [], "it was sent again since");
  assert.deepEqual(given(...resent, { type: "wake", at: 302_000 }).events, []);
  assert.equal(given(...resent, { type: "wake", at: 310_000 }).state.attempts.length, 2);
});

test("files that an attempt sends go with its handoff; known names, too much and what is late change nothing", () => {
  const file = (name: string, more: object = {}) => ({
    type: "upload" as const,
    upload: { attempt: 1, name, digest: "a", bytes: 60, at: 3000, ...more },
    mostBytes: 100,
  });
  const sent = given(queued, file("a.csv"));
  assert.deepEqual([sent.types, sent.kinds], [["artifact.uploaded"], []]);
  assert.deepEqual(given(queued, file("a.csv"), file("a.csv", { digest: "b" })).types, []);
  assert.deepEqual(given(queued, file("a.csv"), file("b.csv")).types, [], "no room");
  assert.deepEqual(slotsAfter(sent.state, file("b.csv")), [], "the agent still works on it");
  const second = file("a.csv", { attempt: 2, digest: "c" });
  const post = { type: "handoff", at: 4000, source: source({ path: "rest" }), handoff: handoff() } as const;
  const { state } = given(queued, file("a.csv"), second, post);
  assert.equal(state.status, "succeeded");
  assert.deepEqual(state.outcome?.handoff?.artifacts, ["orch-1/1/a.csv"]);
  assert.deepEqual(given(queued, post, file("late.csv")).types, []);
});
