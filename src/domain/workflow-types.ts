import type { PipelineDefinition, PostHook } from "./pipeline-types.ts";

/**
 * A workflow as it is after every check: durations in ms, defaults filled in, needs complete.
 * It is plain JSON: a run carries its own copy, so editing the file touches no run that has begun.
 */
export type WorkflowDefinition = {
  readonly name: string;
  readonly description: string;
  readonly inputs: readonly InputDefinition[];
  readonly limits: {
    /** Delegations and nested runs at once. */
    readonly maxParallel: number;
    /** The whole run. */
    readonly timeoutMs: number;
    /** So many finally failed steps and items stop new starts. */
    readonly maxFailures: number;
  };
  /** In the order of the file. */
  readonly steps: readonly StepDefinition[];
  /** Whose result is the run's; absent = the last step without dependents, when there is exactly one. */
  readonly output?: { readonly step: string; readonly channel?: string };
  readonly schedules: readonly ScheduleDefinition[];
  /** SHA-256 of the file's text. */
  readonly digest: string;
  /** Only of what was made from capabilities. */
  readonly pipeline?: PipelineDefinition;
};

export type InputDefinition = {
  readonly name: string;
  readonly type: "string" | "number" | "boolean" | "choice";
  readonly description: string;
  readonly required: boolean;
  readonly default?: InputValue;
  /** Only for `choice`. */
  readonly options?: readonly string[];
  /** Only for `string`, in characters. */
  readonly minLength?: number;
  readonly maxLength?: number;
  /** Only for `number`. */
  readonly min?: number;
  readonly max?: number;
};
export type InputValue = string | number | boolean;

export type StepDefinition = {
  /** `^[a-z][a-z0-9-]{0,39}$` */
  readonly id: string;
  readonly needs: readonly string[];
  /** The source of an expression, without `${{ }}`. Absent = success(). */
  readonly if?: string;
  readonly continueOnError: boolean;
  /** Runs last, whatever happened. */
  readonly cleanup: boolean;
  /** The output gate says `verdict` and `issues` of what it came to. */
  readonly isChecked?: boolean;
  /** What follows its end; absent = what the pipeline says, if it is of one. */
  readonly postHooks?: readonly PostHook[];
  /** What needs it goes on when its own condition said no. */
  readonly passesWhenSkipped?: boolean;
  readonly forEach?: { readonly expression: string; readonly maxParallel: number };
  readonly action: StepAction;
};

export type StepAction =
  | TaskAction
  | { readonly kind: "approval"; readonly gate: GateDefinition }
  /** Another workflow, by name; `with` gives its inputs, values with `${{ }}` in them. */
  | {
      readonly kind: "workflow";
      readonly workflow: string;
      readonly with: Readonly<Record<string, InputValue>>;
    }
  | { readonly kind: "wait"; readonly ms: number }
  /** The coordinator makes it itself of what other steps came to, at once. */
  | { readonly kind: "conclusion"; readonly of: Conclusion };

export type Conclusion = PanelDefinition | VotesDefinition | SuperviseDefinition;

/** The verdict of experts who are asked side by side, each in a step of its own. */
export type PanelDefinition = {
  readonly kind: "panel";
  readonly experts: readonly { readonly role: string; readonly step: string }[];
  /** So many must have voted. */
  readonly quorum: number;
  /** The step in which an agent puts it into words; absent = the rule's own words are its result. */
  readonly consensus?: string;
};

/** What the votes of a panel come to before an agent puts it into words. */
export type VotesDefinition = Pick<PanelDefinition, "experts" | "quorum"> & { readonly kind: "votes" };

/** Work that one agent leads, round by round. */
export type SuperviseDefinition = {
  readonly kind: "supervise";
  /** The step in which it says what is next, and the one in which that is done. */
  readonly rounds: readonly { readonly ask: string; readonly work: string }[];
};

export type TaskAction = {
  readonly kind: "task";
  /** One of the two: an agent's id, or a capability that is resolved to an agent when the step begins. */
  readonly agent?: string;
  readonly capability?: string;
  /** Instead of both: the item of the fan-out says which of these does it, in its `agent`. */
  readonly workers?: readonly string[];
  /** Text with `${{ }}` in it. */
  readonly task: string;
  /** The template that the text was made by, with its fields as they are written. */
  readonly template?: { readonly name: string; readonly with: Readonly<Record<string, unknown>> };
  /** `cheapest`, or a model's name; absent = the agent's own. */
  readonly model?: string;
  readonly channelContext?: { readonly channel: string; readonly messages?: number };
  /** One attempt, counted from the agent's acknowledgment. */
  readonly timeoutMs: number;
  readonly startWithinMs?: number;
  readonly retry: RetryDefinition;
  readonly validate: boolean;
  readonly format: "json" | "text";
  /** Whether another agent may do it; absent = only when a capability is named. */
  readonly fallback?: boolean;
  /** JSON Schema for the result, which then must be JSON. `file` is its path as written. */
  readonly expect?: { readonly file: string; readonly schema: unknown };
};

export type RetryDefinition = {
  /** Total attempts. */
  readonly maxAttempts: number;
  readonly delayMs: number;
  readonly backoff: "fixed" | "exponential";
};

export type GateDefinition = {
  /** Text with `${{ }}` in it. */
  readonly prompt: string;
  /** `role:<name or id>` and `user:<id>`; empty = people with the right `operate`. The operator always may. */
  readonly approvers: readonly string[];
  /** Different people that must approve. */
  readonly min: number;
  /** Who asked for the run cannot decide. */
  readonly preventSelfApproval: boolean;
  readonly timeoutMs: number;
  readonly remindEveryMs?: number;
  /** What an expired gate means: `reject` and `fail` end the step as failed; `escalate` asks `escalateTo` and waits once more. */
  readonly onTimeout: "reject" | "fail" | "escalate";
  readonly escalateTo: readonly string[];
};

export type ScheduleDefinition = {
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  /** When the run of an earlier firing is still open. */
  readonly overlap: "skip" | "queue";
  /** A firing missed by up to this long is made up for, once. */
  readonly catchupMs: number;
  readonly inputs: Readonly<Record<string, InputValue>>;
};
