import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { routeWords } from "../../src/domain/view.ts";
import { createChooseAgent } from "../../src/engine/choose-agent.ts";
import type { DispatchAnswer } from "../../src/engine/ports/agents.ts";
import type { DelegateRequest } from "../../src/engine/verbs.ts";
import { isRefusal, type Refusal } from "../../src/kernel/refusal.ts";
import { cardOf, handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const operator = { kind: "operator" } as const;
const CARDS = [
  cardOf("webster", { capabilities: ["materials", "research"] }),
  cardOf("tech-lead", { capabilities: ["materials", "evaluation"] }),
  cardOf("secretary", { capabilities: ["notes"] }),
  cardOf("auditor", { capabilities: ["materials"] }),
];
const DOWN: DispatchAnswer = { kind: "again", reason: "agent_down", text: "connection refused" };

type Core = Awaited<ReturnType<typeof startCore>>;
/** Agents that are down for a probe and for a dispatch. */
async function withAgents(
  down: ReadonlySet<string>,
  body: (core: Core) => Promise<void>,
  script: Parameters<typeof startCore>[1] = {},
): Promise<void> {
  using folder = temporaryFolder();
  const core = await startCore(folder.path, {
    cards: CARDS,
    condition: (id) => (down.has(id) ? "down" : "up"),
    answer: ({ agent }) => (down.has(agent.id) ? DOWN : { kind: "accepted" }),
    ...script,
  });
  try {
    await body(core);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}

const ask = (more: Partial<DelegateRequest>): DelegateRequest => ({
  objective: "Find the CTE of Zerodur",
  origin: { door: "rest" },
  ...more,
});

async function refusalOf(run: Promise<unknown>): Promise<Refusal> {
  try {
    await run;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
  throw new Error("it was allowed");
}

const sentTo = (core: Core) => core.sent.map(({ agent }) => agent.id);

test("a capability goes to an agent that has it, and says why that one and what the others lacked", () =>
  withAgents(new Set(["tech-lead"]), async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ capability: "Materials" }));
    assert.equal(delegation.agent, "webster");
    assert.deepEqual(routeWords(delegation), [
      "webster was chosen: has Materials; auditor comes after it; tech-lead is down.",
    ]);
    await core.until(delegation.id, "attempt.dispatched");
    // The first is at work now, so the next one that is free gets the next.
    const next = await core.verbs.delegate(operator, ask({ capability: "materials" }));
    assert.equal(next.delegation.agent, "auditor");
    assert.match(next.delegation.choice ?? "", /webster has 1 to do already/);
  }));

test("a capability that nobody has, or nobody may be asked for, is refused with what there is", () =>
  withAgents(new Set(), async (core) => {
    const unknown = await refusalOf(core.verbs.delegate(operator, ask({ capability: "material" })));
    assert.equal(unknown.code, "unknown_agent");
    assert.match(
      unknown.hint ?? "",
      /Did you mean materials\? There are: evaluation, materials, notes, research/,
    );
    const lead = { kind: "agent", id: "secretary" } as const;
    const refused = await refusalOf(core.verbs.delegate(lead, ask({ capability: "notes" })));
    assert.equal(refused.code, "not_allowed");
    const nothing = await refusalOf(core.verbs.delegate(operator, ask({})));
    assert.match(nothing.message, /agent must be given, or capability instead of it/);
    const both = { agent: "webster", capability: "materials" };
    assert.match(
      (await refusalOf(core.verbs.delegate(operator, ask(both)))).message,
      /capability goes with an agent only to say who may stand in/,
    );
    assert.deepEqual(sentTo(core), []);
  }));

test("with nobody alive a capability is refused with each one's state, or waits when that was asked", () =>
  withAgents(new Set(["webster", "tech-lead", "auditor"]), async (core) => {
    const asked = ask({ capability: "materials", ifDown: "refuse" });
    const refused = await refusalOf(core.verbs.delegate(operator, asked));
    assert.equal(refused.code, "agent_down");
    assert.match(refused.message, /webster is down; tech-lead is down; auditor is down/);
    const { delegation } = await core.verbs.delegate(operator, ask({ capability: "materials" }));
    await core.until(delegation.id, "attempt.deferred");
    assert.match((await core.verbs.delegation(delegation.id)).waiting?.text ?? "", /connection refused/);
  }));

