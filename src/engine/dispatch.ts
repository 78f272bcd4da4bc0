import type { AgentCard, Registry } from "../domain/agent-card.ts";
import { currentAttempt } from "../domain/delegation.ts";
import {
  type DelegationEvent,
  type DelegationInput,
  type DelegationState,
  isSettled,
  type Order,
} from "../domain/delegation-types.ts";
import type { Candidate } from "../domain/routing.ts";
import type { Settings } from "../domain/settings.ts";
import { isRefusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import type { Outcome } from "./loop.ts";
import type { ClaimedOf } from "./perform.ts";
import type { AgentHealth, Agents, DispatchAnswer } from "./ports/agents.ts";
import type { Inbox } from "./ports/handoffs.ts";
import type { ClaimedEffect } from "./ports/ledger.ts";
import type { Crash, Log } from "./ports/log.ts";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const LOOK_AGAIN_MS = 5000;
/** An agent that answers at once has handed in by then, and its handoff ends the request in one commit instead of two. */
const HAND_IN_SOON_MS = 2;

/** Exponential wait, from 1 s to 30 s. */
export function waitAfter(deferrals: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, deferrals));
}

/** The text that is sent for an attempt. */
export type PromptFor = (state: DelegationState, card: AgentCard) => { readonly text: string };

