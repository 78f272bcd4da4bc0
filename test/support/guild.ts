import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { Client, type ClientOptions, Events, GatewayIntentBits, Options, Partials } from "discord.js";
import { createLocalGuild, type LocalGuild, type LocalGuildOptions } from "../../src/local/local-guild.ts";

export type Json = Record<string, unknown>;
export type Answer<T = Json> = { readonly status: number; readonly body: T };

const connected = new WeakMap<object, Client[]>();

/** A local guild in memory, without rate limits, stopped after the test. */
export async function startGuild(
  t: TestContext,
  options: Partial<LocalGuildOptions> = {},
): Promise<LocalGuild> {
  const guild = await createLocalGuild({ port: 0, rates: false, ...options });
  await guild.start();
  const bots: Client[] = [];
  connected.set(guild, bots);
  t.after(async () => {
    // Bots leave first: discord.js would try to come back to a guild that is gone.
    await Promise.all(bots.map((bot) => bot.destroy()));
    await guild.stop();
  });
  return guild;
}

/** What a person of the guild does, over HTTP. */
export function person(guild: Pick<LocalGuild, "url">, as = "you", key?: string) {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };

  async function ask<T = Json>(method: string, path: string, body?: Json): Promise<Answer<T>> {
    const response = await fetch(`${guild.url}${path}`, {
      method,
      headers: body === undefined ? headers : { ...headers, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify({ as, ...body }) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as T };
  }

  const must = async <T = Json>(method: string, path: string, body?: Json): Promise<T> => {
    const { status, body: answered } = await ask<T>(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answered)}`);
    return answered;
  };

  return {
    ask,
    must,
    get: <T = Json>(path: string) => must<T>("GET", `${path}${path.includes("?") ? "&" : "?"}as=${as}`),
    say: (channel: string, content: string, more: Json = {}) =>
      must<{ id: string; channel_id: string }>("POST", "/local/messages", { channel, content, ...more }),
    /** Runs a slash command and waits for its answer. */
    command: (channel: string, name: string, options: Json = {}, more: Json = {}) =>
      must<Interaction>("POST", "/local/commands", { channel, name, options, wait: true, ...more }),
    press: (message: string, customId: string, more: Json = {}) =>
      must<Interaction>("POST", "/local/components", { message, custom_id: customId, wait: true, ...more }),
    submit: (interaction: string, fields: Json) =>
      must<Interaction>("POST", "/local/modals", { interaction, fields, wait: true }),
    react: (message: string, emoji: string) => must("POST", "/local/reactions", { message, emoji }),
    unreact: (message: string, emoji: string) => must("DELETE", "/local/reactions", { message, emoji }),
  };
}

export type Interaction = {
  readonly id: string;
  readonly type: number;
  readonly state: string;
  readonly ephemeral?: boolean;
  readonly message?: { id: string; content: string; flags: number; components: Json[]; type: number };
  readonly modal?: { custom_id: string; title: string; components: Json[] };
};

/** The real discord.js, logged in to the guild and ready; destroyed after the test. */
export async function connectBot(
  t: TestContext,
  guild: Pick<LocalGuild, "restApi">,
  options: Partial<ClientOptions> = {},
  token = "a-token-of-any-kind",
): Promise<Client<true>> {
  const client = makeBot(guild, options);
  const bots = connected.get(guild);
  if (bots) bots.push(client);
  else t.after(() => client.destroy());
  const ready = new Promise<Client<true>>((resolve) => {
    client.once(Events.ClientReady, resolve);
  });
  await client.login(token);
  return ready;
}

export function makeBot(guild: Pick<LocalGuild, "restApi">, options: Partial<ClientOptions> = {}): Client {
  return new Client({
    intents: [
      GatewayIntentBits.Guilds,
      GatewayIntentBits.GuildMessages,
      GatewayIntentBits.GuildMessageReactions,
      GatewayIntentBits.MessageContent,
    ],
    partials: [Partials.Message, Partials.Reaction, Partials.User],
    allowedMentions: { parse: [], repliedUser: false },
    makeCache: Options.cacheEverything(),
    ...options,
    rest: { api: guild.restApi, ...options.rest },
  });
}

/** The next event of a client that fits. */
export function nextEvent<T>(
  client: Client,
  event: string,
  fits: (value: T) => boolean = () => true,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      client.off(event, listener);
      reject(new Error(`no ${event} came within 10 s`));
    }, 10_000);
    const listener = (value: T) => {
      if (!fits(value)) return;
      clearTimeout(timer);
      client.off(event, listener);
      resolve(value);
    };
    client.on(event, listener);
  });
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "guild-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
