import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { runOrDelegation } from "../src/discord/find-work.ts";
import { detailsText, statusLine, suggestion } from "../src/discord/render-details.ts";
import { runDetails, runLine, runSuggestion } from "../src/discord/run-answers.ts";
import type { DelegationView } from "../src/domain/view.ts";

const MOST_SHOWN = 8;
const MOST_LOOKED_AT = 100;

async function execute(asked: Asked, context: CommandContext): Promise<Answer> {
  const id = option(asked, "id", "string")?.trim();
  return id ? details(id, context) : overview(context);
}

async function details(id: string, { verbs, guildId }: CommandContext): Promise<Answer> {
  const receipts = await verbs.receipts(id);
  return runOrDelegation<Answer>(id, {
    run: async () =>
      runDetails(await verbs.runs.run(id), { receipts, events: await verbs.history(id), guildId }),
    delegation: async () => ({
      text: detailsText(await verbs.delegation(id), receipts, guildId),
      outcome: "shown",
    }),
  });
}

/** Open runs, then open delegations that are no part of one; when nothing is open, the latest of both. */
async function overview({ verbs }: CommandContext): Promise<Answer> {
  const all = { open: true, limit: MOST_LOOKED_AT } as const;
  const [runs, delegations] = await Promise.all([verbs.runs.runs(all), verbs.delegations(all)]);
  const open = [...runs.items.map(runLine), ...delegations.items.filter(isAlone).map(statusLine)];
  const count = runs.next || delegations.next ? `more than ${open.length}` : String(open.length);
  const shown = open.length > 0 ? open : await latest(verbs);
  const more = shown.length - MOST_SHOWN;
  return {
    text: [
      `**${count} open**${open.length === 0 && shown.length > 0 ? "; the latest:" : ""}`,
      ...shown.slice(0, MOST_SHOWN),
      ...(more > 0 ? [`-# and ${more} more; \`/status\` with an id shows one`] : []),
    ].join("\n"),
    outcome: "shown",
  };
}

async function latest(verbs: CommandContext["verbs"]): Promise<readonly string[]> {
  const some = { limit: MOST_SHOWN } as const;
  const [runs, delegations] = await Promise.all([verbs.runs.runs(some), verbs.delegations(some)]);
  return [
    ...runs.items.map((view) => ({ at: view.settledAt ?? view.startedAt, line: runLine(view) })),
    ...delegations.items
      .filter(isAlone)
      .map((view) => ({ at: view.settledAt ?? view.queuedAt, line: statusLine(view) })),
  ]
    .sort((a, b) => b.at - a.at)
    .slice(0, 3)
    .map(({ line }) => line);
}

const isAlone = ({ workflow }: DelegationView) => workflow?.run === undefined;

export default {
  data: {
    name: "status",
    type: ApplicationCommandType.ChatInput,
    description: "What is going on, or everything about one delegation or run",
    options: [
      {
        name: "id",
        type: ApplicationCommandOptionType.String,
        description: "The id of a delegation or a run",
        autocomplete: true,
        max_length: 100,
      },
    ],
  },
  execute,
  reads: true,
  async autocomplete({ value }, { verbs }) {
    const some = { limit: MOST_LOOKED_AT } as const;
    const [runs, delegations] = await Promise.all([verbs.runs.runs(some), verbs.delegations(some)]);
    const wanted = value.trim().toLowerCase();
    return [...runs.items.map(runSuggestion), ...delegations.items.map(suggestion)].filter(
      ({ name, value: id }) => `${id} ${name}`.toLowerCase().includes(wanted),
    );
  },
  presses: {
    details: { execute: (asked, context) => details(asked.subject ?? "", context), reads: true },
  },
} satisfies Command;
