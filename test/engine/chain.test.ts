import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { agentToken, createActorFor } from "../../src/app/credentials.ts";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { DispatchAnswer } from "../../src/engine/ports/agents.ts";
import type { DelegateRequest } from "../../src/engine/verbs.ts";
import { createHandoffTokens } from "../../src/handoffs/token.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const SECRET = "a secret of the test, long enough";
const OPERATOR: Actor = { kind: "operator" };
const ask = (more: Partial<DelegateRequest> = {}): DelegateRequest => ({
  agent: "tech-lead",
  objective: "Review the thermal margins",
  origin: { door: "rest" },
  ...more,
});

type Core = Awaited<ReturnType<typeof startCore>>;
async function withCore(
  script: Parameters<typeof startCore>[1],
  body: (core: Core, home: string) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder();
  const core = await startCore(folder.path, script);
  try {
    await body(core, folder.path);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => "allowed",
    (error: unknown) => {
      if (isRefusal(error)) return error.code;
      throw error;
    },
  );
}

/** The token in the prompt that was sent for an attempt; undefined when there is none. */
function tokenIn(core: Core, run: string, attempt = 1): string | undefined {
  const sent = core.sent.find(({ idempotencyKey }) => idempotencyKey === `${run}#${attempt}`);
  return /HQ_RUN_TOKEN=(\S+) hq delegate/.exec(sent?.message ?? "")?.[1];
}

function actorBy(core: Core, token: string): Promise<Actor | undefined> {
  const { registry } = core.config;
  const credentials = { apiKey: "the operator's key", secret: SECRET };
  return createActorFor(
    credentials,
    () => registry,
    (run) => core.engine.read("delegation", run),
  )(token);
}

/** A delegation that its agent has, and whom its token stands for. */
async function begun(core: Core, request: DelegateRequest, actor = OPERATOR) {
  const { delegation } = await core.verbs.delegate(actor, request);
  await core.until(delegation.id, "attempt.dispatched");
  const token = tokenIn(core, delegation.id) ?? "";
  return { id: delegation.id, token, actor: (await actorBy(core, token)) ?? OPERATOR };
}

function busyOnce(): () => DispatchAnswer {
  let answers = 0;
  return () =>
    answers++ === 0 ? { kind: "again", reason: "agent_busy", text: "it answered 503" } : { kind: "accepted" };
}

test("manager, tech-lead and webster hand work on by the tokens in their prompts; the last one may not", () =>
  withCore({}, async (core) => {
    const manager = await begun(core, ask({ agent: "manager" }));
    assert.deepEqual(manager.actor, { kind: "agent", id: "manager", run: manager.id });
    const lead = await begun(core, ask(), manager.actor);
    const webster = await begun(core, ask({ agent: "webster" }), lead.actor);
    const state = await core.engine.read("delegation", webster.id);
    assert.deepEqual(state?.order.parent?.chain, ["manager", "tech-lead"]);
    assert.equal(state?.order.parent?.id, lead.id);
    assert.equal(webster.token, "", "whoever may ask nobody gets no token");
    const calls = core.sent.length;
    const bound: Actor = { kind: "agent", id: "webster", run: webster.id };
    Object.assign(core.config, { acl: { ...DEFAULT_ACL, matrix: { webster: ["*"] } } });
    assert.equal(await codeOf(core.verbs.delegate(bound, ask({ agent: "secretary" }))), "guard_depth");
    assert.equal(await codeOf(core.verbs.delegate(bound, ask({ agent: "tech-lead" }))), "guard_cycle");
    assert.equal(core.sent.length, calls);
  }));

test("a child that would outlive its parent is refused before any call; without a span it takes what remains", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask({ timeoutMs: 60_000 }));
    core.pass(20_000);
    const child = (timeoutMs?: number) =>
      core.verbs.delegate(
        lead.actor,
        ask({ agent: "webster", ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
      );
    assert.equal(await codeOf(child(50_000)), "guard_deadline");
    assert.equal(core.sent.length, 1);
    assert.equal((await child()).delegation.timeoutMs, 40_000);
  }));