export type DispatchDeps = {
  readonly engine: Engine;
  readonly agents: Agents;
  readonly inbox: Inbox;
  readonly registry: () => Registry;
  readonly settings: () => Settings;
  /** When something last changed of what agents are sent by. */
  readonly changedAt: () => Promise<number>;
  readonly promptFor: PromptFor;
  /** Another agent for work that its agent cannot be given. */
  readonly standIn: (order: Order) => Promise<Candidate | undefined>;
  /** The number of our life among others; none while they may take us for gone, and do what we hold. */
  readonly life: () => number | undefined;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

/**
 * Sends attempts, and finds out what became of those whose answer was never seen.
 * Begun in the ledger before the call: after a crash it is reconciled, never blindly repeated.
 */
export function createDispatch(deps: DispatchDeps) {
  const { engine, agents, inbox, now, log, crash } = deps;

  function tell(effect: ClaimedEffect, run: string, input: DelegationInput) {
    const settles = [{ id: effect.id, outcome: input.type }];
    return engine.accept({ kind: "delegation", stream: run, input, cause: effect.id, settles });
  }

  async function dispatch(effect: ClaimedOf<"dispatch">): Promise<Outcome> {
    crash("dispatch:claimed");
    const life = deps.life();
    const { run, attempt, again } = effect.body;
    // What an earlier sending brought while nobody looked makes another one needless.
    if (attempt > 1 || again) await inbox.lookFor(run);
    const state = await engine.read("delegation", run);
    if (!state) throw new Error(`dispatch of ${run}, which has no events`);
    const at = now();
    if (effect.begunBefore !== undefined) {
      const text = "the supervisor stopped while it was sending; looking whether the agent got it";
      await tell(effect, run, {
        type: "uncertain",
        attempt,
        at,
        lookAt: at,
        sentAt: effect.begunBefore,
        text,
      });
      return { kind: "recorded" };
    }
    if (isSettled(state.status) || currentAttempt(state).attempt !== attempt) {
      await tell(effect, run, {
        type: "deferred",
        attempt,
        at,
        untilAt: at,
        reason: "agent_busy",
        text: "no longer wanted",
        again,
      });
      return { kind: "recorded" };
    }
    // Only what is lost is sent once more, and that is no longer with its agent.
    if (currentAttempt(state).dispatchedAt !== undefined)
      return { kind: "done", outcome: "it is with its agent already" };
    const { agent } = effect.body;
    // It went to another agent while this one had no room.
    if (agent !== state.order.agent) return { kind: "done", outcome: `${state.order.agent} has it now` };
    const card = deps.registry().find(agent);
    const handIn = watchHandIn(run, attempt);
    try {
      const answer = await send(state, attempt, card, life);
      const input =
        (await toAnother(state, attempt, card, answer)) ?? toInput(state, effect.body, card, at, answer);
      // A second sending is told of in any case: that it was sent twice stands in its story.
      const mayBeLeftOut = input.type === "dispatched" && !again;
      if (!mayBeLeftOut || !(await handIn.settledWithin(HAND_IN_SOON_MS))) await tell(effect, run, input);
    } finally {
      handIn.end();
    }
    crash("dispatch:recorded");
    return { kind: "recorded" };
  }

  /** Whether its agent's handoff settles it: that ends the open request too, and gives the capacity back. */
  function watchHandIn(run: string, attempt: number) {
    const settled = Promise.withResolvers<boolean>();
    const end = engine.watch((stored) => {
      const events = stored.map(({ body }) => body as DelegationEvent);
      const isOurs = events.some(
        (event) => event.type === "handoff.seen" && event.source.attempt === attempt,
      );
      if (isOurs && events.some(({ type }) => type === "delegation.settled")) settled.resolve(true);
    }, run);
    return {
      end,
      settledWithin(ms: number): Promise<boolean> {
        const timer = setTimeout(settled.resolve, ms, false);
        return settled.promise.finally(() => clearTimeout(timer));
      },
    };
  }

  /** What its agent cannot be given goes to another one, if whoever asked allowed that and there is one. */
  async function toAnother(
    state: DelegationState,
    attempt: number,
    card: AgentCard | undefined,
    answer: DispatchAnswer,
  ): Promise<DelegationInput | undefined> {
    const { agent } = state.order;
    const lack = card ? lackOf(agent, answer) : goneText(agent);
    const standIn = lack && (await deps.standIn(state.order));
    if (!standIn) return undefined;
    const { agent: from, id } = state.order;
    const why = `${lack}; ${standIn.why}`;
    log.info({ run: id, attempt, from, to: standIn.agent, why }, "a delegation goes to another agent");
    return { type: "reroute", attempt, at: now(), from, to: standIn.agent, why };
  }

  async function send(
    state: DelegationState,
    attempt: number,
    card: AgentCard | undefined,
    life: number | undefined,
  ): Promise<DispatchAnswer> {
    const { order } = state;
    if (!card) {
      const doubt = currentAttempt(state).ambiguous
        ? "; it may have had the work, and gave nothing back"
        : "";
      return { kind: "final", status: 0, text: `${goneText(order.agent)}${doubt}` };
    }
    let message: string;
    try {
      message = deps.promptFor(state, card).text;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return { kind: "final", status: 0, text: error.message };
    }
    crash("dispatch:composed");
    inbox.expect(order.id);
    if (life === undefined || deps.life() !== life)
      throw new Error(`others may have ${order.id} by now: it is not sent from here`);
    const answer = await agents.dispatch({
      agent: card,
      message,
      name: `HQ ${order.id}`,
      idempotencyKey: `${order.id}#${attempt}`,
      timeoutMs: order.timeoutMs,
      ...(order.agentPosts ? { agentPosts: order.agentPosts } : {}),
      ...(order.model === undefined ? {} : { model: order.model }),
      ...(order.thinking === undefined ? {} : { thinking: order.thinking }),
      ...(order.session?.persistent ? { session: order.session.id } : {}),
    });
    crash("dispatch:sent");
    if (answer.kind !== "accepted") {
      log.warn(
        { run: order.id, agent: order.agent, attempt, answer: answer.kind, text: answer.text },
        "a dispatch was not accepted",
      );
    }
    return answer;
  }

  function toInput(
    state: DelegationState,
    { attempt, again }: ClaimedOf<"dispatch">["body"],
    card: AgentCard | undefined,
    sentAt: number,
    answer: DispatchAnswer,
  ): DelegationInput {
    const at = now();
    const ownWaitMs = waitAfter(currentAttempt(state).deferrals);
    switch (answer.kind) {
      case "accepted":
        return {
          type: "dispatched",
          attempt,
          at,
          again,
          ...(answer.agentRunId ? { agentRunId: answer.agentRunId } : {}),
          // Samples have another address in each life.
          ...(card && !card.sample ? { sentTo: card.url } : {}),
        };
      case "final":
        return { type: "refused", attempt, at, text: answer.text };
      case "unauthorized":
        return {
          type: "deferred",
          attempt,
          at,
          untilAt: at + LONGEST_WAIT_MS,
          reason: "agent_unauthorized",
          text: answer.text,
          again,
        };
      case "again": {
        const { afterMs = 0, reason, text } = answer;
        // "At once", or an instant that is over by our clock, would be asked without end.
        const waitMs = afterMs < FIRST_WAIT_MS ? ownWaitMs : afterMs;
        return { type: "deferred", attempt, at, untilAt: at + waitMs, reason, text, again };
      }
      case "ambiguous": {
        // A gateway that breaks off each time would be sent the same without end.
        const lookAt = again ? at + LOOK_AGAIN_MS : at;
        return { type: "uncertain", attempt, at, sentAt, lookAt, text: answer.text };
      }
    }
  }

  /** Handoff there? Gateway restarted since, or one that knows the key again? Else wait the grace, then send the same attempt again. */
  async function reconcile(effect: ClaimedOf<"reconcile">): Promise<Outcome> {
    const { run, agent, attempt, sentAt } = effect.body;
    await inbox.sweep();
    const state = await engine.read("delegation", run);
    const card = deps.registry().find(agent);
    const current = state && currentAttempt(state);
    const isOver =
      !state || isSettled(state.status) || current?.attempt !== attempt || current.dispatchedAt !== undefined;
    if (isOver) return { kind: "done", outcome: "no longer in doubt" };
    inbox.expect(run);
    // Proof is only of what would be sent as it was: to the same gateway, with the same token and words.
    const isAlike = (await deps.changedAt()) <= sentAt;
    const health = card && isAlike ? await agents.probe(card) : UNKNOWN;
    const at = now();
    const lost = async (text: string): Promise<Outcome> => {
      log.info({ run, agent, attempt, text }, "an attempt in doubt is sent again");
      await tell(effect, run, { type: "lost", attempt, at, text });
      return { kind: "recorded" };
    };
    if (!card) {
      // It may work on it, and then has its time: as much as if it had said so.
      const endsAt = sentAt + state.order.timeoutMs;
      if (at >= endsAt) return lost(`nothing came back within its time, and ${goneText(agent)}`);
      const lookAt = Math.min(endsAt, at + LOOK_AGAIN_MS);
      const text = `${goneText(agent)}, so nobody can ask it whether it got the work; it may still hand it in`;
      if (state.waiting?.text === text) return { kind: "again", dueAt: lookAt, reason: "still in doubt" };
      log.warn({ run, agent, attempt, text }, "an attempt is in doubt");
      await tell(effect, run, { type: "uncertain", attempt, at, sentAt, lookAt, text });
      return { kind: "recorded" };
    }
    if (health.state === "down" && !health.isDoubtful)
      return lost("the gateway is not running, so nothing is under way there");
    if (health.uptimeMs !== undefined && at - health.uptimeMs > sentAt)
      return lost("the gateway restarted since, and forgot what it was doing");
    if (health.idempotent) return lost("the gateway knows the key again if it had the work");
    const graceEndsAt = sentAt + deps.settings().delegation.ambiguousGraceMs;
    if (at >= graceEndsAt) return lost("nothing came back within the grace");
    const lookAt = Math.min(graceEndsAt, at + LOOK_AGAIN_MS);
    return { kind: "again", dueAt: lookAt, reason: "still in doubt" };
  }

  return { dispatch, reconcile };
}

const UNKNOWN: Pick<AgentHealth, "state" | "isDoubtful" | "uptimeMs" | "idempotent"> = { state: "unknown" };

const goneText = (agent: string) => `${agent} is no longer in config/agents.yaml`;

/** Why an agent certainly did not take the work, in a few words; undefined when it did, may have, or only has no time. */
function lackOf(agent: string, answer: DispatchAnswer): string | undefined {
  if (answer.kind === "unauthorized") return `${agent} refuses our token`;
  return answer.kind === "again" && answer.reason === "agent_down" ? `${agent} is down` : undefined;
}
