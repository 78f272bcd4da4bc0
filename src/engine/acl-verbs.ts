import { type Acl, type AclAnswer, aclTable, mayAsk } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { actorForPerson, type People } from "../domain/people.ts";
import { mayDo, VERBS, type Verb, type VerbAnswer } from "../domain/permissions.ts";
import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { findAgent } from "./choose-agent.ts";
import { permit } from "./ownership.ts";

/** What config/acl.yaml says, for people who ask and for doors with acts of their own. */
export type AclVerbs = {
  /** Whether one agent, or the operator, may delegate to another. */
  readonly explain: (caller: string, target: string) => AclAnswer;
  /** Whether somebody may do something: an agent, `operator`, `role:<name>` or `user:<id>`. */
  readonly explainVerb: (who: string, verb: string) => VerbAnswer;
  /** Every pair of agents, row by row. */
  readonly table: () => readonly AclAnswer[];
  /** Throws `not_allowed` with the rule. */
  readonly permit: (actor: Actor, verb: Verb) => void;
};

export function createAclVerbs(deps: {
  readonly acl: () => Acl;
  readonly people: () => People;
  readonly registry: () => Registry;
}): AclVerbs {
  const { acl, registry } = deps;

  function actorOf(who: string): Actor {
    if (who === "operator") return { kind: "operator" };
    const [, kind, name = ""] = /^(role|user):(.+)$/.exec(who.trim()) ?? [];
    if (kind === undefined) return { kind: "agent", id: findAgent(registry(), who).id };
    const person =
      kind === "user"
        ? { id: name, name, roleIds: [] }
        : { id: "", name, roleIds: [name], roles: [{ id: name, name }] };
    return actorForPerson(named(deps.people(), name), person);
  }

  /** A role that no rule names has what everybody has; most often its name was mistyped. */
  function unknownRole(who: string): string {
    const name = /^role:(.+)$/.exec(who.trim())?.[1];
    const roles = deps.people().roles.map(({ role }) => role);
    if (name === undefined || roles.some((role) => plain(role) === plain(name))) return "";
    const near = nearest(name, roles);
    const known = roles.length === 0 ? "It names none." : `It names ${[...new Set(roles)].join(", ")}.`;
    return ` config/acl.yaml does not name the role ${name}. ${near ? `Did you mean ${near}? ` : ""}${known}`;
  }

  return {
    explain(caller, target) {
      const answer = mayAsk(acl(), actorOf(caller), findAgent(registry(), target).id);
      return { ...answer, text: answer.text + unknownRole(caller) };
    },
    explainVerb(who, word) {
      const answer = mayDo(acl(), actorOf(who), verbOf(word));
      return { ...answer, text: answer.text + unknownRole(who) };
    },
    table: () => aclTable(acl(), registry()),
    permit: (actor, verb) => permit(acl(), actor, verb),
  };
}

const plain = (role: string) => role.replace(/^@/, "").toLowerCase();

/** Roles as they are written down: without the guild their names stand for themselves. */
function named(people: People, name: string): Parameters<typeof actorForPerson>[0] {
  return {
    byUser: new Map(people.users.map(({ user, ...grant }) => [user, grant])),
    byRole: people.roles.map(({ role, ...grant }) => ({
      ...grant,
      roleId: plain(role) === plain(name) ? name : role,
    })),
  };
}

function verbOf(word: string): Verb {
  const verb = VERBS.find((one) => one === word.trim().toLowerCase());
  if (verb) return verb;
  const near = nearest(word, VERBS);
  throw new Refusal("invalid_input", `There is no verb "${word}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}The verbs are ${VERBS.join(", ")}.`,
  });
}
