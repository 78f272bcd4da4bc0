import type { DispatchRequest } from "../engine/ports/agents.ts";
import { Refusal } from "../kernel/refusal.ts";

/** Above this the gateway answers 413, or resets the connection without a word. */
const LONGEST_BODY_BYTES = 256 * 1024;

/** The gateway takes keys with this prefix alone. A mapped hook tells turns of sessions by their source. */
function sessionFields(session: string) {
  return { sessionMode: "persistent", sessionKey: `hook:${session}`, source: "hq-session" };
}

/**
 * The JSON of a hook request, for all known versions of the gateway.
 * `channel` and `to` go together or not at all, and the id carries its prefix: a bare one is ambiguous to the gateway.
 * Refusal `too_large` above 256 KiB.
 */
export function hookBody(request: DispatchRequest): Uint8Array {
  const { message, name, timeoutMs, agentPosts, model, thinking, session } = request;
  const body = Buffer.from(
    JSON.stringify({
      message,
      name,
      wakeMode: "next-heartbeat",
      timeoutSeconds: Math.max(1, Math.ceil(timeoutMs / 1000)),
      ...(model === undefined ? {} : { model }),
      ...(thinking === undefined ? {} : { thinking }),
      ...(session === undefined ? {} : sessionFields(session)),
      ...(agentPosts
        ? { deliver: true, channel: "discord", to: `channel:${agentPosts.channel}` }
        : { deliver: false }),
    }),
  );
  if (body.length > LONGEST_BODY_BYTES) {
    throw new Refusal(
      "too_large",
      `The prompt is ${Math.ceil(body.length / 1024)} KiB; the agents' gateways take ${LONGEST_BODY_BYTES / 1024} KiB.`,
      { hint: "Shorten it, or put the material into a file the agent can read and name its path." },
    );
  }
  return body;
}
