import { setTimeout as pause } from "node:timers/promises";

const DISCORD_API = "https://discord.com/api";
const TIMEOUT_MS = 15_000;
const LONGEST_WAIT_MS = 10_000;

/** `dateAt` is the server's clock, epoch ms, when it said it. */
export type Said =
  | { readonly kind: "ok"; readonly body: unknown; readonly dateAt?: number }
  | { readonly kind: "refused"; readonly status: number; readonly text: string }
  | { readonly kind: "unreachable"; readonly text: string };

export type Ask = (path: string) => Promise<Said>;

/** Reads from Discord's REST v10. One rate limit is waited out, everything else is told as it is. */
export function createAsk(options: { readonly api: string | undefined; readonly token: string }): Ask {
  const base = `${(options.api || DISCORD_API).replace(/\/+$/, "").replace(/\/v\d+$/, "")}/v10`;
  const headers = {
    authorization: `Bot ${options.token}`,
    "user-agent": "DiscordBot (atomizer-hq, 1.0)",
  };

  async function once(path: string): Promise<Said & { readonly retryAfterMs?: number }> {
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (thrown) {
      return { kind: "unreachable", text: `${new URL(base).host} does not answer: ${reasonOf(thrown)}` };
    }
    const body = await bodyOf(response);
    const dateAt = Date.parse(response.headers.get("date") ?? "");
    if (response.ok) return { kind: "ok", body, ...(Number.isNaN(dateAt) ? {} : { dateAt }) };
    const text = (body as { message?: unknown } | undefined)?.message;
    const retryAfter = Number(response.headers.get("retry-after") ?? "1");
    return {
      kind: "refused",
      status: response.status,
      text: typeof text === "string" ? text.slice(0, 200) : response.statusText,
      ...(response.status === 429 ? { retryAfterMs: retryAfter * 1000 } : {}),
    };
  }

  return async (path) => {
    const first = await once(path);
    if (first.retryAfterMs === undefined) return first;
    await pause(Math.min(first.retryAfterMs, LONGEST_WAIT_MS));
    return once(path);
  };
}

async function bodyOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function reasonOf(thrown: unknown): string {
  const { name, message, cause } = thrown as Error;
  if (name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} s`;
  const inner = cause as { code?: string; message?: string } | undefined;
  return inner?.code ?? inner?.message ?? message;
}
