import type { Actor } from "../domain/actor.ts";
import type { TaskAuthor, TaskPlace, TaskState } from "../domain/task-types.ts";
import type { Page } from "./ports/ledger.ts";

/** A message of the queue as Discord shows it now. */
export type SeenMessage = {
  readonly place: TaskPlace;
  readonly author: TaskAuthor;
  readonly actor: Actor;
  readonly text: string;
  readonly attachments: readonly { readonly name: string; readonly url: string; readonly bytes: number }[];
  readonly postedAt: number;
  readonly editedAt?: number;
  /** Over how many bots it came; 0 for people. */
  readonly hops: number;
  /** Ids of people (not this bot) whose ✅ is on it; whether ours is. */
  readonly checks: { readonly others: readonly string[]; readonly own: boolean };
};

export type TaskView = TaskState & { readonly id: string; readonly objective: string };

export type TaskQuery = {
  readonly status?: readonly string[];
  readonly open?: boolean;
  readonly before?: string;
  readonly limit?: number;
};

/** What every door calls for the queue. */
export type TaskVerbs = {
  /** A message was posted, edited, reacted to, or read back: the same thing said twice changes nothing. */
  readonly see: (message: SeenMessage) => Promise<TaskView | undefined>;
  readonly deleted: (place: TaskPlace) => Promise<void>;
  readonly task: (id: string) => Promise<TaskView>;
  readonly tasks: (query: TaskQuery) => Promise<Page<TaskView>>;
  /** Done, failed or withdrawn: once more. Claimed or open: no-op with a refusal. */
  readonly runAgain: (actor: Actor, id: string) => Promise<TaskView>;
  readonly withdraw: (actor: Actor, id: string, reason?: string) => Promise<TaskView>;
};
