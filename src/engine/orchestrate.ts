import { type Actor, callerOf } from "../domain/actor.ts";
import type { AgentCard, Registry } from "../domain/agent-card.ts";
import { type CallState, type Chosen, partIdOf } from "../domain/call.ts";
import { isSettled } from "../domain/delegation-types.ts";
import { type Instance, readInstanceWords } from "../domain/instances.ts";
import { readPayload } from "../domain/payload.ts";
import { isStuck, type Share, shareOf } from "../domain/share.ts";
import { viewOf } from "../domain/view.ts";
import { canonicalJson, digestOf, newId } from "../kernel/id.ts";
import { isRefusal, Refusal, type RefusalCode } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { Delegate } from "./delegate.ts";
import type { CallAnswer, CallRequest, InstanceHealth, OrchestratorVerbs } from "./orchestrator-verbs.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { Log } from "./ports/log.ts";
import { canWork, type ShareOut, type ShareOutDeps } from "./share-out.ts";
import { until } from "./until.ts";

const SCOPE = "call";
const FIRST_PAUSE_MS = 250;
/** Refusals that are about one instance; every other one is about the whole request. */
const OF_ONE: ReadonlySet<RefusalCode> = new Set([
  "unknown_agent",
  "not_allowed",
  "agent_down",
  "agent_draining",
  "agent_unauthorized",
  "guard_cycle",
]);
const CODE_OF: Readonly<Partial<Record<RefusalCode, Share["status"]>>> = {
  agent_down: "instance_down",
  agent_draining: "instance_draining",
  agent_unauthorized: "unauthorized",
};

export type OrchestrateDeps = Omit<ShareOutDeps, "ledger"> & {
  readonly shareOut: ShareOut;
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly registry: () => Registry;
  readonly delegate: Delegate;
  readonly log: Log;
};

