import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { runOrDelegation } from "../src/discord/find-work.ts";
import { suggestion } from "../src/discord/render-details.ts";
import { runSuggestion } from "../src/discord/run-answers.ts";

async function cancel(given: string, { verbs, actor }: CommandContext, reason?: string): Promise<Answer> {
  const id = given.trim();
  return runOrDelegation(id, {
    async delegation() {
      const view = await verbs.cancel(actor, id, reason);
      return {
        text: `Canceled **${view.agent}**'s work.\n-# ${view.id} · what the agent hands in from now on is kept as late and changes nothing`,
        outcome: `canceled ${view.id}`,
      };
    },
    async run() {
      const view = await verbs.runs.cancelRun(actor, id, reason);
      return {
        text: `Canceled **${view.workflow}**; what runs is stopped, nothing new begins.\n-# ${view.id}`,
        outcome: `canceled ${view.id}`,
      };
    },
  });
}

export default {
  data: {
    name: "cancel",
    type: ApplicationCommandType.ChatInput,
    description: "Stop a delegation or a run",
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
    const open = { open: true, limit: 100 } as const;
    const [runs, delegations] = await Promise.all([verbs.runs.runs(open), verbs.delegations(open)]);
    const wanted = value.trim().toLowerCase();
    return [...runs.items.map(runSuggestion), ...delegations.items.map(suggestion)].filter(
      ({ name, value: id }) => `${id} ${name}`.toLowerCase().includes(wanted),
    );
  },
  presses: { cancel: { execute: (asked, context) => cancel(asked.subject ?? "", context) } },
} satisfies Command;
