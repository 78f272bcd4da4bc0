import { type APIMessage, DiscordAPIError, HTTPError, RateLimitError } from "discord.js";
import { Refusal } from "../kernel/refusal.ts";

/**
 * What went wrong with a request, in words that may be logged: addresses of interactions and webhooks hold tokens.
 * `unsure` = Discord may have done it all the same. `withheld` = it was not sent: it is another supervisor's to do.
 */
export type DiscordFailure = {
  readonly kind: "limited" | "refused" | "unauthorized" | "unreachable-place" | "unsure" | "withheld";
  readonly text: string;
  readonly status?: number;
  /** Discord's own number, e.g. 10008 for an unknown message. */
  readonly code?: number;
  readonly retryAfterMs?: number;
};

/** A request that failed, without anything secret: the only error of discord.js that leaves this folder. */
export class DiscordError extends Error {
  readonly failure: DiscordFailure;

  constructor(failure: DiscordFailure) {
    super(failure.text);
    this.name = "DiscordError";
    this.failure = failure;
  }
}

/** A request that was kept from being sent. */
export class Withheld extends Error {}

/** Makes a request's errors safe to log. */
export async function guarded<T>(request: Promise<unknown>): Promise<T> {
  try {
    return (await request) as T;
  } catch (thrown) {
    throw new DiscordError(failureOf(thrown));
  }
}

/** An answer that is no message, as a proxy may give one, says neither that it was done nor that it was not. */
export async function guardedMessage(request: Promise<unknown>): Promise<APIMessage> {
  const answer = await guarded<Partial<APIMessage> | undefined>(request);
  if (typeof answer?.id === "string" && answer.author) return answer as APIMessage;
  throw new DiscordError({ kind: "unsure", text: "Discord answered without the message" });
}

export async function guardedMessages(request: Promise<unknown>): Promise<APIMessage[]> {
  const answer = await guarded<unknown>(request);
  if (Array.isArray(answer)) return answer as APIMessage[];
  throw new DiscordError({ kind: "unsure", text: "Discord answered without the messages" });
}

/** discord.js forgets a token once it was refused, and sends nothing from then on. */
const WITHOUT_TOKEN = /^Expected token to be set for this request/;

export const DISCORD_CODES = {
  unknownChannel: 10003,
  unknownMessage: 10008,
  unknownEmoji: 10014,
  unknownWebhook: 10015,
  unknownInteraction: 10062,
  tooManyOldEdits: 30046,
  alreadyAcknowledged: 40060,
  badWebhookToken: 50027,
  threadArchived: 50083,
  threadLocked: 160005,
} as const;

export function failureOf(thrown: unknown): DiscordFailure {
  if (thrown instanceof DiscordError) return thrown.failure;
  if (thrown instanceof Withheld) return { kind: "withheld", text: `nothing was sent: ${thrown.message}` };
  if (thrown instanceof RateLimitError) {
    return {
      kind: "limited",
      text: `rate limited on ${thrown.method} ${pathOf(thrown.url)}`,
      retryAfterMs: Math.max(thrown.retryAfter, thrown.timeToReset),
    };
  }
  if (thrown instanceof DiscordAPIError) {
    const { status, method } = thrown;
    const code = Number(thrown.code);
    const text = `Discord answered ${status} (${thrown.code}) to ${method} ${pathOf(thrown.url)}: ${withoutTokens(thrown.message)}`;
    if (status === 401) return { kind: "unauthorized", text, status, code };
    if (status === 403 || status === 404) return { kind: "unreachable-place", text, status, code };
    return { kind: "refused", text, status, code };
  }
  if (thrown instanceof HTTPError) {
    const { status, method, url } = thrown;
    return { kind: "unsure", text: `Discord answered ${status} to ${method} ${pathOf(url)}`, status };
  }
  if (thrown instanceof Error && WITHOUT_TOKEN.test(thrown.message)) {
    return { kind: "unauthorized", text: "it refused it before, and nothing was sent with it since" };
  }
  const text =
    thrown instanceof Error ? `${thrown.name}: ${thrown.message}${causeOf(thrown)}` : String(thrown);
  return { kind: "unsure", text: withoutTokens(text) };
}

/** Too many edits of an old message, or a thread that stays closed, are no fault of its words. */
export function isRefusedContent(thrown: unknown): thrown is DiscordError {
  if (!(thrown instanceof DiscordError)) return false;
  const { kind, code } = thrown.failure;
  const { tooManyOldEdits, threadArchived, threadLocked } = DISCORD_CODES;
  const isOther = code === tooManyOldEdits || code === threadArchived || code === threadLocked;
  return kind === "refused" && !isOther;
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : "";
}

function pathOf(url: string): string {
  return withoutTokens(url.replace(/^https?:\/\/[^/]+/, "").replace(/\?.*$/, ""));
}

/** Takes interaction and webhook tokens, and anything that looks like a bot token, out of a text. */
export function withoutTokens(text: string): string {
  return text
    .replace(/(\/(?:interactions|webhooks)\/\d+\/)[^/\s?"']+/g, "$1…")
    .replace(/\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}\b/g, "…")
    .replace(/\b(Bot|Bearer)\s+\S+/g, "$1 …");
}

/** Nothing goes on with a token that is refused, and only a person can mend it. */
export const tellRefusedToken =
  (onFatal: (refusal: Refusal) => void) =>
  ({ kind, text }: DiscordFailure): void => {
    if (kind !== "unauthorized") return;
    const hint = "Set DISCORD_TOKEN to the bot's token and restart; `hq doctor` tests each part.";
    onFatal(new Refusal("no_discord", `Discord refuses the bot token: ${text}`, { hint }));
  };

/** Whether a failure of connecting is worth another try; a wrong token or intents never are. */
export function isWorthRetrying(thrown: unknown): boolean {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined;
  if (code === "TokenInvalid") return false;
  const words = thrown instanceof Error ? thrown.message : String(thrown);
  return !/disallowed intents|invalid intents|authentication failed/i.test(words);
}
