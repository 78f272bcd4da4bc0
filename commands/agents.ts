import { ApplicationCommandType } from "discord.js";
import { stateSymbol, workload } from "../src/discord/agent-choices.ts";
import type { Answer, Asked, Command, CommandContext } from "../src/discord/command.ts";
import { relative } from "../src/discord/look.ts";
import { asLine } from "../src/discord/sanitize.ts";
import type { AgentStatus } from "../src/engine/verbs.ts";
import { counted, cut } from "../src/kernel/text.ts";

const WORDS: Readonly<Record<AgentStatus["state"], string>> = {
  up: "up",
  busy: "busy",
  draining: "draining",
  down: "down",
  unauthorized: "blocked by 401",
  unknown: "not asked yet",
};

function lines(agent: AgentStatus): readonly string[] {
  const { card, state, since, lastHandoffAt } = agent;
  const head = [
    `${stateSymbol(agent)} **${card.id}**${card.letter ? ` (${card.letter})` : ""}`,
    `${WORDS[state]}${state === "unknown" ? "" : ` since ${relative(since)}`}${agent.unsteady ? ", unsteady" : ""}`,
    workload(agent),
    ...(lastHandoffAt === undefined ? [] : [`last handoff ${relative(lastHandoffAt)}`]),
  ];
  const small = [
    card.capabilities.join(", "),
    card.model ?? "",
    asLine(card.note ?? ""),
    card.sample ? "sample" : "",
  ].filter(Boolean);
  return [
    head.join(" · "),
    ...trouble(agent).map((text) => `-# ↳ ${text}`),
    ...(small.length > 0 ? [`-# ${cut(small.join(" · "), 160)}`] : []),
  ];
}

/** What is the matter, and what to do about it. */
function trouble({ card, state, health, draining }: AgentStatus): readonly string[] {
  const { reason, by } = draining ?? {};
  const why = reason === undefined ? "" : `: ${cut(asLine(reason), 100)}`;
  return [
    ...(state === "down" ? [cut(asLine(health.text), 150)] : []),
    ...(state === "unauthorized"
      ? [
          `${cut(asLine(health.text), 150)} · set ${asLine(card.tokenEnv ?? "its token_env")} to the hooks token of its gateway and restart, or save config/agents.yaml to try again`,
        ]
      : []),
    ...(draining
      ? [
          `drained ${relative(draining.at)} by ${asLine(by ?? "")}${why} · \`hq agents resume ${card.id}\` on the command line gives it work again`,
        ]
      : []),
  ];
}

async function execute(_asked: Asked, { verbs, registry }: CommandContext): Promise<Answer> {
  // Asked now: what was known before may be old, or nothing.
  const agents = await Promise.all(registry.agents.map(({ id }) => verbs.agent(id, { probe: true })));
  const up = agents.filter(({ health }) => health.state === "up").length;
  return {
    text: [`**${counted(agents.length, "agent")}**, ${up} answering`, ...agents.flatMap(lines)].join("\n"),
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
