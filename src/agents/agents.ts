import type { AgentCard } from "../domain/agent-card.ts";
import type { AgentHealth, Agents, DispatchAnswer, DispatchRequest } from "../engine/ports/agents.ts";
import type { Log } from "../engine/ports/log.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { readAnswer } from "./answer.ts";
import { exchange } from "./exchange.ts";
import { hookBody } from "./hook-body.ts";
import { createPools } from "./pools.ts";
import { askPulse } from "./probe.ts";
import { createPulses, type Pulse } from "./pulse.ts";
import { without } from "./wording.ts";

const STOPPING = "the supervisor is stopping";

/** Spans in ms. */
export type AgentTimeouts = {
  readonly connectMs: number;
  /** From the first byte to the answer's head; the gateway may wait 15 s before it admits a run. */
  readonly dispatchMs: number;
  readonly probeMs: number;
};
const TIMEOUTS: AgentTimeouts = { connectMs: 5000, dispatchMs: 25_000, probeMs: 2000 };

type Token =
  | { readonly ok: true; readonly value: string | undefined }
  | { readonly ok: false; readonly text: string };

/**
 * Speaks to the agents' gateways over OpenClaw hooks.
 * Sends each request once: whether to ask again is the ledger's business. Nothing here throws for what a gateway does.
 */
