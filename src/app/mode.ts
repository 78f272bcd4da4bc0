import { botTokenFrom } from "../config/bot-token.ts";
import { Refusal } from "../kernel/refusal.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** Where people are: Discord itself, or our local guild. */
export type Mode =
  | { readonly kind: "discord"; readonly token: string; readonly guildId: string; readonly api?: string }
  | { readonly kind: "local" };

export type ReadMode = {
  readonly mode: Mode;
  readonly samples: boolean;
  readonly notices: readonly string[];
};

/** A guild without a token is a mistake, not a wish for the local guild. */
export function readMode(env: Env): ReadMode {
  const bot = botTokenFrom(env);
  const token = bot?.token;
  const notices = bot?.notice ? [bot.notice] : [];
  const samples = readSamples(env, !token);
  if (!token) {
    if (env.GUILD_ID) {
      throw new Refusal("invalid_input", `GUILD_ID is ${env.GUILD_ID}, but there is no DISCORD_TOKEN.`, {
        hint: "Set DISCORD_TOKEN (see `hq setup`), or unset GUILD_ID to use the local guild.",
      });
    }
    return { mode: { kind: "local" }, samples, notices };
  }
  if (!env.GUILD_ID || !/^\d{17,20}$/.test(env.GUILD_ID)) {
    throw new Refusal(
      "invalid_input",
      "DISCORD_TOKEN is set, but GUILD_ID is not a guild's id of 17 to 20 digits.",
      {
        hint: "Set GUILD_ID (in Discord: right-click the server, Copy Server ID), or run `hq setup`.",
      },
    );
  }
  return {
    mode: {
      kind: "discord",
      token,
      guildId: env.GUILD_ID,
      ...(env.DISCORD_API ? { api: env.DISCORD_API } : {}),
    },
    samples,
    notices,
  };
}

function readSamples(env: Env, byDefault: boolean): boolean {
  const wish = env.HQ_AGENTS;
  if (wish === undefined || wish === "") return byDefault;
  if (wish === "sample" || wish === "config") return wish === "sample";
  throw new Refusal("invalid_input", `HQ_AGENTS is "${wish}"; it may be sample or config.`);
}

/** A port from the environment; 0 = a free one. */
export function readPort(env: Env, name: "HQ_PORT" | "HQ_GUILD_PORT", fallback: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Refusal(
      "invalid_input",
      `${name} is "${text}"; it must be a port from 0 to 65535 (0 = a free one).`,
    );
  }
  return port;
}