/** One payload for several instances: an ordinary delegation each, and one answer that is honest about every one of them. */
export function createOrchestrate(deps: OrchestrateDeps): Pick<OrchestratorVerbs, "call" | "instances"> {
  const { engine, ledger, shareOut, now, log } = deps;

  async function call(actor: Actor, request: CallRequest, signal?: AbortSignal): Promise<CallAnswer> {
    const startedAt = now();
    const { asked, repeated, begun } = await remember(actor, request);
    const limit = limitOf(request.timeoutMs, signal);
    try {
      const parts = asked.chosen.map((chosen, index) => {
        const id = partIdOf(asked.id, index);
        return part(actor, request, { asked, repeated, begun, chosen, id, startedAt, limit: limit.signal });
      });
      return { shares: await Promise.all(parts), repeated };
    } finally {
      limit.clear();
    }
  }

  /** Who does it, decided once: the same key finds the same instances, whatever became of them meanwhile. */
  async function remember(
    actor: Actor,
    request: CallRequest,
  ): Promise<{ readonly asked: CallState; readonly repeated: boolean; readonly begun: () => void }> {
    const name = request.key && keyOf(request.key);
    const digest = digestOfCall(actor, request, { words: request.instances });
    const before = name && (await ledger.keyOf(name.scope, name.key));
    const known = before && (await engine.read("call", before.stream));
    // What was begun is answered, whomever its words mean by now.
    if (known?.digest === digest) return repeatOf(known.id, true);
    const among = readInstanceWords(deps.registry(), request.instances);
    const instances = among.map(({ word, card }) => [word, card.id]);
    const key = name && { ...name, digest: digestOfCall(actor, request, { instances }) };
    if (before) return repeatOf(before.stream, before.digest === key?.digest);
    const { chosen, begun = () => undefined } = await choose(actor, request, among);
    const at = now();
    const id = newId("call", at);
    const input = { type: "call", id, at, mode: request.mode, chosen, digest } as const;
    const cause = request.key ? `${request.key.scope}:${request.key.key}` : `${request.origin.door}:${id}`;
    try {
      const accepted = await engine.accept({
        kind: "call",
        stream: id,
        input,
        cause,
        actor,
        isNew: true,
        ...(key ? { key } : {}),
      });
      if (accepted.state) return { asked: accepted.state, repeated: false, begun };
      if (!accepted.repeats) throw new Error(`${id} was committed without a state`);
      begun();
      return await repeatOf(accepted.repeats.stream, accepted.repeats.same);
    } catch (error) {
      begun();
      throw error;
    }
  }

  async function repeatOf(stream: string, isSame: boolean) {
    const asked = await engine.read("call", stream);
    if (isSame && asked) return { asked, repeated: true, begun: () => undefined };
    throw new Refusal("key_reused", `That key was used before for another request (${stream}).`, {
      hint: "Send the same request again to read its answer, or use a new key for a new one.",
    });
  }

  async function choose(
    actor: Actor,
    { mode }: CallRequest,
    among: readonly Instance[],
  ): Promise<{ readonly chosen: readonly Chosen[]; readonly begun?: () => void }> {
    const chosenOf = ({ word, card }: Instance): Chosen => ({ instance: word, agent: card.id });
    if (mode === "all") return { chosen: among.map(chosenOf) };
    if (mode === "one") return { chosen: [chosenOf(await shareOut.first(actor, among))] };
    const { instance, begun } = await shareOut.balanced(actor, among);
    return { chosen: [chosenOf(instance)], begun };
  }

  async function part(
    actor: Actor,
    request: CallRequest,
    given: {
      readonly asked: CallState;
      readonly repeated: boolean;
      /** Told when its delegation is in the ledger, or will never be. */
      readonly begun: () => void;
      readonly chosen: Chosen;
      readonly id: string;
      readonly startedAt: number;
      readonly limit: AbortSignal;
    },
  ): Promise<Share> {
    const { asked, repeated, begun, chosen, id, limit } = given;
    const isWaited = request.timeoutMs > 0;
    const beginning =
      repeated && (await engine.read("delegation", id))
        ? Promise.resolve(undefined)
        : begin(actor, request, chosen, id, limit).finally(begun);
    const refusal = await (isWaited ? Promise.race([beginning, whenOver(limit)]) : beginning);
    if (refusal === "over") return notBegun(beginning, chosen, id, now() - given.startedAt);
    if (refusal) {
      logShare(chosen, refusal.code, refusal.message);
      const isOfOne = OF_ONE.has(refusal.code) && asked.chosen.length > 1;
      if (!isOfOne) throw aboutInstance(refusal, chosen.instance);
      return refusedShare(refusal, chosen, now() - given.startedAt);
    }
    const isOver = (state: Parameters<typeof viewOf>[0]) => isSettled(state.status) || isStuck(viewOf(state));
    if (isWaited) await until(engine, id, isOver, { signal: limit });
    const state = await engine.read("delegation", id);
    if (!state) throw new Error(`${id} was delegated and has no events`);
    const share = shareOf(chosen.instance, viewOf(state), { now: now(), isWaited });
    if (share.error) logShare(chosen, share.error.code, share.error.message, id);
    return share;
  }

  /** Its gateway has not even said whether it lives; asking goes on. */
  function notBegun(beginning: Promise<unknown>, chosen: Chosen, id: string, durationMs: number): Share {
    beginning.catch((error: unknown) =>
      log.error({ err: error, delegation: id }, "a late part of a call failed"),
    );
    const message = `The time limit is over before it could be handed over. If that still succeeds it goes on as ${id}: \`hq wait ${id}\`.`;
    logShare(chosen, "timeout", message, id);
    const error = { code: "timeout", message };
    const took = Math.max(0, durationMs);
    return { ...chosen, status: "timeout", error, open: true, durationMs: took, delegation: id };
  }

  /** Nothing when it is delegated, now or before. An instance that is down is looked at again as often as was asked for. */
  async function begin(
    actor: Actor,
    request: CallRequest,
    chosen: Chosen,
    id: string,
    limit: AbortSignal,
  ): Promise<Refusal | undefined> {
    const { retries, deliver, parent, reroute, mode, origin, payload } = request;
    const others = () => readInstanceWords(deps.registry(), request.instances).map(({ card }) => card.id);
    for (let looks = 0; ; looks++) {
      try {
        await deps.delegate(actor, {
          ...readPayload(payload),
          agent: chosen.agent,
          runId: id,
          deliver: deliver ?? false,
          ifDown: "refuse",
          origin,
          ...(retries === undefined ? {} : { retries }),
          ...(parent === undefined ? {} : { parent }),
          ...(reroute ? { fallback: mode === "all" ? true : others() } : {}),
        });
        return undefined;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        const isLast = error.code !== "agent_down" || looks >= (retries ?? 0) || limit.aborted;
        if (isLast) return inWordsOfCall(error);
      }
      await pause(FIRST_PAUSE_MS * 2 ** looks, limit);
    }
  }

  function logShare({ instance, agent }: Chosen, code: string, text: string, delegation?: string): void {
    const ids = { instance, agent, code, text, ...(delegation === undefined ? {} : { delegation }) };
    log.warn(ids, "an instance brought nothing to a call");
  }

  async function instances(words: readonly string[]): Promise<readonly InstanceHealth[]> {
    const registry = deps.registry();
    const all = words.length === 0 ? registry.agents.map(wordOf) : readInstanceWords(registry, words);
    const conditionOf = await deps.conditions(all.map(({ card }) => card));
    return Promise.all(
      all.map(async ({ word, card }): Promise<InstanceHealth> => {
        const health = await deps.agents.probe(card);
        const isDraining = conditionOf(card.id)?.isDraining ?? false;
        const text = isDraining ? "it is being drained: it takes no new work" : health.text;
        return {
          instance: word,
          agent: card.id,
          status: canWork(health) && !isDraining ? "healthy" : "down",
          state: isDraining && canWork(health) ? "draining" : health.state,
          text,
        };
      }),
    );
  }

  return { call, instances };
}

