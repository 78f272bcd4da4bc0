import type {
  APIMessageTopLevelComponent,
  APIModalInteractionResponseCallbackData,
  RESTPostAPIChatInputApplicationCommandsJSONBody,
  RESTPostAPIContextMenuApplicationCommandsJSONBody,
} from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import type { Settings } from "../domain/settings.ts";
import type { Verbs } from "../engine/verbs.ts";
import type { ChannelDirectory } from "./channels.ts";
import type { Attachment } from "./payload.ts";

/** What a person asked for, with all that is needed to carry it out later; kept in the ledger. */
export type Asked = {
  /** The interaction's id: the key that makes a repeat a no-op. */
  readonly id: string;
  readonly kind: "command" | "press" | "modal";
  /** A command's name (`workflow run` with its subcommand), or the action of a button, select or form. */
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** What a button, select or form is about. */
  readonly subject?: string;
  /** What was written into a form or chosen in it; "" = nothing. */
  readonly fields?: Readonly<Record<string, string>>;
  /** What was chosen in a select. */
  readonly values?: readonly string[];
  /** The message that a message command was used on. */
  readonly target?: {
    readonly id: string;
    readonly channel: string;
    readonly author: string;
    readonly text: string;
  };
  readonly user: { readonly id: string; readonly name: string; readonly roles: readonly string[] };
  readonly guild?: string;
  readonly channel: string;
  readonly message?: string;
  /** When whoever began it took it, who may have carried it out already; absent = it is carried out for the first time. */
  readonly takenAt?: number;
};

/** What only the person who asked sees. `outcome` is a word for the history. */
export type Answer = {
  readonly text: string;
  readonly outcome: string;
  readonly components?: readonly APIMessageTopLevelComponent[];
  readonly file?: Attachment;
};

export type CommandContext = {
  readonly verbs: Verbs;
  readonly actor: Actor;
  readonly guildId: string;
  readonly settings: Settings;
  readonly registry: Registry;
  readonly channels: ChannelDirectory;
  readonly now: number;
  /** The address of the card of a delegation or run once it is there; undefined when it takes too long. */
  readonly cardOf: (run: string) => Promise<string | undefined>;
  /** The text of a message, read now. */
  readonly messageText: (
    channel: string,
    message: string,
  ) => Promise<{ readonly text: string; readonly author: string }>;
};

export type Choice = { readonly name: string; readonly value: string };

export type Execute = (asked: Asked, context: CommandContext) => Promise<Answer>;

/** A form that a person fills in. */
export type Modal = APIModalInteractionResponseCallbackData;

/** What is done for a command, a subcommand, a button, a select or a form that was handed in. */
export type Deed = {
  readonly execute: Execute;
  /** Changes nothing: answered without being kept. */
  readonly reads?: boolean;
  /** Begins what is about nothing that the ledger knows: of several that hear of it one may do it. */
  readonly begins?: boolean;
  /** The answer takes the place of the message that the button, select or form comes from. */
  readonly replaces?: boolean;
  /** A form to be filled in first, as the answer within 3 seconds: nothing is kept. Undefined = it is done at once. */
  readonly opens?: (asked: Asked, context: CommandContext) => Promise<Modal | undefined>;
};

export type Focused = {
  readonly name: string;
  readonly value: string;
  readonly subcommand?: string;
  /** What the other options hold so far. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
};

/** One file in commands/: what Discord is told, and what is done, for the whole or for each subcommand. */
export type Command = {
  readonly data:
    | RESTPostAPIChatInputApplicationCommandsJSONBody
    | RESTPostAPIContextMenuApplicationCommandsJSONBody;
  readonly autocomplete?: (focused: Focused, context: CommandContext) => Promise<readonly Choice[]>;
  /** Buttons and selects that it owns, by the action in their custom id. */
  readonly presses?: Readonly<Record<string, Deed>>;
  /** Forms, likewise. */
  readonly submits?: Readonly<Record<string, Deed>>;
} & (Deed | { readonly subcommands: Readonly<Record<string, Deed>> });

export function option<T extends "string" | "number" | "boolean">(
  asked: Asked,
  name: string,
  type: T,
): (T extends "string" ? string : T extends "number" ? number : boolean) | undefined {
  const value = Object.hasOwn(asked.options, name) ? asked.options[name] : undefined;
  return typeof value === type ? (value as never) : undefined;
}
