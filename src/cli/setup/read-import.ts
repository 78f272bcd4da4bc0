import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { botTokenFrom } from "../../config/bot-token.ts";
import { parseEnv } from "../../config/env-file.ts";
import type { ChannelRole } from "../../domain/effects.ts";
import { Refusal } from "../../kernel/refusal.ts";

/** What an installation of the older tools says about itself. */
export type Imported = {
  readonly token?: { readonly token: string; readonly variable: string };
  readonly guild?: string;
  /** Logical channel → the id that it had. */
  readonly channels: Readonly<Partial<Record<ChannelRole, string>>>;
  /** Variables that are still read under their names. */
  readonly settings: Readonly<Record<string, string>>;
  /** Messages that were claimed: their tasks are not done again. */
  readonly handled: readonly string[];
  readonly handledFrom?: string;
  /** What was found and cannot be taken over, in sentences. */
  readonly notices: readonly string[];
};

const CHANNELS = {
  TASK_QUEUE_CHANNEL: "taskQueue",
  RESULTS_CHANNEL: "results",
  WORKER_POOL_CHANNEL: "workerPool",
} as const;
const SETTINGS = [
  "TIMEOUT",
  "SUMMARY_MAX_LENGTH",
  "WORKER_RETENTION_HOURS",
  "AGENTS_MD_TEMPLATE",
  "OPENCLAW_BIN",
  "EXTRA_PYTHONPATH",
];
const TOKENS = ["DISCORD_TOKEN", "ORCHESTRATOR_AGENT_TOKEN", "CHIP_TOKEN"];
/** What these said is decided elsewhere now. */
const GONE: readonly (readonly [RegExp, string])[] = [
  [/^ORCHESTRATOR_CHANNEL$/, "was never read by the older tools either"],
  [
    /^WORKER\d+_TOKEN$/,
    "belonged to workers that polled; a worker is a process of its own now, without a token",
  ],
];
const ID = /^\d{17,20}$/;
/** Beside the file, or above it: one of the older scripts wrote the file into bin/. */
const ASSIGNED = [".runtime/assigned-tasks.txt", "../.runtime/assigned-tasks.txt", "assigned-tasks.txt"];

/** Reads a `discord-config.env` and the list of claimed tasks near it. Throws when the file cannot be read. */
export function readImport(path: string): Imported {
  const env = parseEnv(readText(path));
  const notices: string[] = [];
  const valueOf = (name: string): string | undefined => {
    const value = env[name]?.trim();
    if (!value) return undefined;
    if (!/[$`]/.test(value)) return value;
    notices.push(`${name} is a shell expression and was not taken over: write its value into .env.`);
    return undefined;
  };
  const channels: Partial<Record<ChannelRole, string>> = {};
  for (const [name, role] of Object.entries(CHANNELS)) {
    const id = valueOf(name);
    if (id === undefined) continue;
    if (ID.test(id)) channels[role] = id;
    else notices.push(`${name} is "${id}", which is no channel's id of 17 to 20 digits.`);
  }
  const settings = Object.fromEntries(
    SETTINGS.flatMap((name) => {
      const value = valueOf(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const known = new Set([...Object.keys(CHANNELS), ...SETTINGS, ...TOKENS, "GUILD_ID"]);
  for (const name of Object.keys(env).filter((one) => !known.has(one))) {
    const why = GONE.find(([pattern]) => pattern.test(name))?.[1] ?? "is not known here";
    notices.push(`${name} ${why}; it was left out.`);
  }
  const bot = botTokenFrom(Object.fromEntries(TOKENS.map((name) => [name, valueOf(name)])));
  const guild = valueOf("GUILD_ID");
  const list = ASSIGNED.map((name) => join(dirname(path), name)).find(existsSync);
  return {
    ...(bot ? { token: { token: bot.token, variable: bot.variable } } : {}),
    ...(guild === undefined ? {} : { guild }),
    channels,
    settings,
    handled: list === undefined ? [] : idsIn(readText(list)),
    ...(list === undefined ? {} : { handledFrom: list }),
    notices,
  };
}

/** The first id of each line: some versions wrote more beside it. */
function idsIn(text: string): readonly string[] {
  const ids = text.split(/\r?\n/).flatMap((line) => /(?<!\d)\d{17,20}(?!\d)/.exec(line)?.[0] ?? []);
  return [...new Set(ids)];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Refusal("invalid_input", `${path} cannot be read (${code ?? "unknown"}).`, {
      hint: "Name the discord-config.env of the older tools: hq setup --import path/to/discord-config.env",
      cause,
    });
  }
}
