import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { detailsText, statusLine, suggestion } from "../src/discord/render-details.ts";

const MOST_SHOWN = 8;

async function execute(asked: Asked, context: CommandContext): Promise<Answer> {
  const id = option(asked, "id", "string")?.trim();
  return id ? details(id, context) : overview(context);
}

async function details(id: string, { verbs, guildId }: CommandContext): Promise<Answer> {
  const view = await verbs.delegation(id);
  return { text: detailsText(view, await verbs.receipts(id), guildId), outcome: "shown" };
}

async function overview({ verbs }: CommandContext): Promise<Answer> {
  const open = await verbs.delegations({ open: true, limit: 100 });
  const latest = await verbs.delegations({ limit: MOST_SHOWN });
  const shown = open.items.length > 0 ? open.items : latest.items.slice(0, 3);
  const more = shown.length - MOST_SHOWN;
  const count = open.next ? "more than 100" : String(open.items.length);
  return {
    text: [
      `**${count} open**${open.items.length === 0 && shown.length > 0 ? "; the latest:" : ""}`,
      ...shown.slice(0, MOST_SHOWN).map(statusLine),
      ...(more > 0 ? [`-# and ${more} more; \`/status\` with an id shows one`] : []),
    ].join("\n"),
    outcome: "shown",
  };
}

export default {
  data: {
    name: "status",
    type: ApplicationCommandType.ChatInput,
    description: "What is going on, or everything about one delegation",
    options: [
      {
        name: "id",
        type: ApplicationCommandOptionType.String,
        description: "A delegation's id",
        autocomplete: true,
        max_length: 100,
      },
    ],
  },
  execute,
  reads: true,
  async autocomplete({ value }, { verbs }) {
    const { items } = await verbs.delegations({ limit: 100 });
    const wanted = value.trim().toLowerCase();
    return items
      .filter(({ id, agent, objective }) => `${id} ${agent} ${objective}`.toLowerCase().includes(wanted))
      .map(suggestion);
  },
  presses: {
    details: { execute: (asked, context) => details(asked.subject ?? "", context), reads: true },
  },
} satisfies Command;