test("the time that is left is that of the parent's latest attempt", () =>
  withCore({}, async (core) => {
    const { delegation } = await core.verbs.delegate(OPERATOR, ask({ timeoutMs: 60_000, validate: true }));
    await core.until(delegation.id, "attempt.dispatched");
    core.pass(30_000);
    await core.hand(delegation.id, handoffOf(delegation.id, { agent: "tech-lead", status: "done" }));
    await core.until(delegation.id, "attempt.dispatched", 2);
    core.pass(15_000);
    const lead = await actorBy(core, tokenIn(core, delegation.id, 2) ?? "");
    assert.ok(lead);
    assert.equal((await core.verbs.delegate(lead, ask({ agent: "webster" }))).delegation.timeoutMs, 45_000);
  }));

test("what is asked on behalf of work that waits itself has no more time, also to begin, than those above it have left", () => {
  const waits = { kind: "again", reason: "agent_busy", text: "busy" } as const;
  return withCore(
    { answer: ({ agent }) => (agent.id === "webster" ? waits : { kind: "accepted" }) },
    async (core) => {
      const lead = await begun(core, ask({ timeoutMs: 60_000 }));
      const { delegation: waiting } = await core.verbs.delegate(lead.actor, ask({ agent: "webster" }));
      await core.until(waiting.id, "attempt.deferred");
      core.pass(50_000);
      const below = ask({ agent: "secretary", parent: waiting.id });
      assert.equal(
        await codeOf(core.verbs.delegate(OPERATOR, { ...below, timeoutMs: 20_000 })),
        "guard_deadline",
      );
      const { delegation } = await core.verbs.delegate(OPERATOR, below);
      const order = (await core.engine.read("delegation", delegation.id))?.order;
      assert.deepEqual([order?.timeoutMs, order?.startWithinMs], [10_000, 10_000]);
    },
  );
});

test("what an agent hands on has at most the budget that it was given itself", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask({ budget: { usd: 2 } }));
    const budgetOf = async (objective: string, more: Partial<DelegateRequest>) => {
      const request = ask({ agent: "webster", objective, ...more });
      const { delegation } = await core.verbs.delegate(lead.actor, request);
      return (await core.engine.read("delegation", delegation.id))?.order.budget;
    };
    assert.deepEqual(await budgetOf("a", {}), { usd: 2 });
    assert.deepEqual(await budgetOf("b", { budget: { usd: 9, tokens: 1000 } }), { usd: 2, tokens: 1000 });
  }));

test("what goes in a circle is refused as that, also when nobody is there to be asked", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask());
    const webster = await begun(core, ask({ agent: "webster" }), lead.actor);
    Object.assign(core.config, { acl: { ...DEFAULT_ACL, matrix: { webster: ["*"] } } });
    core.setHealth("down");
    const bound: Actor = { kind: "agent", id: "webster", run: webster.id };
    const back = ask({ ifDown: "refuse" });
    assert.equal(await codeOf(core.verbs.delegate(bound, back)), "guard_cycle");
  }));

test("the parent is the run of the token, whatever the request says", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask());
    const other = await begun(core, ask({ agent: "optimizer" }));
    const request = ask({ agent: "webster", parent: other.id });
    assert.equal(await codeOf(core.verbs.delegate(lead.actor, request)), "not_allowed");
    const own: Actor = { kind: "agent", id: "tech-lead" };
    assert.equal(await codeOf(core.verbs.delegate(own, request)), "not_allowed");
    const { delegation } = await core.verbs.delegate(lead.actor, ask({ agent: "webster" }));
    assert.equal(delegation.parent, lead.id);
    assert.equal(delegation.caller, "tech-lead");
  }));

test("starting the same child twice is a no-op, with the token as with the parent's id", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask());
    const child = ask({ agent: "webster", objective: "Find the CTE of ULE" });
    const first = await core.verbs.delegate(lead.actor, child);
    const again = await core.verbs.delegate(lead.actor, child);
    const named = await core.verbs.delegate(lead.actor, { ...child, parent: lead.id });
    assert.deepEqual([first.repeated, again.repeated, named.repeated], [false, true, true]);
    assert.equal(new Set([first, again, named].map(({ delegation }) => delegation.id)).size, 1);
    await core.until(first.delegation.id, "attempt.dispatched");
    assert.equal(core.sent.length, 2);
  }));

