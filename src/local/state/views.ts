import type { APIMessage } from "discord-api-types/v10";
import { withAttachmentUrls } from "./attachment-urls.ts";
import type { StoredAttachment, StoredMessage, StoredThread } from "./documents.ts";
import { guildView } from "./guild-view.ts";
import type { Channel, Member, Role } from "./population.ts";
import type { World } from "./world.ts";

/** How the guild's things look on the wire: Discord's own objects. */
export type Views = ReturnType<typeof createViews>;

export type Looker = {
  /** Whose reactions count as "me". */
  readonly id: string;
  /** Without the Message Content intent, strangers' text is empty. */
  readonly readsContent?: boolean;
  /** The nonce is told once: in the answer to its sender and in the event of the creation. */
  readonly isFresh?: boolean;
};

const JOINED_AT = "2026-02-13T00:00:00.000+00:00";
const iso = (at: number) => new Date(at).toISOString().replace("Z", "000+00:00");

export function createViews({
  world,
  attachmentUrl,
}: {
  world: World;
  attachmentUrl: (channelId: string, attachment: StoredAttachment) => string;
}) {
  const { population } = world;

  const user = (member: Member) => ({
    id: member.id,
    username: member.name,
    global_name: member.display,
    discriminator: "0",
    avatar: null,
    bot: member.bot,
    public_flags: 0,
  });

  const userOf = (id: string) => {
    const member = population.members.get(id);
    return member
      ? user(member)
      : {
          id,
          username: "deleted-user",
          global_name: null,
          discriminator: "0",
          avatar: null,
          public_flags: 0,
        };
  };

  const memberFields = (member: Member) => ({
    nick: null,
    avatar: null,
    roles: [...member.roles],
    joined_at: JOINED_AT,
    premium_since: null,
    communication_disabled_until: null,
    deaf: false,
    mute: false,
    pending: false,
    flags: 0,
  });

  const member = (who: Member) => ({ user: user(who), ...memberFields(who) });

  const role = (of: Role) => ({
    id: of.id,
    name: of.name,
    color: of.color,
    colors: { primary_color: of.color, secondary_color: null, tertiary_color: null },
    hoist: of.hoist,
    icon: null,
    unicode_emoji: null,
    position: of.position,
    permissions: of.permissions.toString(),
    managed: of.managed,
    mentionable: of.mentionable,
    flags: 0,
    ...(of.managed ? { tags: { bot_id: population.botId } } : {}),
  });

  const channel = (of: Channel) => ({
    id: of.id,
    type: of.type,
    guild_id: population.id,
    name: of.name,
    position: of.position,
    parent_id: of.parentId ?? null,
    flags: 0,
    permission_overwrites: of.overwrites.map((over) => ({
      id: over.id,
      type: over.type,
      allow: over.allow.toString(),
      deny: over.deny.toString(),
    })),
    ...(of.type === 4
      ? {}
      : {
          topic: of.topic ?? null,
          nsfw: false,
          rate_limit_per_user: 0,
          last_message_id: world.lastMessageId(of.id) ?? null,
        }),
  });

  const threadMember = (thread: StoredThread, userId: string) => ({
    id: thread.id,
    user_id: userId,
    join_timestamp: iso(thread.createdAt),
    flags: 0,
  });

  const thread = (of: StoredThread) => ({
    id: of.id,
    type: of.type,
    guild_id: population.id,
    parent_id: of.parentId,
    name: of.name,
    owner_id: of.ownerId,
    last_message_id: world.lastMessageId(of.id) ?? null,
    message_count: world.messageCount(of.id),
    total_message_sent: world.messageCount(of.id),
    member_count: of.members.length,
    rate_limit_per_user: 0,
    flags: 0,
    thread_metadata: {
      archived: of.archived,
      locked: of.locked,
      auto_archive_duration: of.autoArchiveMinutes,
      archive_timestamp: iso(of.archiveChangedAt),
      create_timestamp: iso(of.createdAt),
    },
    ...(of.members.includes(population.botId) ? { member: threadMember(of, population.botId) } : {}),
  });

  const attachment = (channelId: string, of: StoredAttachment) => {
    const url = attachmentUrl(channelId, of);
    return {
      id: of.id,
      filename: of.filename,
      size: of.size,
      content_type: of.contentType,
      url,
      proxy_url: url,
      ...(of.description === undefined ? {} : { description: of.description }),
      ...(of.width === undefined ? {} : { width: of.width, height: of.height }),
    };
  };

  function message(of: StoredMessage, looker: Looker, depth = 0): APIMessage {
    const author = population.members.get(of.authorId);
    const isOpen =
      looker.readsContent !== false || of.authorId === looker.id || of.mentions.includes(looker.id);
    const replied = of.replyTo && depth === 0 ? world.message(of.replyTo.messageId) : undefined;
    const started = of.threadId === undefined ? undefined : world.place(of.threadId)?.thread;
    const view = {
      id: of.id,
      channel_id: of.channelId,
      type: of.type,
      author: userOf(of.authorId),
      ...(author && !of.interaction ? { member: memberFields(author) } : {}),
      content: isOpen ? of.content : "",
      timestamp: iso(of.createdAt),
      edited_timestamp: of.editedAt === undefined ? null : iso(of.editedAt),
      tts: of.tts,
      pinned: false,
      flags: of.flags,
      mention_everyone: of.mentionEveryone,
      mentions: of.mentions.map((id) => {
        const mentioned = population.members.get(id);
        return { ...userOf(id), ...(mentioned ? { member: memberFields(mentioned) } : {}) };
      }),
      mention_roles: [...of.mentionRoles],
      attachments: isOpen ? of.attachments.map((one) => attachment(of.channelId, one)) : [],
      embeds: isOpen ? [...of.embeds] : [],
      components: isOpen
        ? withAttachmentUrls(of.components, of.attachments, (one) => attachmentUrl(of.channelId, one))
        : [],
      ...(of.reactions.length === 0 ? {} : { reactions: reactions(of, looker.id) }),
      ...(of.nonce === undefined || !looker.isFresh ? {} : { nonce: of.nonce }),
      ...(of.replyTo
        ? {
            message_reference: {
              type: 0,
              message_id: of.replyTo.messageId,
              channel_id: of.replyTo.channelId,
              guild_id: population.id,
            },
          }
        : {}),
      ...(of.replyTo && depth === 0 && (of.type === 19 || of.type === 21)
        ? { referenced_message: replied ? message(replied, looker, 1) : null }
        : {}),
      ...(of.interaction
        ? {
            webhook_id: population.applicationId,
            application_id: population.applicationId,
            interaction_metadata: {
              id: of.interaction.id,
              type: of.interaction.type,
              user: userOf(of.interaction.userId),
              authorizing_integration_owners: { "0": population.id },
              ...(of.interaction.name === undefined ? {} : { name: of.interaction.name }),
            },
          }
        : {}),
      ...(started ? { thread: thread(started) } : {}),
    };
    return view as unknown as APIMessage;
  }

  const reactions = (of: StoredMessage, lookerId: string) =>
    of.reactions.map(({ emoji, users }) => ({
      emoji,
      count: users.length,
      count_details: { normal: users.length, burst: 0 },
      burst_colors: [],
      me: users.includes(lookerId),
      me_burst: false,
    }));

  const visibleChannels = (memberId: string) =>
    [...population.channels.values()].filter((one) => {
      if (one.type === 4) return true;
      return world.can(memberId, { id: one.id, channel: one }, 1n << 10n);
    });

  return {
    user,
    userOf,
    member,
    memberFields,
    role,
    channel,
    thread,
    threadMember,
    message,
    attachment,
    guild: () => guildView(population, [...population.roles.values()].map(role)),
    visibleChannels,
    iso,
    /** A place as an interaction names it, with the person's permissions. */
    place: (id: string) => {
      const at = world.place(id);
      if (!at) return undefined;
      return at.thread ? thread(at.thread) : channel(at.channel);
    },
  };
}
