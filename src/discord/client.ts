import {
  Client,
  Events,
  GatewayCloseCodes,
  GatewayDispatchEvents,
  type GatewayReadyDispatchData,
  Options,
  Partials,
  type SessionInfo,
} from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { failureOf, withoutTokens } from "./discord-failure.ts";
import { tellGuild } from "./guild-now.ts";
import type { Identifies } from "./identify.ts";
import { REST_OPTIONS } from "./rest.ts";
import { connectWithoutSessionsLeft, type Gateway, keepSession } from "./session.ts";
import type { SessionStore } from "./session-store.ts";

/** Guilds, GuildMessages, GuildMessageReactions, MessageContent. */
export const INTENTS = 34_305;
/** ViewChannel, SendMessages, SendMessagesInThreads, ReadMessageHistory, AddReactions, AttachFiles, CreatePublicThreads, EmbedLinks. */
export const PERMISSIONS = "309237763136";

const CLOSED_FOR_GOOD: Readonly<Record<number, string>> = {
  [GatewayCloseCodes.AuthenticationFailed]: "Discord refuses the bot token.",
  [GatewayCloseCodes.InvalidIntents]: "Discord does not know the intents that were asked for.",
  [GatewayCloseCodes.DisallowedIntents]:
    "Discord does not allow the Message Content intent: switch it on in the developer portal, under Bot.",
};

export function inviteLink(applicationId: string, guildId: string): string {
  const query = new URLSearchParams({
    client_id: applicationId,
    scope: "bot applications.commands",
    permissions: PERMISSIONS,
    guild_id: guildId,
  });
  return `https://discord.com/oauth2/authorize?${query.toString()}`;
}

/** discord.js's client for the gateway alone; requests go over our own REST. */
export function createClient(deps: {
  readonly api?: string;
  readonly guildId: string;
  readonly identifies: Identifies;
  readonly log: Log;
  readonly isStopped: () => boolean;
  /** Where the session outlives us. */
  readonly kept?: { readonly store: SessionStore; readonly isLeaving: () => boolean };
  /** The guild is known, and what happened since somebody left the session is about to come; RESUMED follows. */
  readonly onPrepared?: (client: Client) => void;
  /** The guild came, went, or is available again; also before READY and RESUMED are told. */
  readonly onGuild: () => void;
  /** After every READY (with its guilds) and RESUMED. */
  readonly onConnected: (client: Client, how: "ready" | "resumed") => void;
  readonly onDisconnected: () => void;
  readonly onClosedForGood: (text: string) => void;
}): Client {
  const { log, guildId, kept } = deps;
  let isPreparing = false;

  async function prepare(manager: Gateway, session: SessionInfo): Promise<boolean> {
    isPreparing = true;
    try {
      await tellGuild(client, manager, { guildId, session });
    } catch (thrown) {
      log.warn(
        { failure: failureOf(thrown).text },
        "the Discord session that there is cannot be gone on with",
      );
      return false;
    } finally {
      isPreparing = false;
    }
    deps.onPrepared?.(client);
    return true;
  }

  const client = new Client({
    intents: INTENTS,
    partials: [Partials.Message, Partials.Reaction, Partials.User],
    allowedMentions: { parse: [], repliedUser: false },
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      MessageManager: 25,
      ReactionManager: 0,
    }),
    rest: { ...REST_OPTIONS, ...(deps.api ? { api: deps.api } : {}) },
    ws: {
      buildIdentifyThrottler: deps.identifies.throttle,
      buildStrategy(manager) {
        connectWithoutSessionsLeft(manager);
        const { isStopped } = deps;
        return keepSession(manager, { isStopped, ...(kept ? { kept: { ...kept, prepare, log } } : {}) });
      },
    },
  });
  // Without this listener an error in any other one would end the process.
  client.on(Events.Error, (error) => {
    log.error({ failure: failureOf(error).text }, "a Discord listener failed");
  });
  client.on(Events.Warn, (text) => log.warn({ text: withoutTokens(text) }, "discord.js warns"));
  client.on(Events.ShardError, (error) => {
    log.warn({ failure: failureOf(error).text }, "the Discord connection had an error");
  });
  // discord.js goes on with a guild that a new session does not have any more.
  client.ws.on(GatewayDispatchEvents.Ready, ({ guilds }: GatewayReadyDispatchData) => {
    if (!guilds.some(({ id }) => id === guildId)) client.guilds.cache.delete(guildId);
  });
  for (const event of [
    Events.GuildCreate,
    Events.GuildAvailable,
    Events.GuildDelete,
    Events.GuildUnavailable,
  ] as const) {
    client.on(event, ({ id }) => {
      if (id === guildId) deps.onGuild();
    });
  }
  client.on(Events.ShardReady, () => {
    if (!isPreparing) deps.onConnected(client, "ready");
  });
  client.on(Events.ShardResume, () => deps.onConnected(client, "resumed"));
  client.on(Events.ShardReconnecting, deps.onDisconnected);
  client.on(Events.ShardDisconnect, ({ code }) => {
    deps.onDisconnected();
    deps.onClosedForGood(CLOSED_FOR_GOOD[code] ?? `Discord closed the connection for good (${code}).`);
  });
  return client;
}
