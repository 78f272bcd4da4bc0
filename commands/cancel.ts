import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { suggestion } from "../src/discord/render-details.ts";

async function cancel(id: string, { verbs, actor }: CommandContext, reason?: string): Promise<Answer> {
  const view = await verbs.cancel(actor, id.trim(), reason);
  return {
    text: `Canceled **${view.agent}**'s work.\n-# ${view.id} · what the agent hands in from now on is kept as late and changes nothing`,
    outcome: `canceled ${view.id}`,
  };
}

export default {
  data: {
    name: "cancel",
    type: ApplicationCommandType.ChatInput,
    description: "Stop waiting for a delegation",
    options: [
      {
        name: "id",
        type: ApplicationCommandOptionType.String,
        description: "Which one",
        required: true,
        autocomplete: true,
        max_length: 100,
      },
      {
        name: "reason",
        type: ApplicationCommandOptionType.String,
        description: "Why, for the history",
        max_length: 200,
      },
    ],
  },
  execute: (asked: Asked, context: CommandContext) =>
    cancel(option(asked, "id", "string") ?? "", context, option(asked, "reason", "string")),
  async autocomplete({ value }, { verbs }) {
    const { items } = await verbs.delegations({ open: true, limit: 100 });
    const wanted = value.trim().toLowerCase();
    return items
      .filter(({ id, agent, objective }) => `${id} ${agent} ${objective}`.toLowerCase().includes(wanted))
      .map(suggestion);
  },
  presses: { cancel: { execute: (asked, context) => cancel(asked.subject ?? "", context) } },
} satisfies Command;
