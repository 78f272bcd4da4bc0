import type { Thinking } from "./task-types.ts";

export const WORKER_STATUSES = [
  "queued",
  "running",
  "succeeded",
  "failed",
  "timed_out",
  "canceled",
  "lost",
] as const;
export type WorkerStatus = (typeof WORKER_STATUSES)[number];

/** A worker as doors show it. */
export type WorkerView = {
  readonly id: string;
  readonly task: string;
  /** `agent-<time>-<random>`. */
  readonly agent: string;
  /** The kind of worker, as `[worker:]` names it. */
  readonly worker: string;
  /** The model as the provider names it. */
  readonly model: string;
  readonly thinking: Thinking;
  readonly asker: string;
  /** The whole text of the task, tags removed. */
  readonly objective: string;
  readonly status: WorkerStatus;
  /** It was begun once more after it was lost. */
  readonly again: boolean;
  readonly queuedAt: number;
  readonly begunAt?: number;
  readonly settledAt?: number;
  readonly reason?: string;
  readonly result?: string;
  readonly summary?: string;
  readonly files: readonly string[];
  readonly folder?: string;
  /** Absent = unknown. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number; readonly usd?: number };
};
