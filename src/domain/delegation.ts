import type { Decider } from "../kernel/decider.ts";
import type { Problem } from "../kernel/refusal.ts";
import { delegationEffects } from "./delegation-effects.ts";
import { attemptMeant, currentAttempt, evolve } from "./delegation-evolve.ts";
import type {
  AttemptState,
  DelegationEvent,
  DelegationInput,
  DelegationState,
  DelegationStatus,
  FailureReason,
  HandoffVerdict,
} from "./delegation-types.ts";
import { isSettled } from "./delegation-types.ts";
import type { Effect } from "./effects.ts";
import type { Handoff, HandoffSource } from "./handoff-types.ts";
import { hasRoomFor, withUploads } from "./uploads.ts";

type State = DelegationState;
type Event = DelegationEvent;
type InputOf<Type extends DelegationInput["type"]> = Extract<DelegationInput, { type: Type }>;

export { currentAttempt };

/** When it wants to be woken, whatever else comes: at the deadline of its attempt, or when that should have begun. */
export function delegationWakeAt(state: State): number | undefined {
  if (isSettled(state.status)) return undefined;
  const { deadlineAt, startBy } = currentAttempt(state);
  return deadlineAt ?? startBy;
}

function decide(state: State | undefined, input: DelegationInput): readonly Event[] {
  if (input.type === "queue") return state ? [] : [{ type: "delegation.queued", order: input.order }];
  if (!state) return [];
  if (input.type === "handoff") return decideHandoff(state, input);
  if (input.type === "bad-handoff") return decideBadHandoff(state, input);
  if (isSettled(state.status)) return [];
  if (input.type === "upload") return decideUpload(state, input);
  if (input.type === "cancel") {
    const reason = input.reason ?? "canceled on request";
    return [
      {
        type: "delegation.settled",
        at: input.at,
        status: "canceled",
        code: "canceled",
        reason,
        problems: [],
        by: input.actor,
      },
    ];
  }
  const current = currentAttempt(state);
  if (input.type === "wake") return decideWake(state, current, input.at);
  if (input.type === "hold" || input.type === "release") return decideHold(state, current, input);
  if (input.attempt !== current.attempt) return [];
  return decideAttempt(state, current, input);
}

function decideAttempt(
  state: State,
  current: AttemptState,
  input: Extract<DelegationInput, { attempt: number }>,
): readonly Event[] {
  switch (input.type) {
    case "dispatched": {
      if (current.dispatchedAt !== undefined) return [];
      const ownDeadline = input.at + state.order.timeoutMs;
      const deadlineAt = Math.min(ownDeadline, state.order.parent?.deadlineAt ?? ownDeadline);
      return [{ ...input, type: "attempt.dispatched", deadlineAt }];
    }
    case "deferred": {
      const { seen: before, ...fact } = input;
      const isAsSeen =
        !before ||
        (before.deferrals === current.deferrals && before.reroutes === (state.reroutes?.length ?? 0));
      return isAsSeen && current.dispatchedAt === undefined ? [{ ...fact, type: "attempt.deferred" }] : [];
    }
    case "uncertain":
      return current.dispatchedAt === undefined ? [{ ...input, type: "attempt.uncertain" }] : [];
    case "lost":
      // Another look may have found it before, and it may have been taken anew since.
      if (input.takenAt !== current.dispatchedAt) return [];
      return [{ type: "attempt.lost", attempt: input.attempt, at: input.at, text: input.text }];
    case "reroute":
      if (current.dispatchedAt !== undefined || input.from !== state.order.agent) return [];
      return [{ ...input, type: "delegation.rerouted" }];
    case "refused":
      return failAttempt(state, input.at, { reason: "refused", text: input.text, isFinal: true });
  }
}

/** What waits says that it is held, once; what may be with its agent is looked into all the same. */
function decideHold(
  { order, waiting }: State,
  { attempt, dispatchedAt }: AttemptState,
  input: InputOf<"hold" | "release">,
): readonly Event[] {
  const { at, reason } = input;
  const isHeld = waiting?.reason === reason;
  if (input.type === "release") return isHeld ? [{ type: "attempt.released", attempt, at }] : [];
  const mayBeThere = dispatchedAt !== undefined || waiting?.reason === "uncertain";
  if (isHeld || mayBeThere || order.agent !== input.agent) return [];
  return [{ type: "attempt.held", attempt, at, reason, text: input.text }];
}

/** Whichever has passed: the deadline of what was dispatched, or the limit for the start of what was not. */
function decideWake(state: State, current: AttemptState, at: number): readonly Event[] {
  if (at < (current.deadlineAt ?? current.startBy)) return [];
  const { agent, timeoutMs, startWithinMs } = state.order;
  if (current.deadlineAt !== undefined) {
    const text = `${agent} gave nothing back within ${Math.round(timeoutMs / 1000)} s of attempt ${current.attempt}`;
    return failAttempt(state, at, { reason: "timed_out", text });
  }
  const waited = state.waiting ? `: ${state.waiting.text}` : "";
  const text = `${agent} could not be given the work within ${Math.round(startWithinMs / 1000)} s${waited}`;
  return failAttempt(state, at, { reason: "not_started", text, isFinal: true });
}