export function createAgents(given: {
  readonly now: () => number;
  /** Reads the environment variable that a card names. */
  readonly secret: (envName: string) => string | undefined;
  readonly log: Log;
  readonly version: string;
  readonly timeouts?: Partial<AgentTimeouts>;
}): Agents {
  const { now, log } = given;
  const timeouts = { ...TIMEOUTS, ...given.timeouts };
  const userAgent = `atomizer-hq/${given.version}`;
  const pools = createPools(timeouts.connectMs);
  const pulses = createPulses(now);
  /** Agents that refused a token, with it and their address: nothing is sent to them until one of both changes. */
  const held = new Map<string, string>();
  /** Agents whose gateway took a token, with it and their address. */
  const proven = new Map<string, string>();
  /** The first requests with a token that is not proven yet. */
  const trials = new Map<string, Promise<DispatchAnswer>>();
  let closing: Promise<void> | undefined;

  /** Why nothing may be sent to this agent now; undefined when it may. */
  function whyNot(card: AgentCard, token: Token): string | undefined {
    if (!token.ok) return token.text;
    if (!held.has(card.id)) return undefined;
    if (held.get(card.id) === sentWith(card, token.value)) {
      return `it refused our token (401); nothing more is sent until ${card.tokenEnv ?? "a token"} is corrected`;
    }
    held.delete(card.id);
    return undefined;
  }

  function tokenOf({ tokenEnv }: AgentCard): Token {
    if (tokenEnv === undefined) return { ok: true, value: undefined };
    const value = given.secret(tokenEnv)?.trim();
    if (!value) {
      return { ok: false, text: `the environment variable ${tokenEnv} is not set; nothing was sent` };
    }
    if (!/^[\x21-\x7e]+$/.test(value)) {
      return {
        ok: false,
        text: `the environment variable ${tokenEnv} holds blanks or characters no token has; nothing was sent`,
      };
    }
    return { ok: true, value };
  }

  /** Many at once with a wrong token would lock us out before the first answer says so: one goes first. */
  async function dispatch(request: DispatchRequest): Promise<DispatchAnswer> {
    const { id } = request.agent;
    const trial = trials.get(id);
    if (trial) await trial;
    else if (!isProven(request.agent)) {
      const first = send(request).finally(() => trials.delete(id));
      trials.set(id, first);
      return first;
    }
    return send(request);
  }

  function isProven(card: AgentCard): boolean {
    const token = tokenOf(card);
    return token.ok && proven.get(card.id) === sentWith(card, token.value);
  }

  async function send(request: DispatchRequest): Promise<DispatchAnswer> {
    const { agent: card } = request;
    const token = tokenOf(card);
    const reason = whyNot(card, token);
    if (reason !== undefined || !token.ok) {
      const text = `${card.id}: ${reason}`;
      pulses.note(card, { state: "unauthorized", text });
      return { kind: "unauthorized", text };
    }
    const url = URL.parse(card.hooksPath, card.url);
    if (!url) {
      const text = `${card.id}: ${card.url}${card.hooksPath} is not an address; correct config/agents.yaml`;
      return { kind: "final", status: 0, text };
    }
    let body: Uint8Array;
    try {
      body = hookBody(request);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { kind: "final", status: 413, text: `${card.id}: ${error.message} ${error.hint ?? ""}`.trim() };
    }
    if (closing) return { kind: "again", reason: "agent_down", text: STOPPING };

    const pool = pools.of(url.origin, card.caFile);
    if (!pool.ok) {
      const text = `${card.id}: ${pool.text}`;
      pulses.note(card, { state: "down", text });
      return { kind: "again", reason: "agent_down", text };
    }
    const startedAt = now();
    const outcome = await exchange(pool.pool, {
      method: "POST",
      path: url.pathname,
      headers: {
        "content-type": "application/json",
        "idempotency-key": request.idempotencyKey,
        "user-agent": userAgent,
        ...(token.value === undefined ? {} : { authorization: `Bearer ${token.value}` }),
      },
      body,
      deadlineMs: timeouts.dispatchMs,
    });
    const raw = readAnswer(outcome, now());
    const answer: DispatchAnswer =
      raw.kind === "accepted"
        ? raw
        : { ...raw, text: without(token.value, `${card.id} at ${url.host}: ${raw.text}`) };
    if (answer.kind === "accepted") proven.set(card.id, sentWith(card, token.value));
    if (answer.kind === "unauthorized") {
      proven.delete(card.id);
      held.set(card.id, sentWith(card, token.value));
    }
    pulses.note(card, pulseAfter(answer));
    log.debug(
      { agent: card.id, key: request.idempotencyKey, answer: answer.kind, tookMs: now() - startedAt },
      "a hook request ended",
    );
    return answer;
  }

  async function askAt(card: AgentCard, address: string): Promise<Pulse> {
    const url = URL.parse(address);
    const unknown = (text: string) => ({ state: "unknown", text }) as const;
    if (!url) return unknown(`${address} is not an address`);
    if (closing) return unknown(STOPPING);
    const pool = pools.of(url.origin, card.caFile);
    if (!pool.ok) return { state: "down", text: `${card.id}: ${pool.text}`, isDoubtful: true };
    const pulse = await askPulse(pool.pool, `${card.id} at ${url.host}`, {
      deadlineMs: timeouts.probeMs,
      userAgent,
    });
    // It was broken off here, not there.
    return closing ? unknown(STOPPING) : pulse;
  }

  async function probe(card: AgentCard): Promise<AgentHealth> {
    const pulse = await askAt(card, card.url);
    if (pulse.state !== "up") return pulses.note(card, pulse);
    const reason = whyNot(card, tokenOf(card));
    if (reason === undefined) return pulses.note(card, pulse);
    return pulses.note(card, { ...pulse, state: "unauthorized", text: `${card.id}: ${reason}` });
  }

  return {
    dispatch,
    probe,
    askAt,
    health: pulses.of,
    forgive(agentId) {
      if (agentId === undefined) held.clear();
      else held.delete(agentId);
    },
    close() {
      closing ??= pools.close();
      return closing;
    },
  };
}

/** What a gateway said of a token says nothing of the gateway at another address, to which its agent was moved. */
function sentWith({ url }: AgentCard, token: string | undefined): string {
  return `${url}\n${token ?? ""}`;
}

/** A real dispatch is evidence too; only an ambiguous end says nothing about the gateway. */
function pulseAfter(answer: DispatchAnswer): Pulse {
  switch (answer.kind) {
    case "accepted":
      return { state: "up", text: "it took the last work it was sent" };
    case "unauthorized":
      return { state: "unauthorized", text: answer.text };
    case "ambiguous":
      return { state: "unknown", text: answer.text };
    case "again": {
      if (answer.reason !== "agent_down") return { state: "up", text: answer.text };
      return { state: "down", text: answer.text, ...(answer.isRefused ? {} : { isDoubtful: true }) };
    }
    case "final":
      return { state: "up", text: answer.text };
  }
}
