import type { DiscordDoor } from "../api/routes-discord.ts";
import type { HttpInteractions } from "../discord/interaction-doors.ts";
import type { Settings } from "../domain/settings.ts";
import { Refusal } from "../kernel/refusal.ts";

/** Discord's requests: signed with the key that config names, or that Discord says, and answered by the edge. */
export function createDiscordDoor(deps: {
  readonly settings: () => Settings["discord"];
  readonly http: () => HttpInteractions | undefined;
  readonly wall: () => number;
}): DiscordDoor {
  const http = () => {
    const found = deps.http();
    if (found) return found;
    throw new Refusal("no_discord", "The supervisor is still starting.", { hint: "Ask again." });
  };
  return {
    isOn: () => deps.settings().interactionsByHttp !== undefined,
    publicKey: async () => deps.settings().interactionsByHttp?.publicKey ?? http().publicKey(),
    answer: (payload, answered) => http().answer(payload, answered),
    wall: deps.wall,
  };
}