const wordOf = (card: AgentCard): Instance => ({ word: card.letter ?? card.id, card });

function keyOf({ scope, key }: NonNullable<CallRequest["key"]>) {
  return { scope: SCOPE, key: `${scope}:${key}` };
}

/** What counts as the same request; the time limit does not, so that one can go on waiting. */
function digestOfCall(actor: Actor, request: CallRequest, whom: object): string {
  const { timeoutMs: _, key: _key, origin: _origin, instances: _words, ...content } = request;
  return digestOf(canonicalJson({ ...content, ...whom, actor: callerOf(actor) }));
}

/** A call waits for nobody who is down, and has its own word for another agent that does it. */
function inWordsOfCall(refusal: Refusal): Refusal {
  const { code, message, hint, problems } = refusal;
  if (hint === undefined) return refusal;
  const said = hint
    .replace(/ (?:or )?let the work wait(?: for it)? \(--if-down wait\),/, "")
    .replace("--fallback", "reroute");
  return new Refusal(code, message, { problems, cause: refusal, hint: said });
}

function aboutInstance(refusal: Refusal, instance: string): Refusal {
  const { code, message, hint, problems } = refusal;
  return new Refusal(code, message, { problems, instance, cause: refusal, ...(hint ? { hint } : {}) });
}

function refusedShare(refusal: Refusal, { instance, agent }: Chosen, durationMs: number): Share {
  const { code, message, hint } = refusal;
  const status = CODE_OF[code] ?? "refused";
  const text = hint ? `${message} ${hint}` : message;
  const error = { code: status === "refused" ? code : status, message: text };
  return { instance, agent, status, error, durationMs: Math.max(0, durationMs) };
}

/** Aborted when the time is over or whoever asked is gone. */
export function limitOf(timeoutMs: number, signal: AbortSignal | undefined) {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeoutMs);
  return {
    signal: signal ? AbortSignal.any([over.signal, signal]) : over.signal,
    clear: () => clearTimeout(timer),
  };
}

function whenOver(limit: AbortSignal): Promise<"over"> {
  return new Promise((resolve) => {
    limit.addEventListener("abort", () => resolve("over"), { once: true });
    if (limit.aborted) resolve("over");
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
