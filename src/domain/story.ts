import type { Problem } from "../kernel/refusal.ts";
import type { AttemptState, DelegationState, DelegationStatus } from "./delegation-types.ts";
import type { Receipt } from "./delivery-types.ts";

/** One attempt of a delegation, from its place in the queue to its end. Instants are epoch ms, spans ms. */
export type StoryAttempt = {
  readonly attempt: number;
  readonly agent: string;
  /** `over`: it came to nothing, and another one follows. */
  readonly status: "waiting" | "with-agent" | "over" | DelegationStatus;
  readonly queuedAt: number;
  readonly dispatchedAt?: number;
  readonly deadlineAt?: number;
  readonly endedAt?: number;
  readonly sends: number;
  readonly waitedMs: number;
  readonly workedMs?: number;
  readonly reason?: string;
  readonly problems: readonly Problem[];
};

/** Where the time went, as far as it is known. */
export type StoryTimes = {
  readonly waitedMs: number;
  readonly workedMs?: number;
  /** From the end to the last message about it. */
  readonly postedMs?: number;
  readonly totalMs?: number;
};

export function attemptsOf(state: DelegationState, now: number): readonly StoryAttempt[] {
  const { attempts, order } = state;
  return attempts.map((attempt, index) => {
    const isLast = index === attempts.length - 1;
    const queuedAt = attempts[index - 1]?.failedAt ?? order.queuedAt;
    const endedAt = attempt.failedAt ?? (isLast ? state.outcome?.at : undefined);
    const { dispatchedAt, deadlineAt, sends, reason, problems = [] } = attempt;
    const until = endedAt ?? now;
    return {
      attempt: attempt.attempt,
      agent: agentAt(state, dispatchedAt ?? until),
      status: statusOf(state, attempt, isLast),
      queuedAt,
      ...(dispatchedAt === undefined ? {} : { dispatchedAt }),
      ...(deadlineAt === undefined ? {} : { deadlineAt }),
      ...(endedAt === undefined ? {} : { endedAt }),
      sends,
      waitedMs: Math.max(0, (dispatchedAt ?? until) - queuedAt),
      ...(dispatchedAt === undefined ? {} : { workedMs: Math.max(0, until - dispatchedAt) }),
      ...(reason === undefined ? {} : { reason }),
      problems,
    };
  });
}

function statusOf(state: DelegationState, attempt: AttemptState, isLast: boolean): StoryAttempt["status"] {
  if (!isLast) return attempt.reason === "timed_out" ? "timed_out" : "over";
  if (state.outcome) return state.status;
  return state.status === "dispatched" ? "with-agent" : "waiting";
}

/** Who had it then: it may have gone from one agent to another. */
function agentAt({ order, reroutes = [] }: DelegationState, at: number): string {
  return reroutes.findLast((one) => one.at <= at)?.to ?? reroutes[0]?.from ?? order.agent;
}

/** The delegation as it was when an attempt was sent. */
export function asSent(state: DelegationState, { attempt, agent }: StoryAttempt): DelegationState {
  const attempts = state.attempts.filter((one) => one.attempt <= attempt);
  return { ...state, order: { ...state.order, agent }, attempts };
}

export function timesOf(
  state: DelegationState,
  attempts: readonly StoryAttempt[],
  receipts: readonly Pick<Receipt, "postedAt">[],
): StoryTimes {
  const worked = attempts.flatMap(({ workedMs }) => workedMs ?? []);
  const settledAt = state.outcome?.at;
  const posted = receipts
    .map(({ postedAt }) => postedAt)
    .filter((at) => settledAt !== undefined && at >= settledAt);
  return {
    waitedMs: attempts.reduce((sum, { waitedMs }) => sum + waitedMs, 0),
    ...(worked.length === 0 ? {} : { workedMs: worked.reduce((sum, ms) => sum + ms, 0) }),
    ...(settledAt === undefined || posted.length === 0 ? {} : { postedMs: Math.max(...posted) - settledAt }),
    ...(settledAt === undefined ? {} : { totalMs: settledAt - state.order.queuedAt }),
  };
}