test("an agent that is down is refused by its state, and another one is asked where that is allowed", () =>
  withAgents(new Set(["webster"]), async (core) => {
    const refused = await refusalOf(
      core.verbs.delegate(operator, ask({ agent: "webster", ifDown: "refuse" })),
    );
    assert.equal(refused.code, "agent_down");
    assert.match(refused.hint ?? "", /--fallback/);
    const asked = ask({ agent: "webster", ifDown: "refuse", fallback: true });
    const { delegation } = await core.verbs.delegate(operator, asked);
    assert.equal(delegation.agent, "tech-lead");
    assert.deepEqual(routeWords(delegation), [
      "Rerouted from webster to tech-lead: webster is down; tech-lead is free.",
    ]);
    const only = await core.verbs.delegate(operator, { ...asked, fallback: ["D", "auditor"] });
    assert.equal(only.delegation.agent, "auditor");
    const able = await core.verbs.delegate(operator, { ...asked, capability: "evaluation" });
    assert.equal(able.delegation.agent, "tech-lead");
    const nobody = await refusalOf(core.verbs.delegate(operator, { ...asked, fallback: ["webster"] }));
    assert.equal(nobody.code, "agent_down");
  }));

test("work is rerouted neither to its own agent nor into a circle: it waits", () =>
  withAgents(
    new Set(["webster"]),
    async (core) => {
      const matrix = { secretary: ["*"], "tech-lead": ["*"] };
      Object.assign(core.config, { acl: { ...DEFAULT_ACL, matrix } });
      const first = await core.verbs.delegate(operator, ask({ agent: "secretary" }));
      const second = await core.verbs.delegate(
        { kind: "agent", id: "secretary" },
        ask({ agent: "tech-lead", parent: first.delegation.id }),
      );
      const asked = [
        await core.verbs.delegate(operator, ask({ agent: "webster", fallback: ["webster"] })),
        await core.verbs.delegate(
          operator,
          ask({ agent: "webster", capability: "research", fallback: true }),
        ),
        await core.verbs.delegate(
          { kind: "agent", id: "tech-lead" },
          ask({ agent: "webster", fallback: ["secretary"], parent: second.delegation.id }),
        ),
      ];
      for (const { delegation } of asked) {
        await core.until(delegation.id, "attempt.deferred");
        const { agent, reroutes } = await core.verbs.delegation(delegation.id);
        assert.deepEqual([agent, reroutes], ["webster", undefined]);
      }
    },
    {
      cards: [
        cardOf("webster", { capabilities: ["research"], concurrency: 3 }),
        cardOf("tech-lead"),
        cardOf("secretary"),
      ],
      condition: () => "up",
    },
  ));

type Known = "up" | "down" | "unauthorized";
/** A choice among CARDS: what is believed of each at first, and what a look at it finds, which is known from then on. */
function choosing(found: Readonly<Record<string, Known>>, believed: Known = "up") {
  const registry = createRegistry(CARDS);
  const known = new Map<string, Known>();
  const looks: string[] = [];
  const choose = createChooseAgent({
    registry: () => registry,
    acl: () => DEFAULT_ACL,
    agents: {
      async probe({ id }) {
        const state = found[id] ?? "up";
        looks.push(id);
        known.set(id, state);
        return { state, text: "connection refused", checkedAt: 1, since: 1 };
      },
    },
    conditions: async () => (id) => ({
      state: known.get(id) ?? believed,
      isDraining: false,
      running: 0,
      queued: 0,
    }),
  });
  return { choose, looks };
}

test("what is believed of agents may be old: each is looked at before it gets the work, until one answers", async () => {
  const { choose, looks } = choosing({ webster: "down", "tech-lead": "down" });
  const wish = { capability: "materials", ifDown: "refuse" } as const;
  assert.equal((await choose(operator, wish)).agent, "auditor");
  assert.deepEqual(looks, ["webster", "tech-lead", "auditor"]);
  const stuck = choosing({ webster: "down", "tech-lead": "down", auditor: "down" });
  const refusal = await refusalOf(stuck.choose(operator, wish));
  assert.equal(refusal.code, "agent_down");
  assert.match(
    refusal.message,
    /can be given work now: webster is down; tech-lead is down; auditor is down\.$/,
  );
});

test("an agent that was named is looked at when only one that answers will do; who may wait is not kept waiting", async () => {
  const named = { agent: "webster", fallback: true } as const;
  const once = choosing({ webster: "down" });
  assert.equal((await once.choose(operator, { ...named, ifDown: "refuse" })).agent, "tech-lead");
  assert.deepEqual(once.looks, ["webster", "tech-lead"]);
  const patient = choosing({ webster: "down" });
  assert.equal((await patient.choose(operator, { ...named, ifDown: "wait" })).agent, "webster");
  assert.deepEqual(patient.looks, []);
  const alone = choosing({ webster: "down", "tech-lead": "down", auditor: "down" }, "down");
  assert.equal(
    (await alone.choose(operator, { ...named, ifDown: "wait" })).agent,
    "webster",
    "it waits for it",
  );
});

