import { type Acl, mayAsk } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import { type AgentCard, isSameName, type Registry } from "../domain/agent-card.ts";
import type { Order } from "../domain/delegation-types.ts";
import { type DelegationState, isSettled } from "../domain/delegation-types.ts";
import { boundToRun, budgetWithin, chainOf, placeInChain, refuseForeignParent } from "../domain/guard.ts";
import { warningsFor } from "../domain/order-warnings.ts";
import type { Settings } from "../domain/settings.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { childId, newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import { type Choice, type ChooseAgent, findAgent } from "./choose-agent.ts";
import { chosenModel } from "./chosen-model.ts";
import { keyFor, refuseProblems, refuseTooLarge } from "./delegate-request.ts";
import { permit } from "./ownership.ts";
import type { Agents } from "./ports/agents.ts";
import type { ChannelReader } from "./ports/channels.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { DelegateRequest } from "./verbs.ts";

export type DelegateDeps = {
  readonly chooseAgent: ChooseAgent;
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly agents: Agents;
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly settings: () => Settings;
  readonly readChannel: ChannelReader;
  readonly now: () => number;
};

/** What only the engine asks for: the place of a run, or the try of a task, that the delegation fills. */
export type ForRun = Pick<
  Order,
  "childOf" | "expect" | "retryDelay" | "taskOf" | "model" | "thinking" | "session"
>;
export type Delegate = ReturnType<typeof createDelegate>;

