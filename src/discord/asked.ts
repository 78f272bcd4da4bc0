import {
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  type CommandInteractionOption,
  GuildMember,
  type Interaction,
  type MessageContextMenuCommandInteraction,
  type StringSelectMenuInteraction,
} from "discord.js";
import type { Asked } from "./command.ts";
import { parseCustomId } from "./custom-id.ts";
import { textsOf } from "./payload.ts";

type Askable =
  | ChatInputCommandInteraction
  | MessageContextMenuCommandInteraction
  | ButtonInteraction
  | StringSelectMenuInteraction;

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
    ((interaction.isButton() || interaction.isStringSelectMenu()) &&
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
  return {
    ...base,
    kind: "press",
    name: action,
    options: {},
    subject,
    message: interaction.message.id,
    ...(interaction.isStringSelectMenu() ? { values: interaction.values } : {}),
  };
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
