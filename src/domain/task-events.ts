import type { Actor } from "./actor.ts";
import type {
  Executor,
  Task,
  TaskChild,
  TaskOutcome,
  TaskPlan,
  TaskRefusal,
  TaskTags,
} from "./task-types.ts";

/** What the words of a message come to now. */
export type TaskWords = {
  readonly objective: string;
  readonly tags: TaskTags;
  /** Either a plan or a refusal. */
  readonly plan?: TaskPlan;
  readonly refusal?: TaskRefusal;
};

export type TaskInput =
  /** The message as Discord shows it: posted, edited, reacted to or read back. */
  | {
      readonly type: "see";
      readonly at: number;
      readonly task: Task;
      readonly words: TaskWords;
      readonly editedAt?: number;
      readonly graceMs: number;
      readonly checks: { readonly others: readonly string[]; readonly own: boolean };
    }
  | { readonly type: "deleted"; readonly at: number }
  /** An instant that the task asked for (`wakeAt`) has come. */
  | { readonly type: "wake"; readonly at: number }
  | {
      readonly type: "discord-claimed";
      readonly at: number;
      readonly try: number;
      /** The files of the message as they are found now. */
      readonly attachments?: Task["attachments"];
    }
  | { readonly type: "discord-lost"; readonly at: number; readonly try: number; readonly by: string }
  /** A person's ✅ came before the claim. */
  | { readonly type: "discord-handled"; readonly at: number; readonly try: number; readonly user: string }
  /** It was its turn when nobody wanted it claimed any more. */
  | { readonly type: "unclaimed"; readonly at: number; readonly try: number }
  | { readonly type: "checked"; readonly at: number }
  | { readonly type: "child-started"; readonly at: number; readonly try: number; readonly child: TaskChild }
  | { readonly type: "child-refused"; readonly at: number; readonly try: number; readonly text: string }
  | {
      readonly type: "child-settled";
      readonly try: number;
      readonly child: string;
      readonly outcome: TaskOutcome;
    }
  | { readonly type: "run-again"; readonly at: number; readonly actor: Actor; readonly words: TaskWords }
  | { readonly type: "withdraw"; readonly at: number; readonly actor: Actor; readonly reason: string }
  /** Everything is stopped: what was claimed ends, what is open waits. */
  | { readonly type: "stop"; readonly at: number; readonly actor: Actor; readonly reason: string };

export type TaskEvent =
  | {
      readonly type: "task.seen";
      readonly at: number;
      readonly task: Task;
      readonly words: TaskWords;
      readonly wordsAt: number;
      readonly graceMs: number;
      readonly graceUntil: number;
    }
  | {
      readonly type: "task.edited";
      readonly at: number;
      readonly text: string;
      readonly attachments: Task["attachments"];
      readonly words: TaskWords;
      readonly wordsAt: number;
      readonly graceUntil: number;
    }
  | { readonly type: "task.refused"; readonly at: number; readonly refusal: TaskRefusal }
  | { readonly type: "task.handled"; readonly at: number; readonly user: string }
  /** The ✅ of whoever handled it is gone again. */
  | { readonly type: "task.reopened"; readonly at: number; readonly graceUntil: number }
  | {
      readonly type: "task.withdrawn";
      readonly at: number;
      readonly reason: string;
      readonly by?: Actor;
      /** What does it now, and is to stop. */
      readonly child?: TaskChild;
    }
  /** The message is gone. */
  | { readonly type: "task.deleted"; readonly at: number; readonly child?: TaskChild }
  | { readonly type: "task.claiming"; readonly at: number; readonly try: number; readonly executor: Executor }
  | {
      readonly type: "task.claimed";
      readonly at: number;
      readonly try: number;
      readonly executor: Executor;
      /** The same files under the addresses of now: those of before are good for a day. */
      readonly attachments?: Task["attachments"];
    }
  | { readonly type: "task.taken"; readonly at: number; readonly by: string }
  /** The claim came when nobody wanted it any more. */
  | { readonly type: "task.claimed-late"; readonly at: number; readonly try: number }
  | { readonly type: "task.unchecked"; readonly at: number }
  | { readonly type: "task.checked"; readonly at: number }
  | { readonly type: "task.started"; readonly at: number; readonly try: number; readonly child: string }
  /** It began when nobody wanted it any more. */
  | {
      readonly type: "task.started-late";
      readonly at: number;
      readonly try: number;
      readonly child: TaskChild;
    }
  | {
      readonly type: "task.settled";
      readonly try: number;
      readonly outcome: TaskOutcome;
      /** It was never begun: its author is told here, since nothing else tells of it. */
      readonly isUnbegun?: boolean;
    }
  | { readonly type: "task.again"; readonly at: number; readonly by: Actor; readonly words: TaskWords };
