import type { Decider } from "../kernel/decider.ts";
import { drainedText, resumedText, steadyText, toldText, unsteadyText } from "./agent-texts.ts";
import {
  type AgentEvent,
  type AgentInput,
  type AgentState,
  agentToday,
  type Evidence,
} from "./agent-types.ts";
import type { Effect } from "./effects.ts";

/** So many changes are told at once in any window; the next one says that the agent is unsteady. */
const AT_ONCE = 2;
/** Never more than this in any window, whatever happens. */
const MOST_TOLD = 3;
const WINDOW_MS = 600_000;
/** An unsteady agent is told of again when it has stayed the same for this long. */
const STEADY_MS = 60_000;
/** An agent that answers again is told so when it has not gone away again for this long. */
const BACK_MS = 15_000;
/** So long after something was told it is looked at closely. */
const CLOSE_MS = 60_000;

/** The stream of an agent. */
export function agentStream(agent: string): string {
  return `agent-${agent}`;
}

/** When it wants to be woken: to tell that it is back, or steady again. */
export function agentWakeAt(stored: AgentState): number | undefined {
  const state = agentToday(stored, stored.agent);
  if (!state.seen) return undefined;
  if (state.unsteady) return Math.max(state.seen.since + STEADY_MS, roomAt(state));
  return isUntold(state) ? state.seen.since + BACK_MS : undefined;
}

/** Whether it should be looked at more often than usual: something is to be told of it, or just was. */
export function wantsCloseLook(state: AgentState | undefined, at: number): boolean {
  if (!state) return false;
  const lastTold = agentToday(state, state.agent).toldAt.at(-1);
  return agentWakeAt(state) !== undefined || (lastTold !== undefined && at - lastTold < CLOSE_MS);
}

function decide(stored: AgentState | undefined, input: AgentInput): readonly AgentEvent[] {
  if (input.type === "wake") return stored ? decideWake(agentToday(stored, stored.agent), input.at) : [];
  const { agent } = input;
  const state = agentToday(stored, agent);
  switch (input.type) {
    case "seen":
      return decideSeen(state, input);
    case "forgive":
      return state.seen?.state === "unauthorized" ? [{ ...input, type: "agent.forgiven" }] : [];
    case "drain":
      return state.draining ? [] : [{ ...input, type: "agent.drained", text: drainedText(agent, input) }];
    case "resume":
      return state.draining ? [{ ...input, type: "agent.resumed", text: resumedText(agent, input.by) }] : [];
  }
}

function decideSeen(state: AgentState, input: Extract<AgentInput, { type: "seen" }>): readonly AgentEvent[] {
  const { seen } = state;
  const isProof = input.by === "work" && seen?.isUnproven === true;
  if (seen?.state === input.state && !isProof) return [];
  // A look carries no token, so it cannot take a refusal of it back.
  if (seen?.state === "unauthorized" && input.state === "up" && input.by === "look") return [];
  const fact: AgentEvent = { ...input, type: "agent.seen" };
  return [fact, ...tellChange(state, evolve(state, fact), input)];
}

/** What people hear of a change right away. */
function tellChange(
  before: AgentState,
  after: AgentState,
  { at, by }: { readonly at: number; readonly by: Evidence["by"] },
): readonly AgentEvent[] {
  if (after.unsteady) return [];
  // Before it could be told that it is back, it was gone again.
  if (!isUntold(after)) return isUntold(before) ? [goUnsteady(after, at)] : [];
  const isBack = after.seen?.state === "up" && after.told?.state === "down";
  return isBack && by === "look" ? [] : [tellOrGoUnsteady(after, at)];
}

function decideWake(state: AgentState, at: number): readonly AgentEvent[] {
  const dueAt = agentWakeAt(state);
  if (dueAt === undefined || at < dueAt) return [];
  const { agent, unsteady } = state;
  if (!unsteady) return [tellOrGoUnsteady(state, at)];
  const isNews = unsteady.isTold || isUntold(state);
  return [{ type: "agent.steady", at, agent, ...(isNews ? { text: steadyText(state, at) } : {}) }];
}

