import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { agentStream } from "../../src/domain/agent-state.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createDrain } from "../../src/engine/drain.ts";
import type { DispatchAnswer } from "../../src/engine/ports/agents.ts";
import type { DelegateRequest } from "../../src/engine/verbs.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

type Core = Awaited<ReturnType<typeof startCore>>;
const OPERATOR = { kind: "operator" } as const;

async function ask(core: Core, runId: string, more: Partial<DelegateRequest> = {}) {
  const request = { agent: "webster", objective: `Find ${runId}`, runId, retries: 0, ...more };
  return core.verbs.delegate(OPERATOR, { origin: { door: "cli" }, ...request });
}

const sentRuns = (core: Core) => core.sent.map(({ idempotencyKey }) => idempotencyKey);
const waitsFor = async (core: Core, id: string) => (await core.verbs.delegation(id)).waiting?.reason;

/** Resolves when nothing is performed and nothing is due but what waits for webster. */
async function quiet(core: Core): Promise<void> {
  const room = (lane: string) => (lane === "agent:webster" ? 0 : 1);
  for (;;) {
    const due = await core.ledger.nextDue(["any", "host", "discord"], room);
    if (core.loop.inFlight() === 0 && (due === undefined || due > core.now())) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A guild that keeps what is posted and counts the cards that are shown anew. */
function guild() {
  const posts: Delivery[] = [];
  const cards: string[] = [];
  return {
    posts,
    cards,
    discord: {
      async post({ body }: { body: { delivery: Delivery } }) {
        posts.push(body.delivery);
        return { kind: "done", outcome: "posted" } as const;
      },
      async card({ body }: { body: { run: string } }) {
        cards.push(body.run);
        return { kind: "done", outcome: "shown" } as const;
      },
    },
  };
}

test("a drained agent finishes what it has; what waits and what comes is held, says why, and goes on when it is resumed", async () => {
  using folder = temporaryFolder();
  const { discord, cards } = guild();
  await using core = await startCore(folder.path, { discord });
  await ask(core, "one");
  await core.until("one", "attempt.dispatched");
  await ask(core, "two", { card: { channel: "1" } });
  const drained = await core.verbs.drainAgent(OPERATOR, "webster", "new disk");
  assert.deepEqual(
    [drained.state, drained.running, drained.queued, drained.draining],
    ["draining", 1, 1, { at: core.now(), by: "operator", reason: "new disk" }],
  );
  assert.equal(drained.since, core.now());
  await ask(core, "three");
  await core.until("three", "attempt.held");
  await ask(core, "other", { agent: "tech-lead" });
  await core.until("other", "attempt.dispatched");
  // The end of what it had frees its place, and nothing takes it.
  await core.hand("one", handoffOf("one"));
  assert.equal((await core.verbs.wait("one", {})).status, "succeeded");
  core.pass(1000);
  await quiet(core);
  assert.deepEqual(
    [await waitsFor(core, "two"), await waitsFor(core, "three")],
    Array(2).fill("agent_draining"),
  );
  assert.match((await core.verbs.delegation("two")).waiting?.text ?? "", /webster is drained/);
  assert.deepEqual(sentRuns(core), ["one#1", "other#1"]);

  const cardsBefore = cards.filter((id) => id === "two").length;
  await core.verbs.resumeAgent(OPERATOR, "webster");
  await core.until("two", "attempt.dispatched");
  assert.ok(cards.filter((id) => id === "two").length > cardsBefore);
  // One at a time: the other one waits for its turn, no longer for the end of the drain.
  assert.equal(await waitsFor(core, "three"), undefined);
  await core.hand("two", handoffOf("two"));
  await core.until("three", "attempt.dispatched");
  assert.deepEqual(sentRuns(core), ["one#1", "other#1", "two#1", "three#1"]);
  await core.stop();
  assert.deepEqual(core.broken, []);
});

test("who wants no waiting is refused while the agent is drained, with what to do", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  await core.verbs.drainAgent(OPERATOR, "webster");
  await assert.rejects(
    ask(core, "now", { ifDown: "refuse" }),
    (error) =>
      isRefusal(error) &&
      error.code === "agent_draining" &&
      /hq agents resume webster/.test(error.hint ?? ""),
  );
  assert.equal(await core.ledger.load("now"), undefined);
});

test("a drain outlives restarts, is posted once, and what a crash left untold is told", async () => {
  using folder = temporaryFolder();
  const { discord, posts } = guild();
  await using first = await startCore(folder.path, {
    answer: () => ({ kind: "again", reason: "agent_busy", text: "" }),
  });
  await ask(first, "before");
  await first.until("before", "attempt.deferred");
  // As if the process had died right after this commit.
  const at = first.now();
  await first.engine.accept({
    kind: "agent",
    stream: agentStream("webster"),
    input: { type: "drain", at, agent: "webster", by: "operator" },
    cause: "test",
  });
  await first.stop();

  await using second = await startCore(folder.path, { at: at + 60_000, discord });
  await second.until("before", "attempt.held");
  assert.equal((await second.verbs.agent("webster")).state, "draining");
  await second.verbs.drainAgent(OPERATOR, "webster", "once more");
  await quiet(second);
  assert.deepEqual(second.sent, []);
  await second.stop();

  await using third = await startCore(folder.path, { at: at + 120_000, discord });
  await third.verbs.resumeAgent(OPERATOR, "webster");
  await third.verbs.resumeAgent(OPERATOR, "webster");
  await third.until("before", "attempt.dispatched");
  await third.stop();
  const told = posts.filter(({ id }) => id.startsWith("agent-webster/")).map(({ text }) => text?.slice(0, 2));
  assert.deepEqual(told, ["⏸️", "▶️"]);
  assert.deepEqual([...first.broken, ...second.broken, ...third.broken], []);
});

test("a retry is new work: it waits too, and its deadline for the start holds", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  await ask(core, "one", { retries: 1, startWithinMs: 60_000 });
  await core.until("one", "attempt.dispatched");
  await core.verbs.drainAgent(OPERATOR, "webster");
  await core.hand("one", handoffOf("one", { status: "failed" }));
  await core.until("one", "attempt.held");
  assert.deepEqual(sentRuns(core), ["one#1"]);
  core.pass(60_001);
  const view = await core.verbs.wait("one", {});
  assert.deepEqual([view.status, view.code], ["timed_out", "not_started"]);
  assert.match(view.reason ?? "", /webster is drained/);
});

