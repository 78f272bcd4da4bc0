import type { Guild } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Config } from "../domain/config.ts";
import { actorForPerson, resolvePeople } from "../domain/people.ts";
import { findRole } from "./approvers.ts";

/** Who people of the guild are to us, by the roles that they have and what config says of these. */
export function createActors(deps: {
  readonly config: () => Config;
  readonly guild: () => Guild | undefined;
  readonly guildId: string;
}) {
  const people = () => resolvePeople(deps.config().people, (name) => findRole(deps.guild(), name));

  function actorOf(user: {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
  }): Actor {
    const known = deps.guild()?.roles.cache;
    const roles = user.roles.flatMap((id) => {
      const name = id === deps.guildId ? undefined : known?.get(id)?.name;
      return name === undefined ? [] : [{ id, name }];
    });
    return actorForPerson(people().people, { id: user.id, name: user.name, roleIds: user.roles, roles });
  }

  return { people, actorOf };
}
