import { ApplicationCommandType, ComponentType } from "discord.js";
import { agentMenu } from "../src/discord/agent-choices.ts";
import { askAgent } from "../src/discord/ask-agent.ts";
import type { Answer, Asked, Command, CommandContext } from "../src/discord/command.ts";
import { customId } from "../src/discord/custom-id.ts";
import { DiscordError } from "../src/discord/discord-failure.ts";
import { asLine } from "../src/discord/sanitize.ts";
import { Refusal } from "../src/kernel/refusal.ts";
import { cut } from "../src/kernel/text.ts";

/** Asks who shall do it: the message is the objective, so one choice is all that is missing. */
async function execute(asked: Asked, { verbs }: CommandContext): Promise<Answer> {
  const { target } = asked;
  if (!target || target.text.trim() === "") throw withoutText();
  const { menu, left } = agentMenu(customId("to", `${target.channel}-${target.id}`), await verbs.agents());
  return {
    text: ["Who shall do this?", `> ${cut(asLine(target.text), 300)}`, ...leftOut(left)].join("\n"),
    outcome: "asked for the agent",
    components: [{ type: ComponentType.ActionRow, components: [menu] }],
  };
}

function leftOut(count: number): readonly string[] {
  if (count === 0) return [];
  const agents = count === 1 ? "1 more agent does" : `${count} more agents do`;
  return [`-# ${agents} not fit in here; \`/delegate\` finds them all.`];
}

async function delegateTo(asked: Asked, context: CommandContext): Promise<Answer> {
  const [channel = "", message = ""] = (asked.subject ?? "").split("-");
  const objective = await read(context, channel, message);
  const agent = asked.values?.[0] ?? "";
  const target = { id: message, channel, author: "", text: objective };
  return askAgent({ ...asked, channel, target }, context, { agent, objective, ifDown: "refuse" });
}

async function read(context: CommandContext, channel: string, message: string): Promise<string> {
  try {
    const { text } = await context.messageText(channel, message);
    if (text.trim() === "") throw withoutText();
    return text;
  } catch (thrown) {
    if (!(thrown instanceof DiscordError)) throw thrown;
    throw new Refusal("not_found", "That message cannot be read any more.", {
      hint: "It may be deleted, or the bot may not see its channel. Use `/delegate` with the text.",
      cause: thrown,
    });
  }
}

function withoutText(): Refusal {
  return new Refusal("invalid_input", "That message has no text to delegate.", {
    hint: "Choose a message with words in it, or use `/delegate`.",
  });
}

export default {
  data: { name: "Delegate this message", type: ApplicationCommandType.Message },
  execute,
  reads: true,
  presses: { to: { execute: delegateTo, replaces: true, begins: true } },
} satisfies Command;
