import type { AgentCard, Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import { stateOf } from "./accept.ts";
import type { AgentWatch } from "./agent-watch.ts";
import { findAgent } from "./choose-agent.ts";
import { NOTHING, type OpenWork, openWork } from "./conditions.ts";
import type { AgentHealth } from "./ports/agents.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { AgentStatus } from "./verbs.ts";

/** How each agent is, what it does, and whether it gets new work. */
export function createAgentStatus(deps: {
  readonly ledger: Pick<Ledger, "list" | "openByAgent">;
  readonly watch: AgentWatch;
  readonly registry: () => Registry;
  readonly startedAt: number;
}) {
  const { ledger, watch, registry } = deps;

  async function statusOf(card: AgentCard, work: OpenWork, isProbed: boolean): Promise<AgentStatus> {
    const { id } = card;
    const unknown: AgentHealth = {
      state: "unknown",
      text: "not asked yet",
      checkedAt: 0,
      since: deps.startedAt,
    };
    const health = isProbed ? await watch.agents.probe(card) : (watch.agents.health(id) ?? unknown);
    const [{ seen, draining, unsteady }, lastHandoffAt] = await Promise.all([
      watch.stateOf(id),
      lastHandoffOf(id),
    ]);
    const base = seen ?? health;
    const isBusy = work.running >= card.concurrency;
    const rest = {
      card,
      health,
      ...work,
      ...(draining ? { draining } : {}),
      ...(unsteady ? { unsteady: true as const } : {}),
      ...(lastHandoffAt === undefined ? {} : { lastHandoffAt }),
    };
    if (base.state === "down" || base.state === "unauthorized")
      return { ...rest, state: base.state, since: base.since };
    if (draining) return { ...rest, state: "draining", since: draining.at };
    if (isBusy) return { ...rest, state: "busy", since: await busySince(id, base.since) };
    return { ...rest, state: base.state, since: base.since };
  }

  async function lastHandoffOf(agent: string): Promise<number | undefined> {
    const status = ["succeeded", "partial", "blocked"];
    const { items } = await ledger.list({ kind: "delegation", agent, status, limit: 1 });
    return items[0] && stateOf("delegation", items[0]).outcome?.at;
  }

  /** When it got the last of what it has. */
  async function busySince(agent: string, otherwise: number): Promise<number> {
    const { items } = await ledger.list({ kind: "delegation", agent, status: ["dispatched"], limit: 1 });
    return (items[0] && currentAttempt(stateOf("delegation", items[0])).dispatchedAt) ?? otherwise;
  }

  return {
    async agents(): Promise<readonly AgentStatus[]> {
      const work = await openWork(ledger, registry());
      return Promise.all(
        registry().agents.map((card) => statusOf(card, work.get(card.id) ?? NOTHING, false)),
      );
    },
    async agent(word: string, options?: { readonly probe?: boolean }): Promise<AgentStatus> {
      const card = findAgent(registry(), word);
      const work = await openWork(ledger, registry());
      return statusOf(card, work.get(card.id) ?? NOTHING, options?.probe ?? false);
    },
  };
}
