import { ApplicationCommandOptionType, ApplicationCommandType } from "discord.js";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { REFERENCE_CARD, SHORT_CARD } from "../src/domain/playbook/reference-card.ts";
import { counted } from "../src/kernel/text.ts";

function execute(asked: Asked, { channels, actor, registry }: CommandContext): Promise<Answer> {
  if (option(asked, "topic", "string") === "patterns")
    return Promise.resolve({ text: `\`\`\`\n${REFERENCE_CARD}\`\`\``, outcome: "shown" });
  const mention = (role: "results" | "agentLogs" | "taskQueue") => {
    const channel = channels.forRole(role);
    return channel ? `<#${channel.id}>` : "a channel that is not set up yet";
  };
  const mayAsk = actor.kind !== "person" || actor.as !== undefined || actor.rights.length > 0;
  return Promise.resolve({
    text: [
      "**What you can do here**",
      "`/delegate` gives one agent a piece of work: choose the agent, say what is to be done. A card shows how far it is.",
      "Right-click a message → Apps → **Delegate this message** gives an agent what stands there.",
      "`/workflow run` starts several agents in order and side by side: choose the workflow, fill in its form. `/workflow list` shows which there are.",
      "When a workflow waits for approval, the people who may decide are pinged: **Approve**, **Reject…** or **Open run**.",
      `Or write a task into ${mention("taskQueue")}, with \`[agent:…]\` or \`[model:…]\` where you like: ✅ says that it was taken. \`/queue\` shows the tasks, takes one out, or does it once more.`,
      SHORT_CARD,
      "`/agents` shows who is there and whether they answer; `/status` what is going on; `/metrics` how much was done and how well; `/cancel` stops waiting for something.",
      `Results come to ${mention("results")}, one line for each to ${mention("agentLogs")}.`,
      "On a card: **Cancel** and **Details**, of a workflow **Cancel**, **Show**, **Retry failed** and **Restart run**. On a result: **Run again**, **Delegate on…** and **Details**.",
      `-# ${counted(registry.agents.length, "agent")}: ${registry.agents.map(({ id }) => id).join(", ")}`,
      ...(mayAsk
        ? []
        : [
            "⚠️ You may look, but not delegate: no role of yours is in config/acl.yaml. Ask the operator to add one under people.",
          ]),
    ].join("\n"),
    outcome: "shown",
  });
}

export default {
  data: {
    name: "help",
    type: ApplicationCommandType.ChatInput,
    description: "What the supervisor can do for you",
    options: [
      {
        name: "topic",
        type: ApplicationCommandOptionType.String,
        description: "patterns: the reference card of the playbook",
        choices: [{ name: "patterns", value: "patterns" }],
      },
    ],
  },
  execute,
  reads: true,
} satisfies Command;
