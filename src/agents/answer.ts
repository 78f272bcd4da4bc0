import type { DispatchAnswer } from "../engine/ports/agents.ts";
import type { Exchange } from "./exchange.ts";
import { answerText, asRecord, isRefused, troubleText } from "./wording.ts";

const LONGEST_WAIT_MS = 3_600_000;

/** `Retry-After` as seconds or as a date, in ms from now; undefined when absent or not readable. */
function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim();
  if (!text) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_WAIT_MS, Math.max(0, Math.round(ms)));
}

/** Reads what became of a hook request. Pure: the table of docs/specs/dispatch.md. */
export function readAnswer(outcome: Exchange, nowMs: number): DispatchAnswer {
  if (outcome.kind === "unsent") {
    const text = troubleText(outcome.cause);
    return {
      kind: "again",
      reason: "agent_down",
      text,
      ...(isRefused(outcome.cause) ? { isRefused: true } : {}),
    };
  }
  if (outcome.kind === "broken") {
    return { kind: "ambiguous", text: `the request was sent, then ${troubleText(outcome.cause)}` };
  }
  const { status, headers, body } = outcome;
  const said = answerText(body);
  const text = `it answered ${status}${said ? `: ${said}` : ""}`;
  if (status >= 200 && status < 300) {
    const runId = asRecord(body)?.runId;
    return { kind: "accepted", ...(typeof runId === "string" ? { agentRunId: runId } : {}) };
  }
  if (status === 401) {
    const why = `it refused our token (401)${said ? `: ${said}` : ""}`;
    return { kind: "unauthorized", text: `${why}; nothing more is sent until the token is corrected` };
  }
  if (status >= 300 && status < 400) {
    return { kind: "final", status, text: `${text} (a redirect, which is not followed: correct its url)` };
  }
  const wait = retryAfterMs(headers["retry-after"], nowMs);
  const afterMs = wait === undefined ? {} : { afterMs: wait };
  if (status === 429) return { kind: "again", reason: "rate_limited", text, ...afterMs };
  if (status === 408 || status === 409) return { kind: "again", reason: "agent_busy", text, ...afterMs };
  if (status < 500) return { kind: "final", status, text: `${text}${adviceFor(status)}` };
  // A proxy says 502 or 504 also when the gateway behind it took the request; the gateway's own answers are JSON.
  if ((status === 502 || status === 504) && !asRecord(body)) {
    return { kind: "ambiguous", text: `${text} (a proxy's answer: the gateway may have it)` };
  }
  const reason = isStopping(body) ? "agent_down" : "agent_busy";
  return { kind: "again", reason, text, ...afterMs };
}

function isStopping(body: string): boolean {
  const error = asRecord(body)?.error;
  return (
    typeof error === "object" && error !== null && "code" in error && error.code === "gateway_unavailable"
  );
}

function adviceFor(status: number): string {
  if (status === 404) return " (are hooks enabled there, and is hooks_path right?)";
  if (status === 405) return " (hooks_path does not lead to a hook)";
  if (status === 403) return " (something before the gateway forbids it)";
  return "";
}
