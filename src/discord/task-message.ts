import { type APIMessage, type APIUser, MessageType } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { SeenMessage } from "../engine/task-verbs.ts";
import { textsOf } from "./payload.ts";
import { holderOf } from "./render-task.ts";

export const CHECK = "✅";
const HOPS = /(?:^|[\s`(])hops?:(\d{1,4})\b/i;
const SAID = new Set<MessageType>([MessageType.Default, MessageType.Reply]);

/** Joins, pins and the like are no tasks. */
export function isSaid({ type }: APIMessage): boolean {
  return SAID.has(type);
}

/** The card by which a supervisor claims a task, also one with another bot: about a task, and none itself. */
export function isClaimCard(message: APIMessage): boolean {
  const said = textsOf({ content: message.content, components: message.components ?? [] });
  return isBot(message) && holderOf(said.at(-1) ?? "") !== undefined;
}

/** How many ✅ there are, and whether one is ours. */
export function checksOf({ reactions }: APIMessage): { readonly count: number; readonly own: boolean } {
  const check = reactions?.find(({ emoji }) => emoji.id === null && emoji.name === CHECK);
  return { count: check?.count ?? 0, own: check?.me ?? false };
}

/** What may change after a message was posted, as one word: while it is the same, there is nothing new to see. */
export function lookOf(message: APIMessage): string {
  const { count, own } = checksOf(message);
  return `${message.edited_timestamp ?? ""} ${count} ${own}`;
}

/**
 * Over how many bots a text came. People begin anew; a bot carries the number on as `hop:2`, in the last line of its
 * message or in the footer of an embed, and counts as one when it does not.
 */
export function hopsOf(message: APIMessage): number {
  if (!isBot(message)) return 0;
  const places = [lastLineOf(message.content), ...message.embeds.map(({ footer }) => footer?.text ?? "")];
  const counts = places.flatMap((place) => {
    const found = HOPS.exec(place)?.[1];
    return found === undefined ? [] : [Number(found)];
  });
  return Math.max(1, ...counts);
}

function lastLineOf(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

function isBot(message: APIMessage): boolean {
  return message.author.bot === true || message.webhook_id !== undefined;
}

/** The words of a message: of a forwarded one those that were forwarded, of a bot those of its embeds as well. */
export function wordsOf(message: APIMessage): string {
  const forwarded = message.message_snapshots?.map(({ message: { content } }) => content) ?? [];
  const said = [message.content, ...forwarded].filter(Boolean).join("\n");
  if (!isBot(message)) return said;
  const embeds = message.embeds.flatMap(({ title, description }) => [title ?? "", description ?? ""]);
  return [withoutHops(said), ...embeds].filter(Boolean).join("\n");
}

/** The mark is for counting and no part of the task. */
function withoutHops(text: string): string {
  const lines = text.trimEnd().split("\n");
  const last = (lines.pop() ?? "").replace(HOPS, "").trimEnd();
  return [...lines, ...(/^(-#|[\s()`·])*$/.test(last) ? [] : [last])].join("\n");
}

/** The files of a message and of what it forwards. Discord's addresses of them are good for a day. */
export function filesOf({ attachments, message_snapshots }: APIMessage): SeenMessage["attachments"] {
  const forwarded = message_snapshots?.flatMap(({ message }) => message.attachments) ?? [];
  return [...attachments, ...forwarded].map(({ filename, url, size }) => ({
    name: filename,
    url,
    bytes: size,
  }));
}

export type SeenBy = {
  readonly guild: string;
  readonly actor: Actor;
  /** Ids of the others whose ✅ is on it. */
  readonly others: readonly string[];
  /** Taken instead of what the message says: our own posts are known better than they can be read. */
  readonly text?: string;
};

/** A message of the queue's channel for the verbs. */
export function seenOf(message: APIMessage, { guild, actor, others, text }: SeenBy): SeenMessage {
  return {
    place: { channel: message.channel_id, message: message.id, guild },
    author: {
      id: message.author.id,
      name: nameOf(message.author),
      isBot: isBot(message),
      ...(message.webhook_id === undefined ? {} : { isWebhook: true }),
    },
    actor,
    text: text ?? wordsOf(message),
    attachments: filesOf(message),
    postedAt: Date.parse(message.timestamp),
    ...(message.edited_timestamp ? { editedAt: Date.parse(message.edited_timestamp) } : {}),
    hops: hopsOf(message),
    checks: { others, own: checksOf(message).own },
  };
}

export function nameOf(user: Pick<APIUser, "username" | "global_name">): string {
  return user.global_name ?? user.username;
}
