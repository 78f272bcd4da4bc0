import { type AllowedMentions, FLAG } from "../check/draft.ts";
import { P } from "../seed.ts";
import type { Place, World } from "./world.ts";

export type Mentions = {
  readonly mentions: readonly string[];
  readonly mentionRoles: readonly string[];
  readonly mentionEveryone: boolean;
  readonly pinged: readonly string[];
};

/** Whom a text mentions as far as its sender allows it, and who is notified by that. */
export function mentionsOf({
  world,
  at,
  authorId,
  text,
  flags,
  allowed,
  repliedTo,
}: {
  world: World;
  at: Place;
  authorId: string;
  text: string;
  flags: number;
  allowed: AllowedMentions | undefined;
  repliedTo: string | undefined;
}): Mentions {
  const { population } = world;
  const spoken = text.replace(/```[\s\S]*?```|`[^`\n]*`/g, "");
  const found = (pattern: RegExp) => [...new Set([...spoken.matchAll(pattern)].map((m) => m[1] ?? ""))];
  const mayAll = world.can(authorId, at, P.MentionEveryone);
  const allows = (kind: "users" | "roles", id: string) =>
    !allowed || allowed.parse.includes(kind) || allowed[kind].includes(id);

  const users = found(/<@!?(\d+)>/g).filter((id) => population.members.has(id) && allows("users", id));
  const roles = found(/<@&(\d+)>/g).filter((id) => {
    const role = population.roles.get(id);
    return role && id !== population.id && allows("roles", id) && (role.mentionable || mayAll);
  });
  const everyone =
    mayAll && /@(everyone|here)\b/.test(spoken) && (!allowed || allowed.parse.includes("everyone"));
  const replied = repliedTo !== undefined && (!allowed || allowed.repliedUser) ? repliedTo : undefined;
  const mentions = replied === undefined || users.includes(replied) ? users : [...users, replied];

  const sees = (id: string) => id !== authorId && world.can(id, at, P.ViewChannel);
  const pinged = [...population.members.values()].filter(
    (member) => everyone || mentions.includes(member.id) || member.roles.some((role) => roles.includes(role)),
  );
  return {
    mentions,
    mentionRoles: roles,
    mentionEveryone: everyone,
    pinged: flags & FLAG.silent ? [] : pinged.map((member) => member.id).filter(sees),
  };
}
