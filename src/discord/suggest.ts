import { type APIApplicationCommandAutocompleteInteraction, InteractionResponseType } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Log } from "../engine/ports/log.ts";
import { cut } from "../kernel/text.ts";
import { focusedOf, personOf } from "./asked.ts";
import type { Asked, Choice, CommandContext } from "./command.ts";
import { LIMITS } from "./limits.ts";
import type { CommandSet } from "./load-commands.ts";

/** What fits while a person types, as the answer to be sent; broken suggestions only mean that there are none. */
export function createSuggest(deps: {
  readonly commands: CommandSet;
  readonly actorOf: (user: Asked["user"]) => Actor;
  readonly contextFor: (actor: Actor) => CommandContext;
  readonly log: Log;
}) {
  const { commands, log } = deps;

  return async function suggest(interaction: APIApplicationCommandAutocompleteInteraction) {
    const { name } = interaction.data;
    const command = commands.byName.get(name);
    const context = deps.contextFor(deps.actorOf(personOf(interaction)));
    let found: readonly Choice[] = [];
    try {
      found = (await command?.autocomplete?.(focusedOf(interaction), context)) ?? [];
    } catch (thrown) {
      log.error({ name, err: thrown }, "no suggestions could be made");
    }
    return suggestions(found);
  };
}

export function suggestions(found: readonly Choice[]) {
  const choices = found
    .filter((choice) => choice.value.length > 0 && choice.value.length <= LIMITS.choiceChars)
    .slice(0, LIMITS.choices)
    .map((choice) => ({ name: cut(choice.name, LIMITS.choiceChars), value: choice.value }));
  return { type: InteractionResponseType.ApplicationCommandAutocompleteResult, data: { choices } } as const;
}
