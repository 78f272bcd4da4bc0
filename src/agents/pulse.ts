import type { AgentHealth } from "../engine/ports/agents.ts";

export type Pulse = Omit<AgentHealth, "checkedAt" | "since">;

/** What is known of each agent, from probes and from real dispatches. */
export function createPulses(now: () => number) {
  const known = new Map<string, AgentHealth>();

  /** Notes what was seen; `since` is when the state last changed, and what a pulse does not say is kept. */
  function note(agent: string, seen: Pulse): AgentHealth {
    const before = known.get(agent);
    const checkedAt = now();
    const { version, idempotent } = before ?? {};
    const health: AgentHealth = {
      ...(version === undefined ? {} : { version }),
      ...(idempotent === undefined ? {} : { idempotent }),
      ...seen,
      checkedAt,
      since: before?.state === seen.state ? before.since : checkedAt,
    };
    known.set(agent, health);
    return health;
  }

  return { note, of: (agent: string): AgentHealth | undefined => known.get(agent) };
}
