import type { APIApplicationCommand } from "discord-api-types/v10";
import type { Core } from "../core.ts";
import { P } from "../seed.ts";
import type { StoredInteraction, StoredMessage } from "../state/documents.ts";
import type { Member } from "../state/population.ts";
import type { Place } from "../state/world.ts";

/** How the guild looks to one person; the objects of `/local/*`. */
export type Looks = ReturnType<typeof createLooks>;

export function createLooks({ world, views }: Pick<Core, "world" | "views">) {
  const { population } = world;

  const message = (of: StoredMessage, person: Member) => {
    const view = views.message(of, { id: person.id, isFresh: true });
    return {
      ...view,
      ...(view.reactions
        ? { reactions: view.reactions.map((one, i) => ({ ...one, users: of.reactions[i]?.users ?? [] })) }
        : {}),
      pinged: of.pinged,
    };
  };

  const rights = (person: Member, at: Place) => ({
    can_send: world.can(person.id, at, at.thread ? P.SendMessagesInThreads : P.SendMessages),
    can_react: world.can(person.id, at, P.AddReactions),
    can_attach: world.can(person.id, at, P.AttachFiles),
    can_manage: world.can(person.id, at, P.ManageMessages),
  });

  const place = (id: string, person: Member) => {
    const at = world.place(id);
    if (!at) return undefined;
    if (!at.thread) {
      const { channel } = at;
      return {
        id,
        name: channel.name,
        type: channel.type,
        topic: channel.topic ?? null,
        position: channel.position,
        parent_id: channel.parentId ?? null,
        last_message_id: world.lastMessageId(id) ?? null,
        ...rights(person, at),
      };
    }
    const { thread } = at;
    return {
      id,
      name: thread.name,
      type: thread.type,
      parent_id: thread.parentId,
      message_id: world.message(id) ? id : null,
      message_count: world.messageCount(id),
      last_message_id: world.lastMessageId(id) ?? null,
      archived: thread.archived,
      ...rights(person, at),
    };
  };

  /** Whether the person has what the command asks for by default, here or anywhere. */
  const mayUse = (command: APIApplicationCommand, person: Member, at?: Place) => {
    const held = world.permissions(person.id, at);
    if (held & P.Administrator) return true;
    if ((held & P.UseApplicationCommands) === 0n) return false;
    const asked = command.default_member_permissions;
    if (asked === null || asked === undefined) return true;
    const needed = BigInt(asked);
    return needed !== 0n && (held & needed) === needed;
  };

  const commands = (person: Member) =>
    world.commands().map((one) => ({ ...one, can_use: mayUse(one, person) }));

  const interaction = (of: StoredInteraction, person: Member, given?: StoredMessage) => {
    const latest = given ?? (of.latestId === undefined ? undefined : world.message(of.latestId));
    const shown =
      of.state === "deleted"
        ? { message: { id: of.latestId, channel_id: of.channelId } }
        : latest && of.state !== "deferred" && of.state !== "modal"
          ? { message: message(latest, person) }
          : {};
    return {
      id: of.id,
      type: of.type,
      state: of.state,
      user_id: of.userId,
      channel_id: of.channelId,
      ...(of.command ? { command: of.command } : {}),
      ...(of.customId === undefined ? {} : { custom_id: of.customId }),
      ...(of.sourceMessageId === undefined ? {} : { source_message_id: of.sourceMessageId }),
      ...(of.ephemeral === undefined ? {} : { ephemeral: of.ephemeral }),
      created_at: new Date(of.createdAt).toISOString(),
      ...shown,
      ...(of.state === "modal" && of.modal ? { modal: of.modal } : {}),
      ...(of.choices ? { choices: of.choices } : {}),
    };
  };

  const member = (of: Member, isOnline: boolean) => {
    const roles = of.roles.flatMap((id) => population.roles.get(id) ?? []);
    const colored = roles.filter((role) => role.color !== 0).sort((a, b) => b.position - a.position)[0];
    return {
      id: of.id,
      name: of.name,
      display: of.display,
      bot: of.bot,
      online: of.bot ? isOnline : true,
      roles: [...of.roles],
      color: colored?.color ?? 0,
      avatar: null,
    };
  };

  return { message, place, commands, interaction, member, mayUse };
}