test("what may have been sent before is looked into all the same", async () => {
  using folder = temporaryFolder();
  const answers: DispatchAnswer[] = [{ kind: "ambiguous", text: "the connection broke" }];
  await using core = await startCore(folder.path, { answer: () => answers.shift() ?? { kind: "accepted" } });
  core.setHealth("up");
  await ask(core, "one");
  await core.until("one", "attempt.uncertain");
  await core.verbs.drainAgent(OPERATOR, "webster");
  assert.equal(await waitsFor(core, "one"), "uncertain");
  core.pass(61_000);
  await core.until("one", "attempt.lost");
  await core.until("one", "attempt.held");
  assert.equal(core.sent.length, 1);
});

test("draining is for the operator and people who may operate, never for agents", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path);
  const person = (rights: Extract<Actor, { kind: "person" }>["rights"]): Actor => ({
    kind: "person",
    id: "3",
    name: "ada",
    rights,
  });
  for (const actor of [person(["delegate", "any-agent"]), { kind: "agent", id: "manager" }] as const) {
    for (const change of [core.verbs.drainAgent, core.verbs.resumeAgent]) {
      await assert.rejects(
        change(actor, "webster"),
        (error) => isRefusal(error) && error.code === "not_allowed",
      );
    }
  }
  await assert.rejects(
    core.verbs.drainAgent(OPERATOR, "nobody"),
    (error) => isRefusal(error) && error.code === "unknown_agent",
  );
  await assert.rejects(
    core.verbs.drainAgent(OPERATOR, "webster", "x".repeat(501)),
    (error) => isRefusal(error) && error.code === "invalid_input",
  );
  assert.equal((await core.verbs.agent("webster")).draining, undefined);
  assert.equal((await core.verbs.drainAgent(person(["operate"]), "webster")).draining?.by, "@ada");
});

