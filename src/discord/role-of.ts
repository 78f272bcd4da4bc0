import type { Guild } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { failureOf } from "./discord-failure.ts";

/** The highest role of an author, as agents are told of it. */
export function createRoleOf(deps: {
  readonly guild: () => Guild | undefined;
  readonly guildId: string;
  readonly log: Log;
}) {
  return async function roleOf(userId: string): Promise<string> {
    const guild = deps.guild();
    try {
      const member = await guild?.members.fetch(userId);
      const highest = member?.roles.highest;
      return highest && highest.id !== deps.guildId ? highest.name : "member";
    } catch (thrown) {
      deps.log.debug({ user: userId, failure: failureOf(thrown).text }, "an author is no member");
      return "not a member";
    }
  };
}
