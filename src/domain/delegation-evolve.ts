import type { AttemptState, DelegationEvent, DelegationState, Order } from "./delegation-types.ts";
import { delayBefore } from "./delegation-types.ts";
import type { HandoffSource } from "./handoff-types.ts";

type State = DelegationState;
type Event = DelegationEvent;

function newAttempt(order: Order, attempt: number, at: number): AttemptState {
  return {
    attempt,
    startBy: at + delayBefore(order, attempt) + order.startWithinMs,
    sends: 0,
    deferrals: 0,
    ambiguous: false,
  };
}

export function currentAttempt({ order, attempts }: State): AttemptState {
  return attempts.at(-1) ?? newAttempt(order, 1, order.queuedAt);
}

/** The attempt that a document is of: whoever names one that never was works on the one there is. */
export function attemptMeant(state: State, source: HandoffSource): number {
  return Math.min(source.attempt, currentAttempt(state).attempt);
}

/** Folds one fact into a delegation. */
export function evolve(state: State | undefined, event: Event): State {
  if (event.type === "delegation.queued") {
    const { order } = event;
    const { agent: to, insteadOf, queuedAt: at } = order;
    return {
      order,
      status: "queued",
      attempts: [newAttempt(order, 1, at)],
      handoffs: [],
      ...(insteadOf ? { reroutes: [{ at, from: insteadOf.agent, to, why: insteadOf.why }] } : {}),
    };
  }
  if (!state) throw new Error(`${event.type} before delegation.queued`);
  const { waiting: _, ...rest } = state;
  switch (event.type) {
    case "attempt.dispatched":
      return {
        ...rest,
        status: "dispatched",
        attempts: withCurrent(state, (now) => ({
          ...now,
          dispatchedAt: event.at,
          ...(event.sentTo === undefined ? {} : { sentTo: event.sentTo }),
          deadlineAt: event.deadlineAt,
          sends: now.sends + 1,
        })),
      };
    case "attempt.deferred":
      return {
        ...state,
        status: "queued",
        waiting: { reason: event.reason, text: event.text, untilAt: event.untilAt },
        attempts: withCurrent(state, (now) => ({ ...now, deferrals: now.deferrals + 1 })),
      };
    case "attempt.uncertain":
      return {
        ...state,
        waiting: { reason: "uncertain", text: event.text, untilAt: event.lookAt },
        attempts: withCurrent(state, (now) =>
          now.ambiguous ? now : { ...now, ambiguous: true, sends: now.sends + 1 },
        ),
      };
    case "attempt.held": {
      const { startBy } = currentAttempt(state);
      return { ...state, waiting: { reason: event.reason, text: event.text, untilAt: startBy } };
    }
    case "attempt.released":
      return rest;
    case "attempt.lost":
      return {
        ...rest,
        status: "queued",
        attempts: withCurrent(state, ({ dispatchedAt, deadlineAt: _deadline, sentTo: _sentTo, ...now }) =>
          // What was dispatched gets its time anew; what never was is still to begin by the first instant.
          dispatchedAt === undefined ? now : { ...now, startBy: event.at + state.order.startWithinMs },
        ),
      };
    case "delegation.rerouted": {
      const { at, from, to, why } = event;
      return {
        ...rest,
        order: { ...state.order, agent: to },
        reroutes: [...(state.reroutes ?? []), { at, from, to, why }],
        attempts: withCurrent(state, (now) => ({ ...now, deferrals: 0 })),
      };
    }
    case "attempt.failed": {
      const attempts = withCurrent(state, (now) => ({
        ...now,
        failedAt: event.at,
        reason: event.reason,
        problems: event.problems.length > 0 ? event.problems : [{ path: "", message: event.text }],
      }));
      if (event.next === undefined) return { ...rest, attempts };
      const next = newAttempt(state.order, event.next, event.at);
      return { ...rest, status: "queued", attempts: [...attempts, next] };
    }
    case "handoff.seen":
      return {
        ...state,
        handoffs: [...state.handoffs, { ...event.source, at: event.at, verdict: event.verdict }],
      };
    case "artifact.uploaded":
      return { ...state, uploads: [...(state.uploads ?? []), event.upload] };
    case "delegation.settled":
      return {
        ...rest,
        status: event.status,
        outcome: {
          at: event.at,
          problems: event.problems,
          ...(event.reason === undefined ? {} : { reason: event.reason }),
          ...(event.code === undefined ? {} : { code: event.code }),
          ...(event.handoff === undefined ? {} : { handoff: event.handoff }),
        },
      };
  }
}

function withCurrent(state: State, change: (current: AttemptState) => AttemptState): readonly AttemptState[] {
  return [...state.attempts.slice(0, -1), change(currentAttempt(state))];
}
