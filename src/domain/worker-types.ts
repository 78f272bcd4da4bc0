import type { Actor, Origin } from "./actor.ts";
import type { TaskOf, Thinking } from "./task-types.ts";
import type { WorkerStatus } from "./worker-view.ts";

/** A try of a task for a fresh process; everything that was agreed, kept in the first event. */
export type WorkerWork = {
  /** `<task id>.w<try>`. */
  readonly id: string;
  readonly taskOf: TaskOf;
  /** `agent-<time>-<random>`. */
  readonly agent: string;
  /** A kind of worker of config/hq.yaml. */
  readonly worker: string;
  /** As the provider knows it. */
  readonly model: string;
  readonly thinking: Thinking;
  readonly text: string;
  readonly timeoutMs: number;
  /** How often it may be begun once more when nothing is left of it. */
  readonly reruns: number;
  readonly actor: Actor;
  readonly origin: Origin;
  /** Where the task's card is. */
  readonly card: { readonly channel: string };
  readonly queuedAt: number;
};

/** What a worker came to. */
export type WorkerOutcome = {
  readonly status: "succeeded" | "failed" | "timed_out" | "canceled" | "lost";
  readonly reason?: string;
  readonly result?: string;
  readonly summary?: string;
  readonly files: readonly string[];
  readonly folder?: string;
  /** Absent = unknown. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly usd?: number };
};

export type WorkerState = {
  readonly work: WorkerWork;
  readonly status: WorkerStatus;
  /** From 1; the second one begins when the first was lost. */
  readonly attempt: number;
  readonly begunAt?: number;
  /** The home of the member that began it, where several share the ledger. */
  readonly home?: string;
  readonly settledAt?: number;
  readonly outcome?: WorkerOutcome;
};

export type WorkerInput =
  | { readonly type: "queue"; readonly work: WorkerWork }
  | { readonly type: "begun"; readonly at: number; readonly attempt: number; readonly home?: string }
  | {
      readonly type: "ended";
      readonly at: number;
      readonly attempt: number;
      readonly outcome: WorkerOutcome;
    }
  /** No process of it is left. */
  | { readonly type: "gone"; readonly at: number; readonly attempt: number }
  | { readonly type: "cancel"; readonly at: number; readonly actor: Actor; readonly reason?: string };

export type WorkerEvent =
  | { readonly type: "worker.queued"; readonly work: WorkerWork }
  | {
      readonly type: "worker.begun";
      readonly at: number;
      readonly attempt: number;
      readonly home?: string;
    }
  | { readonly type: "worker.lost"; readonly at: number; readonly attempt: number; readonly text: string }
  | {
      readonly type: "worker.settled";
      readonly at: number;
      readonly outcome: WorkerOutcome;
      /** Its processes may be there: they are to be killed. */
      readonly isRunning: boolean;
      readonly by?: Actor;
    };

export function isWorkerSettled(status: WorkerStatus): boolean {
  return status !== "queued" && status !== "running";
}
