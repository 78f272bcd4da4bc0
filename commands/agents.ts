import { ApplicationCommandType } from "discord.js";
import { stateSymbol, workload } from "../src/discord/agent-choices.ts";
import type { Answer, Asked, Command, CommandContext } from "../src/discord/command.ts";
import { relative } from "../src/discord/look.ts";
import { asLine } from "../src/discord/sanitize.ts";
import type { AgentStatus } from "../src/engine/verbs.ts";
import { cut } from "../src/kernel/text.ts";

function line(agent: AgentStatus): string {
  const { card, health, lastHandoffAt } = agent;
  const letter = card.letter ? ` (${card.letter})` : "";
  const state =
    health.state === "up" || health.state === "unknown" ? workload(agent) : cut(asLine(health.text), 100);
  const last = lastHandoffAt === undefined ? "" : ` · last handoff ${relative(lastHandoffAt)}`;
  const small = [card.capabilities.join(", "), card.sample ? "sample" : ""].filter(Boolean).join(" · ");
  return `${stateSymbol(agent)} **${card.id}**${letter} · ${state}${last}${small ? `\n-# ${small}` : ""}`;
}

async function execute(_asked: Asked, { verbs, registry }: CommandContext): Promise<Answer> {
  // Asked now: what was known before may be old, or nothing.
  const agents = await Promise.all(registry.agents.map(({ id }) => verbs.agent(id, { probe: true })));
  const up = agents.filter(({ health }) => health.state === "up").length;
  return {
    text: [`**${agents.length} agents**, ${up} answering`, ...agents.map(line)].join("\n"),
    outcome: "listed",
  };
}

export default {
  data: {
    name: "agents",
    type: ApplicationCommandType.ChatInput,
    description: "Who is there, what they can do, and whether they answer",
  },
  execute,
  reads: true,
} satisfies Command;
