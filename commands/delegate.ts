import { ApplicationCommandOptionType, ApplicationCommandType, ChannelType } from "discord.js";
import { fittingAgents, fittingCapabilities, stateSymbol, workload } from "../src/discord/agent-choices.ts";
import { askAgent, askedAnswer, LONGEST_OBJECTIVE } from "../src/discord/ask-agent.ts";
import {
  type Answer,
  type Asked,
  type Command,
  type CommandContext,
  option,
} from "../src/discord/command.ts";
import { delegatedOnDeed, delegateOnDeed } from "../src/discord/delegate-on.ts";
import { onceMore } from "../src/discord/same-click.ts";
import type { DelegationEvent } from "../src/domain/delegation-types.ts";
import type { DelegateRequest } from "../src/engine/verbs.ts";
import { Refusal } from "../src/kernel/refusal.ts";
import { parseDuration } from "../src/kernel/time.ts";

function execute(asked: Asked, context: CommandContext): Promise<Answer> {
  const channel = option(asked, "context-channel", "string");
  const messages = option(asked, "context-messages", "number");
  const retries = option(asked, "retries", "number");
  const validate = option(asked, "validate", "boolean");
  const deliver = option(asked, "deliver", "boolean");
  const timeoutMs = timeoutOf(option(asked, "timeout", "string"));
  // Messages without a channel mean the one where it was asked.
  const contextChannel = channel ?? (messages === undefined ? undefined : asked.channel);
  const agent = option(asked, "agent", "string");
  const capability = option(asked, "capability", "string");
  const fallback = option(asked, "fallback", "boolean");
  if (agent === undefined && capability === undefined) {
    throw new Refusal("invalid_input", "Nobody is asked.", {
      hint: "Choose an agent, or a capability such as `materials`.",
    });
  }
  return askAgent(asked, context, {
    ...(agent === undefined ? {} : { agent }),
    ...(capability === undefined ? {} : { capability }),
    ...(fallback === undefined ? {} : { fallback }),
    objective: option(asked, "objective", "string") ?? "",
    ifDown: option(asked, "wait-for-agent", "boolean") ? "wait" : "refuse",
    ...(contextChannel === undefined
      ? {}
      : { channelContext: { channel: contextChannel, ...(messages === undefined ? {} : { messages }) } }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(retries === undefined ? {} : { retries }),
    ...(validate === undefined ? {} : { validate }),
    ...(deliver === undefined ? {} : { deliver }),
  });
}

function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new Refusal("invalid_input", `The timeout "${text}" is not a duration.`, {
    hint: "Write it like `90`, `90s`, `5m` or `2h`.",
  });
}

/** The same order once more. Clicking twice, or while the rerun is open, leads to the one that there is. */
async function runAgain(asked: Asked, context: CommandContext): Promise<Answer> {
  const before = await context.verbs.delegation(asked.subject ?? "");
  // The card goes where the first one was asked, not between the results.
  const channel = before.origin.channel ?? asked.channel;
  const request = {
    agent: before.agent,
    objective: before.objective,
    timeoutMs: before.timeoutMs,
    retries: before.maxAttempts - 1,
    validate: before.validate,
    format: before.format,
    deliver: before.deliver,
    ifDown: "refuse",
    ...(await whatWentAlong(before.id, context)),
  } as const;
  const delegation = await onceMore(asked.takenAt ?? context.now, async (time) => {
    const { delegation: made, repeated } = await context.verbs.delegate(context.actor, {
      ...request,
      key: { scope: "again", key: `${before.id}#${asked.user.id}#${time}` },
      card: { channel },
      origin: { door: "discord", channel, ...(asked.guild ? { guild: asked.guild } : {}) },
    });
    return { made, repeated, settledAt: made.settledAt };
  });
  if (delegation) return askedAnswer(delegation, context);
  throw new Refusal("rate_limited", `${before.id} was run again too often.`, {
    hint: "Use `/delegate` for more.",
  });
}

/** Texts as they were attached; of a channel its messages of now. */
async function whatWentAlong(
  id: string,
  { verbs }: CommandContext,
): Promise<Pick<DelegateRequest, "attachments" | "channelContext">> {
  const [first] = await verbs.history(id);
  const event = first?.body as DelegationEvent | undefined;
  if (event?.type !== "delegation.queued") return {};
  const { attachments, channelContext } = event.order;
  const messages = channelContext?.messages;
  return {
    ...(attachments.length > 0 ? { attachments } : {}),
    ...(channelContext
      ? { channelContext: { channel: channelContext.channel, ...(messages ? { messages } : {}) } }
      : {}),
  };
}

export default {
  data: {
    name: "delegate",
    type: ApplicationCommandType.ChatInput,
    description: "Give one agent a piece of work; the result comes to the results channel",
    options: [
      {
        name: "objective",
        type: ApplicationCommandOptionType.String,
        description: "What the agent is to do",
        required: true,
        max_length: LONGEST_OBJECTIVE,
      },
      {
        name: "agent",
        type: ApplicationCommandOptionType.String,
        description: "Who: a name, an alias or a letter",
        autocomplete: true,
      },
      {
        name: "capability",
        type: ApplicationCommandOptionType.String,
        description: "Or what it takes: whoever can, may be asked and is free first",
        autocomplete: true,
      },
      {
        name: "fallback",
        type: ApplicationCommandOptionType.Boolean,
        description: "When the agent cannot be given the work, another one that can do it",
      },
      {
        name: "context-channel",
        type: ApplicationCommandOptionType.Channel,
        description: "Give the agent the recent messages of this channel",
        channel_types: [ChannelType.GuildText, ChannelType.GuildAnnouncement, ChannelType.PublicThread],
      },
      {
        name: "context-messages",
        type: ApplicationCommandOptionType.Integer,
        description: "How many of its messages (20)",
        min_value: 1,
        max_value: 30,
      },
      {
        name: "timeout",
        type: ApplicationCommandOptionType.String,
        description: "How long one attempt may take: 90s, 5m, 2h (5m)",
        max_length: 10,
      },
      {
        name: "retries",
        type: ApplicationCommandOptionType.Integer,
        description: "How often a failed attempt is repeated (1)",
        min_value: 0,
        max_value: 3,
      },
      {
        name: "validate",
        type: ApplicationCommandOptionType.Boolean,
        description: "Accept only a handoff in which nothing is missing",
      },
      {
        name: "deliver",
        type: ApplicationCommandOptionType.Boolean,
        description: "Post the result (yes); no = the log line only",
      },
      {
        name: "wait-for-agent",
        type: ApplicationCommandOptionType.Boolean,
        description: "When the agent does not answer now, wait for it",
      },
    ],
  },
  execute,
  begins: true,
  async autocomplete({ name, value }, { verbs }) {
    const agents = await verbs.agents();
    if (name === "capability") return fittingCapabilities(agents, value);
    return fittingAgents(agents, value).map((agent) => ({
      name: `${stateSymbol(agent)} ${agent.card.id} · ${workload(agent)} · ${agent.card.capabilities.join(", ")}`,
      value: agent.card.id,
    }));
  },
  presses: { again: { execute: runAgain }, on: delegateOnDeed },
  submits: { on: delegatedOnDeed },
} satisfies Command;
