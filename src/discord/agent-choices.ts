import type { AgentStatus } from "../engine/verbs.ts";

const SYMBOLS: Readonly<Record<AgentStatus["health"]["state"], string>> = {
  up: "🟢",
  down: "🔴",
  unauthorized: "🟠",
  unknown: "⚪",
};

export function stateSymbol(status: AgentStatus): string {
  return SYMBOLS[status.health.state];
}

/** `idle`, `1 running`, `1 running, 3 waiting`. */
export function workload({ running, queued }: AgentStatus): string {
  const words = [
    ...(running > 0 ? [`${running} running`] : []),
    ...(queued > 0 ? [`${queued} waiting`] : []),
  ];
  return words.length > 0 ? words.join(", ") : "idle";
}

/** Agents whose id, name, alias, letter or capability fits what was typed so far; those that begin with it first. */
export function fittingAgents(agents: readonly AgentStatus[], typed: string): readonly AgentStatus[] {
  const wanted = typed.trim().toLowerCase();
  const wordsOf = ({ card }: AgentStatus) =>
    [card.id, card.name, card.letter ?? "", ...card.aliases, ...card.capabilities].map((word) =>
      word.toLowerCase(),
    );
  const fitting = agents.filter((agent) => wordsOf(agent).some((word) => word.includes(wanted)));
  const begins = (agent: AgentStatus) => (agent.card.id.toLowerCase().startsWith(wanted) ? 0 : 1);
  return [...fitting].sort((a, b) => begins(a) - begins(b));
}
