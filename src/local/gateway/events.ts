import { INTENT as I } from "../check/kinds.ts";
import type { Emoji, StoredMessage } from "../state/documents.ts";
import type { GuildEvent } from "../state/events.ts";
import type { Views } from "../state/views.ts";
import type { World } from "../state/world.ts";

/** One event for the bot; `body` is made for the session's intents. */
export type Dispatch = {
  readonly event: string;
  /** The intent it takes; 0 = none. */
  readonly intent: number;
  /** The channel that the bot must be able to see. */
  readonly channelId?: string;
  /** Only this bot hears of it. */
  readonly botId?: string;
  readonly body: (looker: { readonly id: string; readonly readsContent: boolean }) => unknown;
};

/** What the gateway says about something that happened in the guild. */
export function dispatchesOf({
  event,
  world,
  views,
}: {
  event: GuildEvent;
  world: World;
  views: Views;
}): Dispatch[] {
  const { population } = world;
  const guild = { guild_id: population.id };

  const aboutMessage = (name: string, message: StoredMessage, body: Dispatch["body"]): Dispatch[] => [
    { event: name, intent: I.GuildMessages, channelId: message.channelId, body },
  ];
  const whole =
    (message: StoredMessage): Dispatch["body"] =>
    (looker) => ({
      ...views.message(message, { ...looker, isFresh: event.kind === "message-create" }),
      ...guild,
    });
  const aboutReaction = (name: string, message: StoredMessage, more: Record<string, unknown>): Dispatch[] => [
    {
      event: name,
      intent: I.GuildMessageReactions,
      channelId: message.channelId,
      body: () => ({ channel_id: message.channelId, message_id: message.id, ...guild, ...more }),
    },
  ];
  const memberOf = (userId: string) => {
    const member = population.members.get(userId);
    return member ? { member: views.member(member) } : {};
  };
  const always = (name: string, intent: number, channelId: string, body: unknown): Dispatch[] => [
    { event: name, intent, channelId, body: () => body },
  ];

  switch (event.kind) {
    case "message-create":
      return aboutMessage("MESSAGE_CREATE", event.message, whole(event.message));
    case "message-update":
      return aboutMessage("MESSAGE_UPDATE", event.message, whole(event.message));
    case "message-delete": {
      const { id, channelId } = event.message;
      return aboutMessage("MESSAGE_DELETE", event.message, () => ({ id, channel_id: channelId, ...guild }));
    }
    case "messages-delete":
      return always("MESSAGE_DELETE_BULK", I.GuildMessages, event.channelId, {
        ids: event.messages.map(({ id }) => id),
        channel_id: event.channelId,
        ...guild,
      });
    case "reaction-add":
      return aboutReaction("MESSAGE_REACTION_ADD", event.message, {
        ...reactionFields(event.userId, event.emoji),
        ...memberOf(event.userId),
        message_author_id: event.message.authorId,
      });
    case "reaction-remove":
      return aboutReaction(
        "MESSAGE_REACTION_REMOVE",
        event.message,
        reactionFields(event.userId, event.emoji),
      );
    case "reactions-clear":
      return event.emoji
        ? aboutReaction("MESSAGE_REACTION_REMOVE_EMOJI", event.message, { emoji: event.emoji })
        : aboutReaction("MESSAGE_REACTION_REMOVE_ALL", event.message, {});
    case "channel-create":
      return always("CHANNEL_CREATE", I.Guilds, event.channel.id, views.channel(event.channel));
    case "channel-delete":
      return always("CHANNEL_DELETE", I.Guilds, event.channel.id, views.channel(event.channel));
    case "thread-create":
      return always("THREAD_CREATE", I.Guilds, event.thread.parentId, {
        ...views.thread(event.thread),
        newly_created: true,
      });
    case "thread-update":
      return always("THREAD_UPDATE", I.Guilds, event.thread.parentId, views.thread(event.thread));
    case "thread-delete": {
      const { id, parentId, type } = event.thread;
      return always("THREAD_DELETE", I.Guilds, parentId, { id, parent_id: parentId, type, ...guild });
    }
    case "thread-members":
      return always("THREAD_MEMBERS_UPDATE", I.Guilds, event.thread.parentId, {
        id: event.thread.id,
        ...guild,
        member_count: event.thread.members.length,
        added_members: event.added.map((id) => views.threadMember(event.thread, id)),
        removed_member_ids: [...event.removed],
      });
    case "interaction-create":
      // Commands and buttons are those of the guild's own bot.
      return [{ event: "INTERACTION_CREATE", intent: 0, botId: population.botId, body: () => event.payload }];
    case "typing":
      return always("TYPING_START", I.GuildMessageTyping, event.channelId, {
        channel_id: event.channelId,
        user_id: event.userId,
        timestamp: Math.floor(world.now() / 1000),
        ...memberOf(event.userId),
        ...guild,
      });
    case "interaction":
    case "commands":
    case "bot":
      return [];
  }
}

const reactionFields = (userId: string, emoji: Emoji) => ({ user_id: userId, emoji, burst: false, type: 0 });
