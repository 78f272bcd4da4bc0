import { type Client, Routes } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { canonicalJson, digestOf } from "../kernel/id.ts";
import type { Command } from "./command.ts";
import { DiscordError, guarded } from "./discord-failure.ts";
import type { DiscordRest } from "./rest.ts";

const KEPT = new Set([
  "name",
  "type",
  "description",
  "options",
  "choices",
  "value",
  "required",
  "autocomplete",
  "min_value",
  "max_value",
  "min_length",
  "max_length",
  "channel_types",
  "default_member_permissions",
]);

/** What we say of a command, without what Discord adds: ids, versions, translations and defaults. */
function essence(value: unknown, isCommand = true): unknown {
  if (Array.isArray(value)) return value.map((part) => essence(part, false));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, part]) =>
      KEPT.has(key) &&
      part !== undefined &&
      part !== null &&
      part !== false &&
      part !== "" &&
      !(Array.isArray(part) && part.length === 0),
  );
  const shaped = Object.fromEntries(kept.map(([key, part]) => [key, essence(part, false)]));
  return isCommand ? { ...shaped, type: shaped["type"] ?? 1 } : shaped;
}

/** One hash for what a command is; the same for what we send and for what Discord gives back. */
export function commandDigest(command: unknown): string {
  return digestOf(canonicalJson(essence(command)));
}

export type CommandDiff = {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
};

export function diffCommands(
  wanted: readonly { readonly name: string; readonly type?: number | undefined }[],
  present: readonly { readonly name: string; readonly type?: number | undefined }[],
): CommandDiff {
  const key = ({ name, type }: { readonly name: string; readonly type?: number | undefined }) =>
    `${type ?? 1} ${name}`;
  const before = new Map(present.map((command) => [key(command), commandDigest(command)]));
  const after = new Set(wanted.map(key));
  return {
    added: wanted.filter((command) => !before.has(key(command))).map(({ name }) => name),
    changed: wanted
      .filter((command) => before.has(key(command)) && before.get(key(command)) !== commandDigest(command))
      .map(({ name }) => name),
    removed: present.filter((command) => !after.has(key(command))).map(({ name }) => name),
  };
}

/** Tells the guild its commands, only when they differ: Discord allows 200 creations a day. */
export async function deployCommands(deps: {
  readonly rest: DiscordRest;
  readonly applicationId: string;
  readonly guildId: string;
  readonly commands: readonly Command[];
  readonly log: Log;
}): Promise<CommandDiff> {
  const route = Routes.applicationGuildCommands(deps.applicationId, deps.guildId);
  const wanted = deps.commands.map(({ data }) => data);
  const present = await guarded<unknown>(deps.rest.raw.get(route));
  if (!Array.isArray(present))
    throw new DiscordError({ kind: "unsure", text: "Discord answered without the guild's commands" });
  const diff = diffCommands(wanted, present);
  if (diff.added.length + diff.changed.length + diff.removed.length === 0) return diff;
  await guarded(deps.rest.raw.put(route, { body: wanted }));
  deps.log.info({ ...diff }, "the guild's commands were registered");
  return diff;
}

/** Sees to it that the guild has our commands: compared in each new session, also when the bot was added again. */
export function createDeploying(deps: {
  readonly rest: DiscordRest;
  readonly guildId: string;
  readonly commands: () => Promise<readonly Command[]>;
  readonly log: Log;
}) {
  const { log } = deps;
  let deploying: Promise<void> | undefined;
  let isFailing = false;

  async function deploy(client: Client): Promise<void> {
    isFailing = false;
    const applicationId = client.application?.id ?? "";
    try {
      await deployCommands({ ...deps, applicationId, commands: await deps.commands() });
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      deploying = undefined;
      const { kind } = thrown.failure;
      const failure = thrown.message;
      isFailing = kind === "unsure" || kind === "limited";
      if (isFailing) log.warn({ failure }, "the guild's commands are not registered yet; it is tried again");
      else
        log.error(
          { failure },
          "the guild's commands were not registered; the bot needs the scope applications.commands",
        );
    }
  }

  return {
    onConnected(client: Client, how: "ready" | "resumed"): void {
      if (how === "ready") deploying = undefined;
      deploying ??= deploy(client);
    },
    /** Where Discord failed; what only people can mend waits for the next connection. */
    tryAgain(client: Client | undefined): void {
      if (client && isFailing) deploying ??= deploy(client);
    },
    /** What is under way. */
    settled: async (): Promise<void> => deploying,
  };
}