/** `delegate`: permission, guard, ranges, context and the agent's pulse first; then one commit. */
export function createDelegate(deps: DelegateDeps) {
  const { engine, ledger, now } = deps;

  async function delegate(
    actor: Actor,
    asked: DelegateRequest,
    forRun: ForRun = {},
    /** Asked before anything new begins; may refuse. What was begun is answered without it. */
    mayBegin: () => Promise<void> = async () => undefined,
  ): Promise<{ readonly delegation: DelegationView; readonly repeated: boolean }> {
    // Of a workflow or a task it was checked when that was asked for.
    if (!forRun.childOf && !forRun.taskOf) {
      permit(deps.acl(), actor, "delegate");
      if (asked.channelContext) permit(deps.acl(), actor, "context");
    }
    const request = boundToRun(actor, asked);
    // One that was taken out of the file since has the name that it had.
    const agent = request.agent && (deps.registry().find(request.agent)?.id ?? request.agent);
    const given = givenId(actor, request, agent);
    const id = given ?? newId("orch", now());
    // An id that was made here belongs to no other request, so only ids and keys that were given are kept.
    const key = request.key || given ? keyFor(actor, request, agent, id) : undefined;
    const before =
      key && ((await ledger.keyOf(key.scope, key.key)) ?? (await underFormerId(actor, request, agent)));
    // What was begun is answered, whatever has changed since.
    if (before) {
      const isSame = before.digest === key.digest || (await isAsBefore(actor, request, before));
      return repeat(before.stream, isSame, key.key);
    }
    refuseProblems(request, deps.settings().taskQueue);
    await mayBegin();
    const named = request.agent === undefined ? undefined : findAgent(deps.registry(), request.agent);
    if (named) refuseUnlessAllowed(actor, named);
    const asking = await parentOf(actor, request);
    // What cannot be is refused before anybody is called.
    if (asking && named) placeOf(asking, request, named);
    const chosen = await deps.chooseAgent(actor, { ...request, not: asking ? chainOf(asking.order) : [] });
    const card = findAgent(deps.registry(), chosen.agent);
    const parent = asking && placeOf(asking, request, card);
    const budget = budgetWithin(request.budget, asking?.order.budget);
    const composed = await composeOrder(
      actor,
      { ...request, ...(budget ? { budget } : {}) },
      card,
      id,
      parent,
      key?.digest,
    );
    const order = {
      ...composed,
      ...choiceOf(request, chosen),
      ...(key && request.agent !== undefined && request.agent !== agent ? { named: request.agent } : {}),
      ...chosenModel(request, composed, deps.settings()),
      ...forRun,
    };
    const input = { type: "queue", order } as const;
    const accepted = await engine.accept({
      kind: "delegation",
      stream: id,
      input,
      cause: request.key ? `${request.key.scope}:${request.key.key}` : `${request.origin.door}:${id}`,
      actor,
      isNew: given === undefined,
      ...(key ? { key } : {}),
    });
    if (accepted.repeats) return repeat(accepted.repeats.stream, accepted.repeats.same, key?.key ?? id);
    if (accepted.events.length === 0 || !accepted.state)
      return repeat(id, key !== undefined && accepted.state?.order.digest === key.digest, id);
    return { delegation: viewOf(accepted.state), repeated: false };
  }

  /** The same request in the same words, when its agent has another id by now or its word is another's. */
  async function isAsBefore(
    actor: Actor,
    request: DelegateRequest,
    before: { readonly stream: string; readonly digest: string },
  ): Promise<boolean> {
    const state = await engine.read("delegation", before.stream);
    if (!state || request.agent === undefined) return false;
    const former = state.reroutes?.[0]?.from ?? state.order.agent;
    const { named } = state.order;
    const isSameWord = named !== undefined && isSameName(named, request.agent);
    const card = deps.registry().find(request.agent);
    const isRenamed = card !== undefined && deps.registry().find(former)?.id === card.id;
    if (!isSameWord && !isRenamed) return false;
    return keyFor(actor, request, former, before.stream).digest === before.digest;
  }

  async function repeat(stream: string, isSame: boolean, key: string) {
    const state = await engine.read("delegation", stream);
    if (!isSame || !state) {
      throw new Refusal("key_reused", `${key} was used before for another request (${stream}).`, {
        hint: "Send the same request again to read its answer, or use a new id for a new one.",
      });
    }
    return { delegation: viewOf(state), repeated: true };
  }

  /** The id that was given, or an agent's sub-delegation's derived one: starting it twice is a no-op. */
  function givenId(actor: Actor, request: DelegateRequest, agent: string | undefined): string | undefined {
    if (request.runId !== undefined) return request.runId;
    if (actor.kind === "agent" && request.parent !== undefined && !request.key) {
      return childId(request.parent, agent ?? `capability:${request.capability}`, request.objective);
    }
    return undefined;
  }

  /** An agent's sub-delegation whose id was made from an id that its agent had before. */
  async function underFormerId(actor: Actor, request: DelegateRequest, agent: string | undefined) {
    const card = agent === undefined ? undefined : deps.registry().find(agent);
    for (const word of card ? [...card.aliases, ...(card.letter ? [card.letter] : [])] : []) {
      const id = request.runId === undefined ? givenId(actor, request, word) : undefined;
      const before = id && (await ledger.keyOf("run", id));
      if (before) return before;
    }
    return undefined;
  }

  function refuseUnlessAllowed(actor: Actor, card: AgentCard): void {
    const { allowed, text, caller, rule } = mayAsk(deps.acl(), actor, card.id);
    if (allowed) return;
    throw new Refusal("not_allowed", text, {
      hint: deps.registry().find(caller)
        ? `Rule: ${rule}. See \`hq acl explain ${caller} ${card.id}\`.`
        : `Rule: ${rule}. See config/acl.yaml.`,
    });
  }

  async function parentOf(actor: Actor, request: DelegateRequest): Promise<DelegationState | undefined> {
    if (request.parent === undefined) return undefined;
    const state = await engine.read("delegation", request.parent);
    if (!state) {
      throw new Refusal("not_found", `There is no delegation ${request.parent} to be the parent.`, {
        hint: "Leave --parent out, or give the run id from your own prompt.",
      });
    }
    refuseForeignParent(actor, state.order);
    if (isSettled(state.status)) {
      throw new Refusal(
        "already_settled",
        `${request.parent} is already ${state.status}; it cannot ask for more.`,
        { hint: "Leave --parent out: what is asked then stands for itself." },
      );
    }
    return state;
  }

  function placeOf(asking: DelegationState, request: DelegateRequest, card: AgentCard): Order["parent"] {
    const { order, attempts } = asking;
    // Its agent may have it before the gateway's acknowledgment is known.
    const latest = Math.min(now() + order.timeoutMs, order.parent?.deadlineAt ?? Number.POSITIVE_INFINITY);
    return placeInChain({
      parent: { ...order, deadlineAt: attempts.at(-1)?.deadlineAt ?? latest },
      agent: card.id,
      timeoutMs: request.timeoutMs,
      maxDepth: deps.settings().delegation.maxDepth,
      nowMs: now(),
    });
  }

  async function composeOrder(
    actor: Actor,
    request: DelegateRequest,
    card: AgentCard,
    id: string,
    parent: Order["parent"],
    digest: string | undefined,
  ): Promise<Order> {
    const { delegation, discord } = deps.settings();
    const asked = request.channelContext;
    const history =
      asked && (await deps.readChannel(asked.channel, asked.messages ?? delegation.contextMessages));
    const mirrored = discord.mirror && request.origin.door !== "discord";
    const place = request.card ?? (mirrored ? ({ role: "interAgent" } as const) : undefined);
    const queuedAt = now();
    const remainingMs =
      parent?.deadlineAt === undefined ? Number.POSITIVE_INFINITY : parent.deadlineAt - queuedAt;
    const order: Order = {
      id,
      agent: card.id,
      objective: request.objective.trim(),
      attachments: request.attachments ?? [],
      timeoutMs: Math.min(request.timeoutMs ?? delegation.timeoutMs, remainingMs),
      startWithinMs: Math.min(request.startWithinMs ?? delegation.startWithinMs, remainingMs),
      maxAttempts: (request.retries ?? delegation.retries) + 1,
      validate: request.validate ?? false,
      format: request.format ?? "json",
      deliver: request.deliver ?? true,
      actor,
      origin: request.origin,
      queuedAt,
      ...(digest === undefined ? {} : { digest }),
      slotGraceMs: delegation.slotGraceMs,
      ...(history
        ? { channelContext: { channel: history.channel, messages: history.messages, text: history.text } }
        : {}),
      ...(request.agentPosts ? { agentPosts: request.agentPosts } : {}),
      ...(parent ? { parent } : {}),
      ...(request.budget ? { budget: request.budget } : {}),
      ...(request.workflow ? { workflow: request.workflow } : {}),
      ...(place ? { card: place } : {}),
    };
    refuseTooLarge(order);
    const warnings = warningsFor(order, card);
    return warnings.length > 0 ? { ...order, warnings } : order;
  }

  return delegate;
}

/** Why this agent does it, and who may do it instead. Whoever asked for a capability asked for no agent in particular. */
function choiceOf(request: DelegateRequest, { why, insteadOf }: Choice): Partial<Order> {
  const { agent, capability, fallback = agent === undefined } = request;
  return {
    ...(capability === undefined ? {} : { capability }),
    ...(agent === undefined ? { choice: why } : {}),
    ...(insteadOf === undefined ? {} : { insteadOf: { agent: insteadOf, why } }),
    ...(fallback === false ? {} : { fallback: fallback === true ? {} : { to: fallback } }),
  };
}
