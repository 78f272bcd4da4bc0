import { ComponentType } from "discord.js";
import type { AgentStatus } from "../engine/verbs.ts";
import { cut } from "../kernel/text.ts";
import type { Choice } from "./command.ts";
import { LIMITS } from "./limits.ts";

const SYMBOLS: Readonly<Record<AgentStatus["state"], string>> = {
  up: "🟢",
  busy: "🔵",
  draining: "⏸️",
  down: "🔴",
  unauthorized: "⛔",
  unknown: "⚪",
};

export function stateSymbol(status: AgentStatus): string {
  return SYMBOLS[status.state];
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

/** Capabilities that fit what was typed so far, each with those who have it. */
export function fittingCapabilities(agents: readonly AgentStatus[], typed: string): readonly Choice[] {
  const wanted = typed.trim().toLowerCase();
  const words = [...new Set(agents.flatMap(({ card }) => [...card.capabilities, ...card.skills]))].toSorted();
  return words
    .filter((word) => word.toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.startsWith(wanted)) - Number(a.startsWith(wanted)))
    .map((word) => {
      const able = agents.filter(({ card }) => [...card.capabilities, ...card.skills].includes(word));
      return {
        name: `${word} · ${able.map((agent) => `${stateSymbol(agent)} ${agent.card.id}`).join(", ")}`,
        value: word,
      };
    });
}

/** A menu of the agents, and how many had no room in it; `/delegate` finds those. */
export function agentMenu(customId: string, agents: readonly AgentStatus[]) {
  const shown = agents.slice(0, LIMITS.selectOptions);
  const menu = {
    type: ComponentType.StringSelect,
    custom_id: customId,
    placeholder: "Choose an agent",
    options: shown.map((agent) => ({
      label: agent.card.id,
      value: agent.card.id,
      description: cut(
        `${stateSymbol(agent)} ${workload(agent)} · ${agent.card.capabilities.join(", ")}`,
        LIMITS.choiceChars,
      ),
    })),
  } as const;
  return { menu, left: agents.length - shown.length };
}
