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

const USUAL_PORTS = { HQ_PORT: 18_700, HQ_GUILD_PORT: 18_701 } as const;
export type PortName = keyof typeof USUAL_PORTS;

/** A port from the environment, else the usual one; 0 = a free one. */
export function readPort(env: Env, name: PortName): number {
  const text = env[name];
  if (text === undefined || text === "") return USUAL_PORTS[name];
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Refusal(
      "invalid_input",
      `${name} is "${text}"; it must be a port from 0 to 65535 (0 = a free one).`,
    );
  }
  return port;
}

/** In Discord there is no local guild, and nothing opens its port. */
export function refuseOnePort({ kind }: Mode, ports: { readonly api: number; readonly guild: number }): void {
  if (kind !== "local" || ports.api === 0 || ports.api !== ports.guild) return;
  throw new Refusal(
    "invalid_input",
    `HQ_PORT and HQ_GUILD_PORT are both ${ports.api}; REST and the local guild need a port each.`,
    {
      hint: `Set one of them to another port, as in HQ_GUILD_PORT=${portBeside(ports.api)} npm start (0 = a free one).`,
    },
  );
}

/** One to suggest in place of one that cannot be had. */
export function portBeside(port: number): number {
  return port + 10 < 65_536 ? port + 10 : 0;
}
