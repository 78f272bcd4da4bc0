import { type Acl, askableBy, mayAsk } from "./acl.ts";
import type { Actor } from "./actor.ts";
import type { AgentCard, Registry } from "./agent-card.ts";

/** What is known of an agent at the moment of a choice. Absent = nothing is known against it. */
export type AgentCondition = {
  readonly state: "up" | "down" | "unauthorized" | "unknown";
  readonly isDraining: boolean;
  /** Its open delegations: with it, and waiting for it. */
  readonly running: number;
  readonly queued: number;
};

export type ConditionOf = (agent: string) => AgentCondition | undefined;

/** How one agent that can do the work stands: `free` and `busy` can take it, the others lack what they say. */
export type Standing = "free" | "busy" | "draining" | "down" | "unauthorized" | "not_allowed";

export type Candidate = {
  readonly agent: string;
  readonly standing: Standing;
  /** A few words for people: why it may be chosen, or what it lacks. */
  readonly why: string;
};

/** Able ones first, then those whose lack passes by itself; nobody is chosen who may not be asked. */
const RANK: Readonly<Record<Standing, number>> = {
  free: 0,
  busy: 1,
  draining: 2,
  down: 3,
  unauthorized: 4,
  not_allowed: 5,
};

export function canTake({ standing }: Pick<Candidate, "standing">): boolean {
  return RANK[standing] <= RANK.busy;
}

/** Agents that could stand in for one: those that share capabilities with it, most in common first. */
export function standInsFor(
  registry: Registry,
  card: Pick<AgentCard, "id" | "capabilities">,
): readonly AgentCard[] {
  const shared = new Map<AgentCard, number>();
  for (const word of card.capabilities) {
    for (const other of registry.able(word)) {
      if (other.id !== card.id) shared.set(other, (shared.get(other) ?? 0) + 1);
    }
  }
  const order = new Map(registry.agents.map((other, index) => [other, index]));
  return [...shared]
    .sort(([a, most], [b, more]) => more - most || (order.get(a) ?? 0) - (order.get(b) ?? 0))
    .map(([other]) => other);
}

/** So many are named to people; the rest could only come after them. */
const MOST_RANKED = 8;

type Rated = { readonly card: AgentCard; readonly standing: Standing; readonly load: number };

/**
 * The agents that should be asked first, at most eight: allowed and alive, then free, then the least busy,
 * then the cheapest, then as they were given. Each with its reason.
 */
export function rankAgents(input: {
  readonly among: readonly AgentCard[];
  readonly acl: Acl;
  readonly actor: Actor;
  readonly conditionOf: ConditionOf;
}): readonly Candidate[] {
  const { acl, actor, conditionOf } = input;
  const isAllowed = askableBy(acl, actor);
  const best: Rated[] = [];
  for (const card of input.among) {
    const rated = rate(card, isAllowed(card.id), conditionOf(card.id));
    const last = best.at(-1);
    if (best.length === MOST_RANKED && last && compare(last, rated) <= 0) continue;
    const place = best.findIndex((other) => compare(other, rated) > 0);
    best.splice(place < 0 ? best.length : place, 0, rated);
    if (best.length > MOST_RANKED) best.pop();
  }
  return best.map(({ card, standing }) => ({
    agent: card.id,
    standing,
    why: whyOf(card, standing, conditionOf(card.id), () => mayAsk(acl, actor, card.id).text),
  }));
}

function compare(a: Rated, b: Rated): number {
  return RANK[a.standing] - RANK[b.standing] || a.load - b.load || (a.card.cost ?? 1) - (b.card.cost ?? 1);
}

function rate(card: AgentCard, isAllowed: boolean, now: AgentCondition | undefined): Rated {
  const load = openOf(now) / card.concurrency;
  return { card, load, standing: standingOf(isAllowed, now, load) };
}

const openOf = (now: AgentCondition | undefined) => (now?.running ?? 0) + (now?.queued ?? 0);

function standingOf(isAllowed: boolean, now: AgentCondition | undefined, load: number): Standing {
  if (!isAllowed) return "not_allowed";
  if (now?.state === "unauthorized" || now?.state === "down") return now.state;
  if (now?.isDraining) return "draining";
  return load >= 1 ? "busy" : "free";
}

function whyOf(
  { id, cost }: AgentCard,
  standing: Standing,
  now: AgentCondition | undefined,
  refusal: () => string,
): string {
  switch (standing) {
    case "free":
      return `${id} is free${cost === undefined ? "" : ` (cost ${cost})`}`;
    case "busy":
      return `${id} has ${openOf(now)} to do already`;
    case "draining":
      return `${id} is drained`;
    case "down":
      return `${id} is down`;
    case "unauthorized":
      return `${id} refuses our token`;
    case "not_allowed":
      return refusal();
  }
}
