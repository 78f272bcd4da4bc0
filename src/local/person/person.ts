import { Refusal } from "../../kernel/refusal.ts";
import { asText } from "../check/form.ts";
import type { Core } from "../core.ts";
import { P } from "../seed.ts";
import type { StoredMessage } from "../state/documents.ts";
import type { Member } from "../state/population.ts";
import { isSnowflake } from "../state/snowflake.ts";
import type { Place } from "../state/world.ts";

/** Finds who acts, and where, in the words of a request. Throws a Refusal that says what is missing. */
export type Finding = ReturnType<typeof createFinding>;

export function createFinding({ world }: Pick<Core, "world">) {
  const sees = (person: Member, at: Place) => world.can(person.id, at, P.ViewChannel);

  function person(as: unknown): Member {
    const word = as === undefined || as === null || as === "" ? world.population.ownerId : as;
    const found = typeof word === "string" ? world.memberNamed(word) : undefined;
    // A program may be the bot of somebody else, never ours.
    if (found && found.id !== world.population.botId) return found;
    const names = [...world.population.members.values()].filter((one) => !one.bot).map((one) => one.name);
    throw new Refusal("not_found", `There is no person called ${asText(word)} in this guild.`, {
      hint: `as is one of: ${names.join(", ")}.`,
    });
  }

  function place(by: Member, channel: unknown): Place {
    const found = typeof channel === "string" ? world.placeNamed(channel) : undefined;
    if (found && sees(by, found)) return found;
    throw new Refusal("unknown_channel", `There is no channel ${asText(channel)} here.`, {
      hint: "channel is an id or a name of GET /local/state.",
    });
  }

  function message(by: Member, id: unknown): { message: StoredMessage; at: Place } {
    const found = isSnowflake(id) ? world.message(id) : undefined;
    const at = found && world.place(found.channelId);
    const isForThem = found?.onlyFor === undefined || found.onlyFor === by.id;
    if (found && at && isForThem && sees(by, at)) return { message: found, at };
    throw new Refusal("not_found", "That message does not exist (any more).");
  }

  function need(by: Member, at: Place, bit: bigint, what: string): void {
    if (!world.can(by.id, at, bit)) throw new Refusal("not_allowed", `You may not ${what} in this channel.`);
  }

  return { person, place, message, need, sees };
}
