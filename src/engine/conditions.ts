import type { AgentCard } from "../domain/agent-card.ts";
import type { AgentCondition, ConditionOf } from "../domain/routing.ts";
import type { Agents } from "./ports/agents.ts";
import type { Ledger } from "./ports/ledger.ts";

/** How some agents stand now, for a choice between them. */
export type Conditions = (cards: readonly AgentCard[]) => Promise<ConditionOf>;

/** Health as it is known without asking, open work as the ledger counts it. */
export function createConditions(deps: {
  readonly agents: Pick<Agents, "health">;
  readonly ledger: Pick<Ledger, "openByAgent">;
  readonly isDraining: (agent: string) => Promise<boolean>;
}): Conditions {
  return async (cards) => {
    const open = new Map<string, { running: number; queued: number }>();
    for (const { agent, status, count } of await deps.ledger.openByAgent("delegation", [
      "queued",
      "dispatched",
    ])) {
      const work = open.get(agent) ?? { running: 0, queued: 0 };
      work[status === "dispatched" ? "running" : "queued"] += count;
      open.set(agent, work);
    }
    const known = await Promise.all(
      cards.map(async ({ id }): Promise<[string, AgentCondition]> => {
        const state = deps.agents.health(id)?.state ?? "unknown";
        const isDraining = await deps.isDraining(id);
        return [id, { state, isDraining, ...(open.get(id) ?? { running: 0, queued: 0 }) }];
      }),
    );
    const byId = new Map(known);
    return (agent) => byId.get(agent);
  };
}
