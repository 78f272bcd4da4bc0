import type { DelegationView } from "../domain/view.ts";
import type { DelegateRequest } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Answer, Asked, CommandContext } from "./command.ts";
import { warningLines } from "./look.ts";

/** What a slash command's text option takes. */
export const LONGEST_OBJECTIVE = 6000;

/** Delegates in the name of the person who asked, with a card where they asked; the answer leads to that card. */
export async function askAgent(
  asked: Asked,
  context: CommandContext,
  request: Omit<DelegateRequest, "origin" | "card" | "key">,
  key: DelegateRequest["key"] = { scope: "interaction", key: asked.id },
): Promise<Answer> {
  refuseObjective(request.objective);
  const { delegation } = await context.verbs.delegate(context.actor, {
    ...request,
    ...(key ? { key } : {}),
    card: { channel: asked.channel },
    origin: {
      door: "discord",
      channel: asked.channel,
      ...(asked.guild ? { guild: asked.guild } : {}),
      ...(asked.target ? { message: asked.target.id } : {}),
    },
  });
  return askedAnswer(delegation, context);
}

export async function askedAnswer(view: DelegationView, context: CommandContext): Promise<Answer> {
  const card = await context.cardOf(view.id);
  const results = context.channels.forRole("results");
  const where = results && view.deliver ? ` · the result comes to <#${results.id}>` : "";
  const asked = [
    `Asked **${view.agent}**: ${card ?? "the card follows in this channel"}`,
    ...warningLines(view),
    `-# ${view.id}${where}`,
  ];
  return {
    text: asked.join("\n"),
    outcome: `delegated ${view.id}`,
  };
}

function refuseObjective(objective: string): void {
  if (objective.trim() === "") {
    throw new Refusal("invalid_input", "The objective is empty.", {
      hint: "Say in a sentence or two what the agent is to do.",
    });
  }
  if (objective.length > LONGEST_OBJECTIVE) {
    throw new Refusal(
      "too_large",
      `The objective has ${objective.length.toLocaleString("en-US")} characters; Discord takes ${LONGEST_OBJECTIVE.toLocaleString("en-US")}.`,
      {
        hint: "Shorten it, or post the material in a channel and name that channel as `context-channel`.",
      },
    );
  }
}
