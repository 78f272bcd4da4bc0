import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command, Press } from "./command.ts";

export type CommandSet = {
  readonly commands: readonly Command[];
  readonly byName: ReadonlyMap<string, Command>;
  readonly presses: ReadonlyMap<string, Press>;
};

function isCommand(value: unknown): value is Command {
  if (typeof value !== "object" || value === null) return false;
  const { data, execute, autocomplete, presses } = value as Partial<Record<keyof Command, unknown>>;
  const named = typeof data === "object" && data !== null && "name" in data && typeof data.name === "string";
  const pressable =
    presses === undefined ||
    (typeof presses === "object" &&
      presses !== null &&
      Object.values(presses).every((press: unknown) => typeof (press as Press).execute === "function"));
  return (
    named &&
    typeof execute === "function" &&
    (autocomplete === undefined || typeof autocomplete === "function") &&
    pressable
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
        `commands/${file} is not a command: its default export needs data with a name, and execute`,
      );
    }
    commands.push(module.default);
  }
  return commandSet(commands);
}

export function commandSet(commands: readonly Command[]): CommandSet {
  const byName = new Map(commands.map((command) => [command.data.name, command]));
  if (byName.size !== commands.length) throw new Error("two commands have the same name");
  const presses = commands.flatMap((command) => Object.entries(command.presses ?? {}));
  const byAction = new Map(presses);
  if (byAction.size !== presses.length) throw new Error("two buttons have the same action");
  return { commands, byName, presses: byAction };
}
