import assert from "node:assert/strict";
import test from "node:test";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Order } from "../../src/domain/delegation-types.ts";
import {
  boundToRun,
  budgetWithin,
  chainOf,
  colleaguesOf,
  placeInChain,
  refuseForeignParent,
} from "../../src/domain/guard.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { AGENT_IDS, cardOf } from "../support/core.ts";

const OPERATOR = { kind: "operator" } as const;
const AS_MANAGER = { kind: "operator", claims: "manager" } as const;
type Link = Pick<Order, "id" | "agent" | "actor" | "parent"> & { readonly deadlineAt?: number };
const LEAD: Link = { id: "orch-1", agent: "tech-lead", actor: OPERATOR, deadlineAt: 10_000 };

function place(parent: Link, agent: string, more: Partial<Parameters<typeof placeInChain>[0]> = {}) {
  return placeInChain({ parent, agent, timeoutMs: undefined, maxDepth: 2, nowMs: 4000, ...more });
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "allowed";
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
}

/** The next delegation of a chain, asked by the agent of the one before. */
function next(parent: Link, agent: string): Link {
  const actor = { kind: "agent", id: parent.agent, run: parent.id } as const;
  return { id: `${parent.id}.x`, agent, actor, parent: place(parent, agent) };
}

test("a child stands behind its parent and ends no later", () => {
  assert.deepEqual(place(LEAD, "webster"), {
    id: "orch-1",
    chain: ["tech-lead"],
    depth: 1,
    deadlineAt: 10_000,
  });
});

test("manager, lead, specialist: whoever asked for the manager, the chain ends there", () => {
  const manager: Link = { id: "orch-0", agent: "manager", actor: OPERATOR };
  const specialist = next(next(manager, "tech-lead"), "webster");
  assert.deepEqual(specialist.parent?.chain, ["manager", "tech-lead"]);
  assert.equal(
    codeOf(() => place(specialist, "secretary")),
    "guard_depth",
  );
});

test("an agent that asks without being asked itself, and one that the operator names, count as the first of the chain", () => {
  for (const actor of [AS_MANAGER, { kind: "agent", id: "manager" } as const]) {
    const specialist = next({ ...LEAD, actor }, "webster");
    assert.deepEqual(chainOf(specialist), ["manager", "tech-lead", "webster"]);
    assert.equal(
      codeOf(() => place(specialist, "secretary")),
      "guard_depth",
    );
    assert.equal(
      codeOf(() => place({ ...LEAD, actor }, "manager")),
      "guard_cycle",
    );
  }
});

test("what the configuration allows deeper may go deeper, never in a circle", () => {
  const specialist = next({ ...LEAD, actor: AS_MANAGER }, "webster");
  assert.equal(
    codeOf(() => place(specialist, "secretary", { maxDepth: 3 })),
    "allowed",
  );
  for (const agent of ["manager", "tech-lead", "webster"])
    assert.equal(
      codeOf(() => place(specialist, agent, { maxDepth: 5 })),
      "guard_cycle",
    );
});

test("a child never outlives its parent", () => {
  const code = (more: object) => codeOf(() => place(LEAD, "webster", more));
  assert.equal(code({ timeoutMs: 6000 }), "allowed");
  assert.equal(code({ timeoutMs: 6001 }), "guard_deadline");
  assert.equal(code({ nowMs: 10_000 }), "guard_deadline");
});

test("with a run's token everything is asked in that run, and another parent is refused", () => {
  const actor: Actor = { kind: "agent", id: "tech-lead", run: "orch-1" };
  assert.deepEqual(boundToRun<{ parent?: string }>(actor, {}), { parent: "orch-1" });
  assert.deepEqual(boundToRun(actor, { parent: "orch-1" }), { parent: "orch-1" });
  assert.equal(
    codeOf(() => boundToRun(actor, { parent: "orch-2" })),
    "not_allowed",
  );
  assert.deepEqual(boundToRun({ kind: "agent", id: "tech-lead" }, { parent: "orch-2" }), {
    parent: "orch-2",
  });
});

test("an agent asks on behalf of its own delegations only; the operator may for any", () => {
  const code = (actor: Actor) => codeOf(() => refuseForeignParent(actor, LEAD));
  assert.equal(code({ kind: "agent", id: "optimizer" }), "not_allowed");
  assert.equal(code({ kind: "agent", id: "tech-lead" }), "allowed");
  assert.equal(code(AS_MANAGER), "allowed");
  assert.equal(code({ kind: "person", id: "1", name: "ada", rights: ["delegate"] }), "allowed");
});

test("an agent is told of those colleagues that it could really ask", () => {
  const rules = {
    acl: DEFAULT_ACL,
    registry: createRegistry(AGENT_IDS.map((id) => cardOf(id))),
    maxDepth: 2,
  };
  assert.deepEqual(colleaguesOf(LEAD, rules), ["secretary", "study-builder", "nx-expert", "webster"]);
  const manager: Link = { id: "orch-0", agent: "manager", actor: OPERATOR };
  const optimizer = next(manager, "optimizer");
  assert.deepEqual(colleaguesOf(optimizer, rules), ["secretary", "study-builder", "webster"]);
  assert.deepEqual(colleaguesOf(optimizer, { ...rules, maxDepth: 1 }), [], "it is the last one");
  const open = { ...DEFAULT_ACL, matrix: { "tech-lead": ["*"], webster: ["*"] } };
  const webster = next(LEAD, "webster");
  assert.equal(colleaguesOf(webster, { ...rules, acl: open }).includes("tech-lead"), false, "a circle");
  const nobody = { ...DEFAULT_ACL, verbs: { delegate: ["manager"] } };
  assert.deepEqual(colleaguesOf(LEAD, { ...rules, acl: nobody }), []);
});

test("a part has at most the budget of the whole", () => {
  assert.deepEqual(budgetWithin(undefined, { usd: 2 }), { usd: 2 });
  assert.deepEqual(budgetWithin({ usd: 5, tokens: 10 }, { usd: 2 }), { usd: 2, tokens: 10 });
  assert.deepEqual(budgetWithin({ usd: 1 }, { usd: 2, tokens: 7 }), { usd: 1, tokens: 7 });
  assert.equal(budgetWithin(undefined, undefined), undefined);
});
