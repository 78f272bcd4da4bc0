import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import { fittingAgents, stateSymbol } from "../src/discord/agent-choices.ts";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { metricsLines } from "../src/discord/render-metrics.ts";
import { asLine } from "../src/discord/sanitize.ts";
import { cut } from "../src/kernel/text.ts";
import { parseDuration } from "../src/kernel/time.ts";

const SPANS = [
  { name: "last hour", value: "1h" },
  { name: "last 24 hours", value: "24h" },
  { name: "last 7 days", value: "7d" },
  { name: "last 30 days", value: "30d" },
  { name: "everything", value: "all" },
];
const USUAL = "24h";

async function execute(asked: Asked, { verbs }: CommandContext): Promise<Answer> {
  const since = option(asked, "since", "string") ?? USUAL;
  const agent = option(asked, "agent", "string");
  const workflow = option(asked, "workflow", "string");
  const sinceMs = since === "all" ? undefined : parseDuration(since);
  const query = {
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(agent === undefined ? {} : { agent }),
    ...(workflow === undefined ? {} : { workflow }),
  };
  const span = SPANS.find(({ value }) => value === since)?.name ?? since;
  const lines = metricsLines(await verbs.metrics.read(query), span);
  try {
    const bytes = await verbs.metrics.chart("overview", query);
    return { text: lines.join("\n"), outcome: "shown", file: { name: "metrics.png", bytes } };
  } catch (error) {
    // The figures are there; only the picture is not.
    const why = cut(asLine(error instanceof Error ? error.message : String(error)), 200);
    return { text: [...lines, `-# no picture: ${why}`].join("\n"), outcome: "shown without a picture" };
  }
}

export default {
  data: {
    name: "metrics",
    type: ApplicationCommandType.ChatInput,
    description: "How much was done, how well and how fast, with a picture",
    options: [
      {
        name: "since",
        type: ApplicationCommandOptionType.String,
        description: "How far back; the last 24 hours when you say nothing",
        choices: SPANS,
      },
      {
        name: "agent",
        type: ApplicationCommandOptionType.String,
        description: "Only what this agent did",
        autocomplete: true,
      },
      {
        name: "workflow",
        type: ApplicationCommandOptionType.String,
        description: "Only what was done for this workflow",
        autocomplete: true,
      },
    ],
  },
  execute,
  reads: true,
  async autocomplete({ name, value }, { verbs }) {
    if (name === "agent") {
      const agents = fittingAgents(await verbs.agents(), value);
      return agents.map((agent) => ({
        name: `${stateSymbol(agent)} ${agent.card.id}`,
        value: agent.card.id,
      }));
    }
    const typed = value.trim().toLowerCase();
    const names = verbs.runs.workflows().map((workflow) => workflow.name);
    return names
      .filter((workflow) => workflow.toLowerCase().includes(typed))
      .map((workflow) => ({ name: workflow, value: workflow }));
  },
} satisfies Command;
