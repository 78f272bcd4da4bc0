import { setTimeout as pause } from "node:timers/promises";
import { UNKNOWN_KEY } from "../api/auth.ts";
import { codeOfSeed, type SeedError } from "../api/seed-codes.ts";
import { isRefusal, type Problem, REFUSALS, Refusal, type RefusalCode } from "../kernel/refusal.ts";
import type { Endpoint, Link } from "./link.ts";

const ANSWERS_WITHIN_MS = 90_000;
const RETRY_WITHIN_MS = 20_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2000;

/** The supervisor answered with its own bug; the id leads to its log. */
export class SupervisorBroke extends Error {}

export type Call = {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** The path is not below /api/v1: the orchestrator's contract has its own place. */
  readonly isWhole?: true;
  readonly body?: object;
  readonly key?: string;
  /** Asking twice is harmless: what went wrong on the way is asked again. */
  readonly isRepeatable?: boolean;
};

/** Speaks REST to whichever supervisor `link` finds; refusals arrive as the same `Refusal` that the supervisor threw. */
export function createClient(link: Link, now: () => number) {
  async function send(call: Call, signal: AbortSignal): Promise<Response> {
    const endpoint = await link.find(signal);
    return fetchFrom(endpoint, call, AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]));
  }

  async function ask<T>(call: Call, signal: AbortSignal = new AbortController().signal): Promise<T> {
    const isReading = (call.method ?? "GET") === "GET";
    const isRepeatable = call.isRepeatable ?? isReading;
    const deadline = now() + RETRY_WITHIN_MS;
    let wasBroken = false;
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
      try {
        const answer = await send(call, signal);
        return (await answer.json()) as T;
      } catch (error) {
        signal.throwIfAborted();
        // Whoever was asked may have taken it before it died: until it is back, nobody can say that it did not.
        const isAway = wasBroken && !isReading && isRefusal(error) && error.code === "no_supervisor";
        const isWorthIt = isRepeatable && (isAway || isPassing(error));
        if (!isWorthIt || now() + wait > deadline) throw isAway ? unanswered(error) : spoken(error);
        wasBroken ||= isBrokenConnection(error);
      }
      await pause(wait, undefined, { signal });
    }
  }

  /** An open answer, to be read piece by piece. */
  async function open(call: Call, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const endpoint = await link.find(signal);
    const { body } = await fetchFrom(endpoint, call, signal);
    if (!body) throw new SupervisorBroke("The supervisor sent an answer without a body.");
    return body;
  }

  return { ask, open };
}
export type Client = ReturnType<typeof createClient>;

async function fetchFrom(
  { url, key, from, right }: Endpoint,
  call: Call,
  signal: AbortSignal,
): Promise<Response> {
  for (;;) {
    const answer = await fetch(`${call.isWhole ? new URL(url).origin : url}${call.path}`, {
      method: call.method ?? "GET",
      signal,
      headers: {
        authorization: `Bearer ${key}`,
        ...(call.body ? { "content-type": "application/json" } : {}),
        ...(call.key === undefined ? {} : { "idempotency-key": call.key }),
      },
      ...(call.body ? { body: JSON.stringify(call.body) } : {}),
    });
    if (answer.status === 429) {
      // Nothing was done; many commands at once are no reason to fail one of them.
      await answer.body?.cancel();
      await pause(1000 * Number(answer.headers.get("retry-after") ?? 1), undefined, { signal });
    } else if (answer.ok || (call.isWhole === undefined && isHealth(answer))) return answer;
    else {
      const refusal = await refusalIn(answer);
      if (refusal.message !== UNKNOWN_KEY) throw refusal;
      throw new Refusal("unauthenticated", `The supervisor does not know the key in ${from}.`, {
        hint: right,
      });
    }
  }
}

/** A supervisor that is not ready says so in an ordinary answer with the status 503. */
function isHealth(answer: Response): boolean {
  return answer.status === 503 && (answer.headers.get("content-type") ?? "").startsWith("application/json");
}

async function refusalIn(answer: Response): Promise<Error> {
  type Said = { code?: string; detail?: string; hint?: string; problems?: readonly Problem[] };
  const said: Said = await answer.json().then(
    (body) => {
      const heard = body as Said | SeedError;
      return "error" in heard ? fromSeed(heard, answer.status) : heard;
    },
    () => ({}),
  );
  const detail = said.detail ?? `The supervisor answered ${answer.status}.`;
  if (said.code === undefined || !isCode(said.code)) return new SupervisorBroke(detail);
  return new Refusal(said.code, detail, {
    ...(said.hint === undefined ? {} : { hint: said.hint }),
    problems: said.problems ?? [],
  });
}

function fromSeed({ error: { code, message } }: SeedError, status: number) {
  return { code: codeOfSeed(code, status), detail: message };
}

function isCode(code: string): code is RefusalCode {
  return Object.hasOwn(REFUSALS, code);
}

/** The supervisor was not there, is leaving, or the connection broke: what a restart looks like from here. */
export function isPassing(error: unknown): boolean {
  if (isRefusal(error)) return error.code === "stopping";
  return isBrokenConnection(error);
}

function isBrokenConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof TypeError || error.name === "TimeoutError" || error.name === "AbortError";
}

/** What reading an open answer throws when the supervisor dies or the connection breaks; any other TypeError is a bug. */
export function isCutOff(error: unknown): boolean {
  return error instanceof TypeError && (error.message === "fetch failed" || error.message === "terminated");
}

/** Of an answer that comes piece by piece. */
export function cutOff(cause?: unknown): Refusal {
  return new Refusal("no_supervisor", "The supervisor went before it had an answer.", {
    hint: "Ask again when it is back: nothing that it did is lost.",
    cause,
  });
}

function spoken(error: unknown): unknown {
  return isBrokenConnection(error) ? unanswered(error) : error;
}

function unanswered(cause: unknown): Refusal {
  return new Refusal("no_supervisor", "The supervisor does not answer.", {
    hint: "`hq status` tells whether it runs; what it accepted is kept and goes on at its next start.",
    cause,
  });
}
