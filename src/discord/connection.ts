import type { APIInteraction, Client } from "discord.js";
import { Events, GatewayDispatchEvents } from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { Refusal } from "../kernel/refusal.ts";
import { createClient, INTENTS, inviteLink } from "./client.ts";
import { failureOf, isWorthRetrying } from "./discord-failure.ts";
import type { Identifies } from "./identify.ts";
import { backoffMs } from "./retry-plan.ts";
import { createSessionStore, type SessionMemory } from "./session-store.ts";

/** Those that discord.js does not know are never passed on. */
const MOST_UNPASSED = 1000;

export type ConnectionDeps = {
  readonly token: string;
  readonly api?: string;
  readonly guildId: string;
  /** Where the session outlives us; without it each connection begins a session. */
  readonly sessions?: SessionMemory;
  /** Counts the sessions of all connections of a life. */
  readonly identifies: Identifies;
  readonly now: () => number;
  readonly log: Log;
  readonly onConnected: (client: Client, how: "ready" | "resumed") => void;
  readonly onDisconnected: () => void;
  /** Whether the bot was known to be in its guild before: then one that is not there is waited for. */
  readonly wasThere?: () => boolean;
  /** Why it waits although Discord is reached; undefined when it waits no more. */
  readonly onWait?: (why: Refusal | undefined) => void;
  /** Only a person can mend it: a wrong token, a missing intent. */
  readonly onFatal: (refusal: Refusal) => void;
  readonly onInteraction: (interaction: APIInteraction) => void;
  /** Further listeners of each client, before it logs in. */
  readonly onClient?: (client: Client) => void;
};

export type Connection = {
  /** The client once it was ready; it stays while it reconnects. */
  readonly client: () => Client | undefined;
  readonly isConnected: () => boolean;
  /** Resolves when connected or stopped, or after `withinMs` while it goes on trying; throws `Refusal` when trying is useless. */
  readonly start: (withinMs: number) => Promise<void>;
  /** It can be started again. */
  readonly stop: () => Promise<void>;
};

/** From a start to its stop. */
type Life = { isOver: boolean; readonly end: PromiseWithResolvers<void> };

