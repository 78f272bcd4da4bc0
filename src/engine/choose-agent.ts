import type { Acl } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import { type AgentCard, agentsThere, type Registry } from "../domain/agent-card.ts";
import type { Order } from "../domain/delegation-types.ts";
import { type Candidate, canTake, rankAgents, standInsFor } from "../domain/routing.ts";
import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import type { Conditions } from "./conditions.ts";
import type { Agents } from "./ports/agents.ts";

/** Who is to do something: an agent by name, or whoever has a capability. */
export type Wish = {
  readonly agent?: string;
  readonly capability?: string;
  /** Whether others may stand in for the agent that was named, or which ones. */
  readonly fallback?: boolean | readonly string[];
  /** `refuse`: only an agent that answers now. */
  readonly ifDown?: "refuse" | "wait";
  /** Agents that work on the same chain already. */
  readonly not?: readonly string[];
};

export type Choice = {
  readonly agent: string;
  readonly why: string;
  /** The agent that was named and cannot be given the work now. */
  readonly insteadOf?: string;
};
export type ChooseAgent = (actor: Actor, wish: Wish) => Promise<Choice>;

export type ChooseDeps = {
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly agents: Pick<Agents, "probe">;
  readonly conditions: Conditions;
};

export function findAgent(registry: Registry, word: string): AgentCard {
  const card = registry.find(word);
  if (card) return card;
  const words = registry.agents.flatMap(({ id, aliases }) => [id, ...aliases]);
  const near = nearest(word, words);
  throw new Refusal("unknown_agent", `There is no agent "${word}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}${agentsThere(registry.agents.map(({ id }) => id))}`,
  });
}

/** The agent that a request or a step names, or the best of those with its capability, with the reason. */
export function createChooseAgent(deps: ChooseDeps): ChooseAgent {
  async function rank(actor: Actor, among: readonly AgentCard[]): Promise<readonly Candidate[]> {
    return rankAgents({ among, acl: deps.acl(), actor, conditionOf: await deps.conditions(among) });
  }

  /** The first that answers; what was believed of it may be old. */
  async function firstAlive(
    actor: Actor,
    among: readonly AgentCard[],
  ): Promise<{ readonly best?: Candidate; readonly ranked: readonly Candidate[] }> {
    let ranked = await rank(actor, among);
    for (let looks = 0; looks < among.length; looks++) {
      const best = ranked.find(canTake);
      if (!best) break;
      const { state } = await deps.agents.probe(findAgent(deps.registry(), best.agent));
      if (state === "up") return { best, ranked };
      ranked = await rank(actor, among);
    }
    return { ranked };
  }

  async function forCapability(actor: Actor, wish: Wish, wanted: string): Promise<Choice> {
    const registry = deps.registry();
    const among = registry.able(wanted).filter(({ id }) => !wish.not?.includes(id));
    if (among.length === 0) throw unknownCapability(registry, wanted);
    const { best, ranked } =
      wish.ifDown === "refuse" ? await firstAlive(actor, among) : withBest(await rank(actor, among));
    if (best) return { agent: best.agent, why: reasonFor(best, wanted, ranked) };
    const lacks = ranked.map(({ why }) => why).join("; ");
    if (ranked.every(({ standing }) => standing === "not_allowed")) {
      throw new Refusal("not_allowed", `Nobody with the capability "${wanted}" may be asked.`, {
        hint: lacks,
      });
    }
    throw new Refusal(
      "agent_down",
      `Nobody with the capability "${wanted}" can be given work now: ${lacks.replace(/\.$/, "")}.`,
      { hint: "Start one of them, or let the work wait (--if-down wait)." },
    );
  }

  async function named(actor: Actor, wish: Wish, word: string): Promise<Choice> {
    const card = findAgent(deps.registry(), word);
    const asIs = { agent: card.id, why: "named by the step" };
    const mayWait = wish.ifDown !== "refuse";
    if (mayWait && !wish.fallback) return asIs;
    const conditionOf = await deps.conditions([card]);
    // Who may wait is not kept waiting for a look: what is known is enough, and the dispatch finds out the rest.
    const known = { state: conditionOf(card.id)?.state ?? "unknown", text: "as it was last seen" };
    const health = mayWait ? known : await deps.agents.probe(card);
    const lack = lackOf(card, health, conditionOf(card.id)?.isDraining ?? false);
    if (!lack) return asIs;
    const among = standIns(deps.registry(), card, wish).filter(({ id }) => !wish.not?.includes(id));
    const { best, ranked } = await firstAlive(actor, among);
    if (!best && mayWait) return asIs;
    if (best) return { agent: best.agent, insteadOf: card.id, why: `${lack.short}; ${best.why}` };
    if (ranked.length === 0) throw lack.refusal;
    throw new Refusal(
      lack.refusal.code,
      `${lack.refusal.message} Nobody can stand in: ${ranked.map(({ why }) => why).join("; ")}`,
      lack.refusal.hint === undefined ? {} : { hint: lack.refusal.hint },
    );
  }

  return async (actor, wish) =>
    wish.agent === undefined
      ? forCapability(actor, wish, wish.capability ?? "")
      : named(actor, wish, wish.agent);
}

