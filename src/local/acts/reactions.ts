import { DiscordError } from "../errors.ts";
import { P } from "../seed.ts";
import type { Emoji, StoredMessage, StoredReaction } from "../state/documents.ts";
import type { World } from "../state/world.ts";

export type Reactions = ReturnType<typeof createReactions>;

const MOST_EMOJI = 20;

/** Reads `✅` or `name:id`; throws Unknown Emoji for anything that is not an emoji. */
export function parseEmoji(text: string): Emoji {
  const custom = /^<?a?:?([\w]{2,32}):(\d{15,20})>?$/.exec(text);
  if (custom?.[1] && custom[2]) return { id: custom[2], name: custom[1] };
  if (
    text.length <= 32 &&
    /\p{Extended_Pictographic}|\p{Regional_Indicator}|^[0-9#*]\ufe0f?\u20e3$/u.test(text)
  ) {
    return { id: null, name: text };
  }
  throw new DiscordError(10014);
}

const isSame = (a: Emoji, b: Emoji) => (a.id === null ? a.name === b.name && b.id === null : a.id === b.id);

export const usersOf = (message: StoredMessage, emoji: Emoji): readonly string[] =>
  message.reactions.find((one) => isSame(one.emoji, emoji))?.users ?? [];

export function createReactions({ world }: { world: World }) {
  function save(message: StoredMessage, reactions: readonly StoredReaction[]): StoredMessage {
    const next = { ...message, reactions };
    world.saveMessage(next);
    return next;
  }

  return {
    /** Doing it twice changes nothing, as on Discord: a reaction is no lock. */
    add(message: StoredMessage, userId: string, emoji: Emoji): StoredMessage {
      const known = message.reactions.find((one) => isSame(one.emoji, emoji));
      if (known?.users.includes(userId)) return message;
      const at = world.place(message.channelId);
      if (!at || !world.can(userId, at, P.ReadMessageHistory)) throw new DiscordError(50013);
      if (!known && !world.can(userId, at, P.AddReactions)) throw new DiscordError(50013);
      if (!known && message.reactions.length >= MOST_EMOJI) throw new DiscordError(50013);
      const next = save(
        message,
        known
          ? message.reactions.map((one) => (one === known ? { ...one, users: [...one.users, userId] } : one))
          : [...message.reactions, { emoji, users: [userId] }],
      );
      world.emit({ kind: "reaction-add", message: next, userId, emoji });
      return next;
    },
    remove(message: StoredMessage, userId: string, emoji: Emoji): StoredMessage {
      const known = message.reactions.find((one) => isSame(one.emoji, emoji));
      if (!known?.users.includes(userId)) return message;
      const users = known.users.filter((id) => id !== userId);
      const next = save(
        message,
        message.reactions.flatMap((one) =>
          one !== known ? [one] : users.length > 0 ? [{ ...one, users }] : [],
        ),
      );
      world.emit({ kind: "reaction-remove", message: next, userId, emoji });
      return next;
    },
    /** Takes away all reactions, or all of one emoji. */
    clear(message: StoredMessage, emoji?: Emoji): StoredMessage {
      const next = save(message, emoji ? message.reactions.filter((one) => !isSame(one.emoji, emoji)) : []);
      world.emit({ kind: "reactions-clear", message: next, ...(emoji ? { emoji } : {}) });
      return next;
    },
  };
}
