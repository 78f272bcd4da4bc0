import type { AgentCard, Registry } from "../domain/agent-card.ts";
import type { AgentCondition, ConditionOf } from "../domain/routing.ts";
import type { Agents } from "./ports/agents.ts";
import type { Ledger } from "./ports/ledger.ts";

/** How some agents stand now, for a choice between them. */
export type Conditions = (cards: readonly AgentCard[]) => Promise<ConditionOf>;

export type OpenWork = { readonly queued: number; readonly running: number };
export const NOTHING: OpenWork = { queued: 0, running: 0 };

/** What each agent has, by the id that it has now: also what it was given under an earlier one. */
export async function openWork(
  ledger: Pick<Ledger, "openByAgent">,
  registry: Registry,
): Promise<ReadonlyMap<string, OpenWork>> {
  const byAgent = new Map<string, OpenWork>();
  for (const row of await ledger.openByAgent("delegation", ["queued", "dispatched"])) {
    const agent = registry.find(row.agent)?.id ?? row.agent;
    const { queued, running } = byAgent.get(agent) ?? NOTHING;
    const isRunning = row.status === "dispatched";
    byAgent.set(agent, {
      queued: queued + (isRunning ? 0 : row.count),
      running: running + (isRunning ? row.count : 0),
    });
  }
  return byAgent;
}

/** Health as it is known without asking, open work as the ledger counts it. */
export function createConditions(deps: {
  readonly agents: Pick<Agents, "health">;
  readonly ledger: Pick<Ledger, "openByAgent">;
  readonly registry: () => Registry;
  readonly isDraining: (agent: string) => Promise<boolean>;
}): Conditions {
  return async (cards) => {
    const open = await openWork(deps.ledger, deps.registry());
    const known = await Promise.all(
      cards.map(async ({ id }): Promise<[string, AgentCondition]> => {
        const state = deps.agents.health(id)?.state ?? "unknown";
        const isDraining = await deps.isDraining(id);
        return [id, { state, isDraining, ...(open.get(id) ?? NOTHING) }];
      }),
    );
    const byId = new Map(known);
    return (agent) => byId.get(agent);
  };
}