type Failure = {
  readonly reason: FailureReason;
  readonly text: string;
  readonly problems?: readonly Problem[];
  readonly handoff?: Handoff;
  /** Asking again is useless. */
  readonly isFinal?: boolean;
};

const SETTLED_AS: Readonly<Record<FailureReason, DelegationStatus>> = {
  timed_out: "timed_out",
  not_started: "timed_out",
  invalid_handoff: "failed",
  agent_failed: "failed",
  refused: "failed",
};

/** The attempt failed: the next one begins while attempts last, else the delegation is settled. */
function failAttempt(state: State, at: number, failure: Failure): readonly Event[] {
  const { attempt } = currentAttempt(state);
  const { reason, text } = failure;
  const problems = failure.problems ?? [];
  const hasNext = !failure.isFinal && attempt < state.order.maxAttempts;
  const failed: Event = {
    type: "attempt.failed",
    attempt,
    at,
    reason,
    text,
    problems,
    ...(hasNext ? { next: attempt + 1 } : {}),
  };
  if (hasNext) return [failed];
  const settled: Event = {
    type: "delegation.settled",
    at,
    status: SETTLED_AS[reason],
    code: reason,
    reason: text,
    problems,
    ...(failure.handoff ? { handoff: failure.handoff } : {}),
  };
  return [failed, settled];
}

/**
 * The same file read again, as after a crash between commit and archive: nothing new. What is posted has no name and no
 * inode, so there the attempt tells two alike apart: an agent may fail twice in the same words.
 */
function isKnown(state: State, source: HandoffSource): boolean {
  return state.handoffs.some(
    (seen) =>
      seen.digest === source.digest &&
      seen.path === source.path &&
      seen.inode === source.inode &&
      (source.path !== "rest" || seen.attempt === source.attempt),
  );
}

function lateVerdict(state: State, source: HandoffSource): HandoffVerdict {
  const accepted = state.handoffs.filter((seen) => seen.verdict === "accepted");
  if (accepted.some(({ digest }) => digest === source.digest)) return "duplicate";
  return accepted.at(-1)?.attempt === attemptMeant(state, source) ? "changed" : "late";
}

function seen(state: State, input: InputOf<"handoff" | "bad-handoff">, verdict: HandoffVerdict): Event {
  return {
    type: "handoff.seen",
    at: input.at,
    source: { ...input.source, attempt: attemptMeant(state, input.source) },
    verdict,
    problems: input.type === "bad-handoff" ? input.problems : [],
    ...(input.type === "handoff" ? { status: input.handoff.status } : {}),
  };
}

function decideHandoff(state: State, input: InputOf<"handoff">): readonly Event[] {
  const { source, at } = input;
  if (isKnown(state, source)) return [];
  if (isSettled(state.status)) return [seen(state, input, lateVerdict(state, source))];
  const handoff = withUploads(input.handoff, state.order.id, source.attempt, state.uploads ?? []);
  const settle = (status: DelegationStatus): readonly Event[] => [
    seen(state, input, "accepted"),
    {
      type: "delegation.settled",
      at,
      status,
      handoff,
      problems: [],
      ...(status === "blocked" ? { code: "blocked", reason: handoff.notes || handoff.result } : {}),
    },
  ];
  switch (handoff.status) {
    case "complete":
      return settle("succeeded");
    case "partial":
      return settle("partial");
    case "blocked":
      return settle("blocked");
    case "failed": {
      if (source.attempt < currentAttempt(state).attempt) return [seen(state, input, "superseded")];
      const text = `${state.order.agent} says it failed: ${handoff.notes || handoff.result}`;
      const problems = [{ path: "status", message: text }];
      return [
        seen(state, input, "accepted"),
        ...failAttempt(state, at, { reason: "agent_failed", text, problems, handoff }),
      ];
    }
  }
}

function decideUpload({ uploads = [] }: State, { upload, mostBytes }: InputOf<"upload">): readonly Event[] {
  const isThere = uploads.some(({ attempt, name }) => attempt === upload.attempt && name === upload.name);
  if (isThere || !hasRoomFor(uploads, upload, mostBytes)) return [];
  return [{ type: "artifact.uploaded", at: upload.at, upload }];
}

function decideBadHandoff(state: State, input: InputOf<"bad-handoff">): readonly Event[] {
  const { source, problems, at } = input;
  if (isKnown(state, source)) return [];
  if (isSettled(state.status)) return [seen(state, input, "late")];
  if (source.attempt < currentAttempt(state).attempt) return [seen(state, input, "superseded")];
  const first = problems[0];
  const text = `the handoff is not acceptable${first ? `: ${first.path ? `${first.path}: ` : ""}${first.message}` : ""}`;
  return [
    seen(state, input, "rejected"),
    ...failAttempt(state, at, { reason: "invalid_handoff", text, problems }),
  ];
}

export const delegation: Decider<State, DelegationInput, Event, Effect> = {
  decide,
  evolve,
  effects: delegationEffects,
};
