import { type APIMessage, MessageType } from "discord.js";
import type { ChannelHistory, ChannelReader } from "../engine/ports/channels.ts";
import { Refusal } from "../kernel/refusal.ts";
import { cut, oneLine } from "../kernel/text.ts";
import type { ChannelDirectory, GuildChannel } from "./channels.ts";
import { DiscordError } from "./discord-failure.ts";
import { textsOf } from "./payload.ts";
import type { DiscordRest } from "./rest.ts";

/** Longer messages are cut, with a mark that says so. */
const MOST_CHARS = 1500;
const SAID = new Set([
  MessageType.Default,
  MessageType.Reply,
  MessageType.ChatInputCommand,
  MessageType.ContextMenuCommand,
]);

/** Reads a channel's recent messages for a prompt: data of strangers, one entry a message, newest last. */
export function createChannelReader(deps: {
  readonly rest: DiscordRest;
  readonly channels: ChannelDirectory;
  /** Resolves when the guild is known, be it without a connection. Throws `Refusal`. */
  readonly know: () => Promise<void>;
  /** Names and ids that may be read; `*` = all. */
  readonly contextable: () => readonly string[];
  /** The word in brackets behind a person's name. */
  readonly roleOf: (userId: string) => Promise<string>;
}): ChannelReader {
  const { rest, channels } = deps;

  return async function readChannel(word, messages): Promise<ChannelHistory> {
    await deps.know();
    const channel = channels.find(word);
    if (!channel) throw channels.refuse(word);
    refuseClosed(channel);
    const limit = Math.max(1, Math.min(100, Math.trunc(messages)));
    const said = (await read(channel, limit)).filter(({ type }) => SAID.has(type)).reverse();
    const roles = await rolesOf(said);
    const lines = said.flatMap((message) =>
      entry(channel, message, roles.get(message.author.id) ?? "member", nameOf),
    );
    return { channel: channel.name, channelId: channel.id, messages: lines.length, text: lines.join("\n") };
  };

  function nameOf(id: string): string | undefined {
    return channels.find(id)?.name;
  }

  function refuseClosed(channel: GuildChannel): void {
    const open = deps.contextable().map((entry) => entry.replace(/^#/, "").toLowerCase());
    if (open.includes("*") || open.includes(channel.id) || open.includes(channel.name.toLowerCase())) return;
    throw new Refusal("not_allowed", `#${channel.name} may not be read as context.`, {
      hint: `Channels that may be read: ${open.length > 0 ? open.map((name) => `#${name}`).join(", ") : "none"}. The list is \`contextable\` in config/channels.yaml.`,
    });
  }

  async function read(channel: GuildChannel, limit: number): Promise<APIMessage[]> {
    try {
      return await rest.history(channel.id, { limit });
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const isClosed = thrown.failure.kind === "unreachable-place";
      throw new Refusal(
        isClosed ? "not_allowed" : "no_discord",
        isClosed ? `The bot may not read #${channel.name}.` : `Discord did not answer for #${channel.name}.`,
        {
          hint: isClosed
            ? "Give it View Channel and Read Message History there; `hq doctor` shows what is missing."
            : "Try again in a moment, or leave the channel context out.",
          cause: thrown,
        },
      );
    }
  }

  async function rolesOf(messages: readonly APIMessage[]): Promise<ReadonlyMap<string, string>> {
    const people = messages.filter((message) => !isBot(message)).map(({ author }) => author.id);
    const ids = [...new Set(people)];
    const words = await Promise.all(ids.map(deps.roleOf));
    return new Map(ids.map((id, index) => [id, words[index] ?? "member"]));
  }
}

function isBot(message: APIMessage): boolean {
  return message.author.bot === true || message.webhook_id !== undefined;
}

type NameOf = (channelId: string) => string | undefined;

function entry(channel: GuildChannel, message: APIMessage, role: string, nameOf: NameOf): readonly string[] {
  const said = [
    ...textsOf({ content: message.content, components: message.components ?? [] }),
    ...message.embeds.flatMap(({ title, description }) =>
      [title, description].filter((part) => part !== undefined),
    ),
    ...message.attachments.map(({ filename }) => `[file: ${filename}]`),
  ].join("\n");
  const words = withNames(message, said, nameOf).trim();
  if (words === "") return [];
  const cutWords =
    words.length > MOST_CHARS
      ? `${cut(words, MOST_CHARS + 1)} [cut, ${words.length} characters in all]`
      : words;
  const name = oneLine(message.author.global_name ?? message.author.username, 60).replace(/[[\]():]/g, "");
  const author = `${name} (${isBot(message) ? "bot" : oneLine(role, 40)})`;
  // Further lines are set in, so that no text can pass for the entry of somebody else.
  return [`[#${channel.name}] ${author}: ${cutWords.replace(/\r\n?|[\n\v\f\u0085\u2028\u2029]/g, "\n    ")}`];
}

function withNames(message: APIMessage, text: string, nameOf: NameOf): string {
  let named = text.replace(/<#(\d+)>/g, (whole, id: string) => (nameOf(id) ? `#${nameOf(id)}` : whole));
  for (const { id, username, global_name } of message.mentions) {
    named = named.replaceAll(new RegExp(`<@!?${id}>`, "g"), `@${global_name ?? username}`);
  }
  return named;
}
