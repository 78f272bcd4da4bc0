import type { Thinking } from "../../domain/task-types.ts";

/** A task for a fresh process. `id` names its folder; asking twice with the same id starts it once. */
export type WorkerOrder = {
  /** `<task id>` or `<task id>~<try>`. */
  readonly id: string;
  /** `agent-<time>-<random>`, agreed before it starts. */
  readonly agent: string;
  readonly task: string;
  /** The whole text, tags removed; it travels only in TASK.txt. */
  readonly text: string;
  /** A worker of config/hq.yaml. */
  readonly worker: string;
  readonly model: string;
  readonly thinking: Thinking;
  readonly timeoutMs: number;
};

export type WorkerUsage = {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Absent = the price of the model is not known. */
  readonly usd?: number;
};

/** What a worker came to. `lost` = it was running when the supervisor died, and nothing of it is left. */
export type WorkerEnd = {
  readonly status: "succeeded" | "failed" | "timed_out" | "canceled" | "lost";
  readonly reason?: string;
  readonly result?: string;
  readonly summary?: string;
  readonly files: readonly string[];
  readonly folder: string;
  /** Absent = unknown, never 0. */
  readonly usage?: WorkerUsage;
  readonly startedAt: number;
  readonly endedAt: number;
};

export type Workers = {
  /**
   * Starts it, or finds the one that was started under this id before (also by an earlier life of the supervisor: its
   * processes live on), and resolves with its end. The end stays on disk until it is pruned.
   */
  readonly run: (order: WorkerOrder) => Promise<WorkerEnd>;
  /** Kills every process of its group, double-forked ones included, and resolves when none is left. */
  readonly kill: (id: string) => Promise<void>;
  /** The same for all; resolves with the ids of what was killed. */
  readonly killAll: () => Promise<readonly string[]>;
  /** Folders that are over their time: 24 h after success, failures kept. Returns what was removed. */
  readonly prune: () => Promise<readonly string[]>;
};
