import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Asked, Command, Deed } from "./command.ts";

export type CommandSet = {
  readonly commands: readonly Command[];
  readonly byName: ReadonlyMap<string, Command>;
  readonly presses: ReadonlyMap<string, Deed>;
  readonly submits: ReadonlyMap<string, Deed>;
  /** What is to be done for it; undefined when it comes from another version. */
  readonly deedOf: (asked: Pick<Asked, "kind" | "name">) => Deed | undefined;
};

type Unknown = Partial<Record<keyof Command | keyof Deed | "subcommands", unknown>>;

function isDeed(value: unknown): value is Deed {
  if (typeof value !== "object" || value === null) return false;
  const { execute, opens } = value as Unknown;
  return typeof execute === "function" && (opens === undefined || typeof opens === "function");
}

function areDeeds(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every(isDeed);
}

function isCommand(value: unknown): value is Command {
  if (typeof value !== "object" || value === null) return false;
  const { data, autocomplete, presses, submits, subcommands } = value as Unknown;
  const named = typeof data === "object" && data !== null && "name" in data && typeof data.name === "string";
  return (
    named &&
    (subcommands === undefined ? isDeed(value) : areDeeds(subcommands)) &&
    (autocomplete === undefined || typeof autocomplete === "function") &&
    (presses === undefined || areDeeds(presses)) &&
    (submits === undefined || areDeeds(submits))
  );
}

/** Every file of a folder is a command; one that is not stops the start and says which. */
export async function loadCommands(folder: string): Promise<CommandSet> {
  const files = readdirSync(folder)
    .filter((file) => /^[a-z-]+\.ts$/.test(file))
    .sort();
  const commands: Command[] = [];
  for (const file of files) {
    const module = (await import(pathToFileURL(join(folder, file)).href)) as { readonly default?: unknown };
    if (!isCommand(module.default)) {
      throw new Error(
        `commands/${file} is not a command: its default export needs data with a name, and execute or subcommands`,
      );
    }
    commands.push(module.default);
  }
  return commandSet(commands);
}

export function commandSet(commands: readonly Command[]): CommandSet {
  const byName = new Map(commands.map((command) => [command.data.name, command]));
  if (byName.size !== commands.length) throw new Error("two commands have the same name");
  const presses = byAction(commands.map((command) => command.presses));
  const submits = byAction(commands.map((command) => command.submits));
  const named = new Map(commands.flatMap(deedsOf));
  const deeds = { command: named, press: presses, modal: submits };
  return { commands, byName, presses, submits, deedOf: ({ kind, name }) => deeds[kind].get(name) };
}

function deedsOf(command: Command): readonly (readonly [string, Deed])[] {
  const { name } = command.data;
  if (!("subcommands" in command)) return [[name, command]];
  return Object.entries(command.subcommands).map(([word, deed]) => [`${name} ${word}`, deed] as const);
}

function byAction(groups: readonly (Readonly<Record<string, Deed>> | undefined)[]): Map<string, Deed> {
  const all = groups.flatMap((group) => Object.entries(group ?? {}));
  const found = new Map(all);
  if (found.size !== all.length) throw new Error("two buttons or two forms have the same action");
  return found;
}
