import { type Guild, PermissionFlagsBits } from "discord.js";
import type { ResolvedPeople } from "../domain/people.ts";
import { asLine } from "./sanitize.ts";

/** Approvers as a line with mentions, and whom the line may ping. */
export type Mentioned = {
  readonly text: string;
  readonly roles: readonly string[];
  readonly users: readonly string[];
};

export type Approvers = {
  /** Of `role:<name or id>` and `user:<id>`; none = everybody with the right to operate. */
  readonly mentioned: (approvers: readonly string[]) => Mentioned;
  /** Whether all of them that the guild knows can see a channel. */
  readonly canSee: (channel: string, approvers: readonly string[]) => boolean;
};

/** A role of the guild by its id or its name; undefined when there is none, or two of the name. */
export function findRole(guild: Guild | undefined, word: string): string | undefined {
  const roles = [...(guild?.roles.cache.values() ?? [])];
  if (roles.some(({ id }) => id === word)) return word;
  const bare = word.replace(/^@/, "").toLowerCase();
  const found = roles.filter(({ name }) => name.replace(/^@/, "").toLowerCase() === bare);
  return found.length === 1 ? found[0]?.id : undefined;
}

export function createApprovers(deps: {
  readonly guild: () => Guild | undefined;
  readonly people: () => ResolvedPeople;
}): Approvers {
  function idsOf(approvers: readonly string[]): readonly {
    readonly kind: "role" | "user";
    readonly id?: string | undefined;
    readonly word: string;
  }[] {
    if (approvers.length === 0) return operators();
    return approvers.map((one) => {
      const [, kind, word = one] = /^(role|user):(.+)$/.exec(one) ?? [];
      if (kind === "user") return { kind, id: word, word };
      return { kind: "role", id: findRole(deps.guild(), word), word };
    });
  }

  function operators() {
    const { byRole, byUser } = deps.people();
    const roles = byRole.filter(({ rights }) => rights.includes("operate"));
    const users = [...byUser].filter(([, { rights }]) => rights.includes("operate"));
    return [
      ...roles.map(({ roleId }) => ({ kind: "role" as const, id: roleId, word: roleId })),
      ...users.map(([id]) => ({ kind: "user" as const, id, word: id })),
    ];
  }

  return {
    mentioned(approvers) {
      const found = idsOf(approvers);
      const words = found.map(({ kind, id, word }) =>
        id === undefined
          ? `role ${asLine(word)} (not in this guild)`
          : kind === "role"
            ? `<@&${id}>`
            : `<@${id}>`,
      );
      const ids = (wanted: "role" | "user") => [
        ...new Set(found.flatMap(({ kind, id }) => (kind === wanted && id !== undefined ? [id] : []))),
      ];
      return {
        text: words.length > 0 ? words.join(" ") : "the operator, by `hq workflow approve`",
        roles: ids("role"),
        users: ids("user"),
      };
    },
    canSee(channel, approvers) {
      const guild = deps.guild();
      const place = guild?.channels.cache.get(channel);
      if (!guild || !place) return true;
      return idsOf(approvers).every(({ kind, id }) => {
        if (id === undefined) return true;
        const who = kind === "role" ? guild.roles.cache.get(id) : guild.members.cache.get(id);
        return !who || (place.permissionsFor(who)?.has(PermissionFlagsBits.ViewChannel) ?? true);
      });
    },
  };
}
