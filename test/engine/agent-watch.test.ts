import assert from "node:assert/strict";
import test from "node:test";
import { agentStream } from "../../src/domain/agent-state.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import type { Engine } from "../../src/engine/accept.ts";
import { createAgentWatch } from "../../src/engine/agent-watch.ts";
import type { AgentHealth, DispatchAnswer } from "../../src/engine/ports/agents.ts";
import { cardOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

type Core = Awaited<ReturnType<typeof startCore>>;
const WEBSTER = cardOf("webster");
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A supervisor that watches its agents, and all that people are told of them. */
async function watching(home: string, script: NonNullable<Parameters<typeof startCore>[1]> = {}) {
  const posts: Delivery[] = [];
  const core = await startCore(home, {
    ...script,
    discord: {
      async post({ body }) {
        posts.push(body.delivery);
        return { kind: "done", outcome: "posted" };
      },
    },
  });
  await core.watch.begin([WEBSTER]);

  async function settled(): Promise<void> {
    for (;;) {
      const due = await core.ledger.nextDue(["any", "host", "discord"], () => 1);
      const wake = (await core.ledger.nextWake()) ?? Number.POSITIVE_INFINITY;
      const isIdle = core.loop.inFlight() === 0 && (due === undefined || due > core.now());
      if (isIdle && wake > core.now()) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  return {
    core,
    [Symbol.asyncDispose]: core.stop,
    /** Time in steps, each of which is a look. */
    async pass(ms: number, stepMs: number, beforeLook: (step: number) => void = () => undefined) {
      for (let step = 0; step * stepMs < ms; step++) {
        beforeLook(step);
        await core.watch.agents.probe(WEBSTER);
        core.pass(stepMs);
        await settled();
      }
    },
    settled,
    texts: () => posts.filter(({ id }) => id.startsWith("agent-webster/")).map(({ text }) => text ?? ""),
  };
}

const eventsOf = async ({ ledger }: Core) =>
  (await ledger.events({ stream: agentStream("webster"), after: -1, limit: 1000 })).map(({ type }) => type);

const ask = (core: Core, runId: string) =>
  core.verbs.delegate(
    { kind: "operator" },
    { agent: "webster", objective: "Find the CTE", runId, deliver: false, origin: { door: "cli" } },
  );

test("an agent that is toggled each five seconds for ten minutes gives at most three posts; nothing is written while it stays", async () => {
  using folder = temporaryFolder();
  let state: "up" | "down" = "up";
  const { core, pass, texts } = await watching(folder.path, { condition: () => state });
  await using _ = core;
  await pass(10 * MINUTE, MINUTE);
  assert.deepEqual([await eventsOf(core), texts()], [["agent.seen"], []]);
  await pass(10 * MINUTE, 5 * SECOND, (step) => {
    state = step % 2 === 0 ? "down" : "up";
  });
  assert.ok(texts().length <= 3, texts().join("\n"));
  await pass(10 * MINUTE, MINUTE);
  assert.deepEqual(
    texts().map((text) => text.slice(0, 2)),
    ["🔴", "🟠", "🟢"],
  );
  const written = (await eventsOf(core)).length;
  await pass(30 * MINUTE, MINUTE);
  assert.equal((await eventsOf(core)).length, written);
  await core.stop();
  assert.deepEqual(core.broken, []);
});

test("an agent that was known to be down and still is, is not told again after a restart", async () => {
  using folder = temporaryFolder();
  const script = { condition: () => "down" as const };
  await using first = await watching(folder.path, script);
  await first.pass(MINUTE, MINUTE);
  assert.equal(first.texts().length, 1);
  const since = (await first.core.verbs.agent("webster")).since;
  const at = first.core.now();
  await first.core.stop();
  await using second = await watching(folder.path, { ...script, at: at + MINUTE });
  await second.pass(5 * MINUTE, MINUTE);
  const status = await second.core.verbs.agent("webster");
  assert.deepEqual([status.state, status.since, second.texts()], ["down", since, []]);
});

test("what real work meets counts at once: taken, refused by a token, nothing there", async () => {
  using folder = temporaryFolder();
  const refused: DispatchAnswer = {
    kind: "again",
    reason: "agent_down",
    text: "webster: connection refused",
    isRefused: true,
  };
  const answers: DispatchAnswer[] = [
    refused,
    { kind: "again", reason: "agent_busy", text: "busy" },
    { kind: "unauthorized", text: "webster: it refused our token (401)" },
    { kind: "accepted" },
  ];
  const { core, settled, texts } = await watching(folder.path, {
    answer: () => answers.shift() ?? { kind: "accepted" },
  });
  await using _ = core;
  await ask(core, "one");
  await core.until("one", "attempt.deferred");
  assert.equal((await core.watch.stateOf("webster")).seen?.state, "down");
  core.pass(30 * SECOND);
  await core.until("one", "attempt.deferred", 2);
  assert.equal((await core.watch.stateOf("webster")).seen?.state, "up");
  core.pass(30 * SECOND);
  await core.until("one", "attempt.deferred", 3);
  assert.equal((await core.verbs.agent("webster")).state, "unauthorized");
  core.pass(30 * SECOND);
  await core.until("one", "attempt.dispatched");
  await settled();
  assert.equal((await core.verbs.agent("webster")).state, "busy");
  assert.deepEqual(
    texts().map((text) => text.slice(0, 2)),
    ["🔴", "🟢", "🟠"],
  );
  await core.stop();
  assert.deepEqual(core.broken, []);
});

test("a dispatch that found no connection in time is a doubt: whoever watches is told, nothing is written", async () => {
  using folder = temporaryFolder();
  const answer: DispatchAnswer = { kind: "again", reason: "agent_down", text: "the connection timed out" };
  const { core } = await watching(folder.path, { answer: () => answer });
  await using _ = core;
  const doubts: string[] = [];
  core.watch.onDoubt((agent) => doubts.push(agent));
  await ask(core, "one");
  await core.until("one", "attempt.deferred");
  assert.deepEqual([doubts, await eventsOf(core)], [["webster"], []]);
});

test("a supervisor that is here for one question notes what concerns its token, and no more", async () => {
  using folder = temporaryFolder();
  const answers: DispatchAnswer[] = [
    { kind: "again", reason: "agent_down", text: "refused", isRefused: true },
    { kind: "unauthorized", text: "401" },
    { kind: "accepted" },
  ];
  await using core = await startCore(folder.path, { answer: () => answers.shift() ?? { kind: "accepted" } });
  await ask(core, "one");
  await core.until("one", "attempt.deferred");
  await core.watch.agents.probe(WEBSTER);
  assert.deepEqual(await eventsOf(core), []);
  core.pass(30 * SECOND);
  await core.until("one", "attempt.deferred", 2);
  core.pass(30 * SECOND);
  await core.until("one", "attempt.dispatched");
  assert.deepEqual(await eventsOf(core), ["agent.seen", "agent.told", "agent.seen", "agent.told"]);
});

test("a new life, and a file that is saved, try a token anew that was refused; people hear of it when it is proved", async () => {
  using folder = temporaryFolder();
  const answers: DispatchAnswer[] = [{ kind: "unauthorized", text: "webster: 401" }];
  const script = { answer: (): DispatchAnswer => answers.shift() ?? { kind: "accepted" } };
  await using first = await watching(folder.path, script);
  await ask(first.core, "one");
  await first.core.until("one", "attempt.deferred");
  await first.settled();
  assert.equal(first.texts().length, 1);
  const at = first.core.now();
  await first.core.stop();

  await using second = await watching(folder.path, { ...script, at: at + SECOND });
  const forgiven = await second.core.verbs.agent("webster");
  assert.equal(forgiven.state, "up");
  assert.match((await second.core.watch.stateOf("webster")).seen?.text ?? "", /is seen with its next work/);
  await second.pass(5 * MINUTE, MINUTE);
  await second.core.until("one", "attempt.dispatched");
  await second.settled();
  assert.deepEqual(second.texts(), ["✅ webster takes work again."]);
});

test("what is learned while it stops, or cannot be written, disturbs no dispatch", async () => {
  using folder = temporaryFolder();
  const { core } = await watching(folder.path);
  await using _ = core;
  await core.watch.end();
  await core.watch.agents.probe(WEBSTER);
  assert.deepEqual(await eventsOf(core), []);
  await ask(core, "one");
  await core.until("one", "attempt.dispatched");
  assert.deepEqual(await eventsOf(core), []);
});

/** A watch over agents that answer and are as the test says, with what it notes, doubts and forgives. */
async function scripted(home: string, engine?: Partial<Engine>) {
  const core = await startCore(home);
  const said = {
    answer: { kind: "accepted" } as DispatchAnswer,
    health: { state: "up", text: "", checkedAt: 0, since: 0 } as AgentHealth,
  };
  const forgiven: (string | undefined)[] = [];
  const doubts: string[] = [];
  const broken: unknown[] = [];
  const watch = createAgentWatch({
    engine: engine ? { ...core.engine, ...engine } : core.engine,
    agents: {
      dispatch: async () => said.answer,
      probe: async () => said.health,
      askAt: async () => said.health,
      health: () => said.health,
      forgive: (agent) => void forgiven.push(agent),
      close: async () => undefined,
    },
    now: core.now,
    onBroken: (error) => void broken.push(error),
  });
  watch.onDoubt((agent) => doubts.push(agent));
  return {
    core,
    said,
    watch,
    forgiven,
    doubts,
    broken,
    send: (answer: DispatchAnswer, agent = "webster") => {
      said.answer = answer;
      const request = { message: "Go.", name: "HQ", idempotencyKey: "a#1", timeoutMs: 1000 };
      return watch.agents.dispatch({ agent: cardOf(agent), ...request });
    },
    look: (health: Partial<AgentHealth>) => {
      said.health = { ...said.health, ...health };
      return watch.agents.probe(WEBSTER);
    },
    seen: async (agent = "webster") => (await watch.stateOf(agent)).seen,
    [Symbol.asyncDispose]: core.stop,
  };
}

const REFUSED = { kind: "again", reason: "agent_down", text: "connection refused", isRefused: true } as const;
const UNAUTHORIZED = { kind: "unauthorized", text: "401" } as const;

test("what is doubted is as it was until it was asked again; what nobody could ask changes nothing", async () => {
  using folder = temporaryFolder();
  await using made = await scripted(folder.path);
  const { core, watch, look, seen, doubts } = made;
  await watch.begin([WEBSTER]);
  await look({ state: "up" });
  assert.equal(watch.isClose("webster"), false);
  const doubtful = await look({ state: "down", text: "no answer", isDoubtful: true });
  assert.deepEqual([doubts, (await seen())?.state], [["webster"], "up"]);
  assert.equal(watch.agents.health("webster")?.state, "up");
  await watch.confirm("webster", doubtful);
  assert.deepEqual([doubts, (await seen())?.state], [["webster"], "down"]);
  assert.equal(watch.isClose("webster"), true, "it just changed");
  made.said.health = { state: "unknown", text: "", checkedAt: 0, since: 0 };
  await watch.agents.probe(WEBSTER);
  assert.deepEqual(await eventsOf(core), ["agent.seen", "agent.seen", "agent.told"]);
  assert.equal(watch.agents.health("webster")?.state, "unknown", "what is not doubted is said as it is");
});

test("work that was refused for good, or without a clear end, says nothing of the gateway", async () => {
  using folder = temporaryFolder();
  await using made = await scripted(folder.path);
  await made.watch.begin([WEBSTER]);
  await made.send({ kind: "final", status: 400, text: "no" });
  await made.send({ kind: "ambiguous", text: "reset" });
  assert.deepEqual([await eventsOf(made.core), made.doubts], [[], []]);
  await made.send(REFUSED);
  const { state, text } = (await made.seen()) ?? {};
  assert.deepEqual([state, text], ["down", "connection refused"]);
});

test("that a gateway is busy does not prove that it takes our token", async () => {
  using folder = temporaryFolder();
  await using made = await scripted(folder.path);
  await made.watch.begin([WEBSTER]);
  await made.send(UNAUTHORIZED);
  await made.send({ kind: "again", reason: "agent_busy", text: "busy" });
  assert.equal((await made.seen())?.state, "unauthorized");
  await made.send({ kind: "accepted" });
  assert.equal((await made.seen())?.state, "up");
});

test("who is here for one question leaves it at a refused token when the agent is down after it", async () => {
  using folder = temporaryFolder();
  await using made = await scripted(folder.path);
  await made.look({ state: "unauthorized" });
  assert.deepEqual(await eventsOf(made.core), [], "nothing was sent with the token");
  await made.send(UNAUTHORIZED);
  await made.send(REFUSED);
  await made.look({ state: "down" });
  assert.deepEqual(await eventsOf(made.core), ["agent.seen", "agent.told"]);
});

test("one agent is forgiven alone, all of them together, and a new life forgives before it goes on", async () => {
  using folder = temporaryFolder();
  await using made = await scripted(folder.path);
  const { watch, send, seen, forgiven } = made;
  const states = async () => [(await seen("webster"))?.state, (await seen("auditor"))?.state];
  for (const agent of ["webster", "auditor"]) await send(UNAUTHORIZED, agent);
  await watch.begin([WEBSTER]);
  assert.deepEqual(await states(), ["up", "unauthorized"]);
  await send(UNAUTHORIZED);
  watch.agents.forgive("auditor");
  await made.core.until(agentStream("auditor"), "agent.forgiven");
  assert.deepEqual(await states(), ["unauthorized", "up"]);
  await send(UNAUTHORIZED, "auditor");
  watch.agents.forgive();
  await watch.end();
  assert.deepEqual(
    [await states(), forgiven],
    [
      ["up", "up"],
      ["auditor", undefined],
    ],
  );
});

test("a ledger that does not take what was learned is told of elsewhere, and the work goes on; an end waits for it", async () => {
  using folder = temporaryFolder();
  const write = Promise.withResolvers<never>();
  const begun = Promise.withResolvers<void>();
  await using made = await scripted(folder.path, {
    accept: () => {
      begun.resolve();
      return write.promise;
    },
  });
  await made.watch.begin([]);
  const sent = made.send({ kind: "accepted" });
  await begun.promise;
  let isOver = false;
  const ended = made.watch.end().then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  const wasOver = isOver;
  write.reject(new Error("the disk is full"));
  assert.deepEqual(await sent, { kind: "accepted" });
  await ended;
  assert.equal(wasOver, false);
  assert.match(String(made.broken), /the disk is full/);
});
