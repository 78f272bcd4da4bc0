import type { ChannelRole } from "../../domain/effects.ts";
import type { TaskAuthor, TaskPlace } from "../../domain/task-types.ts";

/** A task of the command line or REST as it stands in the channel of the queue. */
export type PostedTask = {
  readonly place: TaskPlace;
  /** Our bot. */
  readonly author: TaskAuthor;
  readonly postedAt: number;
};

/** What reading the channel back came to. */
export type ReadBack = {
  /** Messages that were looked at, old ones that were looked at again included. */
  readonly messages: number;
};

/** Messages of one channel, newest first; `next` = the cursor of the page after. */
export type MessagePage = {
  readonly channel: string;
  readonly messages: readonly string[];
  readonly next?: string;
};

export type Removed = {
  readonly removed: readonly string[];
  /** What Discord did not let us remove, by reason in words that say what to do. */
  readonly kept: readonly { readonly message: string; readonly reason: string }[];
};

/**
 * The channel of the task queue, for doors that are not Discord. Every call throws a `Refusal` with `no_discord` when
 * Discord cannot be asked now.
 */
export type QueueChannel = {
  /**
   * Posts a task so that people see it, whole (what does not fit in a message goes along as a file). Two calls with
   * one nonce make one message: within some minutes by Discord, later because the channel is looked through from
   * `since`, the instant of the first call, when that is given. `hops` is said in it when it is more than none.
   * A post of our own becomes a task only by the call of `see` that follows this one.
   */
  readonly post: (
    text: string,
    nonce: string,
    options?: { readonly since?: number; readonly hops?: number },
  ) => Promise<PostedTask>;
  /** Sees everything that happened in the channel up to now; a second call meanwhile joins the first. */
  readonly readBack: () => Promise<ReadBack>;
  /** At most 100, for clearing a channel. */
  readonly messages: (
    role: Extract<ChannelRole, "taskQueue" | "results" | "workerPool">,
    before?: string,
  ) => Promise<MessagePage>;
  /** Removes them, many at once where Discord allows that (younger than 14 days), as fast as it allows. At most 100. */
  readonly clear: (channel: string, messages: readonly string[]) => Promise<Removed>;
};
