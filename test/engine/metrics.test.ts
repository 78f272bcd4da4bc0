import assert from "node:assert/strict";
import test from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import type { Commit } from "../../src/engine/ports/ledger.ts";
import { createPruner } from "../../src/engine/prune.ts";
import { createTallying } from "../../src/engine/tallying.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const operator: Actor = { kind: "operator" };
type Core = Awaited<ReturnType<typeof startCore>>;
type Script = Parameters<typeof startCore>[1];

async function withCore(script: Script, body: (core: Core) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const core = await startCore(folder.path, script);
  try {
    await body(core);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}

/** Handed back by whoever it was given to. */
async function done(core: Core, id: string, more: object = {}): Promise<void> {
  const { agent } = await core.verbs.delegation(id);
  await core.hand(id, handoffOf(id, { agent, ...more }));
  await core.verbs.wait(id, {});
}

async function asked(core: Core, agent: string, more: object = {}): Promise<string> {
  const request = { agent, objective: "Find the CTE of ULE", origin: { door: "rest" }, ...more } as const;
  const { delegation } = await core.verbs.delegate(operator, request);
  await core.until(delegation.id, "attempt.dispatched");
  return delegation.id;
}

async function receipt(
  core: Core,
  id: string,
  what: "result" | "log",
  part: number,
  of: number,
  postedAt: number,
) {
  const delivery = { id: `${id}/${what}`, kind: what, to: { role: "results" }, subject: id } as const;
  const posted = {
    delivery: delivery.id,
    part,
    nonce: `${part}`,
    channel: "1",
    message: `${part}`,
    postedAt,
  };
  await core.engine.accept({
    kind: "delivery",
    stream: delivery.id,
    input: { type: "part-posted", delivery, receipt: posted, of },
    cause: "test",
  });
}

test("a delegation is counted once: how it ended, how long each part of it took, what it cost", () =>
  withCore({}, async (core) => {
    const begin = core.now();
    const id = await asked(core, "webster");
    core.pass(7_000);
    const usage = { inputTokens: 900, outputTokens: 100, usd: 0.02 };
    await done(core, id, { usage });
    const settledAt = core.now();
    await receipt(core, id, "log", 0, 1, settledAt + 100);
    await receipt(core, id, "result", 0, 2, settledAt + 2_000);
    assert.equal(await core.ledger.tallies.position(), 0, "nothing is counted in its own commits");
    const before = await core.verbs.metrics.read({});
    assert.equal(before.delegations.posting.count, 0, "a part is still to come");
    await receipt(core, id, "result", 1, 2, settledAt + 3_000);
    const { delegations, agents, behind } = await core.verbs.metrics.read({});
    assert.equal(behind, 0);
    assert.deepEqual(
      [delegations.total, delegations.byStatus, delegations.successRate],
      [1, { succeeded: 1 }, 1],
    );
    assert.deepEqual([delegations.attempts, delegations.retries], [1, 0]);
    assert.equal(delegations.working.meanMs, settledAt - begin);
    assert.deepEqual([delegations.posting.count, delegations.posting.meanMs], [1, 3_000]);
    assert.equal(delegations.waiting.count, 1);
    assert.deepEqual(delegations.tokens, { known: 1, unknown: 0, input: 900, output: 100 });
    assert.deepEqual(delegations.usd, { known: 1, unknown: 0, total: 0.02 });
    assert.equal(delegations.confidence.high, 1);
    assert.deepEqual(
      agents.map(({ agent, total }) => [agent, total]),
      [["webster", 1]],
    );
  }));

test("asking again, or counting again after a restart, changes nothing", () =>
  withCore({}, async (core) => {
    for (const agent of ["webster", "auditor"]) {
      const id = await asked(core, agent);
      await done(core, id);
    }
    const first = await core.verbs.metrics.read({});
    assert.equal(first.delegations.total, 2);
    const another = createTallying({ ledger: core.ledger, now: core.now });
    await Promise.all([another.catchUp(1000), another.catchUp(1000)]);
    const second = await core.verbs.metrics.read({});
    assert.deepEqual(second.delegations, first.delegations);
  }));

test("two that count at the same time count everything once", () =>
  withCore({}, async (core) => {
    const ids = await Promise.all(["webster", "auditor", "optimizer"].map((agent) => asked(core, agent)));
    for (const id of ids) await done(core, id);
    const others = [1, 2, 3].map(() => createTallying({ ledger: core.ledger, now: core.now }));
    await Promise.all(others.map(({ catchUp }) => catchUp(1000)));
    assert.equal((await core.verbs.metrics.read({})).delegations.total, 3);
  }));

test("a history of any length is counted from its beginning, page by page", () =>
  withCore({}, async (core) => {
    const id = await asked(core, "webster");
    await done(core, id);
    const model = await core.ledger.load(id);
    const state = model?.state as { order: { id: string } };
    for (let n = 0; n < 250; n++) {
      const stream = `orch-old-${n}`;
      const commit: Commit = {
        stream,
        kind: "delegation",
        status: "succeeded",
        agent: "webster",
        open: false,
        expectedVersion: 0,
        events: [{ type: "delegation.settled", schema: 1, body: {} }],
        state: { ...state, order: { ...state.order, id: stream } },
        effects: [],
        cause: "test",
        actor: "operator",
        at: core.now(),
      };
      await core.ledger.commit(commit);
    }
    const slow = createTallying({ ledger: core.ledger, now: core.now });
    let steps = 1;
    while (await slow.step()) steps++;
    assert.ok(steps >= 3, `${steps} pages`);
    assert.equal((await core.verbs.metrics.read({})).delegations.total, 251);
  }));

test("failures, retries and their reasons are counted; what is canceled is nobody's failure", () =>
  withCore({}, async (core) => {
    const failed = await asked(core, "webster", { retries: 1 });
    for (const attempt of [1, 2]) {
      await core.until(failed, "attempt.dispatched", attempt);
      await core.hand(failed, handoffOf(failed, { status: "failed", notes: `try ${attempt}` }), { attempt });
    }
    await core.verbs.wait(failed, {});
    const canceled = await asked(core, "webster");
    await core.verbs.cancel(operator, canceled);
    const { delegations } = await core.verbs.metrics.read({});
    assert.deepEqual(delegations.byStatus, { failed: 1, canceled: 1 });
    assert.equal(delegations.successRate, 0);
    assert.deepEqual([delegations.attempts, delegations.retries], [3, 1]);
    assert.deepEqual(delegations.codes, { agent_failed: 1, canceled: 1 });
    assert.deepEqual(delegations.usd, { known: 0, unknown: 2, total: 0 });
  }));

test("only the time, the agent or the workflow that was asked for is told; unknown ones are refused", () =>
  withCore({}, async (core) => {
    const old = await asked(core, "webster");
    await done(core, old);
    core.pass(48 * 3_600_000);
    const id = await asked(core, "tech-lead");
    await done(core, id);
    const { read } = core.verbs.metrics;
    const total = async (query: Parameters<typeof read>[0]) => (await read(query)).delegations.total;
    assert.equal(await total({}), 2);
    assert.equal(await total({ sinceMs: 24 * 3_600_000 }), 1);
    assert.equal(await total({ sinceMs: 30 * 24 * 3_600_000 }), 2);
    assert.equal(await total({ agent: "technical-lead" }), 1);
    assert.equal(await total({ agent: "webster", sinceMs: 3_600_000 }), 0);
    for (const query of [{ agent: "nobody" }, { workflow: "nothing" }]) {
      await assert.rejects(read(query), (error) => isRefusal(error));
    }
  }));

test("what is pruned stays in the figures, also when it was not counted before", () =>
  withCore({}, async (core) => {
    const id = await asked(core, "webster");
    await done(core, id);
    await core.settled();
    await receipt(core, id, "log", 0, 1, core.now());
    await receipt(core, id, "result", 0, 1, core.now() + 500);
    const { ledger, now, verbs } = core;
    const all = { holder: "test", epoch: 9, limit: 9, holdMs: 1, capacity: () => 9, now: now() };
    const posts = await ledger.claim({ ...all, lanes: ["discord"] });
    await ledger.settle(posts.map((post) => ({ id: post.id, outcome: "posted" })));
    core.pass(100 * 86_400_000);
    // The newest of all stays.
    await done(core, await asked(core, "auditor"));
    const oldFiles = { async *all() {}, remove: async () => undefined };
    const pruner = createPruner({ ledger, oldFiles, countOn: verbs.metrics.countOn, now });
    await pruner.prune({ olderThanMs: 90 * 86_400_000 });
    assert.equal(await ledger.load(id), undefined);
    const { delegations } = await verbs.metrics.read({});
    assert.deepEqual([delegations.total, delegations.posting.count], [2, 1]);
  }));

test("how it stands: what is open, who waits longest, and how the agents are", () =>
  withCore({}, async (core) => {
    await asked(core, "webster");
    const second = { agent: "webster", objective: "And of Zerodur", origin: { door: "rest" } } as const;
    const { delegation } = await core.verbs.delegate(operator, second);
    core.pass(90_000);
    const { now } = await core.verbs.metrics.read({});
    assert.deepEqual(now.delegations, { queued: 1, dispatched: 1 });
    assert.equal(now.oldestQueued?.id, delegation.id);
    assert.ok((now.oldestQueued?.ageMs ?? 0) >= 90_000);
    const webster = now.agents.find(({ id }) => id === "webster");
    assert.deepEqual([webster?.running, webster?.queued], [1, 1]);
  }));
