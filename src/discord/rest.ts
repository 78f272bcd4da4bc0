import {
  type APIMessage,
  type APIThreadChannel,
  REST,
  RESTEvents,
  type RESTGetAPIChannelMessagesResult,
  type RESTOptions,
  Routes,
} from "discord.js";
import type { Log } from "../engine/ports/log.ts";
import { nonceOf } from "../kernel/id.ts";
import {
  DISCORD_CODES,
  DiscordError,
  guarded,
  guardedMessage,
  guardedMessages,
  Withheld,
  withoutTokens,
} from "./discord-failure.ts";
import { LIMITS } from "./limits.ts";
import { bodyOf, editOf, type Payload, rawFiles } from "./payload.ts";
import { createReach, type Unanswered } from "./reach.ts";
import type { WriteGuard } from "./write-guard.ts";

/** Waits for a rate limit longer than this are given back to the outbox instead of holding a request. */
const LONGEST_WAIT_MS = 15_000;
/** A request that met this many 429 in a row is given back, however short each wait was: in less than a minute. */
const MOST_LIMITS_IN_A_ROW = 4;
const TIMEOUT_MS = 60_000;
/** Clocks that differ by less agree: an answer may be late, and says whole seconds only. */
const AGREE_MS = 60_000;
/** A 429 that does not say for how long, as one of a proxy; and the longest that is believed. */
const UNTOLD_WAIT_S = 60;
const MOST_WAIT_S = 3600;
const FILE_ORIGINS: ReadonlySet<string> = new Set([
  "https://cdn.discordapp.com",
  "https://media.discordapp.net",
]);

/** The requests that we make, by discord.js's own queue of buckets. */
export type DiscordRest = {
  readonly raw: REST;
  /** Two calls with the same delivery and part within some minutes make one message. */
  readonly post: (channel: string, delivery: string, part: number, payload: Payload) => Promise<APIMessage>;
  /** Also in a thread that was archived since, unless it is locked. */
  readonly edit: (channel: string, message: string, payload: Payload) => Promise<APIMessage>;
  /** The first answer to an interaction; false when somebody else has given it, and no earlier try of ours. */
  readonly callback: (interaction: string, token: string, body: object) => Promise<boolean>;
  /** Newest first, at most 100. */
  readonly history: (
    channel: string,
    query: { readonly limit: number; readonly before?: string; readonly after?: string },
  ) => Promise<RESTGetAPIChannelMessagesResult>;
  /** The text of a file that a message carries, by the address that came with it; undefined when it is gone. */
  readonly file: (url: string) => Promise<string | undefined>;
  /** By how much this machine's clock is ahead of Discord's, negative when it is behind; 0 within a minute. */
  readonly aheadMs: () => number;
  /** Whether Discord leaves our requests without any answer now. */
  readonly unanswered: () => Unanswered | undefined;
  readonly stop: () => void;
};

/**
 * Node's own fetch carries the requests: discord.js's default one shares a global dispatcher with the HTTP library
 * of the agents' adapter, and whichever of the two was loaded first breaks the other's file uploads.
 */
export const makeRequest = (async (url: string, init: RequestInit) => {
  try {
    return await whole(await fetch(url, init));
  } catch (error) {
    // discord.js knows a broken connection by its code, which fetch keeps in the cause.
    throw error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  }
}) as unknown as NonNullable<RESTOptions["makeRequest"]>;

/** With its body: discord.js's time for a request ends with the head of the answer, and the rest may never come. */
async function whole(answer: Response): Promise<Response> {
  const { status, statusText } = answer;
  const body = await answer.arrayBuffer();
  const headers = new Headers(answer.headers);
  if (status === 429) headers.set("retry-after", String(waitOf(answer)));
  return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers });
}

/** In seconds. discord.js asks again at once, and without end, when a 429 does not say for how long to wait. */
function waitOf({ headers }: Response): number {
  const told = headers.get("retry-after")?.trim() ?? "";
  const seconds = told === "" ? Number.NaN : Number(told);
  const left = Number.isNaN(seconds) ? (Date.parse(told) - Date.now()) / 1000 : seconds;
  return left > 0 ? Math.min(left, MOST_WAIT_S) : UNTOLD_WAIT_S;
}

/** For each client of discord.js: whoever asks is told of a long wait, and is not kept waiting. */
export const REST_OPTIONS = {
  version: "10",
  makeRequest,
  rejectOnRateLimit: ({ timeToReset, retryAfter }) => Math.max(timeToReset, retryAfter) > LONGEST_WAIT_MS,
} as const satisfies Partial<RESTOptions>;

/** Discord's own tokens of interactions say by themselves how long an answer may come, and to what. */
const BY_ITS_OWN_TOKEN = /\/(?:interactions|webhooks)\/\d+\//;