test("a child that is asked for again after its parent is over is the one that was begun; another one is not begun", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask());
    const child = ask({ agent: "webster", objective: "Find the CTE of ULE" });
    const first = await core.verbs.delegate(lead.actor, child);
    await core.hand(lead.id, handoffOf(lead.id, { agent: "tech-lead" }));
    const again = await core.verbs.delegate(lead.actor, child);
    assert.deepEqual([again.delegation.id, again.repeated], [first.delegation.id, true]);
    const other = { ...child, objective: "Find the CTE of BK7" };
    assert.equal(await codeOf(core.verbs.delegate(lead.actor, other)), "already_settled");
  }));

test("the same child is asked for anew under another key, by another capability, and by people", () => {
  const capabilities = ["search", "read"];
  const cards = [cardOf("tech-lead", { concurrency: 9 }), cardOf("webster", { capabilities })];
  return withCore({ cards }, async (core) => {
    const lead = await begun(core, ask());
    const { agent: _, ...nobody } = ask({ objective: "Find the CTE of ULE" });
    const child: DelegateRequest = { ...nobody, agent: "webster", parent: lead.id };
    const asked = async (actor: Actor, request: DelegateRequest) =>
      (await core.verbs.delegate(actor, request)).delegation.id;
    const ids = [
      await asked(lead.actor, child),
      await asked(lead.actor, { ...child, key: { scope: "rest", key: "k1" } }),
      await asked(lead.actor, { ...child, key: { scope: "rest", key: "k2" } }),
      await asked(lead.actor, { ...nobody, capability: "search" }),
      await asked(lead.actor, { ...nobody, capability: "read" }),
      await asked(OPERATOR, child),
      await asked(OPERATOR, child),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });
});

test("a token ends with its attempt and with its run, and a forged one is nobody's", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask({ timeoutMs: 10_000 }));
    const forged = `${lead.token.slice(0, -1)}${lead.token.endsWith("A") ? "B" : "A"}`;
    assert.equal(await actorBy(core, forged), undefined);
    assert.equal(await actorBy(core, lead.token.replace(lead.id, "orch-none")), undefined);
    assert.equal(
      await actorBy(core, `hqr.${lead.id}.1.${agentToken(SECRET, "tech-lead").slice(-43)}`),
      undefined,
    );
    const handsIn = createHandoffTokens(SECRET).tokenFor(lead.id, 1);
    assert.equal(await actorBy(core, `hqr.${lead.id}.${handsIn}`), undefined, "good for handing in alone");
    assert.equal(
      createHandoffTokens(SECRET).verify(lead.token.slice(`hqr.${lead.id}.`.length), lead.id),
      undefined,
    );

    core.pass(10_001);
    await core.until(lead.id, "attempt.failed");
    await assert.rejects(
      actorBy(core, lead.token),
      (error) => isRefusal(error) && error.code === "unauthenticated" && /attempt 1 of/.test(error.message),
    );
    core.pass(30_000);
    await core.until(lead.id, "attempt.dispatched", 2);
    const second = tokenIn(core, lead.id, 2) ?? "";
    assert.notEqual(second, lead.token);
    assert.deepEqual(await actorBy(core, second), lead.actor);

    await core.hand(lead.id, handoffOf(lead.id, { agent: "tech-lead" }), { attempt: 2 });
    await assert.rejects(
      actorBy(core, second),
      (error) => isRefusal(error) && error.code === "already_settled" && /is succeeded/.test(error.message),
    );
    assert.equal(await codeOf(core.verbs.delegate(lead.actor, ask({ agent: "webster" }))), "already_settled");
  }));

test("a token is of the agent that works on the run now", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask());
    const token = lead.token.replace(/^hqr\./, "hqa.");
    assert.equal(await actorBy(core, token), undefined);
    const fake = { order: { id: lead.id, agent: "optimizer" } };
    const credentials = { apiKey: "k", secret: SECRET };
    const state = await core.engine.read("delegation", lead.id);
    assert.ok(state);
    const rerouted = { ...state, order: { ...state.order, ...fake.order } };
    const actorFor = createActorFor(
      credentials,
      () => core.config.registry,
      async () => rerouted,
    );
    assert.equal(await actorFor(lead.token), undefined);
  }));

