import { CHANNEL_ROLES, ROLE_FALLBACK } from "../../domain/config.ts";
import type { ChannelRole } from "../../domain/effects.ts";
import type { Settings } from "../../domain/settings.ts";
import type { Ask, Said } from "./discord-rest.ts";
import type { Overwrite, Role } from "./permissions.ts";

export type Channel = {
  readonly id: string;
  readonly name: string;
  readonly type: number;
  readonly permission_overwrites?: readonly Overwrite[];
};
export type Guild = {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly channels: readonly Channel[];
  readonly bot: { readonly id: string; readonly roles: readonly string[] };
};
export type Application = {
  readonly id: string;
  readonly name: string;
  readonly hasMessageContent: boolean;
  /** In hexadecimal. */
  readonly publicKey: string;
  /** Where interactions go instead of over the gateway. */
  readonly interactionsUrl?: string;
};

/** GATEWAY_MESSAGE_CONTENT (approved bots) and GATEWAY_MESSAGE_CONTENT_LIMITED (bots in few guilds). */
const MESSAGE_CONTENT = (1 << 18) | (1 << 19);
const TEXT_CHANNELS = [0, 5];

export type Failed = Exclude<Said, { kind: "ok" }>;
export type Read<What> =
  | { readonly ok: true; readonly what: What }
  | { readonly ok: false; readonly said: Failed };

export async function readApplication(ask: Ask): Promise<Read<Application>> {
  const said = await ask("/applications/@me");
  if (said.kind !== "ok") return { ok: false, said };
  const { id, name, flags, verify_key, interactions_endpoint_url } = said.body as {
    id: string;
    name: string;
    flags?: number;
    verify_key?: string;
    interactions_endpoint_url?: string | null;
  };
  const what = {
    id,
    name,
    hasMessageContent: ((flags ?? 0) & MESSAGE_CONTENT) !== 0,
    publicKey: verify_key ?? "",
    ...(interactions_endpoint_url ? { interactionsUrl: interactions_endpoint_url } : {}),
  };
  return { ok: true, what };
}

/** The guilds that the bot is in: at most 200, which is more than anyone chooses from. */
export async function readGuilds(
  ask: Ask,
): Promise<Read<readonly { readonly id: string; readonly name: string }[]>> {
  const said = await ask("/users/@me/guilds");
  if (said.kind !== "ok") return { ok: false, said };
  return { ok: true, what: said.body as readonly { id: string; name: string }[] };
}

/** The guild with its roles, its text channels and the bot's place in it. */
export async function readGuild(ask: Ask, guildId: string, botId: string): Promise<Read<Guild>> {
  const guild = await ask(`/guilds/${guildId}`);
  if (guild.kind !== "ok") return { ok: false, said: guild };
  const channels = await ask(`/guilds/${guildId}/channels`);
  if (channels.kind !== "ok") return { ok: false, said: channels };
  const member = await ask(`/guilds/${guildId}/members/${botId}`);
  if (member.kind !== "ok") return { ok: false, said: member };
  const { name, roles } = guild.body as { name: string; roles: readonly Role[] };
  const text = (channels.body as readonly Channel[]).filter(({ type }) => TEXT_CHANNELS.includes(type));
  const bot = { id: botId, roles: (member.body as { roles: readonly string[] }).roles };
  return { ok: true, what: { id: guildId, name, roles, channels: text, bot } };
}

/** The channel that a name or an id means; undefined when there is none, or two. */
function findChannel(
  channels: readonly Channel[],
  ids: Readonly<Record<string, string>>,
  word: string,
): Channel | undefined {
  const id = /^\d{17,20}$/.test(word) ? word : Object.hasOwn(ids, word) ? ids[word] : undefined;
  const found = channels.filter((channel) =>
    id === undefined ? channel.name.toLowerCase() === word.toLowerCase() : channel.id === id,
  );
  return found.length === 1 ? found[0] : undefined;
}

export type RolePlace = {
  readonly role: ChannelRole;
  readonly wanted: string;
  readonly channel?: Channel;
  /** The role whose channel it shares, where the guild has none of its own. */
  readonly standsIn?: ChannelRole;
};

/** Where each logical channel is in the guild. */
export function placeRoles(
  channels: readonly Channel[],
  settings: Settings["channels"],
): readonly RolePlace[] {
  const of = (role: ChannelRole) => {
    const wanted = settings.roles[role] ?? role;
    return { wanted, channel: findChannel(channels, settings.ids, wanted) };
  };
  return CHANNEL_ROLES.map((role) => {
    const { wanted, channel } = of(role);
    if (channel) return { role, wanted, channel };
    const standsIn = ROLE_FALLBACK[role];
    const other = standsIn && of(standsIn).channel;
    return other ? { role, wanted, channel: other, standsIn } : { role, wanted };
  });
}
