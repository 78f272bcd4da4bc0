import type { AgentCard } from "../domain/agent-card.ts";
import type { AgentHealth } from "../engine/ports/agents.ts";

export type Pulse = Omit<AgentHealth, "checkedAt" | "since">;

/** What is known of each agent, from probes and from real dispatches. */
export function createPulses(now: () => number) {
  const known = new Map<string, { readonly url: string; readonly health: AgentHealth }>();

  /**
   * Notes what was seen; `since` is when the state last changed, and what a pulse does not say is kept. Of a gateway at
   * another address, where the agent was before, nothing is: that one may know keys again, and this one not.
   */
  function note({ id, url }: Pick<AgentCard, "id" | "url">, seen: Pulse): AgentHealth {
    const last = known.get(id);
    const before = last?.url === url ? last.health : undefined;
    const checkedAt = now();
    const { version, idempotent } = before ?? {};
    const health: AgentHealth = {
      ...(version === undefined ? {} : { version }),
      ...(idempotent === undefined ? {} : { idempotent }),
      ...seen,
      checkedAt,
      since: before?.state === seen.state ? before.since : checkedAt,
    };
    known.set(id, { url, health });
    return health;
  }

  return { note, of: (agent: string): AgentHealth | undefined => known.get(agent)?.health };
}