export function createRest(deps: {
  readonly token: string;
  readonly api?: string;
  readonly guard?: WriteGuard;
  readonly log: Log;
  readonly now: () => number;
}): DiscordRest {
  const { token, api, guard, log, now } = deps;
  /** The last thing before each try: after every wait in a queue, for a limit, or for another try. */
  const send: typeof makeRequest = async (url, init) => {
    if (guard && init.method !== "GET") {
      const reason = guard.refusal({ isFree: BY_ITS_OWN_TOKEN.test(url) });
      if (reason !== undefined) throw new Withheld(reason);
    }
    const request = requestOf(init.method, url);
    const before = limited.get(request) ?? 0;
    limited.delete(request);
    const sent = callbacks.get(request);
    if (sent !== undefined) callbacks.set(request, sent + 1);
    const answer = await reach.heard(() => makeRequest(url, init));
    if (answer.status === 429) {
      limited.set(request, before + 1);
      if (sent !== undefined) callbacks.set(request, sent);
    }
    const saidAt = Date.parse(answer.headers.get("date") ?? "");
    if (answer.ok && !Number.isNaN(saidAt)) aheadMs = now() - saidAt;
    return answer;
  };
  let aheadMs = 0;
  /** First answers under way: how often each was sent and may have been taken. */
  const callbacks = new Map<string, number>();
  /** By request, how often in a row. */
  const limited = new Map<string, number>();
  const raw = new REST({
    ...REST_OPTIONS,
    rejectOnRateLimit(limit) {
      const request = requestOf(limit.method, limit.url);
      const isOver =
        REST_OPTIONS.rejectOnRateLimit(limit) || (limited.get(request) ?? 0) >= MOST_LIMITS_IN_A_ROW;
      if (isOver) limited.delete(request);
      return isOver;
    },
    timeout: TIMEOUT_MS,
    retries: 1,
    makeRequest: send,
    ...(api ? { api } : {}),
  }).setToken(token);
  const gateway = `${raw.options.api}/v${raw.options.version}${Routes.gateway()}`;
  const reach = createReach({ look: (signal) => send(gateway, { method: "GET", signal }), now });
  raw.on(RESTEvents.Response, ({ method, path }, { status }) => {
    if (status === 429) log.warn({ method, path: withoutTokens(path) }, "Discord asked us to slow down");
  });
  return {
    raw,
    post: (channel, delivery, part, payload) =>
      guardedMessage(
        raw.post(Routes.channelMessages(channel), {
          body: { ...bodyOf(payload), nonce: nonceOf(delivery, part), enforce_nonce: true },
          files: rawFiles(payload),
        }),
      ),
    async edit(channel, message, payload) {
      const edited = () =>
        guardedMessage(
          raw.patch(Routes.channelMessage(channel, message), {
            body: { ...editOf(payload), allowed_mentions: { parse: [] } },
            files: rawFiles(payload),
          }),
        );
      try {
        return await edited();
      } catch (thrown) {
        if (!isArchived(thrown) || !(await isReopened(raw, channel))) throw thrown;
        return edited();
      }
    },
    async callback(interaction, token, body) {
      const route = Routes.interactionCallback(interaction, token);
      const request = requestOf("POST", `${raw.options.api}/v${raw.options.version}${route}`);
      callbacks.set(request, 0);
      try {
        await guarded(raw.post(route, { auth: false, body }));
        return true;
      } catch (thrown) {
        const code = thrown instanceof DiscordError ? thrown.failure.code : undefined;
        if (code !== DISCORD_CODES.alreadyAcknowledged) throw thrown;
        return (callbacks.get(request) ?? 0) > 1;
      } finally {
        callbacks.delete(request);
      }
    },
    history: (channel, { limit, before, after }) =>
      guardedMessages(
        raw.get(Routes.channelMessages(channel), {
          query: new URLSearchParams({
            limit: String(limit),
            ...(before ? { before } : {}),
            ...(after ? { after } : {}),
          }),
        }),
      ),
    file: (url) => guarded(readFile(url, raw.options.api)),
    aheadMs: () => (Math.abs(aheadMs) < AGREE_MS ? 0 : aheadMs),
    unanswered: reach.unanswered,
    stop: reach.stop,
  };
}

const requestOf = (method: string | undefined, url: string) => `${method} ${new URL(url).pathname}`;

function isArchived(thrown: unknown): boolean {
  return thrown instanceof DiscordError && thrown.failure.code === DISCORD_CODES.threadArchived;
}

/** Discord archives a thread in which nobody spoke for a while: whoever may write opens it again. Not one that is locked. */
async function isReopened(raw: REST, thread: string): Promise<boolean> {
  try {
    // Whoever may manage threads could open also that.
    const known = await guarded<Partial<APIThreadChannel> | undefined>(raw.get(Routes.channel(thread)));
    if (known?.thread_metadata?.locked) return false;
    await guarded(raw.patch(Routes.channel(thread), { body: { archived: false } }));
    return true;
  } catch (thrown) {
    if (!(thrown instanceof DiscordError)) throw thrown;
    const { kind } = thrown.failure;
    if (kind !== "refused" && kind !== "unreachable-place") throw thrown;
    return false;
  }
}

/** A file of one of our messages: from Discord's own hosts alone, wherever its address would lead, and no larger than it may be. */
async function readFile(url: string, api: string): Promise<string | undefined> {
  const { origin } = new URL(url);
  if (!FILE_ORIGINS.has(origin) && origin !== new URL(api).origin)
    throw new Error(`${origin} is not where Discord keeps files`);
  const answer = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (answer.ok) return textOf(answer);
  await answer.body?.cancel();
  if (answer.status === 404) return undefined;
  throw new Error(`Discord answered ${answer.status} to a look at the file of a message`);
}

async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.byteLength;
    if (size > LIMITS.fileBytes) throw new Error("what comes is larger than any file of a message");
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