test("nobody stands in who works on the same chain, or may not be asked, and the refusal says why", async () => {
  const { choose } = choosing({ webster: "down" });
  const wish = { agent: "webster", fallback: true, ifDown: "refuse" } as const;
  assert.equal((await choose(operator, { ...wish, not: ["tech-lead"] })).agent, "auditor");
  const lead = { kind: "agent", id: "tech-lead" } as const;
  const able = { capability: "materials", ifDown: "refuse", not: ["tech-lead"] } as const;
  assert.equal((await refusalOf(choose(lead, able))).code, "agent_down", "webster it might ask");
  const without = await refusalOf(choose(operator, { ...wish, fallback: [] }));
  assert.equal(without.message, "webster does not answer at http://127.0.0.1:9: connection refused");
  const locked = choosing({ webster: "unauthorized" });
  const named = { agent: "webster", ifDown: "refuse" } as const;
  assert.equal((await refusalOf(locked.choose(operator, named))).code, "agent_unauthorized");
  const refused = await refusalOf(choose(lead, { ...wish, fallback: ["auditor"] }));
  assert.match(refused.message, /connection refused Nobody can stand in: .*auditor/);
});

test("what its agent certainly did not take goes to those alone who have the capability, or were named for it", async () => {
  const cards = [
    cardOf("webster", { capabilities: ["search", "read", "write"] }),
    cardOf("secretary", { capabilities: ["read", "write"] }),
    cardOf("optimizer", { capabilities: ["search"] }),
  ];
  for (const wish of [{ capability: "search" }, { agent: "webster", fallback: ["webster", "optimizer"] }]) {
    await withAgents(
      new Set(),
      async (core) => {
        const { delegation } = await core.verbs.delegate(operator, ask(wish));
        await core.until(delegation.id, "attempt.dispatched");
        assert.deepEqual(sentTo(core), ["webster", "optimizer"]);
      },
      {
        cards,
        answer: ({ agent }) => (agent.id === "webster" ? DOWN : { kind: "accepted" }),
      },
    );
  }
});

test("an agent that dies between the choice and the dispatch loses the work to the next one", () => {
  const down = new Set<string>();
  let dispatches = 0;
  return withAgents(
    down,
    async (core) => {
      const { delegation } = await core.verbs.delegate(operator, ask({ capability: "materials" }));
      assert.equal(delegation.agent, "webster");
      await core.until(delegation.id, "attempt.dispatched");
      assert.deepEqual(sentTo(core), ["webster", "tech-lead"]);
      const view = await core.verbs.delegation(delegation.id);
      assert.equal(view.agent, "tech-lead");
      assert.deepEqual(
        view.reroutes?.map(({ from, to, why }) => [from, to, why]),
        [["webster", "tech-lead", "webster is down; tech-lead is free"]],
      );
      // The place of the one that lost it is free again.
      down.clear();
      const next = await core.verbs.delegate(operator, ask({ agent: "webster" }));
      await core.until(next.delegation.id, "attempt.dispatched");
      await core.hand(delegation.id, handoffOf(delegation.id, { agent: "tech-lead" }));
      assert.equal((await core.verbs.wait(delegation.id, {})).handoff?.agent, "tech-lead");
      assert.deepEqual(sentTo(core), ["webster", "tech-lead", "webster"]);
    },
    {
      answer: ({ agent }) => {
        dispatches++;
        if (dispatches > 1) return { kind: "accepted" };
        down.add(agent.id);
        return DOWN;
      },
    },
  );
});

test("without leave to go elsewhere the work waits for its agent", () => {
  let isDown = true;
  return withAgents(
    new Set(),
    async (core) => {
      const { delegation } = await core.verbs.delegate(operator, ask({ agent: "webster" }));
      await core.until(delegation.id, "attempt.deferred");
      isDown = false;
      core.pass(60_000);
      await core.until(delegation.id, "attempt.dispatched");
      assert.deepEqual(sentTo(core), ["webster", "webster"]);
      const pinned = await core.verbs.delegate(operator, ask({ capability: "notes", fallback: false }));
      assert.equal((await core.verbs.delegation(pinned.delegation.id)).agent, "secretary");
    },
    { answer: () => (isDown ? DOWN : { kind: "accepted" }) },
  );
});

test("who lost the work and hands it in all the same is believed once, and the second is late", () =>
  withAgents(new Set(["webster"]), async (core) => {
    const { delegation } = await core.verbs.delegate(operator, ask({ agent: "webster", fallback: true }));
    await core.until(delegation.id, "attempt.dispatched");
    await core.hand(delegation.id, handoffOf(delegation.id, { agent: "webster" }));
    const settled = await core.verbs.wait(delegation.id, {});
    assert.equal(settled.status, "succeeded");
    assert.equal(settled.handoff?.agent, "webster");
    await core.hand(delegation.id, handoffOf(delegation.id, { agent: "tech-lead", result: "another" }));
    const types = (await core.verbs.history(delegation.id)).map(({ type }) => type);
    assert.equal(types.filter((type) => type === "delegation.settled").length, 1);
  }));

