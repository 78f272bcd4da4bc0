import {
  ALL_PERMISSIONS,
  BOT_PERMISSIONS,
  EVERYONE_PERMISSIONS,
  GUILD_ID,
  type Seed,
  seedId,
} from "../seed.ts";

export type Role = {
  readonly id: string;
  readonly name: string;
  readonly color: number;
  readonly position: number;
  readonly permissions: bigint;
  readonly hoist: boolean;
  readonly mentionable: boolean;
  readonly managed: boolean;
};

export type Member = {
  readonly id: string;
  readonly name: string;
  readonly display: string;
  readonly bot: boolean;
  /** Ids of roles, without @everyone. */
  readonly roles: readonly string[];
};

export type Overwrite = {
  readonly id: string;
  readonly type: 0 | 1;
  readonly allow: bigint;
  readonly deny: bigint;
};

export type Channel = {
  readonly id: string;
  /** 0 text, 4 category. */
  readonly type: 0 | 4;
  readonly name: string;
  readonly topic?: string;
  readonly parentId?: string;
  readonly position: number;
  readonly overwrites: readonly Overwrite[];
};

/** Who is there and in which roles, which never changes while a guild runs; and the channels, as `World` changes them. */
export type Population = {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
  readonly botId: string;
  /** Which bot says this token: its own, or the guild's. */
  readonly botOf: (token: string) => string;
  readonly applicationId: string;
  readonly messageContent: boolean;
  readonly roles: ReadonlyMap<string, Role>;
  readonly members: ReadonlyMap<string, Member>;
  readonly channels: Map<string, Channel>;
};

export function populate(seed: Seed): Population {
  const id = seed.id ?? GUILD_ID;
  const named = (what: string) => seedId(id, what);
  const botRole = named("role:bot");
  const botName = seed.bot?.name ?? "Atomizer HQ";
  const botId = named("user:bot");
  const roleId = (name: string) =>
    name === "@everyone" ? id : name === "bot" ? botRole : named(`role:${name}`);

  const count = seed.roles.length;
  const roles: Role[] = [
    role(id, "@everyone", 0, EVERYONE_PERMISSIONS, {}),
    role(botRole, botName, 1, seed.bot?.permissions ?? BOT_PERMISSIONS, { managed: true }),
    ...seed.roles.map((r, i) => role(roleId(r.name), r.name, count + 1 - i, r.permissions ?? 0n, r)),
  ];
  const members: Member[] = [
    ...seed.people.map((person) => ({
      id: named(`user:${person.name}`),
      name: person.name,
      display: person.display,
      bot: false,
      roles: person.roles.map(roleId),
    })),
    { id: botId, name: botName, display: botName, bot: true, roles: [botRole] },
    ...(seed.bots ?? []).map(({ name, roles: held = [] }) => ({
      id: named(`user:${name}`),
      name,
      display: name,
      bot: true,
      roles: held.map(roleId),
    })),
  ];
  const channels: Channel[] = seed.categories.flatMap((category, at) => {
    const parentId = named(`category:${category.name}`);
    return [
      { id: parentId, type: 4 as const, name: category.name, position: at, overwrites: [] },
      ...category.channels.map((channel, position) => ({
        id: channel.id ?? named(`channel:${channel.name}`),
        type: 0 as const,
        name: channel.name,
        ...(channel.topic === undefined ? {} : { topic: channel.topic }),
        parentId,
        position,
        overwrites: (channel.overwrites ?? []).map((over) => ({
          id: roleId(over.role),
          type: 0 as const,
          allow: over.allow ?? 0n,
          deny: over.deny ?? 0n,
        })),
      })),
    ];
  });
  const others = new Map(
    (seed.bots ?? []).flatMap(({ name, token }) =>
      token === undefined ? [] : [[token, named(`user:${name}`)] as const],
    ),
  );
  const owner = seed.people.find((person) => person.owner) ?? seed.people[0];
  if (!owner) throw new Error("a guild needs at least one person");
  return {
    id,
    name: seed.name,
    ownerId: named(`user:${owner.name}`),
    botId,
    botOf: (token) => others.get(token) ?? botId,
    applicationId: botId,
    messageContent: seed.bot?.messageContent ?? true,
    roles: new Map(roles.map((r) => [r.id, r])),
    members: new Map(members.map((m) => [m.id, m])),
    channels: new Map(channels.map((c) => [c.id, c])),
  };
}

function role(
  id: string,
  name: string,
  position: number,
  permissions: bigint,
  more: { color?: number; hoist?: boolean; mentionable?: boolean; managed?: boolean },
): Role {
  return {
    id,
    name,
    position,
    permissions,
    color: more.color ?? 0,
    hoist: more.hoist ?? false,
    mentionable: more.mentionable ?? false,
    managed: more.managed ?? false,
  };
}

/** A member's permissions in a channel (of a thread: in its parent); the owner and administrators have all. */
export function permissionsOf(population: Population, memberId: string, channel?: Channel): bigint {
  const member = population.members.get(memberId);
  if (!member) return 0n;
  if (memberId === population.ownerId) return ALL_PERMISSIONS;
  const held = [population.id, ...member.roles];
  let bits = held.reduce((sum, id) => sum | (population.roles.get(id)?.permissions ?? 0n), 0n);
  if (bits & (1n << 3n)) return ALL_PERMISSIONS;
  if (!channel) return bits;
  const apply = (overwrites: readonly Overwrite[]) => {
    const deny = overwrites.reduce((sum, over) => sum | over.deny, 0n);
    const allow = overwrites.reduce((sum, over) => sum | over.allow, 0n);
    bits = (bits & ~deny) | allow;
  };
  apply(channel.overwrites.filter((over) => over.id === population.id));
  apply(channel.overwrites.filter((over) => over.type === 0 && member.roles.includes(over.id)));
  apply(channel.overwrites.filter((over) => over.type === 1 && over.id === memberId));
  return bits & (1n << 10n) ? bits : 0n;
}
