import type { Problem } from "../kernel/refusal.ts";
import type { Actor, Origin } from "./actor.ts";
import type { DeliveryTarget } from "./effects.ts";
import type { Handoff, HandoffSource } from "./handoff-types.ts";
import type { ModelChoice } from "./model-choice.ts";
import type { ChildOf } from "./run-types.ts";
import type { TaskOf, Thinking } from "./task-types.ts";
import type { Upload } from "./uploads.ts";

export const DELEGATION_STATUSES = [
  "queued",
  "dispatched",
  "succeeded",
  "partial",
  "blocked",
  "failed",
  "timed_out",
  "canceled",
] as const;
export type DelegationStatus = (typeof DELEGATION_STATUSES)[number];

export function isSettled(status: DelegationStatus): boolean {
  return status !== "queued" && status !== "dispatched";
}

/** Everything that was asked and agreed, kept in the first event: nothing of it is read from config later. */
export type Order = {
  readonly id: string;
  readonly agent: string;
  /** What was asked for when no agent was named, and why this one was chosen. */
  readonly capability?: string;
  readonly choice?: string;
  /** The agent that was named, and could not be given the work when it was asked for. */
  readonly insteadOf?: { readonly agent: string; readonly why: string };
  /** Whether another agent may do it when this one cannot be given the work; `to` names the only ones. */
  readonly fallback?: { readonly to?: readonly string[] };
  readonly objective: string;
  readonly attachments: readonly { readonly name: string; readonly text: string }[];
  readonly channelContext?: { readonly channel: string; readonly messages: number; readonly text: string };
  readonly timeoutMs: number;
  readonly startWithinMs: number;
  /** Total attempts: retries + 1. */
  readonly maxAttempts: number;
  /** Waited before each further attempt; absent = none. */
  readonly retryDelay?: { readonly ms: number; readonly backoff: "fixed" | "exponential" };
  readonly validate: boolean;
  readonly format: "json" | "text";
  /** Whether the coordinator posts the result to #results; the log line is always posted. */
  readonly deliver: boolean;
  /** The agent itself posts too, to this Discord channel id. */
  readonly agentPosts?: { readonly channel: string };
  /** What is not as whoever asked would think, a sentence or two each; told when it was asked for. */
  readonly warnings?: readonly string[];
  readonly parent?: {
    readonly id: string;
    readonly chain: readonly string[];
    readonly depth: number;
    readonly deadlineAt?: number;
  };
  readonly budget?: { readonly usd?: number; readonly tokens?: number };
  readonly workflow?: { readonly run?: string; readonly step?: string };
  /** The place of a run that this delegation fills; the run is told when it is settled. */
  readonly childOf?: ChildOf;
  /** The task of the queue that it does; the task is told when it is settled, and the card is the task's. */
  readonly taskOf?: TaskOf;
  /** Wishes that the hook carries along: the model's full name, and how hard to think. */
  readonly model?: string;
  readonly thinking?: Thinking;
  /** Why it is this model, when one was asked for; chosen once, when the order was made. */
  readonly modelChoice?: ModelChoice;
  /** The result must be JSON that fits this schema; `file` names it for people. */
  readonly expect?: { readonly file: string; readonly schema: unknown };
  /** The session of which it is a turn. `persistent`: the agent's gateway remembers the earlier ones. */
  readonly session?: { readonly id: string; readonly turn: number; readonly persistent: boolean };
  readonly actor: Actor;
  readonly origin: Origin;
  /** A live card is kept there. */
  readonly card?: DeliveryTarget;
  readonly queuedAt: number;
  /** Of the request: asking again with the same run id is a repeat when this is the same. */
  readonly digest?: string;
  /** The word by which its agent was named, where that was not its id: asked again, it may be another's by then. */
  readonly named?: string;
  /** Capacity is held this long past an attempt's deadline, since a late agent still works. */
  readonly slotGraceMs: number;
};

/** Waited before an attempt, in ms; doubles with each further one when it is exponential. */
export function delayBefore({ retryDelay }: Order, attempt: number): number {
  if (!retryDelay || attempt < 2) return 0;
  const { ms, backoff } = retryDelay;
  return backoff === "fixed" ? ms : ms * 2 ** (attempt - 2);
}

/** The work went from one agent to another before it was begun, or after it was proved lost. */
export type Reroute = {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly why: string;
};

export type WaitingReason =
  | "agent_down"
  | "agent_busy"
  | "agent_unauthorized"
  | "agent_draining"
  | "rate_limited"
  | "uncertain";
export type FailureReason = "timed_out" | "invalid_handoff" | "agent_failed" | "refused" | "not_started";

export type AttemptState = {
  readonly attempt: number;
  /** When it counts as not started, unless it was dispatched before. */
  readonly startBy: number;
  readonly dispatchedAt?: number;
  /** The address of the gateway that took it. */
  readonly sentTo?: string;
  readonly deadlineAt?: number;
  /** Times the request may have been sent; above 1 only after an ambiguous answer. */
  readonly sends: number;
  /** Times the gateway put us off; the wait doubles with each. */
  readonly deferrals: number;
  readonly ambiguous: boolean;
  readonly failedAt?: number;
  readonly reason?: FailureReason;
  readonly problems?: readonly Problem[];
};

