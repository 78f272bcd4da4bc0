import type { Acl } from "./acl.ts";
import { type Actor, actorName } from "./actor.ts";

/** What config/acl.yaml may give or take, one word for each. */
export const VERBS = [
  "delegate",
  "workflow",
  "submit",
  "context",
  "cancel",
  "retry",
  "override",
  "approve",
  "drain",
  "clear",
  "stop",
  "batch",
] as const;
export type Verb = (typeof VERBS)[number];
/** Verb → who may: rights, agents, `role:<name or id>`, `user:<id>`, or one of GROUPS. A missing verb has its usual rule. */
export type VerbRules = Readonly<Partial<Record<Verb, readonly string[]>>>;

/** `asker`: whoever asked for the work in question. The operator always may; to name it alone shuts out all others. */
export const GROUPS = ["operator", "everyone", "people", "agents", "asker"] as const;

type VerbFacts = {
  /** After "may". */
  readonly doing: string;
  readonly usual: readonly string[];
  /** Whether agents ever may, whatever a rule says. */
  readonly agents: boolean;
  /** Whether it is done to work that somebody asked for. */
  readonly owned: boolean;
  /** Whether the operator's claim, and the agent that a person stands for, count. */
  readonly named: boolean;
  /** Whether the token of a run is good for it. */
  readonly bound: boolean;
};

const facts = (doing: string, usual: readonly string[], more: Partial<VerbFacts> = {}): VerbFacts => ({
  doing,
  usual,
  agents: false,
  owned: false,
  named: false,
  bound: false,
  ...more,
});

/** The usual rules. Beside them the matrix says whom, `task_queue.authors` whose posts, and a gate its approvers. */
export const VERB_FACTS: Readonly<Record<Verb, VerbFacts>> = {
  delegate: facts("delegate", ["everyone"], { agents: true, named: true, bound: true }),
  workflow: facts("start workflows", ["everyone"], { agents: true, named: true }),
  submit: facts("post tasks to the queue", ["everyone"], { agents: true, named: true }),
  context: facts("read channels", ["everyone"], { agents: true, named: true, bound: true }),
  cancel: facts("cancel work", ["asker", "operate"], { agents: true, owned: true, bound: true }),
  retry: facts("do work once more", ["asker", "operate"], { agents: true, owned: true }),
  override: facts("skip steps or accept what is partial", ["asker", "operate"], { owned: true }),
  approve: facts("decide gates", ["people"]),
  drain: facts("drain or resume agents", ["operate"]),
  clear: facts("clear channels", []),
  stop: facts("stop everything", ["operate"]),
  batch: facts("track batches", ["asker", "operate"], { agents: true, owned: true }),
};

export type VerbAnswer = {
  readonly allowed: boolean;
  readonly who: string;
  readonly verb: Verb;
  /** Such as `verbs.cancel: asker, operate (default)`. */
  readonly rule: string;
  readonly text: string;
  /** Of a refusal: who can. */
  readonly hint?: string;
};

/** The work in question. */
export type About = {
  readonly id: string;
  readonly asker: Actor;
  /** What would be done to it, for the hint; without it the verb's word. */
  readonly what?: string;
};

/** The one place that says who may do what. Without `about`, what is somebody's own counts as allowed. */
export function mayDo(acl: Pick<Acl, "verbs">, actor: Actor, verb: Verb, about?: About): VerbAnswer {
  const { usual, doing, agents, bound } = VERB_FACTS[verb];
  const words = acl.verbs?.[verb] ?? usual;
  const rule = `verbs.${verb}: ${words.join(", ") || "the operator alone"}${acl.verbs?.[verb] ? "" : " (default)"}`;
  const who = actorName(actor);
  const yes = (by: string, what = doing): VerbAnswer => {
    return { allowed: true, who, verb, rule: by, text: `${who} may ${what} (${by}).` };
  };
  const no = (by: string, text: string, hint: string): VerbAnswer => {
    return { allowed: false, who, verb, rule: by, text, hint: `${hint} Rule: ${by}.` };
  };
  const asAgent = agentOf(actor, verb);
  if (actor.kind === "system") return yes("system");
  if (actor.kind === "operator" && asAgent === undefined) return yes("operator");
  if (actor.kind === "agent" && actor.run !== undefined && !bound) {
    const text = `${who} may not ${doing} with the token of ${actor.run}.`;
    return no("a run's token", text, "It delegates, and waits for, reads and cancels what its run began.");
  }
  if (asAgent !== undefined && !agents) {
    const text = `${who} may not ${doing}: agents never do.`;
    return no(`agents never ${verb}`, text, "Ask a person, or hand the wish back under `needs:`.");
  }
  if (words.some((word) => isNamed(word, actor, asAgent))) return yes(rule);
  if (words.includes("asker")) {
    if (!about) return yes(rule, `${doing} that they asked for`);
    if (isSameActor(actor, about.asker)) return yes(rule);
    const able = `Its asker, ${ableOf(words)} can ${about.what ?? verb} it.`;
    return no(rule, `${about.id} was asked by somebody else.`, able);
  }
  return no(rule, `${who} may not ${doing}.`, `${capital(ableOf(words))} can.`);
}

/** The agent in whose name it is; undefined for people and operators who act for themselves. */
function agentOf(actor: Actor, verb: Verb): string | undefined {
  if (actor.kind === "agent") return actor.id;
  return actor.kind === "operator" && VERB_FACTS[verb].named ? actor.claims : undefined;
}

function isNamed(word: string, actor: Actor, asAgent: string | undefined): boolean {
  if (word === "everyone") return true;
  if (asAgent !== undefined) return word === "agents" || word === asAgent;
  if (actor.kind !== "person") return false;
  if (word === "people") return true;
  const [, kind, name = ""] = /^(role|user):(.+)$/.exec(word) ?? [];
  if (kind === "user") return name === actor.id;
  if (kind === "role")
    return (actor.roles ?? []).some((role) => role.id === name || isSameName(role.name, name));
  return (actor.rights as readonly string[]).includes(word) || word === actor.as;
}

/** What a run began is its own, not another run's of the same agent; an agent's own token covers all of its runs. */
function isSameActor(actor: Actor, asker: Actor): boolean {
  if (asker.kind !== actor.kind || !("id" in asker) || !("id" in actor) || asker.id !== actor.id)
    return false;
  if (actor.kind !== "agent" || actor.run === undefined) return true;
  return asker.kind === "agent" && asker.run === actor.run;
}

const isSameName = (a: string, b: string) => plainName(a) === plainName(b);
const plainName = (name: string) => name.trim().replace(/^@/, "").toLowerCase();
const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

/** Everybody that a rule names, in a phrase. */
function ableOf(words: readonly string[]): string {
  const rights = words.filter((word) => RIGHTS.has(word)).map((right) => `\`${right}\``);
  const named = words.filter((word) => !RIGHTS.has(word) && word !== "asker" && word !== "operator");
  const parts = [
    "an operator",
    ...(rights.length > 0 ? [`a person with the right ${rights.join(" or ")}`] : []),
    ...named.map((word) => word.replace(/^role:@?/, "@").replace(/^user:/, "the user ")),
  ];
  const last = parts.pop() ?? "";
  if (parts.length === 0) return last;
  return `${parts.join(", ")}${words.includes("asker") || parts.length > 1 ? "," : ""} or ${last}`;
}

const RIGHTS: ReadonlySet<string> = new Set(["delegate", "any-agent", "operate", "read"]);