/** Who may do what an agent was to do: none unless that was allowed. */
function standIns(
  registry: Registry,
  card: Pick<AgentCard, "id" | "capabilities">,
  { fallback, capability }: Pick<Wish, "fallback" | "capability">,
): readonly AgentCard[] {
  if (!fallback) return [];
  if (fallback !== true)
    return fallback.flatMap((word) => registry.find(word) ?? []).filter(({ id }) => id !== card.id);
  if (capability === undefined) return standInsFor(registry, card);
  return registry.able(capability).filter(({ id }) => id !== card.id);
}

/** Everybody who may come to do what a step asks for. */
export function possibleAgents(
  registry: Registry,
  { agent, capability, fallback }: Pick<Wish, "agent" | "capability" | "fallback">,
): readonly AgentCard[] {
  const card = agent === undefined ? undefined : registry.find(agent);
  if (card)
    return [
      card,
      ...standIns(registry, card, {
        ...(fallback === undefined ? {} : { fallback }),
        ...(capability === undefined ? {} : { capability }),
      }),
    ];
  return registry.able(capability ?? "");
}

/** Another agent for work that its agent cannot be given; undefined when there is none, or none is wanted. */
export function createStandIn(deps: Pick<ChooseDeps, "registry" | "acl" | "conditions">) {
  return async (order: Order): Promise<Candidate | undefined> => {
    const { agent, actor, capability, parent } = order;
    const registry = deps.registry();
    if (!order.fallback) return undefined;
    // What one could do that was taken out of the file nobody knows: others are named, or have what was asked for.
    const card = registry.find(agent) ?? { id: agent, capabilities: [] };
    const among = standIns(registry, card, {
      fallback: order.fallback.to ?? true,
      ...(capability === undefined ? {} : { capability }),
    }).filter(({ id }) => !parent?.chain.includes(id));
    const conditionOf = await deps.conditions(among);
    return rankAgents({ among, acl: deps.acl(), actor, conditionOf }).find(canTake);
  };
}

function withBest(ranked: readonly Candidate[]) {
  // With nobody alive, the work waits for the first one that may be asked.
  const best = ranked.find(({ standing }) => standing !== "not_allowed");
  return { ranked, ...(best ? { best } : {}) };
}

function reasonFor(best: Candidate, wanted: string, ranked: readonly Candidate[]): string {
  const others = ranked.filter((other) => other !== best);
  const comes = ({ standing, why, agent }: Candidate) =>
    standing === best.standing && canTake(best) ? `${agent} comes after it` : why.replace(/\.$/, "");
  const stands = best.standing === "free" ? "" : `; ${best.why}`;
  return [`has ${wanted}${stands}`, ...others.map(comes)].join("; ");
}

function lackOf(
  card: AgentCard,
  health: { readonly state: string; readonly text: string },
  isDraining: boolean,
): { readonly short: string; readonly refusal: Refusal } | undefined {
  if (health.state === "down") {
    return {
      short: `${card.id} is down`,
      refusal: new Refusal("agent_down", `${card.id} does not answer at ${card.url}: ${health.text}`, {
        hint: "Start it, let the work wait for it (--if-down wait), or let another one do it (--fallback).",
      }),
    };
  }
  if (health.state === "unauthorized") {
    return {
      short: `${card.id} refuses our token`,
      refusal: new Refusal("agent_unauthorized", `${card.id} refuses our token: ${health.text}`, {
        hint: `Set ${card.tokenEnv ?? "its token_env"} to the hooks token of its gateway and restart; \`hq doctor\` checks it.`,
      }),
    };
  }
  if (!isDraining) return undefined;
  return {
    short: `${card.id} is drained`,
    refusal: new Refusal("agent_draining", `${card.id} is drained: it takes no new work.`, {
      hint: `\`hq agents resume ${card.id}\` ends that; or let the work wait (--if-down wait), or let another one do it (--fallback).`,
    }),
  };
}

/** Nobody has it but those who were shut out. */
function unknownCapability(registry: Registry, wanted: string): Refusal {
  const inChain = registry.able(wanted);
  if (inChain.length > 0) {
    return new Refusal(
      "guard_cycle",
      `Only ${inChain.map(({ id }) => id).join(", ")} can do ${wanted}, and works on this chain already.`,
      { hint: "An agent that already works on this chain cannot be asked again inside it." },
    );
  }
  const known = registry.capabilities;
  const near = nearest(wanted, known);
  return new Refusal("unknown_agent", `No agent has the capability "${wanted}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}There are: ${known.join(", ")}.`,
  });
}
