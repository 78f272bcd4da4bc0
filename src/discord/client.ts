import { Client, Events, GatewayCloseCodes, Options, Partials } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { failureOf, withoutTokens } from "./discord-failure.ts";
import { makeRequest } from "./rest.ts";
import { createIdentifyThrottle, keepSession } from "./session.ts";

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
  readonly now: () => number;
  readonly log: Log;
  readonly isStopped: () => boolean;
  /** After every READY (with its guilds) and RESUMED. */
  readonly onConnected: (client: Client, how: "ready" | "resumed") => void;
  readonly onDisconnected: () => void;
  readonly onClosedForGood: (text: string) => void;
}): Client {
  const { log } = deps;
  const client = new Client({
    intents: INTENTS,
    partials: [Partials.Message, Partials.Reaction, Partials.User],
    allowedMentions: { parse: [], repliedUser: false },
    makeCache: Options.cacheWithLimits({
      ...Options.DefaultMakeCacheSettings,
      MessageManager: 25,
      ReactionManager: 0,
    }),
    rest: { makeRequest, ...(deps.api ? { api: deps.api } : {}) },
    ws: {
      buildIdentifyThrottler: createIdentifyThrottle(deps),
      buildStrategy: (manager) => keepSession(manager, deps.isStopped),
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
  client.on(Events.ShardReady, () => deps.onConnected(client, "ready"));
  client.on(Events.ShardResume, () => deps.onConnected(client, "resumed"));
  client.on(Events.ShardReconnecting, deps.onDisconnected);
  client.on(Events.ShardDisconnect, ({ code }) => {
    deps.onDisconnected();
    deps.onClosedForGood(CLOSED_FOR_GOOD[code] ?? `Discord closed the connection for good (${code}).`);
  });
  return client;
}
