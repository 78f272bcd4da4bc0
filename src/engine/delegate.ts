import { type Acl, mayAsk } from "../domain/acl.ts";
import { type Actor, callerOf } from "../domain/actor.ts";
import type { AgentCard, Registry } from "../domain/agent-card.ts";
import type { Order } from "../domain/delegation-types.ts";
import { isSettled } from "../domain/delegation-types.ts";
import { placeInChain } from "../domain/guard.ts";
import type { Settings } from "../domain/settings.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { canonicalJson, childId, digestOf, isRunId, newId } from "../kernel/id.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import type { Engine } from "./accept.ts";
import type { Agents } from "./ports/agents.ts";
import type { ChannelReader } from "./ports/channels.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { DelegateRequest } from "./verbs.ts";

const SHORTEST_TIMEOUT_MS = 1000;
const LONGEST_TIMEOUT_MS = 48 * 3_600_000;
const MOST_RETRIES = 3;
const MOST_MESSAGES = 30;
/** The transport takes 256 KiB; this leaves room for the frame of the prompt. */
const LONGEST_TASK_BYTES = 240 * 1024;

export type DelegateDeps = {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly agents: Agents;
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly settings: () => Settings;
  readonly readChannel: ChannelReader;
  readonly now: () => number;
};

export function findAgent(registry: Registry, word: string): AgentCard {
  const card = registry.find(word);
  if (card) return card;
  const words = registry.agents.flatMap(({ id, aliases }) => [id, ...aliases]);
  const near = nearest(word, words);
  throw new Refusal("unknown_agent", `There is no agent "${word}".`, {
    hint: `${near ? `Did you mean ${near}? ` : ""}The agents are ${registry.agents.map(({ id }) => id).join(", ")}.`,
  });
}

/** What only the engine asks for: the place of a run, or the try of a task, that the delegation fills. */
export type ForRun = Pick<Order, "childOf" | "expect" | "retryDelay" | "taskOf" | "model" | "thinking">;
export type Delegate = ReturnType<typeof createDelegate>;

/** `delegate`: permission, guard, ranges, context and the agent's pulse first; then one commit. */
export function createDelegate(deps: DelegateDeps) {
  const { engine, ledger, now } = deps;

  async function delegate(
    actor: Actor,
    request: DelegateRequest,
    forRun: ForRun = {},
  ): Promise<{ readonly delegation: DelegationView; readonly repeated: boolean }> {
    const card = findAgent(deps.registry(), request.agent);
    refuseProblems(request);
    const allowed = mayAsk(deps.acl(), actor, card.id);
    if (!allowed.allowed) {
      throw new Refusal("not_allowed", allowed.text, {
        hint: deps.registry().find(allowed.caller)
          ? `Rule: ${allowed.rule}. See \`hq acl explain ${allowed.caller} ${card.id}\`.`
          : `Rule: ${allowed.rule}. See config/acl.yaml.`,
      });
    }
    const parent = await placeOf(request, card);
    const given = givenId(actor, request, card);
    const id = given ?? newId("orch", now());
    // An id that was made here belongs to no other request, so only ids and keys that were given are kept.
    const key = request.key || given ? keyFor(actor, request, card, id) : undefined;
    const before = key && (await ledger.keyOf(key.scope, key.key));
    if (before) return repeat(before.stream, before.digest === key.digest, key.key);
    await refuseWhenDown(card, request);
    const order = await composeOrder(actor, request, card, id, parent, key?.digest);
    const input = { type: "queue", order: { ...order, ...forRun } } as const;
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
  function givenId(actor: Actor, request: DelegateRequest, card: AgentCard): string | undefined {
    if (request.runId !== undefined) return request.runId;
    if (actor.kind === "agent" && request.parent !== undefined && !request.key) {
      return childId(request.parent, card.id, request.objective);
    }
    return undefined;
  }

  async function placeOf(request: DelegateRequest, card: AgentCard): Promise<Order["parent"]> {
    if (request.parent === undefined) return undefined;
    const state = await engine.read("delegation", request.parent);
    if (!state) {
      throw new Refusal("not_found", `There is no delegation ${request.parent} to be the parent.`, {
        hint: "Leave --parent out, or give the run id from your own prompt.",
      });
    }
    if (isSettled(state.status)) {
      throw new Refusal(
        "already_settled",
        `${request.parent} is already ${state.status}; it cannot ask for more.`,
      );
    }
    const deadlineAt = state.attempts.at(-1)?.deadlineAt;
    return placeInChain({
      parent: { ...state.order, ...(deadlineAt === undefined ? {} : { deadlineAt }) },
      agent: card.id,
      timeoutMs: request.timeoutMs,
      maxDepth: deps.settings().delegation.maxDepth,
      nowMs: now(),
    });
  }

  async function refuseWhenDown(card: AgentCard, request: DelegateRequest): Promise<void> {
    if ((request.ifDown ?? "wait") === "wait") return;
    const health = await deps.agents.probe(card);
    if (health.state === "down") {
      throw new Refusal("agent_down", `${card.id} does not answer at ${card.url}: ${health.text}`, {
        hint: `Start it, or let the work wait for it: --if-down wait (\`wait-for-agent\` in Discord).`,
      });
    }
    if (health.state === "unauthorized") {
      throw new Refusal("agent_unauthorized", `${card.id} refuses our token: ${health.text}`, {
        hint: `Set ${card.tokenEnv ?? "its token_env"} to the hooks token of its gateway and restart; \`hq doctor\` checks it.`,
      });
    }
  }

  async function composeOrder(
    actor: Actor,
    request: DelegateRequest,
    card: AgentCard,
    id: string,
    parent: Order["parent"],
    digest: string | undefined,
  ): Promise<Order> {
    const { delegation } = deps.settings();
    const asked = request.channelContext;
    const history =
      asked && (await deps.readChannel(asked.channel, asked.messages ?? delegation.contextMessages));
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
      ...(request.card ? { card: request.card } : {}),
    };
    refuseTooLarge(order);
    return order;
  }

  return delegate;
}

