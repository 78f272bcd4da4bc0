import assert from "node:assert/strict";
import test from "node:test";
import { askableBy, DEFAULT_ACL, HOOKS_PROTOCOL_ACL, mayAsk } from "../../src/domain/acl.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { type AgentCondition, canTake, rankAgents, standInsFor } from "../../src/domain/routing.ts";
import { AGENT_IDS, cardOf } from "../support/core.ts";

const operator: Actor = { kind: "operator" };
const calm: AgentCondition = { state: "up", isDraining: false, running: 0, queued: 0 };

function ranked(
  conditions: Readonly<Record<string, Partial<AgentCondition> & { cost?: number; concurrency?: number }>>,
  actor: Actor = operator,
) {
  const among = Object.entries(conditions).map(([id, { cost, concurrency }]) =>
    cardOf(id, {
      ...(cost === undefined ? {} : { cost }),
      ...(concurrency === undefined ? {} : { concurrency }),
    }),
  );
  const conditionOf = (id: string) => ({ ...calm, ...conditions[id] });
  return rankAgents({ among, acl: DEFAULT_ACL, actor, conditionOf });
}
const order = (...args: Parameters<typeof ranked>) => ranked(...args).map(({ agent }) => agent);

test("the free come before the busy, the busy before those that cannot be given work", () => {
  const all = ranked({
    unauthorized: { state: "unauthorized" },
    down: { state: "down" },
    draining: { isDraining: true },
    busy: { running: 1 },
    free: {},
  });
  assert.deepEqual(
    all.map(({ standing }) => standing),
    ["free", "busy", "draining", "down", "unauthorized"],
  );
  assert.deepEqual(
    all.map(({ agent, standing }) => agent === standing),
    [true, true, true, true, true],
  );
  assert.deepEqual(
    all.filter(canTake).map(({ agent }) => agent),
    ["free", "busy"],
  );
});

test("of the busy the least busy for its capacity is first, of the free the cheapest, else the order given", () => {
  assert.deepEqual(order({ a: { running: 1, queued: 3 }, b: { running: 1 }, c: { running: 1, queued: 1 } }), [
    "b",
    "c",
    "a",
  ]);
  // Three of eight is less than one of one.
  assert.deepEqual(order({ a: { running: 1 }, b: { running: 3, concurrency: 8 } }), ["b", "a"]);
  assert.deepEqual(order({ a: {}, b: { cost: 0.5 }, c: { cost: 2 }, d: {} }), ["b", "a", "d", "c"]);
  // Free capacity counts before the price.
  assert.deepEqual(order({ a: { running: 1, cost: 0 }, b: { cost: 100 } }), ["b", "a"]);
});

test("who may not be asked comes last, with the rule as its reason", () => {
  const lead: Actor = { kind: "agent", id: "tech-lead" };
  const all = ranked({ auditor: {}, webster: { state: "down" } }, lead);
  assert.deepEqual(
    all.map(({ agent, standing }) => [agent, standing]),
    [
      ["webster", "down"],
      ["auditor", "not_allowed"],
    ],
  );
  assert.match(all[1]?.why ?? "", /tech-lead may not delegate to auditor/);
});

test("nothing known of an agent is nothing against it", () => {
  const among = [cardOf("webster")];
  const [only] = rankAgents({ among, acl: DEFAULT_ACL, actor: operator, conditionOf: () => undefined });
  assert.deepEqual(only, { agent: "webster", standing: "free", why: "webster is free" });
});

test("capabilities and skills are words in any case, and every one is known once", () => {
  const webster = cardOf("webster", {
    capabilities: ["Materials", "research"],
    skills: ["cte-lookup", "research"],
  });
  const registry = createRegistry([webster, cardOf("tech-lead", { capabilities: ["research", "audit"] })]);
  assert.deepEqual(
    ["materials", " RESEARCH ", "cte-lookup", "cooking"].map((word) =>
      registry.able(word).map(({ id }) => id),
    ),
    [["webster"], ["webster", "tech-lead"], ["webster"], []],
  );
  assert.deepEqual(registry.capabilities, ["Materials", "audit", "cte-lookup", "research"]);
});

test("of many, the first eight are ranked, whatever the order they were given in", () => {
  const conditions = Object.fromEntries(
    Array.from({ length: 50 }, (_, n) => [`agent-${n}`, { running: (n * 37) % 50 }]),
  );
  const expected = Object.entries(conditions)
    .sort(([, a], [, b]) => a.running - b.running)
    .slice(0, 8)
    .map(([id]) => id);
  assert.deepEqual(order(conditions), expected);
});

test("who may be asked is the same for one agent and for many", () => {
  const actors: readonly Actor[] = [
    { kind: "operator" },
    { kind: "operator", claims: "optimizer" },
    { kind: "system", id: "x" },
    ...AGENT_IDS.map((id) => ({ kind: "agent", id }) as const),
    { kind: "person", id: "1", name: "ada", rights: [] },
    { kind: "person", id: "1", name: "ada", rights: ["delegate"], as: "tech-lead" },
    { kind: "person", id: "1", name: "ada", rights: ["read"], as: "tech-lead" },
    { kind: "person", id: "1", name: "ada", rights: ["any-agent"] },
  ];
  for (const acl of [DEFAULT_ACL, HOOKS_PROTOCOL_ACL]) {
    for (const actor of actors) {
      assert.deepEqual(
        AGENT_IDS.map(askableBy(acl, actor)),
        AGENT_IDS.map((target) => mayAsk(acl, actor, target).allowed),
        JSON.stringify(actor),
      );
    }
  }
});

test("those stand in who share capabilities, most in common first", () => {
  const webster = cardOf("webster", { capabilities: ["materials", "research", "literature"] });
  const registry = createRegistry([
    webster,
    cardOf("auditor", { capabilities: ["research"] }),
    cardOf("secretary", { capabilities: ["notes"] }),
    cardOf("tech-lead", { capabilities: ["materials", "research"] }),
  ]);
  assert.deepEqual(
    standInsFor(registry, webster).map(({ id }) => id),
    ["tech-lead", "auditor"],
  );
});
