import { ChannelType, type Client, type GuildBasedChannel } from "discord.js";
import { ROLE_FALLBACK } from "../domain/config.ts";
import type { ChannelRole, DeliveryTarget } from "../domain/effects.ts";
import type { Settings } from "../domain/settings.ts";
import { Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";

export const SNOWFLAKE = /^\d{17,20}$/;

export type GuildChannel = { readonly id: string; readonly name: string };

/** Names and logical channels → the guild's channels. */
export type ChannelDirectory = {
  /** Whether it is known at all which channels there are; who has left Discord, or is not there yet, does not know. */
  readonly isKnown: () => boolean;
  /** By id, `<#id>`, `#name`, name, or a name that config gives; undefined when the guild has none or two. */
  readonly find: (word: string) => GuildChannel | undefined;
  /** The channel of a logical role, or of the role that stands in for it. */
  readonly forRole: (role: ChannelRole) => GuildChannel | undefined;
  readonly target: (to: DeliveryTarget) => GuildChannel | undefined;
  /** The names of all text channels, for suggestions. */
  readonly names: () => readonly string[];
  /** Logical channels of config that the guild lacks: role and the name or id that was looked for. */
  readonly missing: () => readonly { readonly role: ChannelRole; readonly wanted: string }[];
  readonly refuse: (word: string) => Refusal;
};

const READABLE: ReadonlySet<ChannelType> = new Set([
  ChannelType.GuildText,
  ChannelType.GuildAnnouncement,
  ChannelType.PublicThread,
  ChannelType.PrivateThread,
  ChannelType.AnnouncementThread,
  ChannelType.GuildVoice,
]);

export function createChannels(deps: {
  readonly client: () => Client | undefined;
  readonly guildId: string;
  readonly settings: () => Settings["channels"];
}): ChannelDirectory {
  const all = (): readonly GuildBasedChannel[] => [
    ...(deps.client()?.guilds.cache.get(deps.guildId)?.channels.cache.values() ?? []),
  ];
  const readable = () => all().filter(({ type }) => READABLE.has(type));

  function find(word: string): GuildChannel | undefined {
    const bare = word.trim().replace(/^<#(\d+)>$/, "$1");
    const name = bare.replace(/^#/, "").toLowerCase();
    const id = SNOWFLAKE.test(bare) ? bare : own(deps.settings().ids, name);
    const named = readable().filter((channel) =>
      id === undefined ? channel.name.toLowerCase() === name : channel.id === id,
    );
    const first = named.find(({ type }) => type === ChannelType.GuildText) ?? named[0];
    const isAmbiguous = named.filter(({ type }) => type === first?.type).length > 1;
    return first && !isAmbiguous ? { id: first.id, name: first.name } : undefined;
  }

  function forRole(role: ChannelRole): GuildChannel | undefined {
    const wanted = deps.settings().roles[role];
    const found = wanted === undefined ? undefined : find(wanted);
    const fallback = ROLE_FALLBACK[role];
    return found ?? (fallback ? forRole(fallback) : undefined);
  }

  const names = () => readable().map(({ name }) => name);
  return {
    isKnown: () => deps.client()?.guilds.cache.has(deps.guildId) ?? false,
    find,
    forRole,
    names,
    target(to) {
      if ("role" in to) return forRole(to.role);
      // A thread that nobody spoke in lately is not known here; Discord knows it by its id.
      return (
        find(to.channel) ?? (SNOWFLAKE.test(to.channel) ? { id: to.channel, name: to.channel } : undefined)
      );
    },
    missing() {
      return Object.entries(deps.settings().roles).flatMap(([role, wanted]) =>
        wanted === undefined || forRole(role as ChannelRole) ? [] : [{ role: role as ChannelRole, wanted }],
      );
    },
    refuse(word) {
      const near = nearest(word.replace(/^#/, ""), names());
      return new Refusal("unknown_channel", `There is no channel "${word}" that the bot can see.`, {
        hint: `${near ? `Did you mean #${near}? ` : ""}Give a channel's name or id, and let the bot view it.`,
      });
    },
  };
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
