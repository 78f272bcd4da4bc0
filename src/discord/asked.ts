import {
  type APIApplicationCommandAutocompleteInteraction,
  type APIApplicationCommandInteractionDataOption,
  type APIChatInputApplicationCommandInteraction,
  type APIInteraction,
  type APIMessageApplicationCommandInteraction,
  type APIMessageComponentInteraction,
  type APIModalSubmitInteraction,
  ApplicationCommandType,
  ComponentType,
  InteractionType,
  type ModalSubmitComponent,
} from "discord.js";
import type { Asked, Focused } from "./command.ts";
import { parseCustomId } from "./custom-id.ts";
import { textsOf } from "./payload.ts";

/** What can be asked of us. Interactions are read as Discord sends them, the same through every door. */
export type Askable =
  | APIChatInputApplicationCommandInteraction
  | APIMessageApplicationCommandInteraction
  | APIMessageComponentInteraction
  | APIModalSubmitInteraction;

type Option = APIApplicationCommandInteractionDataOption<InteractionType>;
type Field = Extract<ModalSubmitComponent, { readonly custom_id: string }>;

/** Who uses it: the ids of all roles, that of @everyone (the guild's own id) included. */
export function personOf({ user, member, guild_id: guild }: APIInteraction): Asked["user"] {
  const who = member?.user ?? user;
  return {
    id: who?.id ?? "",
    name: who?.username ?? "",
    roles: [...new Set([...(guild ? [guild] : []), ...(member?.roles ?? [])])],
  };
}

export function isAskable(interaction: APIInteraction): interaction is Askable {
  const { type, data } = interaction;
  if (type === InteractionType.ApplicationCommand) {
    return data.type === ApplicationCommandType.ChatInput || data.type === ApplicationCommandType.Message;
  }
  if (type === InteractionType.MessageComponent)
    return isPress(data.component_type) && isOurs(data.custom_id);
  return type === InteractionType.ModalSubmit && isOurs(data.custom_id);
}

const isPress = (type: ComponentType) => type === ComponentType.Button || type === ComponentType.StringSelect;
const isOurs = (id: string) => parseCustomId(id) !== undefined;

/** An interaction as work that can be kept and carried out later. */
export function askedOf(interaction: Askable): Asked {
  const base = {
    id: interaction.id,
    user: personOf(interaction),
    channel: interaction.channel?.id ?? interaction.channel_id ?? "",
    ...(interaction.guild_id ? { guild: interaction.guild_id } : {}),
  };
  if (interaction.type === InteractionType.ApplicationCommand) return { ...base, ...commandOf(interaction) };
  const { action = "", subject = "" } = parseCustomId(interaction.data.custom_id) ?? {};
  const about = { ...base, name: action, options: {}, subject };
  if (interaction.type === InteractionType.ModalSubmit) {
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
    ...("values" in interaction.data ? { values: interaction.data.values } : {}),
  };
}

function commandOf(
  interaction: APIChatInputApplicationCommandInteraction | APIMessageApplicationCommandInteraction,
): Pick<Asked, "kind" | "name" | "options" | "target"> {
  const { data } = interaction;
  if (data.type === ApplicationCommandType.ChatInput) {
    const { path, options } = flattened(data.options);
    return { kind: "command", name: [data.name, ...path].join(" "), options };
  }
  const message = data.resolved.messages[data.target_id];
  const target = message && {
    id: message.id,
    channel: message.channel_id,
    author: message.author.username,
    text: textsOf({ content: message.content, components: message.components ?? [] }).join("\n"),
  };
  return { kind: "command", name: data.name, options: {}, ...(target ? { target } : {}) };
}

function fieldsOf({ data }: APIModalSubmitInteraction): Readonly<Record<string, string>> {
  const fields = (data.components ?? []).flatMap((part): readonly Field[] => {
    if ("component" in part) return "custom_id" in part.component ? [part.component] : [];
    return "components" in part ? part.components : [];
  });
  return Object.fromEntries(fields.map((field) => [field.custom_id, written(field)]));
}

function written(field: Field): string {
  if ("value" in field && typeof field.value === "string") return field.value;
  return "values" in field ? (field.values[0] ?? "") : "";
}

/** What a person is typing into a command, and what its other options hold. */
export function focusedOf({ data }: APIApplicationCommandAutocompleteInteraction): Focused {
  const { path, options, focused } = flattened(data.options);
  const subcommand = path.at(-1);
  const name = focused ?? "";
  return {
    name,
    value: String(options[name] ?? ""),
    options,
    ...(subcommand === undefined ? {} : { subcommand }),
  };
}

function flattened(options: readonly Option[] = []): {
  readonly path: readonly string[];
  readonly options: Record<string, string | number | boolean>;
  readonly focused?: string;
} {
  const [first] = options;
  if (first && "options" in first) {
    const inner = flattened(first.options);
    return { ...inner, path: [first.name, ...inner.path] };
  }
  const values = options.flatMap((option) =>
    "value" in option && option.value !== undefined ? [[option.name, option.value] as const] : [],
  );
  const focused = options.find((option) => "focused" in option && option.focused)?.name;
  return { path: [], options: Object.fromEntries(values), ...(focused === undefined ? {} : { focused }) };
}