test("the ledger is asked again who is drained when it could not say; until then nothing is sent", async () => {
  let isBroken = true;
  const draining = { at: 1, by: "operator" };
  const drain = createDrain({
    engine: {
      watch: () => () => undefined,
      read: async () => undefined,
      accept: async () => ({ state: undefined, events: [] }),
    } as Engine,
    ledger: {
      list: async ({ kind }) => {
        if (isBroken) throw new Error("the disk is full");
        const stream = agentStream("webster");
        const loaded = {
          stream,
          kind: "agent",
          version: 1,
          later: [],
          state: { agent: "webster", draining },
        };
        return { items: kind === "agent" ? [loaded as never] : [] };
      },
    },
    registry: () => createRegistry([cardOf("webster"), cardOf("tech-lead")]),
    acl: () => DEFAULT_ACL,
    now: () => 7,
    ring: () => undefined,
    onBroken: (error) => assert.fail(String(error)),
  });
  const performed: string[] = [];
  const guarded = drain.guard(async ({ id }) => {
    performed.push(id);
    return { kind: "recorded" };
  });
  const dispatch = (agent: string, more: { begunBefore?: number } = {}) => {
    const body = { type: "dispatch", run: "orch-1", agent, attempt: 1, again: false } as const;
    const id = `${agent}${more.begunBefore === undefined ? "" : " begun"}`;
    return guarded({ id, stream: "orch-1", body, lane: "any", dueAt: 0, createdAt: 0, tries: 1, ...more });
  };
  await assert.rejects(drain.isOn("webster"), /disk is full/);
  await assert.rejects(dispatch("webster"), /disk is full/);
  isBroken = false;
  assert.equal(await drain.isOn("webster"), true);
  assert.deepEqual(await dispatch("webster"), { kind: "again", dueAt: 7, reason: "webster is drained" });
  await dispatch("tech-lead");
  await dispatch("webster", { begunBefore: 5 });
  assert.deepEqual(performed, ["tech-lead", "webster begun"], "what may be there is looked into");
  assert.deepEqual([drain.capacity("webster", 3), drain.capacity("tech-lead", 3)], [0, 3]);
});

type Waiting = Readonly<Record<string, string>>;

/**
 * A drain on a ledger that gives one stream a page. `waiting`: queued delegations by their agent; `draining`: the agents
 * that the ledger has as drained. What is accepted waits for `gate`.
 */
function alone({ waiting = {}, draining = [] }: { waiting?: Waiting; draining?: readonly string[] } = {}) {
  const accepted: { kind: string; stream: string; input: { type: string }; [more: string]: unknown }[] = [];
  const broken: unknown[] = [];
  const elsewhere = new Set<string>();
  const script = { gate: Promise.resolve(), rings: 0 };
  let listener: ((events: readonly object[]) => void) | undefined;
  const stateOf = (agent: string) => ({
    agent,
    ...(draining.includes(agent) || elsewhere.has(agent) ? { draining: { at: 1, by: "operator" } } : {}),
  });
  const drain = createDrain({
    engine: {
      watch(given: typeof listener) {
        listener = given;
        return () => undefined;
      },
      read: async (kind: string, stream: string) => {
        if (kind === "agent") return stateOf(stream.replace(/^agent-/, ""));
        const agent = waiting[stream];
        return agent === undefined ? undefined : { order: { agent } };
      },
      accept: async (acceptance: (typeof accepted)[number]) => {
        await script.gate;
        accepted.push(acceptance);
        return { state: undefined, events: [] };
      },
    } as unknown as Engine,
    ledger: {
      list: async ({ kind, agent, status, before }) => {
        const names =
          kind === "agent"
            ? ["tech-lead", "webster"]
            : Object.keys(waiting).filter((id) => waiting[id] === agent && status?.includes("queued"));
        const at = before === undefined ? 0 : Number(before);
        const items = names.slice(at, at + 1).map((name) => ({
          stream: kind === "agent" ? agentStream(name) : name,
          state: stateOf(name),
          later: [],
        }));
        return { items: items as never, ...(at + 1 < names.length ? { next: `${at + 1}` } : {}) };
      },
    },
    registry: () => createRegistry([cardOf("webster"), cardOf("tech-lead")]),
    acl: () => DEFAULT_ACL,
    now: () => 7,
    ring: () => {
      script.rings++;
    },
    onBroken: (error) => void broken.push(error),
  });
  const tell = (type: string, stream: string, body: object = {}) => listener?.([{ type, stream, body }]);
  const told = () => accepted.map(({ input, stream }) => `${input.type} ${stream}`);
  return { drain, script, accepted, told, broken, tell, elsewhere };
}
const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

test("who is drained and what waits for it is read to the last page; what waits for others is not told", async () => {
  const waiting = { "orch-1": "webster", "orch-2": "tech-lead", "orch-3": "webster" };
  const { drain, accepted, told } = alone({ waiting, draining: ["webster"] });
  assert.deepEqual([await drain.isOn("webster"), await drain.isOn("tech-lead")], [true, false]);
  assert.deepEqual(told(), ["hold orch-1", "hold orch-3"]);
  const text = "webster is drained: it gets no new work until it is resumed";
  const input = { type: "hold", at: 7, agent: "webster", reason: "agent_draining", text };
  assert.deepEqual(accepted[0], { kind: "delegation", stream: "orch-1", input, cause: "drain webster" });
});

