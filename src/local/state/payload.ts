import { FILE_BYTES } from "../attachments.ts";
import type { StoredInteraction, StoredMessage } from "./documents.ts";
import type { Views } from "./views.ts";
import type { World } from "./world.ts";

export type Resolved = Record<string, Record<string, unknown>>;

/** INTERACTION_CREATE as the gateway sends it, with every field that discord.js reads. */
export function interactionPayload({
  world,
  views,
  interaction,
  content,
  source,
}: {
  world: World;
  views: Views;
  interaction: StoredInteraction;
  content: Record<string, unknown>;
  source?: StoredMessage | undefined;
}): Record<string, unknown> {
  const { population } = world;
  const at = world.place(interaction.channelId);
  const who = population.members.get(interaction.userId);
  if (!who) throw new Error("an interaction without its person");
  return {
    id: interaction.id,
    application_id: population.applicationId,
    type: interaction.type,
    token: interaction.token,
    version: 1,
    data: content,
    guild_id: population.id,
    guild: { id: population.id, locale: "en-US", features: [] },
    channel_id: interaction.channelId,
    channel: {
      ...views.place(interaction.channelId),
      permissions: world.permissions(interaction.userId, at).toString(),
    },
    member: {
      ...views.member(who),
      permissions: world.permissions(interaction.userId, at).toString(),
    },
    app_permissions: world.permissions(population.botId, at).toString(),
    locale: "en-US",
    guild_locale: "en-US",
    entitlements: [],
    authorizing_integration_owners: { "0": population.id },
    context: 0,
    attachment_size_limit: FILE_BYTES,
    ...(source ? { message: views.message(source, { id: population.botId }) } : {}),
  };
}

/** `data.resolved`: the whole objects of the ids that options and selects name. */
export function resolveIds(world: World, views: Views, viewerId: string, ids: readonly string[]): Resolved {
  const resolved: Resolved = {};
  const put = (kind: string, id: string, value: unknown) => {
    (resolved[kind] ??= {})[id] = value;
  };
  for (const id of ids) {
    const member = world.population.members.get(id);
    const role = world.population.roles.get(id);
    const at = world.place(id);
    if (member) {
      const { deaf: _, mute: __, ...fields } = views.memberFields(member);
      put("users", id, views.user(member));
      put("members", id, { ...fields, permissions: world.permissions(id).toString() });
    } else if (role) {
      put("roles", id, views.role(role));
    } else if (at) {
      put("channels", id, {
        ...views.place(id),
        permissions: world.permissions(viewerId, at).toString(),
      });
    }
  }
  return resolved;
}
