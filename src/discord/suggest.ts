import { type AutocompleteInteraction, InteractionResponseType, Routes } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Log } from "../engine/ports/log.ts";
import { cut } from "../kernel/text.ts";
import { focusedOf, personOf } from "./asked.ts";
import type { Asked, Choice, CommandContext } from "./command.ts";
import { DiscordError, guarded } from "./discord-failure.ts";
import { LIMITS } from "./limits.ts";
import type { CommandSet } from "./load-commands.ts";
import type { DiscordRest } from "./rest.ts";

/** Answers while a person types; late or broken suggestions only mean that there are none. */
export function createSuggest(deps: {
  readonly rest: DiscordRest;
  readonly commands: CommandSet;
  readonly actorOf: (user: Asked["user"]) => Actor;
  readonly contextFor: (actor: Actor) => CommandContext;
  readonly log: Log;
}) {
  const { rest, commands, log } = deps;

  return async function suggest(interaction: AutocompleteInteraction): Promise<void> {
    const { commandName: name } = interaction;
    const command = commands.byName.get(name);
    const context = deps.contextFor(deps.actorOf(personOf(interaction)));
    let found: readonly Choice[] = [];
    try {
      found = (await command?.autocomplete?.(focusedOf(interaction), context)) ?? [];
    } catch (thrown) {
      log.error({ name, err: thrown }, "no suggestions could be made");
    }
    const choices = found
      .filter((choice) => choice.value.length > 0 && choice.value.length <= LIMITS.choiceChars)
      .slice(0, LIMITS.choices)
      .map((choice) => ({ name: cut(choice.name, LIMITS.choiceChars), value: choice.value }));
    const body = { type: InteractionResponseType.ApplicationCommandAutocompleteResult, data: { choices } };
    const route = Routes.interactionCallback(interaction.id, interaction.token);
    await guarded(rest.raw.post(route, { auth: false, body })).catch((thrown: unknown) => {
      if (!(thrown instanceof DiscordError)) throw thrown;
      log.info({ name, failure: thrown.message }, "suggestions came too late");
    });
  };
}
