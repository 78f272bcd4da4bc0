import { type APIMessage, Routes } from "discord.js";
import { ROLE_FALLBACK } from "../domain/config.ts";
import type { PostedTask, QueueChannel, Removed } from "../engine/ports/queue-channel.ts";
import { Refusal } from "../kernel/refusal.ts";
import { cut, oneLine } from "../kernel/text.ts";
import { type ChannelDirectory, type GuildChannel, SNOWFLAKE } from "./channels.ts";
import { DISCORD_CODES, DiscordError, guarded, guardedMessage } from "./discord-failure.ts";
import { LIMITS } from "./limits.ts";
import { markOf } from "./marks.ts";
import { ownHistory } from "./own-history.ts";
import type { Payload } from "./payload.ts";
import { isOld } from "./post-once.ts";
import { bytesOf } from "./render-result.ts";
import type { DiscordRest } from "./rest.ts";
import { givenAt } from "./snowflake.ts";
import { nameOf } from "./task-message.ts";
import type { Tasks } from "./tasks.ts";

const PAGE = 100;
/** Discord removes many at once only while they are younger than 14 days; an hour less is certain. */
const BULK_MS = (14 * 24 - 1) * 3_600_000;
const FEWEST_IN_BULK = 2;

export type QueueChannelDeps = {
  readonly rest: DiscordRest;
  readonly channels: ChannelDirectory;
  readonly guildId: string;
  readonly botId: () => string;
  /** Who is not connected only reads. */
  readonly isConnected: () => boolean;
  /** Resolves when the guild is known, be it without a connection. Throws `Refusal`. */
  readonly know: () => Promise<void>;
  readonly tasks: Pick<Tasks, "readBack">;
  readonly now: () => number;
};

type Role = Parameters<QueueChannel["messages"]>[0];

