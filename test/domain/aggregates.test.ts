import assert from "node:assert/strict";
import test from "node:test";
import { aggregates } from "../../src/domain/aggregates.ts";
import type { AttemptState, DelegationState } from "../../src/domain/delegation-types.ts";
import { delivery } from "../../src/domain/delivery.ts";
import type { DeliveryInput, Receipt } from "../../src/domain/delivery-types.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import { interaction } from "../../src/domain/interaction.ts";
import { stray } from "../../src/domain/stray.ts";
import { type Decider, fold } from "../../src/kernel/decider.ts";

/** Folds inputs one after the other; returns the last events, the state, and the effects of the last. */
function play<S, I, E, F>(decider: Decider<S, I, E, F>, ...inputs: readonly I[]) {
  let state: S | undefined;
  let events: readonly E[] = [];
  for (const input of inputs) {
    events = decider.decide(state, input);
    state = fold(decider.evolve, state, events);
  }
  const end = state;
  return {
    state: end,
    events,
    effects: end === undefined ? [] : events.flatMap((event) => decider.effects(end, event)),
  };
}

const result: Delivery = { id: "orch-1/result", kind: "result", to: { role: "results" }, subject: "orch-1" };
const receipt = (part: number): Receipt => ({
  delivery: result.id,
  part,
  nonce: `n${part}`,
  channel: "1",
  message: `m${part}`,
  postedAt: 5,
});
const posted = (part: number, of: number): DeliveryInput => ({
  type: "part-posted",
  delivery: result,
  receipt: receipt(part),
  of,
});

test("a delivery is posted when all its parts are, and a part counts once", () => {
  assert.equal(play(delivery, posted(0, 2)).state?.status, "pending");
  assert.equal(play(delivery, posted(0, 2), posted(1, 2)).state?.status, "posted");
  assert.deepEqual(play(delivery, posted(0, 1), posted(0, 1)).events, []);
});

test("a delivery in trouble says so once and recovers when it is posted", () => {
  const trouble: DeliveryInput = { type: "trouble", at: 1, delivery: result, text: "Missing Access" };
  assert.equal(play(delivery, trouble).state?.status, "troubled");
  assert.deepEqual(play(delivery, trouble, trouble).events, []);
  assert.equal(play(delivery, trouble, posted(0, 1)).state?.status, "posted");
});

test("a batch is agreed once, before its post, and what it says is kept", () => {
  const batch: Delivery = { id: "batch-1", kind: "batch", to: { role: "results" }, members: [result.id] };
  const input: DeliveryInput = { type: "batch", at: 1, delivery: batch, body: "two results" };
  const { state, effects } = play(delivery, input);
  assert.equal(state?.body, "two results");
  assert.deepEqual(
    effects.map(({ body }) => body.type),
    ["post"],
  );
  assert.deepEqual(play(delivery, input, { ...input, body: "other" }).events, []);
});

test("an interaction is noted once, and its end does not come twice", () => {
  const note = {
    type: "note",
    at: 1,
    id: "9",
    work: { command: "delegate" },
    actor: { kind: "operator" },
  } as const;
  assert.deepEqual(play(interaction, note, note).events, []);
  const done = { type: "done", at: 3, outcome: "asked" } as const;
  assert.equal(play(interaction, note, { type: "begin", at: 2 }, done).state?.status, "done");
  assert.deepEqual(play(interaction, note, done, done).events, []);
  assert.equal(
    play(interaction, note, { type: "done", at: 3, outcome: "unanswered" }).state?.status,
    "unanswered",
  );
});

test("an interaction that came by HTTP is begun as it is noted, and is anybody's business after a while", () => {
  const note = {
    type: "note",
    at: 1000,
    id: "9",
    work: { command: "delegate" },
    actor: { kind: "operator" },
    replyTo: { applicationId: "1", token: "t" },
  } as const;
  const { state, effects } = play(interaction, note);
  assert.equal(state?.status, "begun");
  assert.deepEqual(play(interaction, note, note).events, []);
  assert.deepEqual(effects, [
    { body: { type: "interaction", interaction: "9" }, lane: "any", dueAt: 13_000 },
  ]);
  assert.equal(play(interaction, note, { type: "done", at: 3, outcome: "asked" }).state?.status, "done");
});

test("what is settled before the agent had it ends its requests; what the agent had has none open", () => {
  const settled = { type: "delegation.settled", at: 9, status: "canceled", problems: [] } as const;
  const attempt = { attempt: 1, startBy: 5, sends: 1, deferrals: 0, ambiguous: false };
  const stateOf = (current: AttemptState) => ({ attempts: [current] }) as unknown as DelegationState;
  const cancels = (current: AttemptState) => aggregates.delegation.cancels?.([settled], stateOf(current));
  assert.deepEqual(cancels(attempt), ["dispatch", "reconcile"]);
  assert.deepEqual(cancels({ ...attempt, dispatchedAt: 2, deadlineAt: 8 }), []);
  assert.deepEqual(aggregates.delegation.cancels?.([], stateOf(attempt)), []);
});

test("a stray handoff is recorded and set aside once per file", () => {
  const input = {
    type: "stray",
    at: 1,
    run: "orch-x",
    source: { path: "/h/orch-x.json", digest: "d", inode: "1", attempt: 1 },
    problems: [],
  } as const;
  const { effects, events } = play(stray, input);
  const [filing] = effects;
  assert.ok(filing?.body.type === "filing" && filing.body.moves[0]?.to === "rejected");
  assert.match(events[0]?.problems[0]?.message ?? "", /no delegation orch-x/);
  assert.deepEqual(play(stray, input, input).events, []);
  assert.equal(play(stray, input, { ...input, source: { ...input.source, inode: "2" } }).events.length, 1);
});
