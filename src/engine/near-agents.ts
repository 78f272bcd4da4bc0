import { type AgentCard, isNear } from "../domain/agent-card.ts";
import { agentStream } from "../domain/agent-state.ts";
import type { Engine } from "./accept.ts";
import type { AgentHealth, Agents } from "./ports/agents.ts";

/**
 * Agents as a member knows them that works on one machine of several: those that live on another one are not asked
 * from here. What is known of them is what a member on their machine noted in the ledger.
 */
export function createNearAgents(deps: {
  readonly engine: Pick<Engine, "read">;
  readonly agents: Agents;
  readonly host: string;
  readonly now: () => number;
}): Agents {
  const { engine, agents, host, now } = deps;
  const hearsay = new Map<string, AgentHealth>();

  async function heard(card: AgentCard): Promise<AgentHealth> {
    const seen = (await engine.read("agent", agentStream(card.id)))?.seen;
    const at = now();
    const health: AgentHealth = {
      state: seen?.state ?? "unknown",
      text: seen ? `${seen.text} (as seen on ${card.host})` : `it is asked on ${card.host}, where it runs`,
      checkedAt: at,
      since: seen?.since ?? at,
    };
    hearsay.set(card.id, health);
    return health;
  }

  return {
    ...agents,
    probe: (card) => (isNear(card, host) ? agents.probe(card) : heard(card)),
    // From another machine the same address may be another gateway.
    askAt: async () => ({ state: "unknown", text: "where it was, only its machine can ask" }),
    health: (agent) => hearsay.get(agent) ?? agents.health(agent),
  };
}
