import type { Acl } from "../domain/acl.ts";
import { type Actor, actorName } from "../domain/actor.ts";
import { type Instance, readInstanceWords } from "../domain/instances.ts";
import { type SessionState, sessionStream, turnIdOf } from "../domain/session.ts";
import { canonicalJson, digestOf, sameText, sign } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { stateOf } from "./accept.ts";
import { limitOf } from "./orchestrate.ts";
import type { SendRequest, Sent, SessionVerbs, SessionView, SpawnRequest } from "./orchestrator-verbs.ts";
import { permit } from "./ownership.ts";
import type { Ledger } from "./ports/ledger.ts";
import { createTurns, type TurnsDeps } from "./session-turns.ts";
import type { ShareOut } from "./share-out.ts";

const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/;
const SCOPE = "session";
const MOST_LISTED = 200;

export type SessionsDeps = Omit<TurnsDeps, "stateOrRefuse"> & {
  readonly ledger: Ledger;
  readonly acl: () => Acl;
  readonly shareOut: ShareOut;
  /** Makes the tokens: nothing of them is kept. */
  readonly secret: string;
};

/** Conversations with agents: durable, one turn after the other, for whoever has the token. */
export function createSessions(deps: SessionsDeps): SessionVerbs {
  const { engine, ledger, shareOut, now } = deps;
  const turns = createTurns({ ...deps, stateOrRefuse });

  const tokenOf = ({ id, at }: Pick<SessionState, "id" | "at">) =>
    `hqs.${sign(deps.secret, `session\n${id}\n${at}`)}`;

  async function stateOrRefuse(id: string): Promise<SessionState> {
    const state = await engine.read("session", sessionStream(id));
    if (state) return state;
    throw new Refusal("not_found", `There is no session ${id}.`, {
      hint: "`hq sessions list` shows all; `hq sessions spawn --id` begins one.",
    });
  }

  async function spawn(actor: Actor, { sessionId, instance, key }: SpawnRequest) {
    permit(deps.acl(), actor, "delegate");
    if (!SESSION_ID.test(sessionId)) {
      const message = "letters, digits, dash and underscore, at most 60, beginning with a letter or digit";
      throw new Refusal("invalid_input", `sessionId: ${message}.`, {
        problems: [{ path: "sessionId", message }],
      });
    }
    const digest = digestOf(canonicalJson({ sessionId, instance, actor: actorName(actor) }));
    const spawnKey = key && { scope: SCOPE, key: `${key.scope}:${key.key}`, digest };
    const before = spawnKey && (await ledger.keyOf(spawnKey.scope, spawnKey.key));
    if (before) return spawnedBefore(before.stream, before.digest === digest);
    const { word, card } = await instanceFor(actor, instance);
    const input = {
      type: "spawn",
      id: sessionId,
      agent: card.id,
      instance: word,
      actor,
      at: now(),
      persistent: card.sessions ?? false,
    } as const;
    const accepted = await engine.accept({
      kind: "session",
      stream: sessionStream(sessionId),
      input,
      cause: key ? `${key.scope}:${key.key}` : `spawn ${sessionId}`,
      actor,
      ...(spawnKey ? { key: spawnKey } : {}),
    });
    if (accepted.repeats) return spawnedBefore(accepted.repeats.stream, accepted.repeats.same);
    if (accepted.state && accepted.events.length > 0) return spawnedAs(accepted.state, false);
    // Somebody else was quicker; with the same key it was ourselves.
    const same = spawnKey && (await ledger.keyOf(spawnKey.scope, spawnKey.key));
    if (same?.digest === digest) return spawnedBefore(same.stream, true);
    throw new Refusal("session_exists", `There is a session ${sessionId} already.`, {
      hint: "Go on with it, with its token, or choose another id; ids are used once, also after closing.",
    });
  }

  async function spawnedBefore(stream: string, isSame: boolean) {
    const state = await engine.read("session", stream);
    if (isSame && state) return spawnedAs(state, true);
    throw new Refusal("key_reused", "That key was used before for another session.", {
      hint: "Use a new key for a new session.",
    });
  }

  function spawnedAs(state: SessionState, repeated: boolean) {
    const { id: sessionId, instance, agent } = state;
    return { sessionId, token: tokenOf(state), instance, agent, repeated };
  }

  async function instanceFor(actor: Actor, word: string | undefined): Promise<Instance> {
    const registry = deps.registry();
    const all = registry.agents.map((card) => ({ word: card.letter ?? card.id, card }));
    const among = word === undefined ? all : readInstanceWords(registry, [word]);
    if (among.length === 1 || word === undefined) return shareOut.first(actor, among);
    throw new Refusal("invalid_input", "A session is with one instance.", { hint: `${word} names several.` });
  }

  function checkToken(state: SessionState, token: string | undefined): void {
    if (token === undefined) {
      throw new Refusal("unauthenticated", `The session ${state.id} needs its token.`, {
        hint: "It was given when the session was spawned.",
      });
    }
    if (!sameText(token, tokenOf(state)))
      throw new Refusal("not_allowed", `That is not the token of the session ${state.id}.`);
  }

  async function send(actor: Actor, request: SendRequest, signal?: AbortSignal): Promise<Sent> {
    const state = await stateOrRefuse(request.sessionId);
    checkToken(state, request.token);
    const limit = limitOf(request.timeoutMs, signal);
    try {
      const turn = await turns.ask(actor, request, limit.signal);
      await turns.finish(state.id, turn, limit.signal);
      return await turns.answerOf(state, turn.turn);
    } finally {
      limit.clear();
    }
  }

  return {
    spawn,
    send,
    async list({ open, limit }) {
      const query = { kind: "session", limit: Math.max(1, Math.min(MOST_LISTED, limit ?? 50)) } as const;
      const { items } = await ledger.list({ ...query, ...(open === undefined ? {} : { open }) });
      return items.map((item) => viewOfSession(stateOf("session", item)));
    },
    async show(sessionId) {
      return viewOfSession(await stateOrRefuse(sessionId));
    },
    async close(actor, sessionId, token) {
      const state = await stateOrRefuse(sessionId);
      if (token !== undefined) checkToken(state, token);
      else permit(deps.acl(), actor, "cancel", { id: sessionId, asker: state.actor, what: "close" });
      const input = { type: "close", at: now() } as const;
      const stream = sessionStream(sessionId);
      const closed = await engine.accept({
        kind: "session",
        stream,
        input,
        cause: `close ${sessionId}`,
        actor,
      });
      return viewOfSession(closed.state ?? state);
    },
  };
}

function viewOfSession(state: SessionState): SessionView {
  const { id, instance, agent, status, persistent, at, actor, turns } = state;
  return {
    sessionId: id,
    instance,
    agent,
    status,
    persistent,
    spawnedAt: at,
    by: actorName(actor),
    turns: turns.map(({ turn, at, answeredAt, status }) => ({
      turn,
      at,
      ...(answeredAt === undefined ? {} : { answeredAt }),
      ...(status === undefined ? {} : { status }),
      delegation: turnIdOf(id, turn),
    })),
  };
}
