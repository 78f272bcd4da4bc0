import {
  type AutocompleteInteraction,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  type CommandInteractionOption,
  GuildMember,
  type Interaction,
  type MessageContextMenuCommandInteraction,
  type ModalSubmitInteraction,
  type StringSelectMenuInteraction,
} from "discord.js";
import type { Asked, Focused } from "./command.ts";
import { parseCustomId } from "./custom-id.ts";
import { textsOf } from "./payload.ts";

type Askable =
  | ChatInputCommandInteraction
  | MessageContextMenuCommandInteraction
  | ButtonInteraction
  | StringSelectMenuInteraction
  | ModalSubmitInteraction;

/** Who uses it: the ids of all roles, that of @everyone (the guild's own id) included. */
export function personOf(interaction: Interaction): Asked["user"] {
  const { user, member, guildId } = interaction;
  const roles = member instanceof GuildMember ? [...member.roles.cache.keys()] : (member?.roles ?? []);
  return {
    id: user.id,
    name: user.username,
    roles: [...new Set([...(guildId ? [guildId] : []), ...roles])],
  };
}

export function isAskable(interaction: Interaction): interaction is Askable {
  return (
    interaction.isChatInputCommand() ||
    interaction.isMessageContextMenuCommand() ||
    ((interaction.isButton() || interaction.isStringSelectMenu() || interaction.isModalSubmit()) &&
      parseCustomId(interaction.customId) !== undefined)
  );
}

/** An interaction as work that can be kept and carried out later. */
export function askedOf(interaction: Askable): Asked {
  const base = {
    id: interaction.id,
    user: personOf(interaction),
    channel: interaction.channelId ?? "",
    ...(interaction.guildId ? { guild: interaction.guildId } : {}),
  };
  if (interaction.isChatInputCommand()) {
    const { path, options } = flattened(interaction.options.data);
    return { ...base, kind: "command", name: [interaction.commandName, ...path].join(" "), options };
  }
  if (interaction.isMessageContextMenuCommand()) {
    const message = interaction.targetMessage;
    const components = message.components.map((component) => component.toJSON());
    return {
      ...base,
      kind: "command",
      name: interaction.commandName,
      options: {},
      target: {
        id: message.id,
        channel: message.channelId,
        author: message.author.username,
        text: textsOf({ content: message.content, components }).join("\n"),
      },
    };
  }
  const { action = "", subject = "" } = parseCustomId(interaction.customId) ?? {};
  const about = { ...base, name: action, options: {}, subject };
  if (interaction.isModalSubmit()) {
    const message = interaction.message?.id;
    return {
      ...about,
      kind: "modal",
      fields: fieldsOf(interaction),
      ...(message === undefined ? {} : { message }),
    };
  }
  return {
    ...about,
    kind: "press",
    message: interaction.message.id,
    ...(interaction.isStringSelectMenu() ? { values: interaction.values } : {}),
  };
}

function fieldsOf({ fields }: ModalSubmitInteraction): Readonly<Record<string, string>> {
  const read = [...fields.fields.values()].map((field): readonly [string, string] => {
    if ("value" in field && typeof field.value === "string") return [field.customId, field.value];
    return [field.customId, "values" in field ? (field.values[0] ?? "") : ""];
  });
  return Object.fromEntries(read);
}

/** What a person is typing into a command, and what its other options hold. */
export function focusedOf(interaction: AutocompleteInteraction): Focused {
  const { name, value } = interaction.options.getFocused(true);
  const { path, options } = flattened(interaction.options.data);
  const subcommand = path.at(-1);
  return { name, value, options, ...(subcommand === undefined ? {} : { subcommand }) };
}

function flattened(options: readonly CommandInteractionOption[]): {
  readonly path: readonly string[];
  readonly options: Record<string, string | number | boolean>;
} {
  const [first] = options;
  if (first?.options) {
    const inner = flattened(first.options);
    return { path: [first.name, ...inner.path], options: inner.options };
  }
  const values = options.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const]));
  return { path: [], options: Object.fromEntries(values) };
}