test("what another member drains or resumes counts here too, also before its event is here", async () => {
  const { drain, script, tell, elsewhere } = alone();
  assert.equal(await drain.isOn("webster"), false);
  elsewhere.add("webster");
  const guarded = drain.guard(async () => ({ kind: "recorded" }));
  const body = { type: "dispatch", run: "orch-1", agent: "webster", attempt: 1, again: false } as const;
  const effect = { id: "e", stream: "orch-1", body, lane: "any", dueAt: 0, createdAt: 0, tries: 1 } as const;
  assert.equal((await guarded(effect)).kind, "again");
  tell("agent.drained", "agent-webster", { agent: "webster" });
  assert.deepEqual([await drain.isOn("webster"), drain.capacity("webster", 3), script.rings], [true, 0, 1]);
  elsewhere.delete("webster");
  tell("agent.resumed", "agent-webster", { agent: "webster" });
  assert.deepEqual([await drain.isOn("webster"), drain.capacity("webster", 3), script.rings], [false, 3, 2]);
  assert.equal((await guarded(effect)).kind, "recorded");
});

test("whatever lets a delegation wait for a drained agent has it say so, nothing else does", async () => {
  const { tell, told, drain, script, broken } = alone({
    waiting: { "orch-1": "webster", "orch-2": "tech-lead" },
  });
  await drain.isOn("webster");
  tell("agent.drained", "agent-webster", { agent: "webster" });
  const waits = [
    "delegation.queued",
    "delegation.rerouted",
    "attempt.failed",
    "attempt.deferred",
    "attempt.lost",
  ];
  for (const type of [...waits, "attempt.dispatched", "attempt.released"]) tell(type, "orch-1");
  tell("attempt.deferred", "orch-2");
  await turn();
  assert.deepEqual(told(), Array(5).fill("hold orch-1"));
  script.gate = Promise.reject(new Error("the disk is full"));
  tell("attempt.deferred", "orch-1");
  await turn();
  assert.deepEqual(broken.map(String), ["Error: the disk is full"]);
});

test("a drain notes who wants it and a reason of at most 500 characters, and blanks are none", async () => {
  for (const [reason, noted] of [
    ["x".repeat(500), "x".repeat(500)],
    [" new disk ", "new disk"],
    ["  ", undefined],
    [undefined, undefined],
  ] as const) {
    const { drain, accepted } = alone();
    const actor = { kind: "operator", via: "page" } as const;
    await drain.drain(actor, "webster", reason);
    const [by, more] = ["operator (page)", noted === undefined ? {} : { reason: noted }];
    assert.deepEqual(accepted, [
      {
        kind: "agent",
        stream: "agent-webster",
        input: { type: "drain", at: 7, agent: "webster", by, ...more },
        cause: "drain webster",
        actor,
      },
    ]);
    assert.equal(drain.capacity("webster", 3), 0);
  }
});

test("a resume waits for what is just being told, releases all, and only then lets new work go", async () => {
  const waiting = { "orch-1": "webster", "orch-3": "webster" };
  const { drain, script, told, tell, accepted } = alone({ waiting });
  await drain.drain(OPERATOR, "webster");
  accepted.length = 0;
  const gate = Promise.withResolvers<void>();
  script.gate = gate.promise;
  tell("attempt.deferred", "orch-1");
  await turn();
  script.gate = Promise.resolve();
  const actor = { kind: "operator", via: "page" } as const;
  const resumed = drain.resume(actor, "webster");
  await turn();
  tell("attempt.deferred", "orch-3");
  await turn();
  assert.deepEqual([told(), drain.capacity("webster", 3)], [[], 0]);
  gate.resolve();
  await resumed;
  assert.deepEqual(told(), ["hold orch-1", "release orch-1", "release orch-3", "resume agent-webster"]);
  assert.deepEqual(
    [accepted[1]?.["cause"], accepted[3]?.["cause"], accepted[3]?.["actor"]],
    ["resume webster", "resume webster", actor],
  );
  assert.deepEqual(accepted[3]?.input, { type: "resume", at: 7, agent: "webster", by: "operator (page)" });
  assert.deepEqual([drain.capacity("webster", 3), script.rings], [3, 1]);
  tell("agent.drained", "agent-webster", { agent: "webster" });
  tell("attempt.deferred", "orch-3");
  await turn();
  assert.equal(told().at(-1), "hold orch-3");
});