/** One connection to the gateway, tried again for as long as it takes. */
export function createConnection(deps: ConnectionDeps): Connection {
  const { log, sessions, identifies } = deps;
  const store = sessions && createSessionStore({ ...deps, memory: sessions, intents: INTENTS });
  let current: Client | undefined;
  let usable: Client | undefined;
  let connected = false;
  let living: Life | undefined;
  let wake: (() => void) | undefined;

  function refusalFor(text: string, hint?: string): Refusal {
    return new Refusal("no_discord", text, {
      hint:
        hint ??
        "Check DISCORD_TOKEN and the bot's page in the developer portal; `hq doctor` tests each part.",
    });
  }

  function limitedFor(waitMs: number, text: string): Refusal {
    const until = new Date(deps.now() + waitMs).toISOString();
    return refusalFor(
      `Discord wants to be asked again at ${until} and not before: ${text}.`,
      "Nothing has to be done for it to go on, and results wait until then. Find out what else asks Discord so often from this address or with this token.",
    );
  }

  /** Why there is no guild to work in; `isRemoved` = the bot is not in it at all. */
  function absenceOf(client: Client): { readonly why: Refusal; readonly isRemoved: boolean } | undefined {
    const { guildId } = deps;
    const guild = client.guilds.cache.get(guildId);
    if (guild?.available) return undefined;
    if (guild) {
      const hint =
        "Nothing has to be done for it to go on, and results wait until then; see discordstatus.com.";
      const why = refusalFor(`Discord does not have the guild ${guildId} available now.`, hint);
      return { why, isRemoved: false };
    }
    const invite = inviteLink(client.application?.id ?? "", guildId);
    return {
      why: refusalFor(`The bot is not in the guild ${guildId}.`, `Invite it: ${invite}`),
      isRemoved: true,
    };
  }

  async function connectOnce(life: Life): Promise<void> {
    const ready = Promise.withResolvers<void>();
    let wasConnected = false;
    let isOnline = false;
    let waitsFor: Refusal | undefined;

    function arrived(how: "ready" | "resumed"): void {
      isOnline = true;
      const absence = absenceOf(client);
      if (!absence) return entered(how);
      lost();
      const isExpected = wasConnected || waitsFor !== undefined || deps.wasThere?.();
      if (absence.isRemoved && !isExpected) return ready.reject(absence.why);
      const { message: failure, hint } = absence.why;
      if (waitsFor?.message !== failure) log.warn({ failure, hint }, "the guild is away; it is waited for");
      waitsFor = absence.why;
      // Also again: a session that was waited for meanwhile says in its end that nothing is.
      deps.onWait?.(waitsFor);
    }

    function entered(how: "ready" | "resumed"): void {
      if (waitsFor) deps.onWait?.(undefined);
      waitsFor = undefined;
      usable = client;
      connected = true;
      wasConnected = true;
      ready.resolve();
      deps.onConnected(client, how);
    }

    function lost(): void {
      if (!connected) return;
      connected = false;
      deps.onDisconnected();
    }

    const client = createClient({
      ...(deps.api ? { api: deps.api } : {}),
      guildId: deps.guildId,
      identifies,
      log,
      isStopped: () => life.isOver || current !== client,
      ...(store ? { kept: { store, isLeaving: () => life.isOver } } : {}),
      onPrepared(prepared) {
        usable = prepared;
      },
      onConnected: (_, how) => arrived(how),
      // What comes before READY and RESUMED is looked at with them.
      onGuild() {
        if (isOnline && !(connected && !absenceOf(client))) arrived("ready");
      },
      onDisconnected() {
        isOnline = false;
        lost();
      },
      onClosedForGood(text) {
        if (!wasConnected) return ready.reject(refusalFor(text));
        const hint =
          "Nothing is sent until that is mended and the supervisor was restarted; `hq doctor` tests each part.";
        deps.onFatal(refusalFor(text, hint));
      },
    });
    current = client;
    passInteractions(client, deps.onInteraction);
    deps.onClient?.(client);
    const login = client.login(deps.token);
    // What login resolves to is waited for by `ready`: it also knows that the guild is there.
    login.catch(ready.reject);
    try {
      await ready.promise;
    } catch (thrown) {
      await client.destroy();
      throw thrown;
    }
  }

  async function connect(life: Life): Promise<void> {
    for (let tries = 1; !life.isOver; tries++) {
      try {
        return await connectOnce(life);
      } catch (thrown) {
        if (life.isOver) return;
        if (thrown instanceof Refusal) throw thrown;
        const { text, retryAfterMs = 0 } = failureOf(thrown);
        if (!isWorthRetrying(thrown)) throw refusalFor(`Discord does not let the bot in: ${text}`);
        const waitMs = Math.max(backoffMs(tries), Math.ceil(retryAfterMs));
        log.warn({ tries, waitMs, failure: text }, "Discord cannot be reached and is tried again");
        if (retryAfterMs > 0) deps.onWait?.(limitedFor(waitMs, text));
        await pause(waitMs);
        if (retryAfterMs > 0) deps.onWait?.(undefined);
      }
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    client: () => usable,
    isConnected: () => connected,
    async start(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      let isInTime = true;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(() => {
          isInTime = false;
          resolve();
        }, withinMs);
      });
      const life: Life = { isOver: false, end: Promise.withResolvers() };
      living = life;
      const connecting = connect(life);
      connecting.catch((thrown: unknown) => {
        if (isInTime) return;
        deps.onFatal(thrown instanceof Refusal ? thrown : refusalFor(failureOf(thrown).text));
      });
      try {
        await Promise.race([connecting, late, life.end.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
    async stop() {
      if (living) living.isOver = true;
      living?.end.resolve();
      connected = false;
      wake?.();
      // A session that the ledger does not know of is ended; one that was begun just now is told first.
      if (store && !store.isKept()) await store.flush();
      await current?.destroy();
      if (store?.isKept()) await store.flush();
    },
  };
}

/** As Discord sends them, once the client knows the guild that they are about. */
function passInteractions(client: Client, pass: (interaction: APIInteraction) => void): void {
  const sent = new Map<string, APIInteraction>();
  client.ws.on(GatewayDispatchEvents.InteractionCreate, (interaction: APIInteraction) => {
    sent.set(interaction.id, interaction);
    const [oldest] = sent.keys();
    if (sent.size > MOST_UNPASSED && oldest !== undefined) sent.delete(oldest);
  });
  client.on(Events.InteractionCreate, ({ id }) => {
    const interaction = sent.get(id);
    sent.delete(id);
    if (interaction) pass(interaction);
  });
}