/** The channel of the queue for the command line and REST. */
export function createQueueChannel(deps: QueueChannelDeps): QueueChannel {
  const { rest, channels, now } = deps;

  function placeOf(role: Role): GuildChannel {
    if (!deps.isConnected()) throw noDiscord("Discord is not connected.");
    return knownPlaceOf(role);
  }

  function knownPlaceOf(role: Role): GuildChannel {
    const found = channels.forRole(role);
    if (found) return found;
    throw new Refusal("unknown_channel", `The guild has no channel for ${role}, or has it twice.`, {
      hint: `Make it, or name one by its id as roles.${role} in config/channels.yaml.`,
    });
  }

  /** For what removes messages: never the channel of another role that stands in. */
  function ownPlaceOf(role: Role): GuildChannel {
    const place = placeOf(role);
    const standsIn = ROLE_FALLBACK[role];
    if (standsIn === undefined || channels.forRole(standsIn)?.id !== place.id) return place;
    throw new Refusal(
      "unknown_channel",
      `The guild has no channel for ${role}: #${place.name} stands in for it.`,
      {
        hint: `Nothing of #${place.name} is removed under that name; remove its messages in Discord.`,
      },
    );
  }

  async function post(
    text: string,
    nonce: string,
    { since, hops = 0 }: NonNullable<Parameters<QueueChannel["post"]>[2]>,
  ): Promise<PostedTask> {
    const channel = placeOf("taskQueue");
    const id = `submit-${nonce}`;
    const found = since === undefined ? undefined : await findPosted(channel.id, id, since);
    const message = found ?? (await rest.post(channel.id, id, 0, submitted(id, text, hops)));
    return {
      place: { channel: channel.id, message: message.id, guild: deps.guildId },
      author: { id: message.author.id, name: nameOf(message.author), isBot: true },
      postedAt: Date.parse(message.timestamp),
    };
  }

  /** What an earlier call posted; within the nonce's time Discord itself finds it. */
  async function findPosted(channel: string, id: string, since: number): Promise<APIMessage | undefined> {
    if (!isOld({ since }, now())) return undefined;
    const seen = await ownHistory(rest, channel, deps.botId(), since);
    const known = seen.find(({ mark }) => mark(markOf(id, 0)));
    return known && guardedMessage(rest.raw.get(Routes.channelMessage(channel, known.id)));
  }

  async function clear(channel: string, messages: readonly string[]): Promise<Removed> {
    const ids = [...new Set(messages)].slice(0, PAGE);
    const young = ids.filter((id) => now() - givenAt(id) < BULK_MS);
    const isBulk = young.length >= FEWEST_IN_BULK && (await removeMany(channel, young));
    const single = isBulk ? ids.filter((id) => !young.includes(id)) : ids;
    const removed: string[] = isBulk ? [...young] : [];
    const kept: { message: string; reason: string }[] = [];
    for (const message of single) {
      const reason = await removeOne(channel, message);
      if (reason === undefined) removed.push(message);
      else kept.push({ message, reason });
    }
    return { removed, kept };
  }

  /** False where the bot may not: its own messages it may still remove one by one. */
  async function removeMany(channel: string, messages: readonly string[]): Promise<boolean> {
    try {
      await guarded(rest.raw.post(Routes.channelBulkDelete(channel), { body: { messages } }));
      return true;
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { kind } = thrown.failure;
      if (kind === "unreachable-place" || kind === "refused") return false;
      throw thrown;
    }
  }

  /** Why it stays; undefined when it is gone. */
  async function removeOne(channel: string, message: string): Promise<string | undefined> {
    try {
      await guarded(rest.raw.delete(Routes.channelMessage(channel, message)));
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      const { code, kind, text } = thrown.failure;
      if (code === DISCORD_CODES.unknownMessage) return undefined;
      if (kind === "unreachable-place")
        return "it is somebody else's message: give the bot Manage Messages in the channel, or let its author delete it";
      if (kind === "refused") return text;
      throw thrown;
    }
  }

  return {
    post: (text, nonce, options = {}) => asked(() => post(text, nonce, options)),
    readBack: () =>
      asked(async () => {
        await deps.know();
        knownPlaceOf("taskQueue");
        const read = await deps.tasks.readBack(false);
        if ("failure" in read) throw read.failure;
        return read;
      }),
    messages: (role, before) =>
      asked(async () => {
        if (before !== undefined && !SNOWFLAKE.test(before)) throw noPlace(before);
        const { id: channel } = ownPlaceOf(role);
        const page = await rest.history(channel, {
          limit: PAGE,
          ...(before === undefined ? {} : { before }),
        });
        const oldest = page.at(-1)?.id;
        return {
          channel,
          messages: page.map(({ id }) => id),
          ...(oldest !== undefined && page.length === PAGE ? { next: oldest } : {}),
        };
      }),
    clear: (channel, messages) => asked(() => clear(channel, messages)),
  };
}

function noPlace(before: string): Refusal {
  return new Refusal("invalid_input", `"${oneLine(before, 40)}" is no place in a channel.`, {
    hint: "Pass `next` of the page before as it is, or leave it out for the first page.",
    problems: [{ path: "before", message: "must be `next` of the page before" }],
  });
}

function noDiscord(text: string, cause?: unknown): Refusal {
  return new Refusal("no_discord", text, {
    hint: "Try again in a moment; `hq doctor` tests each part.",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What Discord does not do now is a refusal like any other. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof DiscordError)) throw thrown;
    throw noDiscord(`Discord did not do it: ${thrown.message}`, thrown);
  }
}

/** A task as our bot posts it: what does not fit in a message is whole in the file. */
function submitted(id: string, text: string, hops: number): Payload {
  const over = hops > 0 ? ` · hop:${hops}` : "";
  const footer = `\n-# submitted by \`hq\`${over} · ${markOf(id, 0)}`;
  const room = LIMITS.contentChars - footer.length;
  if (text.length <= room) return { content: `${text}${footer}`, files: [] };
  const tags = text.match(/\[[a-z]+:[^\]\n]{1,80}\]/gi)?.join(" ") ?? "";
  const shown = cut(text, room - tags.length - 40);
  return {
    content: `${shown}\n-# the whole task is in task.txt ${tags}${footer}`,
    files: [bytesOf("task.txt", text)],
  };
}
