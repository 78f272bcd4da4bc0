import type { Actor, Origin } from "../domain/actor.ts";
import type { RunPlan } from "../domain/run-plan.ts";
import type { RunView } from "../domain/run-view.ts";
import type { TaskOf } from "../domain/task-types.ts";
import type { InputValue, WorkflowDefinition } from "../domain/workflow-types.ts";
import type { Page } from "./ports/ledger.ts";

/** What a door hands over to start a run. Values of inputs may be text; they are parsed by the input's type. */
export type StartRunRequest = {
  readonly workflow: string;
  /** Made in memory, in place of the one of that name; only the engine gives it. */
  readonly definition?: WorkflowDefinition;
  readonly inputs: Readonly<Record<string, InputValue>>;
  readonly runId?: string;
  /** Idempotency: the same key and content answer the first run, other content is `key_reused`. */
  readonly key?: { readonly scope: string; readonly key: string };
  readonly deliver?: boolean;
  readonly card?: { readonly channel: string };
  readonly origin: Origin;
};

export type RunQuery = {
  readonly status?: readonly string[];
  readonly workflow?: string;
  readonly open?: boolean;
  readonly before?: string;
  readonly limit?: number;
};

export type GateDecision = {
  readonly run: string;
  /** Absent = the run's only open gate. */
  readonly step?: string;
  readonly decision: "approve" | "reject";
  readonly reason?: string;
  /** Of what the person was shown: refused when it is not what waits now. */
  readonly digest?: string;
};

/** A workflow as it is on disk now. With problems it cannot be started; `definition` is then the last good one, if any. */
export type WorkflowEntry = {
  readonly name: string;
  readonly definition?: WorkflowDefinition;
  readonly problems: readonly string[];
};

/**
 * `resumes` of the run that whoever asks looked at: asked again with the same one it is done once, and refused when
 * something else was done meanwhile.
 */
export type Seen = { readonly resumes?: number };
export type RetryOptions = Seen & {
  readonly step?: string;
  readonly tasks?: Readonly<Record<string, string>>;
};

/** What every door calls for workflows. Each verb checks the actor's permission itself and throws `Refusal`. */
export type RunVerbs = {
  readonly workflows: () => readonly WorkflowEntry[];
  /** Refuses an unknown name with the nearest one. */
  readonly workflow: (name: string) => WorkflowDefinition;
  /** Every problem at once: inputs, permission of every step, agents. Changes nothing. */
  readonly planRun: (actor: Actor, request: Pick<StartRunRequest, "workflow" | "inputs">) => Promise<RunPlan>;
  readonly startRun: (
    actor: Actor,
    request: StartRunRequest,
    /** The task of the queue that it does; only the engine says so. */
    taskOf?: TaskOf,
  ) => Promise<{ readonly run: RunView; readonly repeated: boolean }>;
  readonly run: (id: string) => Promise<RunView>;
  readonly runs: (query: RunQuery) => Promise<Page<RunView>>;
  /** Resolves when it is settled, when it waits for people alone (`untilGate`), at `timeoutMs`, or when aborted. */
  readonly waitRun: (
    id: string,
    options: { readonly timeoutMs?: number; readonly untilGate?: boolean; readonly signal?: AbortSignal },
  ) => Promise<RunView>;
  readonly decideGate: (actor: Actor, decision: GateDecision) => Promise<RunView>;
  readonly cancelRun: (actor: Actor, id: string, reason?: string) => Promise<RunView>;
  readonly skipStep: (actor: Actor, id: string, step: string) => Promise<RunView>;
  readonly retryRun: (actor: Actor, id: string, options?: RetryOptions) => Promise<RunView>;
  readonly rerun: (actor: Actor, id: string, from: string, seen?: Seen) => Promise<RunView>;
  readonly acceptPartial: (actor: Actor, id: string) => Promise<RunView>;
};