function keyFor(actor: Actor, request: DelegateRequest, card: AgentCard, id: string) {
  const digest = digestOf(
    canonicalJson({
      ...request,
      key: undefined,
      origin: undefined,
      card: undefined,
      actor: callerOf(actor),
      agent: card.id,
    }),
  );
  return { ...(request.key ?? { scope: "run", key: id }), digest };
}

function refuseProblems(request: DelegateRequest): void {
  const problems: Problem[] = [];
  const bad = (path: string, message: string) => problems.push({ path, message });
  const { timeoutMs, startWithinMs, retries, runId, channelContext, agentPosts } = request;
  if (request.objective.trim() === "") bad("objective", "is empty: say what the agent is to do");
  if (timeoutMs !== undefined && !(timeoutMs >= SHORTEST_TIMEOUT_MS && timeoutMs <= LONGEST_TIMEOUT_MS)) {
    bad(
      "timeout",
      `must be between ${formatDuration(SHORTEST_TIMEOUT_MS)} and ${formatDuration(LONGEST_TIMEOUT_MS)}`,
    );
  }
  if (startWithinMs !== undefined && !(startWithinMs >= 0 && startWithinMs <= 7 * 86_400_000))
    bad("startWithin", "must be at most 7 days");
  if (retries !== undefined && !(Number.isInteger(retries) && retries >= 0 && retries <= MOST_RETRIES)) {
    bad("retries", `must be a whole number from 0 to ${MOST_RETRIES}`);
  }
  if (runId !== undefined && !isRunId(runId))
    bad(
      "runId",
      "may hold letters, digits, dot, dash, underscore and tilde, 80 at most, and begins with a letter or digit",
    );
  if (runId !== undefined && /\.\d{1,2}$/.test(runId)) {
    bad("runId", "may not end in a dot and one or two digits: handoff files of later attempts end so");
  }
  const messages = channelContext?.messages;
  if (messages !== undefined && !(Number.isInteger(messages) && messages >= 1 && messages <= MOST_MESSAGES)) {
    bad("channelMessages", `must be a whole number from 1 to ${MOST_MESSAGES}`);
  }
  if (agentPosts && !/^\d{17,20}$/.test(agentPosts.channel)) {
    bad(
      "channel",
      "must be a Discord channel id of 17 to 20 digits (in Discord: right-click the channel, Copy Channel ID); names and ids of other services do not work here",
    );
  }
  if (problems.length === 0) return;
  const text = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
  throw new Refusal("invalid_input", `${text}.`, { problems });
}

function refuseTooLarge(order: Order): void {
  const parts = [
    order.objective,
    ...order.attachments.map(({ text }) => text),
    order.channelContext?.text ?? "",
  ];
  // No character takes more than three bytes a code unit.
  if (parts.reduce((sum, part) => sum + 3 * part.length, 0) <= LONGEST_TASK_BYTES) return;
  const bytes = parts.reduce((sum, part) => sum + new TextEncoder().encode(part).length, 0);
  if (bytes <= LONGEST_TASK_BYTES) return;
  throw new Refusal(
    "too_large",
    `The task is ${Math.ceil(bytes / 1024)} KiB with its context; the agents' gateways take ${LONGEST_TASK_BYTES / 1024} KiB.`,
    {
      hint: "Shorten it, or put the material into a file the agent can read and name its path.",
    },
  );
}
