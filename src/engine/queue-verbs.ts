import type { Actor } from "../domain/actor.ts";
import type { TaskState } from "../domain/task-types.ts";
import type { WorkerView } from "../domain/worker-view.ts";
import type { ReadBack } from "./ports/queue-channel.ts";
import type { TaskView } from "./task-verbs.ts";

/** A task from the command line or REST. What is said beside the text becomes its tags. */
export type SubmitRequest = {
  readonly text: string;
  readonly model?: string;
  readonly thinking?: string;
  readonly agent?: string;
  readonly worker?: string;
  readonly workflow?: string;
  readonly timeoutMs?: number;
  /** The same key and content answer the first task, other content is `key_reused`. */
  readonly key?: { readonly scope: string; readonly key: string };
};

export const QUEUE_CHANNELS = ["task-queue", "results", "worker-pool"] as const;
export type QueueChannelName = (typeof QUEUE_CHANNELS)[number];

/** The messages of tasks with these statuses, or every message of one of the channels. One page of them. */
export type ClearRequest = (
  | { readonly statuses: readonly string[] }
  | { readonly channel: QueueChannelName }
) & { readonly before?: string };

export type ClearedPage = {
  readonly removed: number;
  /** What stays, by reason. */
  readonly kept: readonly { readonly reason: string; readonly count: number }[];
  /** There is more: ask again with it as `before`. */
  readonly next?: string;
};

/** One pass over the channel: what was looked at, and what is to be done or being done after it. */
export type TriggerAnswer = ReadBack & { readonly open: number; readonly claimed: number };

/** The queue for doors that are not Discord. */
export type QueueVerbs = {
  /** Posts it to the channel, so that people see it, and takes it. */
  readonly submit: (
    actor: Actor,
    request: SubmitRequest,
  ) => Promise<{ readonly task: TaskView; readonly repeated: boolean }>;
  /** Resolves when nothing more happens to it by itself, at `timeoutMs`, or when aborted. */
  readonly wait: (
    id: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ) => Promise<TaskView>;
  /** The worker that does a try of a task: its folder, files, tokens, result. */
  readonly worker: (id: string) => Promise<WorkerView>;
  /** Reads the channel back now; asked twice at once, it is done once. */
  readonly trigger: () => Promise<TriggerAnswer>;
  /** Removes messages; a task whose message goes is withdrawn, unless it is over. */
  readonly clear: (actor: Actor, request: ClearRequest) => Promise<ClearedPage>;
  /** Every task, newest first. */
  readonly export: () => AsyncGenerator<TaskView>;
  /** Posts and takes what an earlier life of the supervisor, or a connection that broke, left half done. */
  readonly finishSubmissions: () => Promise<void>;
};

/** Whether nothing more happens to a task unless somebody does something. */
export function isTaskOver(task: Pick<TaskState, "status" | "refused" | "takenBy">): boolean {
  if (task.status === "claimed") return false;
  return task.status !== "open" || task.refused !== undefined || task.takenBy !== undefined;
}
