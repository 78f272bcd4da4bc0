import type { Actor } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { isSettled } from "../domain/delegation-types.ts";
import { readPayload } from "../domain/payload.ts";
import {
  MOST_TURNS,
  openTurn,
  type SessionState,
  sessionStream,
  type Turn,
  turnIdOf,
  turnWithKey,
} from "../domain/session.ts";
import { historyOf } from "../domain/session-history.ts";
import { isStuck, shareOf } from "../domain/share.ts";
import { viewOf } from "../domain/view.ts";
import { canonicalJson, digestOf } from "../kernel/id.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import { findAgent } from "./choose-agent.ts";
import type { Delegate } from "./delegate.ts";
import type { Hold } from "./hold.ts";
import type { SendRequest, Sent } from "./orchestrator-verbs.ts";
import type { Agents } from "./ports/agents.ts";
import { PASSING } from "./run-children.ts";
import { canWork } from "./share-out.ts";
import { until } from "./until.ts";

export type TurnsDeps = {
  readonly engine: Engine;
  readonly registry: () => Registry;
  readonly agents: Pick<Agents, "probe">;
  readonly delegate: Delegate;
  readonly hold: Pick<Hold, "refuse">;
  readonly stateOrRefuse: (sessionId: string) => Promise<SessionState>;
  readonly now: () => number;
};

/** The turns of sessions: strictly one after the other, each an ordinary delegation with a derived id. */
export function createTurns(deps: TurnsDeps) {
  const { engine, stateOrRefuse, now } = deps;

  /** Begins a turn when no other one runs, or finds the one that was asked under the same key. */
  async function ask(actor: Actor, request: SendRequest, limit: AbortSignal): Promise<Turn> {
    const { sessionId, data, key, retries } = request;
    const digest = digestOf(canonicalJson({ data, retries }));
    for (;;) {
      const state = await stateOrRefuse(sessionId);
      const known = key === undefined ? undefined : turnWithKey(state, key);
      if (known?.digest === digest) return known;
      if (known) {
        throw new Refusal("key_reused", `That key was used before for turn ${known.turn} of ${sessionId}.`);
      }
      const before = openTurn(state);
      if (before && !(await finish(sessionId, before, limit))) throw busy(sessionId, before);
      await refuseUnable(state);
      const input = {
        type: "ask",
        at: now(),
        data,
        digest,
        actor,
        ...(key === undefined ? {} : { key }),
        ...(retries === undefined ? {} : { retries }),
      } as const;
      const cause = `${request.origin.door}:${sessionId}`;
      const accepted = await engine.accept({
        kind: "session",
        stream: sessionStream(sessionId),
        input,
        cause,
        actor,
      });
      const asked = accepted.events.length > 0 && accepted.state && openTurn(accepted.state);
      if (asked) return asked;
    }
  }

  async function refuseUnable({ id, status, agent, instance, turns }: SessionState): Promise<void> {
    if (status === "closed") {
      throw new Refusal("session_closed", `The session ${id} is closed.`, { hint: "Spawn a new one." });
    }
    if (turns.length >= MOST_TURNS) {
      throw new Refusal("session_closed", `The session ${id} has had its ${MOST_TURNS} turns.`, {
        hint: "Spawn a new one.",
      });
    }
    await deps.hold.refuse();
    const health = await deps.agents.probe(findAgent(deps.registry(), agent));
    if (canWork(health)) return;
    const code = health.state === "unauthorized" ? "agent_unauthorized" : "agent_down";
    throw new Refusal(code, `${agent} takes no work now: ${health.text}`, {
      instance,
      hint: "A session stays with its agent; ask again when it is back.",
    });
  }

  /**
   * Sees to it that a turn has its delegation, also one whose supervisor died in between, and waits for its end.
   * True when it is over.
   */
  async function finish(sessionId: string, turn: Turn, limit: AbortSignal): Promise<boolean> {
    const id = turnIdOf(sessionId, turn.turn);
    if (turn.status !== undefined) return true;
    if (!(await engine.read("delegation", id))) await delegateTurn(sessionId, turn, id);
    await until(engine, id, (state) => isSettled(state.status) || isStuck(viewOf(state)), { signal: limit });
    const state = await engine.read("delegation", id);
    if (!state || !isSettled(state.status)) return false;
    await note(sessionId, turn, state.status);
    return true;
  }

  async function delegateTurn(sessionId: string, turn: Turn, id: string): Promise<void> {
    const session = await stateOrRefuse(sessionId);
    if (!turn.data) throw new Error(`${id} has neither a delegation nor what it is made of`);
    const { objective, attachments } = readPayload(turn.data);
    const history = session.persistent ? undefined : historyOf(await pastTurns(session, turn.turn));
    const { retries } = turn;
    try {
      await deps.delegate(
        turn.actor,
        {
          agent: session.agent,
          objective,
          attachments: [...attachments, ...(history ? [history] : [])],
          runId: id,
          deliver: false,
          ifDown: "wait",
          origin: { door: "rest" },
          ...(retries === undefined ? {} : { retries }),
        },
        { session: { id: sessionId, turn: turn.turn, persistent: session.persistent } },
      );
    } catch (error) {
      // What cannot be delegated must not hold the session up for ever.
      if (isRefusal(error) && !PASSING.has(error.code) && error.code !== "held")
        await note(sessionId, turn, "refused");
      throw error;
    }
  }

  async function pastTurns({ id, turns }: SessionState, before: number) {
    const past = turns.filter(({ turn, status }) => turn < before && status !== "refused");
    return Promise.all(
      past.map(async ({ turn }) => {
        const state = await engine.read("delegation", turnIdOf(id, turn));
        const handoff = state?.outcome?.handoff;
        const answered = handoff?.result ?? `(no answer: it is ${state?.status ?? "not there"})`;
        return { turn, asked: state?.order.objective ?? "", answered };
      }),
    );
  }

  async function note(sessionId: string, { turn }: Turn, status: NonNullable<Turn["status"]>): Promise<void> {
    const input = { type: "answered", at: now(), turn, status } as const;
    const stream = sessionStream(sessionId);
    await engine.accept({ kind: "session", stream, input, cause: turnIdOf(sessionId, turn) });
  }

  async function answerOf({ id, instance }: SessionState, turn: number): Promise<Sent> {
    const delegation = turnIdOf(id, turn);
    const state = await engine.read("delegation", delegation);
    if (!state) throw new Refusal("not_found", `Turn ${turn} of ${id} was refused and has no answer.`);
    const share = shareOf(instance, viewOf(state), { now: now(), isWaited: true });
    return {
      ok: share.result !== undefined,
      sessionId: id,
      turn,
      agent: share.agent,
      ...(share.result === undefined ? {} : { reply: share.result }),
      ...(share.error ? { error: share.error } : {}),
      ...(share.open ? { open: true } : {}),
      durationMs: share.durationMs,
      delegation,
    };
  }

  return { ask, finish, answerOf };
}

function busy(sessionId: string, { turn }: Turn): Refusal {
  return new Refusal("session_busy", `Turn ${turn} of ${sessionId} still runs.`, {
    hint: `Turns come one after the other. Wait longer, or cancel it: \`hq cancel ${turnIdOf(sessionId, turn)}\`.`,
  });
}
