import type { Problem } from "../kernel/refusal.ts";
import type { Vector } from "../kernel/vector.ts";
import type { Actor, Origin } from "./actor.ts";
import type { TaskOf } from "./task-types.ts";
import type { GateVerdict } from "./work-types.ts";
import type { InputValue, WorkflowDefinition } from "./workflow-types.ts";

export type { RunEvent } from "./run-events.ts";

export const RUN_STATUSES = ["running", "succeeded", "partial", "failed", "canceled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
export type StepStatus =
  | "pending"
  | "running"
  | "waiting"
  | "succeeded"
  | "partial"
  | "failed"
  | "skipped"
  | "canceled";

export function isRunSettled(status: RunStatus): boolean {
  return status !== "running";
}

/** Everything that was asked and agreed, kept in the first event. */
export type RunOrder = {
  /** `wf-<name>-<time>`, or derived from the parent's. */
  readonly id: string;
  readonly definition: WorkflowDefinition;
  /** Definitions of the workflows that steps name, and of those that they name. */
  readonly nested: Readonly<Record<string, WorkflowDefinition>>;
  /** Checked and complete: defaults are filled in. */
  readonly inputs: Readonly<Record<string, InputValue>>;
  /** Names of inputs whose values came from steps of the parent: prompts fence them. */
  readonly foreignInputs?: readonly string[];
  readonly actor: Actor;
  readonly origin: Origin;
  /** A live card is kept in this channel. */
  readonly card?: { readonly channel: string };
  /** Whether the result is posted; the log line always is. */
  readonly deliver: boolean;
  readonly startedAt: number;
  /** startedAt + limits.timeout, and never beyond the parent's. */
  readonly deadlineAt: number;
  /** The run and step that this run is a step of. 1 = begun by somebody, 2 = nested once. */
  readonly parent?: ChildOf;
  /** The task of the queue that it does; the task is told when it is settled, and the card is the task's. */
  readonly taskOf?: TaskOf;
  readonly depth: number;
  readonly digest?: string;
};

/** Which place of a run a delegation or nested run fills. Items and generations: item from 0, generation from 1. */
export type ChildOf = {
  readonly run: string;
  readonly step: string;
  readonly item?: number;
  readonly generation: number;
};

/** What a step or item came to. */
export type Outcome = {
  readonly status: Extract<StepStatus, "succeeded" | "partial" | "failed" | "skipped" | "canceled">;
  readonly at: number;
  /** A sentence for people. */
  readonly reason?: string;
  readonly problems?: readonly Problem[];
  /** The string handed in; a nested run's is its summary. Long ones are cut with a mark by `cutResult`. */
  readonly result?: string;
  /** The result parsed, only with `expect`. */
  readonly output?: unknown;
  readonly confidence?: string;
  readonly artifacts?: readonly string[];
  /** Who decided a gate, skipped a step or canceled. */
  readonly by?: Actor;
  /** Skipped because a step before it came to nothing, not because its condition said no. */
  readonly lost?: boolean;
  /** Who did it in the end, when it was not the agent that it was given to first. */
  readonly agent?: string;
  /** What the output gate says of it, only of a step that is checked. */
  readonly verdict?: GateVerdict;
  readonly issues?: readonly string[];
};

/** An item of a fan-out, or the only work of a step. */
export type WorkState = {
  readonly status: StepStatus;
  /** The delegation or nested run. */
  readonly child?: string;
  readonly agent?: string;
  /** Its model and why, when one was asked for. */
  readonly model?: string;
  readonly startedAt?: number;
  readonly value?: unknown;
  readonly outcome?: Outcome;
  /** Nothing was heard for twice the expected time; the sentence says what was found out. */
  readonly stalled?: string;
  /** When its agent is asked, or asked again, what is the matter. */
  readonly stallAt?: number;
};

export type GateApproval = { readonly actor: Actor; readonly at: number; readonly reason?: string };

export type GateState = {
  readonly status: "open" | "approved" | "rejected" | "expired";
  readonly openedAt: number;
  readonly expiresAt: number;
  /** The prompt with its values. */
  readonly prompt: string;
  /** Of what is shown; buttons carry it. */
  readonly digest: string;
  readonly approvals: readonly GateApproval[];
  readonly reminders: number;
  /** When the next reminder is due; absent = none before it expires. */
  readonly remindAt?: number;
  readonly escalated: boolean;
  readonly decidedAt?: number;
  readonly decidedBy?: Actor;
  readonly reason?: string;
  /** Who decided what after it was decided, so that the same is not kept twice. */
  readonly late?: readonly string[];
};

export type StepState = WorkState & {
  /** Counts reruns, from 1. */
  readonly generation: number;
  /** Needs that are not settled. */
  readonly unmet: number;
  /** A step that it needs, at any distance, failed and was not tolerated. */
  readonly failedBefore: boolean;
  readonly items?: Vector<WorkState>;
  /** Next item to begin; items that run; items that are settled; failed ones. */
  readonly itemCounts?: {
    readonly next: number;
    readonly running: number;
    readonly settled: number;
    readonly failed: number;
    readonly partial: number;
    readonly canceled: number;
  };
  readonly gate?: GateState;
  readonly untilAt?: number;
  /** Text that a person put in place of the task of the definition. */
  readonly task?: string;
  /** It stands in `held`. */
  readonly held?: boolean;
  /** The run is canceled, accepted or over: no further item of it begins. */
  readonly ending?: boolean;
  /** News of children that came too late, so that the same is not kept twice. */
  readonly late?: readonly string[];
};

export type RunState = {
  readonly order: RunOrder;
  readonly status: RunStatus;
  /** Parallel to `order.definition.steps`. */
  readonly steps: Vector<StepState>;
  /** Indexes of steps whose needs are settled and whose condition was not looked at yet; those before `readyFrom` were taken. */
  readonly ready: Vector<number>;
  readonly readyFrom: number;
  /** Indexes of steps that may begin, and of fan-outs with items that may, as soon as there is room; in turns. */
  readonly held: Vector<number>;
  readonly heldFrom: number;
  readonly counts: {
    /** Delegations and nested runs, items included. */
    readonly running: number;
    readonly settled: number;
    /** Steps of the main part (not cleanup) that are settled. */
    readonly settledMain: number;
    /** Finally failed steps and items since the last answer of a person. */
    readonly failures: number;
    readonly partial: number;
    readonly succeeded: number;
    /** Main steps that failed or were canceled and are not tolerated. */
    readonly untolerated: number;
    /** Main steps, and items of running ones, that have not begun. */
    readonly unbegun: number;
  };
  /** Too many failures: nothing new begins until a person answers. `asked` counts the questions, from 1. */
  readonly stopped?: { readonly at: number; readonly failures: number };
  readonly asked: number;
  readonly canceling?: {
    readonly at: number;
    readonly by: Actor;
    readonly reason: string;
    /** Nobody canceled it: its time is over, and what ran has failed. */
    readonly expired?: boolean;
  };
  /** The last answer of a person: the same once more is no news. */
  readonly resumed?: {
    readonly at: number;
    readonly by?: Actor;
    readonly how: string;
    readonly step?: string;
  };
  /** Counts the answers of people by which it went on or began anew; absent = none. */
  readonly resumes?: number;
  /** A person accepted what there is: what has not begun is skipped. */
  readonly accepted?: boolean;
  /** When people were last told how far it is, and how often. */
  readonly progress?: { readonly at: number; readonly count: number };
  /** Counts the times it was settled and opened again, from 1: each has a result of its own. */
  readonly round: number;
  readonly outcome?: {
    readonly at: number;
    readonly reason?: string;
    readonly result?: string;
    readonly output?: unknown;
    /** What is missing, a sentence a step. */
    readonly missing: readonly string[];
  };
};

export type RunInput =
  | { readonly type: "start"; readonly order: RunOrder }
  /** A child was made, or was there already. */
  | {
      readonly type: "child-started";
      readonly at: number;
      readonly of: Place;
      readonly child: string;
      readonly agent?: string;
      readonly model?: string;
      /** When the agents are asked what is the matter. */
      readonly stallAt?: number;
    }
  /** The child cannot be made: unknown agent, permission, too large. */
  | {
      readonly type: "child-refused";
      readonly at: number;
      readonly of: Place;
      readonly text: string;
      readonly problems?: readonly Problem[];
    }
  | {
      readonly type: "child-settled";
      /** When the run was told; what follows begins then. Absent = when the child ended. */
      readonly at?: number;
      readonly of: Place;
      readonly child: string;
      readonly outcome: Outcome;
    }
  | { readonly type: "wait-over"; readonly at: number; readonly step: string; readonly generation: number }
  | {
      readonly type: "decide-gate";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
      readonly decision: "approve" | "reject";
      readonly actor: Actor;
      readonly reason?: string;
    }
  | {
      readonly type: "gate-reminder";
      readonly at: number;
      readonly step: string;
      readonly generation: number;
    }
  | { readonly type: "gate-expired"; readonly at: number; readonly step: string; readonly generation: number }
  | {
      readonly type: "stalled";
      readonly at: number;
      readonly of: Place;
      readonly text: string;
      readonly againAt: number;
    }
  | { readonly type: "deadline"; readonly at: number }
  | { readonly type: "progress"; readonly at: number }
  | { readonly type: "cancel"; readonly at: number; readonly actor: Actor; readonly reason: string }
  | { readonly type: "skip"; readonly at: number; readonly step: string; readonly actor: Actor }
  /** All that failed, or one step; `tasks` puts other text in place of the definition's. */
  | {
      readonly type: "retry";
      readonly at: number;
      readonly actor: Actor;
      readonly step?: string;
      readonly tasks?: Readonly<Record<string, string>>;
      readonly resumes?: number;
    }
  /** A step and all that depends on it, once more. Of a run that has other `resumes` than whoever asks saw, nothing is. */
  | {
      readonly type: "rerun";
      readonly at: number;
      readonly actor: Actor;
      readonly from: string;
      readonly resumes?: number;
    }
  | { readonly type: "accept-partial"; readonly at: number; readonly actor: Actor };

export type Place = Omit<ChildOf, "run">;