export type DelegationState = {
  readonly order: Order;
  readonly status: DelegationStatus;
  readonly attempts: readonly AttemptState[];
  readonly waiting?: { readonly reason: WaitingReason; readonly text: string; readonly untilAt: number };
  /** Oldest first; `order.agent` is the one that has it now. */
  readonly reroutes?: readonly Reroute[];
  readonly outcome?: {
    readonly at: number;
    /** A sentence for people; absent when it succeeded. */
    readonly reason?: string;
    readonly code?: FailureReason | "canceled" | "blocked";
    readonly handoff?: Handoff;
    readonly problems: readonly Problem[];
  };
  /** Every handoff seen for this run, the accepted one first told apart by `accepted`. */
  readonly handoffs: readonly (HandoffSource & { readonly at: number; readonly verdict: HandoffVerdict })[];
  /** Files that were handed in over REST, oldest first. */
  readonly uploads?: readonly Upload[];
};

export type HandoffVerdict = "accepted" | "rejected" | "late" | "duplicate" | "changed" | "superseded";

export type DelegationInput =
  | { readonly type: "queue"; readonly order: Order }
  | {
      readonly type: "dispatched";
      readonly attempt: number;
      readonly at: number;
      readonly again: boolean;
      readonly agentRunId?: string;
      readonly sentTo?: string;
    }
  | {
      readonly type: "deferred";
      readonly attempt: number;
      readonly at: number;
      readonly untilAt: number;
      readonly reason: WaitingReason;
      readonly text: string;
      readonly again: boolean;
      /** How often it had been put off and rerouted when somebody looked: when that is more by now, it is under way. */
      readonly seen?: { readonly deferrals: number; readonly reroutes: number };
    }
  | { readonly type: "refused"; readonly attempt: number; readonly at: number; readonly text: string }
  /** The agent did not take it; another one that may and can is to have it. */
  | ({ readonly type: "reroute"; readonly attempt: number } & Reroute)
  | {
      readonly type: "uncertain";
      readonly attempt: number;
      readonly at: number;
      readonly lookAt: number;
      readonly sentAt: number;
      readonly text: string;
    }
  | {
      readonly type: "lost";
      readonly attempt: number;
      readonly at: number;
      /** When the gateway took the sending that it has lost; absent when nobody knows that it did. */
      readonly takenAt?: number;
      readonly text: string;
    }
  | {
      readonly type: "handoff";
      readonly at: number;
      readonly source: HandoffSource;
      readonly handoff: Handoff;
    }
  /** Refused quietly when it is settled, knows the name, or has no room for it. */
  | {
      readonly type: "upload";
      readonly upload: Upload;
      /** Of one attempt together. */
      readonly mostBytes: number;
    }
  | {
      readonly type: "bad-handoff";
      readonly at: number;
      readonly source: HandoffSource;
      readonly problems: readonly Problem[];
    }
  /** An instant that the delegation asked for (`wakeAt`) has come. */
  | { readonly type: "wake"; readonly at: number }
  /** Its agent gets nothing new for now: it stays where it is, and says why. */
  | {
      readonly type: "hold";
      readonly at: number;
      readonly agent: string;
      readonly reason: WaitingReason;
      readonly text: string;
    }
  | { readonly type: "release"; readonly at: number; readonly reason: WaitingReason }
  | { readonly type: "cancel"; readonly at: number; readonly actor: Actor; readonly reason?: string };

export type DelegationEvent =
  | { readonly type: "delegation.queued"; readonly order: Order }
  | {
      readonly type: "attempt.dispatched";
      readonly attempt: number;
      readonly at: number;
      readonly deadlineAt: number;
      readonly again: boolean;
      readonly agentRunId?: string;
      readonly sentTo?: string;
    }
  | {
      readonly type: "attempt.deferred";
      readonly attempt: number;
      readonly at: number;
      readonly untilAt: number;
      readonly reason: WaitingReason;
      readonly text: string;
      readonly again: boolean;
    }
  | {
      readonly type: "attempt.uncertain";
      readonly attempt: number;
      readonly at: number;
      readonly lookAt: number;
      readonly sentAt: number;
      readonly text: string;
    }
  | { readonly type: "attempt.lost"; readonly attempt: number; readonly at: number; readonly text: string }
  | {
      readonly type: "attempt.held";
      readonly attempt: number;
      readonly at: number;
      readonly reason: WaitingReason;
      readonly text: string;
    }
  | { readonly type: "attempt.released"; readonly attempt: number; readonly at: number }
  | ({ readonly type: "delegation.rerouted"; readonly attempt: number } & Reroute)
  | {
      readonly type: "attempt.failed";
      readonly attempt: number;
      readonly at: number;
      readonly reason: FailureReason;
      readonly text: string;
      readonly problems: readonly Problem[];
      readonly next?: number;
    }
  | {
      readonly type: "handoff.seen";
      readonly at: number;
      readonly source: HandoffSource;
      readonly verdict: HandoffVerdict;
      readonly problems: readonly Problem[];
      readonly status?: string;
    }
  | { readonly type: "artifact.uploaded"; readonly at: number; readonly upload: Upload }
  | {
      readonly type: "delegation.settled";
      readonly at: number;
      readonly status: DelegationStatus;
      readonly reason?: string;
      readonly code?: FailureReason | "canceled" | "blocked";
      readonly handoff?: Handoff;
      readonly problems: readonly Problem[];
      readonly by?: Actor;
    };
