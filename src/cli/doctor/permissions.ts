/** The least that the bot needs, as Discord names it. */
const NEEDED = [
  ["View Channels", 10n],
  ["Send Messages", 11n],
  ["Send Messages in Threads", 38n],
  ["Create Public Threads", 35n],
  ["Embed Links", 14n],
  ["Attach Files", 15n],
  ["Read Message History", 16n],
  ["Add Reactions", 6n],
] as const;
const ADMINISTRATOR = 1n << 3n;
const MENTION_EVERYONE = 1n << 17n;
const EVERYTHING = ~0n;

/** 309237763136 */
export const BOT_PERMISSIONS = NEEDED.reduce((sum, [, bit]) => sum | (1n << bit), 0n);

export function inviteLink(applicationId: string): string {
  return `https://discord.com/oauth2/authorize?client_id=${applicationId}&scope=bot+applications.commands&permissions=${BOT_PERMISSIONS}`;
}

export type Role = {
  readonly id: string;
  readonly name: string;
  readonly permissions: string;
  readonly mentionable?: boolean;
};
export type Overwrite = { readonly id: string; readonly allow: string; readonly deny: string };
type Member = { readonly id: string; readonly roles: readonly string[] };

/** What a member may do in the whole guild. @everyone is the role with the guild's id. */
export function guildPermissions(guildId: string, roles: readonly Role[], member: Member): bigint {
  const held = roles
    .filter(({ id }) => id === guildId || member.roles.includes(id))
    .reduce((sum, { permissions }) => sum | BigInt(permissions), 0n);
  return (held & ADMINISTRATOR) === 0n ? held : EVERYTHING;
}

/** Only roles that anyone may mention are pinged, but by who may mention all. */
export function mayPing(inGuild: bigint, { mentionable }: Role): boolean {
  return mentionable === true || (inGuild & MENTION_EVERYONE) !== 0n;
}

/** The same in one channel: @everyone's overwrite, then all roles' denials and grants, then the member's own. */
export function channelPermissions(
  guildId: string,
  inGuild: bigint,
  overwrites: readonly Overwrite[],
  member: Member,
): bigint {
  if (inGuild === EVERYTHING) return EVERYTHING;
  const apply = (held: bigint, of: readonly Overwrite[]) => {
    const sum = (key: "allow" | "deny") => of.reduce((bits, overwrite) => bits | BigInt(overwrite[key]), 0n);
    return (held & ~sum("deny")) | sum("allow");
  };
  const forEveryone = overwrites.filter(({ id }) => id === guildId);
  const forRoles = overwrites.filter(({ id }) => id !== guildId && member.roles.includes(id));
  const forMember = overwrites.filter(({ id }) => id === member.id);
  return apply(apply(apply(inGuild, forEveryone), forRoles), forMember);
}

/** The names of those that are missing. Without View Channels nothing else holds, so that one alone is named. */
export function missingPermissions(held: bigint): readonly string[] {
  const missing = NEEDED.filter(([, bit]) => (held & (1n << bit)) === 0n).map(([name]) => name);
  return missing.includes("View Channels") ? ["View Channels"] : missing;
}
