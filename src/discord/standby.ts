import { Client, type Guild, Options, Routes } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { DiscordError, guarded } from "./discord-failure.ts";
import { REST_OPTIONS } from "./rest.ts";

/** Roles and channels that were read so long ago are read again, beside the answer that they are used for. */
const FRESH_MS = 60_000;

/** What of GET /applications/@me is looked at. */
type Application = {
  readonly id: string;
  readonly bot?: { readonly id: string };
  /** The public half of the key that Discord signs with, in hexadecimal. */
  readonly verify_key: string;
};

export type Standby = {
  /** Resolves when the guild is known. Rejects with `DiscordError`. */
  readonly know: () => Promise<void>;
  /** Its client has no connection. Undefined until the guild is known. */
  readonly guild: () => Guild | undefined;
  readonly botId: () => string | undefined;
  /** Read once in a life. Rejects with `DiscordError`. */
  readonly publicKey: () => Promise<string>;
  readonly stop: () => Promise<void>;
};

/**
 * The guild as it is read over REST, in discord.js's own words: who answers interactions by HTTP needs its roles and
 * channels, and may have no connection to the gateway, which belongs to one supervisor.
 */
export function createStandby(deps: {
  readonly token: string;
  readonly api?: string;
  readonly guildId: string;
  readonly now: () => number;
  readonly log: Log;
}): Standby {
  const { now, log } = deps;
  let made: Client | undefined;
  let known: { readonly guild: Guild; readonly at: number } | undefined;
  let application: Promise<Application> | undefined;
  let reading: Promise<void> | undefined;
  let botId: string | undefined;

  function client(): Client {
    if (made) return made;
    made = new Client({
      intents: [],
      shardCount: 1,
      makeCache: Options.cacheWithLimits({ ...Options.DefaultMakeCacheSettings, MessageManager: 0 }),
      rest: { ...REST_OPTIONS, retries: 1, ...(deps.api ? { api: deps.api } : {}) },
    });
    made.rest.setToken(deps.token);
    return made;
  }

  function readApplication(): Promise<Application> {
    application ??= guarded<Application>(client().rest.get(Routes.currentApplication())).catch((thrown) => {
      application = undefined;
      throw thrown;
    });
    return application;
  }

  async function read(): Promise<void> {
    const { id, bot } = await readApplication();
    const { guildId } = deps;
    const guild = await guarded<Guild>(client().guilds.fetch({ guild: guildId, force: true }));
    const channels = await guarded<ReadonlyMap<string, unknown>>(guild.channels.fetch());
    for (const channel of guild.channels.cache.keys()) {
      if (!channels.has(channel)) guild.channels.cache.delete(channel);
    }
    botId = bot?.id ?? id;
    known = { guild, at: now() };
  }

  function readOnce(): Promise<void> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    async know() {
      if (!known) return readOnce();
      if (now() - known.at < FRESH_MS) return;
      readOnce().catch((thrown: unknown) => {
        if (!(thrown instanceof DiscordError)) throw thrown;
        log.warn({ failure: thrown.message }, "the guild could not be read again; what was known is used");
      });
    },
    guild: () => known?.guild,
    botId: () => botId,
    publicKey: async () => (await readApplication()).verify_key,
    async stop() {
      await made?.destroy();
    },
  };
}