test("asking for a capability twice with one key is one delegation, whoever is free by then", () =>
  withAgents(new Set(), async (core) => {
    const asked = ask({ capability: "materials", key: { scope: "rest", key: "k" } });
    const first = await core.verbs.delegate(operator, asked);
    await core.until(first.delegation.id, "attempt.dispatched");
    const again = await core.verbs.delegate(operator, asked);
    assert.equal(again.repeated, true);
    assert.equal(again.delegation.id, first.delegation.id);
  }));

test("a capability inside a chain goes to nobody who works on it already", () =>
  withAgents(new Set(), async (core) => {
    const parent = await core.verbs.delegate(operator, ask({ agent: "webster" }));
    await core.until(parent.delegation.id, "attempt.dispatched");
    const child = ask({ capability: "materials", parent: parent.delegation.id });
    assert.equal((await core.verbs.delegate(operator, child)).delegation.agent, "tech-lead");
    const circle = ask({ capability: "research", parent: parent.delegation.id });
    const refused = await refusalOf(core.verbs.delegate(operator, circle));
    assert.equal(refused.code, "guard_cycle");
    assert.match(refused.message, /Only webster can do research, and works on this chain already/);
  }));

test("what a gateway had that is gone goes to another one, not at the first silence, and only with leave", () => {
  const down = new Set<string>();
  return withAgents(down, async (core) => {
    const free = await core.verbs.delegate(operator, ask({ agent: "webster", fallback: true }));
    const bound = await core.verbs.delegate(operator, ask({ agent: "auditor" }));
    for (const { delegation } of [free, bound]) await core.until(delegation.id, "attempt.dispatched");
    core.pass(5000);
    down.add("webster").add("auditor");
    await core.lookForLostRuns();
    assert.equal((await core.verbs.delegation(free.delegation.id)).agent, "webster");
    core.pass(60_000);
    await core.lookForLostRuns();
    await core.until(free.delegation.id, "attempt.dispatched", 2);
    const view = await core.verbs.delegation(free.delegation.id);
    assert.equal(view.agent, "tech-lead");
    assert.match(view.reroutes?.[0]?.why ?? "", /webster is down; tech-lead is free/);
    const { status, agent } = await core.verbs.delegation(bound.delegation.id);
    assert.deepEqual([status, agent], ["dispatched", "auditor"]);
    assert.deepEqual(sentTo(core), ["webster", "auditor", "webster", "tech-lead"]);
  });
});

test("what two looks at once find lost is sent again once", async () => {
  for (const isGone of [false, true]) {
    const down = new Set<string>();
    await withAgents(
      down,
      async (core) => {
        const { delegation } = await core.verbs.delegate(operator, ask({ agent: "webster", fallback: true }));
        const { id } = delegation;
        await core.until(id, "attempt.dispatched");
        core.pass(30_000);
        core.setHealth("up", 5000);
        if (isGone) down.add("webster");
        if (isGone) await core.lookForLostRuns();
        if (isGone) core.pass(20_000);
        await Promise.all([core.lookForLostRuns(), core.lookForLostRuns()]);
        await core.until(id, "attempt.dispatched", 2);
        await core.settled();
        const again = isGone ? ["webster", "tech-lead"] : ["webster"];
        assert.deepEqual(sentTo(core), ["webster", ...again]);
        assert.equal((await core.verbs.delegation(id)).attempts[0]?.sends, 2);
      },
      { cards: CARDS.map((card) => ({ ...card, concurrency: 3 })) },
    );
  }
});

test("an agent that is drained gets nothing new: with leave another one does it, what waits already waits on", () =>
  withAgents(new Set(), async (core) => {
    const first = await core.verbs.delegate(operator, ask({ agent: "webster" }));
    await core.until(first.delegation.id, "attempt.dispatched");
    await core.verbs.drainAgent(operator, "webster", "its token is renewed");
    const free = await core.verbs.delegate(operator, ask({ agent: "webster", fallback: true }));
    await core.until(free.delegation.id, "attempt.dispatched");
    assert.match(routeWords(free.delegation)[0] ?? "", /to tech-lead: webster is drained; tech-lead is free/);
    const later = await core.verbs.delegate(operator, ask({ capability: "research" }));
    await core.until(later.delegation.id, "attempt.held");
    await core.hand(first.delegation.id, handoffOf(first.delegation.id));
    await core.verbs.resumeAgent(operator, "webster");
    await core.until(later.delegation.id, "attempt.dispatched");
    await core.settled();
    assert.deepEqual(sentTo(core), ["webster", "tech-lead", "webster"]);
  }));
