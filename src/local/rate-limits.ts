import { createHash } from "node:crypto";

/** `limit` requests in `windowMs`, counted for each channel, webhook or guild apart. */
export type RateRule = { readonly limit: number; readonly windowMs: number };

export type RateTable = {
  /** For all requests with the bot's token together; undefined = none. */
  readonly global?: RateRule;
  /** By `METHOD /route`, as in Discord's documentation; `*` for every other route. */
  readonly routes: Readonly<Record<string, RateRule>>;
};

const MESSAGE = "/channels/:channel/messages/:message";

/** About what Discord's headers say in practice. */
export const DISCORD_RATES: RateTable = {
  global: { limit: 50, windowMs: 1000 },
  routes: {
    "POST /channels/:channel/messages": { limit: 5, windowMs: 5000 },
    [`PATCH ${MESSAGE}`]: { limit: 5, windowMs: 5000 },
    [`DELETE ${MESSAGE}`]: { limit: 5, windowMs: 1000 },
    "GET /channels/:channel/messages": { limit: 5, windowMs: 1000 },
    [`PUT ${MESSAGE}/reactions/:emoji/@me`]: { limit: 1, windowMs: 250 },
    [`DELETE ${MESSAGE}/reactions/:emoji/:user`]: { limit: 1, windowMs: 250 },
    [`POST ${MESSAGE}/threads`]: { limit: 5, windowMs: 10_000 },
    "POST /channels/:channel/threads": { limit: 5, windowMs: 10_000 },
    "PATCH /channels/:channel": { limit: 2, windowMs: 600_000 },
    "POST /webhooks/:app/:token": { limit: 5, windowMs: 2000 },
    "PATCH /webhooks/:app/:token/messages/:message": { limit: 5, windowMs: 2000 },
    "PUT /applications/:app/guilds/:guild/commands": { limit: 5, windowMs: 20_000 },
    "*": { limit: 50, windowMs: 1000 },
  },
};

/** Edits of messages older than an hour: about 3 in 6 s for each channel, then error 30046. */
const OLD_EDITS: RateRule = { limit: 3, windowMs: 6000 };

export type Verdict = {
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the request is one too many. */
  readonly retryAfterMs?: number;
  readonly isGlobal: boolean;
};

export type Counted = {
  readonly route: string;
  /** The id that Discord counts by. */
  readonly major: string;
  /** Each has limits of its own. */
  readonly bot: string;
  /** The limit of all requests counts it too. */
  readonly isGlobal: boolean;
};

type Window = { used: number; endsAt: number };

export type RateLimits = ReturnType<typeof createRateLimits>;

export function createRateLimits({ table, now }: { table: RateTable | false; now: () => number }) {
  let rates = table;
  const windows = new Map<string, Window>();

  function windowOf(key: string, rule: RateRule): Window {
    const known = windows.get(key);
    if (known && known.endsAt > now()) return known;
    if (windows.size > 2000)
      for (const [old, { endsAt }] of windows) if (endsAt <= now()) windows.delete(old);
    const fresh = { used: 0, endsAt: now() + rule.windowMs };
    windows.set(key, fresh);
    return fresh;
  }

  /** True when it still fits. */
  function spend(window: Window, rule: RateRule): boolean {
    if (window.used >= rule.limit) return false;
    window.used++;
    return true;
  }

  return {
    /** Another table from now on, or none. */
    use(next: RateTable | false): void {
      rates = next;
      windows.clear();
    },
    /** Counts one request. */
    count({ route, major, bot, isGlobal }: Counted): Verdict {
      if (!rates) return { headers: {}, isGlobal: false };
      if (isGlobal && rates.global) {
        const window = windowOf(`global/${bot}`, rates.global);
        if (!spend(window, rates.global)) {
          const retryAfterMs = window.endsAt - now();
          return { headers: { "x-ratelimit-global": "true" }, retryAfterMs, isGlobal: true };
        }
      }
      const rule = rates.routes[route] ?? rates.routes["*"];
      if (!rule) return { headers: {}, isGlobal: false };
      const bucket = createHash("sha256").update(route).digest("hex").slice(0, 32);
      const window = windowOf(`${bucket}/${bot}/${major}`, rule);
      const fits = spend(window, rule);
      const leftMs = Math.max(1, window.endsAt - now());
      const headers = {
        "x-ratelimit-bucket": bucket,
        "x-ratelimit-limit": String(rule.limit),
        "x-ratelimit-remaining": String(rule.limit - window.used),
        "x-ratelimit-reset": (window.endsAt / 1000).toFixed(3),
        "x-ratelimit-reset-after": (leftMs / 1000).toFixed(3),
      };
      return fits ? { headers, isGlobal: false } : { headers, retryAfterMs: leftMs, isGlobal: false };
    },
    /** How long a message older than an hour has to wait until it may be edited; 0 = it counts as edited now. */
    waitForOldEdit(channelId: string): number {
      if (!rates) return 0;
      const window = windowOf(`old/${channelId}`, OLD_EDITS);
      return spend(window, OLD_EDITS) ? 0 : window.endsAt - now();
    },
  };
}
