import { type Actor, callerOf } from "./actor.ts";
import type { Registry } from "./agent-card.ts";
import type { VerbRules } from "./permissions.ts";

/**
 * Who may delegate to whom. A row names the agents a caller may address; `*` = all others.
 * A caller without a row may address nobody.
 */
export type Acl = {
  readonly name: string;
  readonly matrix: Readonly<Record<string, readonly string[]>>;
  /** Never a target, whoever asks (people and the operator excepted). */
  readonly never: readonly string[];
  /** Who may do what; a missing verb has its usual rule. */
  readonly verbs?: VerbRules;
};

/** The seed's matrix: the newest of the two, and the one its engine used. */
export const DEFAULT_ACL: Acl = {
  name: "default",
  matrix: {
    manager: ["*"],
    "tech-lead": ["webster", "nx-expert", "study-builder", "secretary"],
    optimizer: ["webster", "study-builder", "secretary"],
  },
  never: ["manager"],
};

/** The hooks protocol's older table: tech-lead reaches everyone but the manager, nobody else reaches anyone. */
export const HOOKS_PROTOCOL_ACL: Acl = {
  name: "hooks-protocol",
  matrix: { manager: ["*"], "tech-lead": ["*"] },
  never: ["manager"],
};

export type AclAnswer = {
  readonly allowed: boolean;
  readonly caller: string;
  readonly target: string;
  readonly rule: string;
  readonly text: string;
};

/** Whether one agent may delegate to another; ids, not aliases. */
export function mayDelegate(acl: Acl, caller: string, target: string): AclAnswer {
  const answer = (allowed: boolean, rule: string, why: string): AclAnswer => ({
    allowed,
    caller,
    target,
    rule,
    text: allowed
      ? `${caller} may delegate to ${target} (${rule}).`
      : `${caller} may not delegate to ${target}: ${why}`,
  });
  if (caller === target) return answer(false, "self", "no agent delegates to itself.");
  if (acl.never.includes(target)) return answer(false, `never: ${target}`, `nobody delegates to ${target}.`);
  const row = acl.matrix[caller];
  const advice = adviceFor(acl, target);
  if (!row || row.length === 0)
    return answer(false, `no row for ${caller}`, `the ${acl.name} matrix gives ${caller} nobody.${advice}`);
  const rule = `matrix ${acl.name}: ${caller} → ${row.includes("*") ? "all others" : row.join(", ")}`;
  if (row.includes("*") || row.includes(target)) return answer(true, rule, "");
  return answer(false, rule, `its row is ${row.join(", ")}.${advice}`);
}

/** Whom to ask instead: the first two whose row holds the target. */
function adviceFor(acl: Acl, target: string): string {
  const able = Object.entries(acl.matrix).filter(
    ([caller, row]) => caller !== target && (row.includes("*") || row.includes(target)),
  );
  return able.length === 0
    ? ""
    : ` Ask ${able
        .slice(0, 2)
        .map(([caller]) => caller)
        .join(" or ")} to delegate it.`;
}

/** The same question for whoever asks: the matrix binds agents; the operator and people with the right are free. */
export function mayAsk(acl: Acl, actor: Actor, target: string): AclAnswer {
  const caller = callerOf(actor);
  const free = (rule: string): AclAnswer => ({
    allowed: true,
    caller,
    target,
    rule,
    text: `${caller} may delegate to ${target} (${rule}).`,
  });
  if (actor.kind === "system") return free("system");
  if (actor.kind === "operator")
    return actor.claims ? mayDelegate(acl, actor.claims, target) : free("operator");
  if (actor.kind === "agent") return mayDelegate(acl, actor.id, target);
  if (actor.rights.includes("any-agent")) return free("person with the right any-agent");
  if (actor.as && actor.rights.includes("delegate")) return mayDelegate(acl, actor.as, target);
  return {
    allowed: false,
    caller,
    target,
    rule: "unmapped person",
    text: `@${actor.name} may not delegate: no role or user entry in config/acl.yaml maps you to an agent or gives you a right. Ask the operator to add you under people.`,
  };
}

/** Whether an actor may ask an agent, for many agents in a row: the answers of `mayAsk` without their words. */
export function askableBy(acl: Acl, actor: Actor): (target: string) => boolean {
  const caller = boundAs(actor);
  if (caller === undefined) return (target) => mayAsk(acl, actor, target).allowed;
  const row = new Set(acl.matrix[caller]);
  const isNever = new Set(acl.never);
  return (target) => target !== caller && !isNever.has(target) && (row.has("*") || row.has(target));
}

/** The agent whose row binds the actor; undefined when none does. */
function boundAs(actor: Actor): string | undefined {
  if (actor.kind === "agent") return actor.id;
  if (actor.kind === "operator") return actor.claims;
  if (actor.kind !== "person" || actor.rights.includes("any-agent")) return undefined;
  return actor.rights.includes("delegate") ? actor.as : undefined;
}

/** Every pair of the registry, for tables and tests. */
export function aclTable(acl: Acl, registry: Registry): readonly AclAnswer[] {
  return registry.agents.flatMap((caller) =>
    registry.agents.map((target) => mayDelegate(acl, caller.id, target.id)),
  );
}
