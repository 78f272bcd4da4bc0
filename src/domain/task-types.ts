import type { Actor } from "./actor.ts";

export const TASK_STATUSES = ["open", "claimed", "done", "failed", "withdrawn"] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export const THINKING_LEVELS = ["off", "low", "medium", "high"] as const;
export type Thinking = (typeof THINKING_LEVELS)[number];

/** What the tags of a task say, checked; absent = not said. Names are those of the configuration. */
export type TaskTags = {
  readonly model?: string;
  readonly thinking?: Thinking;
  readonly worker?: string;
  readonly agent?: string;
  readonly timeoutMs?: number;
  readonly workflow?: string;
};

/** Who does it: an agent over hooks, a fresh worker process, or a workflow. Decided when it is claimed. */
export type Executor =
  | {
      readonly kind: "agent";
      readonly agent: string;
      /** Wishes that the hook carries along: the model's full name, and how hard to think. */
      readonly model?: string;
      readonly thinking?: Thinking;
    }
  | {
      readonly kind: "worker";
      /** A worker of config/hq.yaml. */
      readonly worker: string;
      /** The model's name as the provider knows it, and the alias that was asked for. */
      readonly model: string;
      readonly alias: string;
      readonly thinking: Thinking;
    }
  | { readonly kind: "workflow"; readonly workflow: string };

/** Where the task was posted. Tasks of the command line and REST are posted to the channel first, so all have one. */
export type TaskPlace = { readonly channel: string; readonly message: string; readonly guild?: string };

export type TaskAuthor = {
  readonly id: string;
  readonly name: string;
  readonly isBot: boolean;
  /** Posted by a webhook, or as an answer to a command: whoever had it posted is somebody else. */
  readonly isWebhook?: boolean;
};

export type Task = {
  /** `task-<message id>`. */
  readonly id: string;
  readonly place: TaskPlace;
  readonly author: TaskAuthor;
  /** In whose name it is done. */
  readonly actor: Actor;
  /** The whole text as it was posted, tags included. */
  readonly text: string;
  readonly attachments: readonly { readonly name: string; readonly url: string; readonly bytes: number }[];
  readonly postedAt: number;
  /** Other bots' posts carry it on; above the limit of the configuration a task is refused. */
  readonly hops: number;
};

/** How a task will be done, as tags, configuration and permission say when it is seen. */
export type TaskPlan = {
  readonly executor: Executor;
  /** What is to be done by whom, and what they must know of attachments. */
  readonly text: string;
  /** Absent = the executor's own. */
  readonly timeoutMs?: number;
};

/** Why it cannot be done. A final one is about its author and is not mended by an edit. */
export type TaskRefusal = {
  readonly text: string;
  readonly isFinal: boolean;
  /** Said elsewhere already: no reply. */
  readonly isQuiet?: boolean;
};

/** One time that the task is done; "Run again" begins the next one. */
export type TaskTry = {
  /** From 1. */
  readonly number: number;
  readonly claimedAt: number;
  readonly executor: Executor;
  /** The delegation, run or worker that does it. */
  readonly child?: string;
  readonly outcome?: TaskOutcome;
};

export type TaskOutcome = {
  readonly at: number;
  readonly status: "done" | "failed";
  /** As the child put it: succeeded, partial, blocked, failed, timed_out, canceled. */
  readonly childStatus: string;
  readonly summary?: string;
  readonly reason?: string;
};

export type TaskState = {
  readonly task: Task;
  readonly status: TaskStatus;
  /** Without tags, `**` and the `[Task: id]` prefix. */
  readonly objective: string;
  readonly tags: TaskTags;
  /** Open, and edits are waited for until then. */
  readonly graceUntil: number;
  readonly graceMs: number;
  /** Instant of the newest words that were seen. */
  readonly wordsAt: number;
  /** Absent = it cannot be done as it is. */
  readonly plan?: TaskPlan;
  readonly refusal?: TaskRefusal;
  /** It waits for its turn, or for Discord: the number of the try that begins when the claim is ours. */
  readonly claiming?: { readonly number: number; readonly at: number };
  readonly tries: readonly TaskTry[];
  /** Why it cannot be claimed as it is: wrong tags, author not allowed; said once as a reply. */
  readonly refused?: { readonly at: number; readonly text: string };
  /** Counts the refusals that were said, since each is a reply of its own. */
  readonly refusals: number;
  /** Somebody else's ✅ on a task that we never began: handled by hand. */
  readonly handledBy?: { readonly at: number; readonly user: string };
  readonly deletedAt?: number;
  /** Another supervisor holds the claim on Discord. */
  readonly takenBy?: { readonly at: number; readonly text: string };
  readonly withdrawn?: { readonly at: number; readonly reason: string };
  /** Our ✅ is missing and is being put back. */
  readonly isUnchecked?: boolean;
  /** What came too late to mean something, so that the same is not kept twice. */
  readonly late?: readonly string[];
};

/** Whether anything may still happen to it by itself. */
export function isTaskOpen({ status, takenBy }: Pick<TaskState, "status" | "takenBy">): boolean {
  return status === "claimed" || (status === "open" && takenBy === undefined);
}

/** The id of a message's task. */
export function taskIdOf(message: string): string {
  return `task-${message}`;
}

/** The delegation, run or worker that does a try. */
export type TaskChild = { readonly id: string; readonly kind: TaskChildKind };
export type TaskChildKind = "delegation" | "run" | "worker";

const CHILD_KINDS = {
  agent: { kind: "delegation", mark: "d" },
  worker: { kind: "worker", mark: "w" },
  workflow: { kind: "run", mark: "r" },
} as const satisfies Record<Executor["kind"], { readonly kind: TaskChildKind; readonly mark: string }>;

/** The id is derived, so that making it twice is a no-op. */
export function taskChildOf(task: string, number: number, executor: Pick<Executor, "kind">): TaskChild {
  const { kind, mark } = CHILD_KINDS[executor.kind];
  return { id: `${task}.${mark}${number}`, kind };
}

/** Which try of a task a delegation, run or worker does; the task is told when it is settled. */
export type TaskOf = { readonly task: string; readonly try: number };

export const TASK_SLOTS = "tasks:";

/** The slot lane of a try: what one agent cannot begin holds nobody else up. */
export function taskSlotLane(executor: Executor): string {
  return executor.kind === "agent" ? `${TASK_SLOTS}agent:${executor.agent}` : `${TASK_SLOTS}${executor.kind}`;
}
