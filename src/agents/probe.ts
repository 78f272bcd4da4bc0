import type { Dispatcher } from "undici";
import { formatDuration } from "../kernel/time.ts";
import { type Exchange, exchange } from "./exchange.ts";
import type { Pulse } from "./pulse.ts";
import { asRecord, isRefused, troubleText } from "./wording.ts";

/**
 * Asks a gateway how it is. Any HTTP answer means that it is up; the older ones answer 404 to all of these paths.
 * A gateway that knows `/startupz` remembers idempotency keys while it runs.
 */
export async function askPulse(
  dispatcher: Dispatcher,
  agent: string,
  given: { readonly deadlineMs: number; readonly userAgent: string },
): Promise<Pulse> {
  const get = (path: string): Promise<Exchange> =>
    exchange(dispatcher, {
      method: "GET",
      path,
      headers: { accept: "application/json", "user-agent": given.userAgent },
      deadlineMs: given.deadlineMs,
    });
  const startup = await get("/startupz");
  if (startup.kind !== "answered") {
    const text = `${agent}: ${troubleText(startup.cause)}`;
    return { state: "down", text, ...(isRefused(startup.cause) ? {} : { isDoubtful: true }) };
  }
  const said = asRecord(startup.body);
  const { version, uptimeMs } = said ?? {};
  if (startup.status === 200 && typeof uptimeMs === "number") {
    const name = typeof version === "string" ? `OpenClaw ${version}` : "the gateway";
    return {
      state: "up",
      text: `${name}, running for ${formatDuration(uptimeMs)}`,
      uptimeMs,
      idempotent: true,
      ...(typeof version === "string" ? { version } : {}),
    };
  }
  if (startup.status === 503 && said) {
    return { state: "up", text: "the gateway is starting", idempotent: true };
  }
  const live = await get("/health");
  if (live.kind === "answered" && asRecord(live.body)?.status === "live") {
    return { state: "up", text: "the gateway is live; it does not say since when", idempotent: false };
  }
  return {
    state: "up",
    text: "something answers there, as a gateway of early 2026 does; it does not say how it is",
    idempotent: false,
  };
}