function tellOrGoUnsteady(state: AgentState, at: number): AgentEvent {
  if (toldLately(state, at) >= AT_ONCE) return goUnsteady(state, at);
  return { type: "agent.told", at, agent: state.agent, text: toldText(state, at) };
}

function goUnsteady(state: AgentState, at: number): AgentEvent {
  const hasRoom = toldLately(state, at) < MOST_TOLD;
  const text = hasRoom ? { text: unsteadyText(state) } : {};
  return { type: "agent.unsteady", at, agent: state.agent, ...text };
}

function toldLately({ toldAt }: AgentState, at: number): number {
  return toldAt.filter((told) => told > at - WINDOW_MS).length;
}

/** From when on one more may be told. */
function roomAt({ toldAt }: AgentState): number {
  const third = toldAt.at(-MOST_TOLD);
  return third === undefined ? 0 : third + WINDOW_MS;
}

/** People believe something else. What may be mended is not told before work has proved it. */
function isUntold({ seen, told }: AgentState): boolean {
  return seen !== undefined && !seen.isUnproven && seen.state !== told?.state;
}

function evolve(stored: AgentState | undefined, event: AgentEvent): AgentState {
  const { at } = event;
  const state = agentToday(stored, event.agent);
  const { draining: _draining, ...undrained } = state;
  const { unsteady: _unsteady, ...steady } = state;
  switch (event.type) {
    case "agent.seen":
      return withSeen(state, event);
    case "agent.forgiven": {
      const text = "it answers; whether it takes our token is seen with its next work";
      return { ...state, seen: { state: "up", text, since: at, isUnproven: true } };
    }
    case "agent.told":
      return afterTelling(state, at);
    case "agent.unsteady": {
      const isTold = event.text !== undefined;
      const { posts, toldAt } = isTold ? afterTelling(state, at) : state;
      return { ...state, posts, toldAt, unsteady: { isTold } };
    }
    case "agent.steady":
      return event.text === undefined ? steady : afterTelling(steady, at);
    case "agent.drained": {
      const { by, reason } = event;
      const draining = { at, by, ...(reason === undefined ? {} : { reason }) };
      return { ...state, draining, posts: state.posts + 1 };
    }
    case "agent.resumed":
      return { ...undrained, posts: state.posts + 1 };
    case "agent.unauthorized":
      return afterTelling(withSeen(state, { ...event, state: "unauthorized" }), at);
    case "agent.well":
      return afterTelling(withSeen(state, { at, state: "up", text: "it took work again" }), at);
  }
}

/** The first time that it is seen up is no news. */
function withSeen(state: AgentState, event: Pick<Evidence, "state" | "text"> & { at: number }): AgentState {
  const { seen: before, told } = state;
  const since = before?.state === event.state ? before.since : event.at;
  const isNoNews = told === undefined && event.state === "up";
  return {
    ...state,
    seen: { state: event.state, text: event.text, since },
    ...(isNoNews ? { told: { state: "up", since } } : {}),
  };
}

function afterTelling(state: AgentState, at: number): AgentState {
  const { seen } = state;
  return {
    ...state,
    ...(seen ? { told: { state: seen.state, since: seen.since } } : {}),
    toldAt: [...state.toldAt, at].slice(-MOST_TOLD),
    posts: state.posts + 1,
  };
}

function effects(state: AgentState, event: AgentEvent): readonly Effect[] {
  const { type, at, agent } = event;
  if (!("text" in event) || event.text === undefined) return [];
  // What was only seen is no post, and what was written at first was posted then.
  if (type === "agent.seen" || type === "agent.unauthorized") return [];
  const id = `${agentStream(agent)}/${type.slice("agent.".length)}-${state.posts}`;
  const delivery = { id, kind: "notice", to: { role: "itOps" }, text: event.text } as const;
  return [{ body: { type: "post", delivery }, lane: "discord", dueAt: at }];
}

/** How an agent is, whether it gets new work, and what people hear of both. */
export const agentState: Decider<AgentState, AgentInput, AgentEvent, Effect> = { decide, evolve, effects };