test("the token of an agent that was renamed while the work waited for it is of who was asked", () =>
  withCore({ answer: busyOnce() }, async (core) => {
    const { delegation } = await core.verbs.delegate(OPERATOR, ask());
    await core.until(delegation.id, "attempt.deferred");
    const cards = core.config.registry.agents.map((card) =>
      card.id === "tech-lead" ? { ...card, id: "lead", aliases: ["tech-lead"] } : card,
    );
    Object.assign(core.config, { registry: createRegistry(cards) });
    core.pass(31_000);
    await core.until(delegation.id, "attempt.dispatched");
    const [, again] = core.sent;
    const [, token = ""] = /HQ_RUN_TOKEN=(\S+) hq delegate/.exec(again?.message ?? "") ?? [];
    assert.deepEqual(await actorBy(core, token), { kind: "agent", id: "tech-lead", run: delegation.id });
  }));

test("the same attempt gets the same prompt to the byte, token included, and the ledger never holds it", () => {
  let answers = 0;
  return withCore(
    {
      answer: () =>
        answers++ === 0 ? { kind: "ambiguous", text: "connection reset" } : { kind: "accepted" },
    },
    async (core, home) => {
      const { delegation } = await core.verbs.delegate(OPERATOR, ask());
      await core.until(delegation.id, "attempt.uncertain");
      core.pass(120_000);
      await core.until(delegation.id, "attempt.dispatched");
      assert.equal(core.sent.length, 2);
      assert.equal(core.sent[0]?.message, core.sent[1]?.message);
      const token = tokenIn(core, delegation.id) ?? "";
      assert.match(token, /^hqr\.orch-\w+\.1\.[\w-]{43}$/);
      const kept = ["ledger.db", "ledger.db-wal"].map((name) => readFileSync(join(home, name)));
      assert.ok(kept.some((bytes) => bytes.includes(delegation.id)));
      assert.ok(kept.every((bytes) => !bytes.includes(token)));
    },
  );
});

test("in its run an agent cancels what it began there, and nothing else; it starts, retries and stops nothing", () =>
  withCore({}, async (core) => {
    const lead = await begun(core, ask());
    const other = await begun(core, ask({ objective: "Another one", agent: "optimizer" }));
    const { delegation: child } = await core.verbs.delegate(lead.actor, ask({ agent: "webster" }));
    const { delegation: foreign } = await core.verbs.delegate(other.actor, ask({ agent: "secretary" }));
    const { verbs } = core;
    assert.equal(await codeOf(verbs.cancel(lead.actor, foreign.id)), "not_allowed");
    assert.equal(await codeOf(verbs.cancel(lead.actor, lead.id)), "not_allowed");
    assert.equal((await verbs.cancel(lead.actor, child.id)).status, "canceled");
    const start = verbs.runs.startRun(lead.actor, { workflow: "x", inputs: {}, origin: { door: "rest" } });
    assert.equal(await codeOf(start), "not_allowed");
    assert.equal(await codeOf(verbs.stopNow(lead.actor)), "not_allowed");
    assert.throws(() => verbs.acl.permit(lead.actor, "drain"), /with the token of/);
  }));

test("config/acl.yaml takes verbs from agents at once, and says by which rule", () =>
  withCore({}, async (core) => {
    const lead: Actor = { kind: "agent", id: "tech-lead" };
    const request = ask({ agent: "webster" });
    assert.equal(await codeOf(core.verbs.delegate(lead, request)), "allowed");
    Object.assign(core.config, { acl: { ...DEFAULT_ACL, verbs: { delegate: ["manager"], context: [] } } });
    await assert.rejects(
      core.verbs.delegate(lead, request),
      (error) => isRefusal(error) && error.hint?.endsWith("Rule: verbs.delegate: manager.") === true,
    );
    const manager: Actor = { kind: "agent", id: "manager" };
    assert.equal(await codeOf(core.verbs.delegate(manager, request)), "allowed");
    const reading = ask({ agent: "webster", channelContext: { channel: "technical" } });
    assert.equal(await codeOf(core.verbs.delegate(manager, reading)), "not_allowed");
    assert.equal(await codeOf(core.verbs.delegate(OPERATOR, reading)), "allowed");
  }));
