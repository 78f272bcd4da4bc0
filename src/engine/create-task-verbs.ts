import type { Acl } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import type { Settings } from "../domain/settings.ts";
import { mayRunAgain } from "../domain/task.ts";
import type { TaskInput, TaskWords } from "../domain/task-events.ts";
import { isTaskOpen, type Task, type TaskState, taskIdOf } from "../domain/task-types.ts";
import { Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import { type Engine, stateOf } from "./accept.ts";
import { permit } from "./ownership.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { SeenMessage, TaskQuery, TaskVerbs, TaskView } from "./task-verbs.ts";
import type { TaskWordsOf } from "./task-words.ts";

const MOST_LISTED = 200;

export type TaskVerbsDeps = {
  readonly engine: Engine;
  readonly ledger: Pick<Ledger, "list">;
  readonly words: Pick<TaskWordsOf, "wordsOf">;
  readonly settings: () => Settings;
  readonly acl: () => Acl;
  /** Messages whose tasks other tools did before us. */
  readonly isHandled: (message: string) => boolean;
  readonly now: () => number;
};

/** The verbs for the task queue, over one engine. */
export function createTaskVerbs(deps: TaskVerbsDeps): TaskVerbs {
  const { engine, now } = deps;

  async function see(message: SeenMessage): Promise<TaskView | undefined> {
    const { checks, editedAt, ...said } = message;
    if (deps.isHandled(said.place.message)) return undefined;
    const id = taskIdOf(said.place.message);
    const known = await engine.read("task", id);
    const task: Task = { id, ...said };
    const words = (await deps.words.wordsOf(task)) ?? (known && SAYS_NOTHING);
    if (!words) return undefined;
    const input: TaskInput = {
      type: "see",
      at: now(),
      task,
      words: await quietForBots(task, words, known),
      graceMs: deps.settings().taskQueue.graceMs,
      checks,
      ...(editedAt === undefined ? {} : { editedAt }),
    };
    return viewOfTask((await change(id, task.actor, input)) ?? known);
  }

  /** A bot gets no answers, or two of them would answer each other for ever; people read of it, once a day. */
  async function quietForBots(
    task: Task,
    words: TaskWords,
    known: TaskState | undefined,
  ): Promise<TaskWords> {
    const { author, actor } = task;
    if (!words.refusal || !author.isBot || actor.kind !== "person") return words;
    const at = now();
    const id = `notice-bot-${author.id}-${dayOf(at)}`;
    const text = `⚠️ The bot ${oneLine(author.name, 80)} posted to the task queue, and it was not taken: ${words.refusal.text}`;
    if (!known)
      await engine.accept({
        kind: "notice",
        stream: id,
        input: { type: "notice", at, id, text },
        cause: task.id,
      });
    return { ...words, refusal: { ...words.refusal, isQuiet: true } };
  }

  async function change(id: string, actor: Actor, input: TaskInput): Promise<TaskState | undefined> {
    const cause = `${input.type} ${id}`;
    return (await engine.accept({ kind: "task", stream: id, input, cause, actor })).state;
  }

  async function stateOrRefuse(word: string): Promise<TaskState> {
    const id = /^\d+$/.test(word) ? taskIdOf(word) : word;
    const state = await engine.read("task", id);
    if (state) return state;
    throw new Refusal("not_found", `There is no task ${word}.`, {
      hint: "`hq queue list` lists the latest ones with their ids.",
    });
  }

  async function runAgain(actor: Actor, word: string): Promise<TaskView> {
    const state = await stateOrRefuse(word);
    const { task } = state;
    permit(deps.acl(), actor, "retry", { id: task.id, asker: task.actor, what: "run" });
    refuseAgain(state);
    const words = await deps.words.wordsOf(task);
    if (!words?.plan) {
      throw new Refusal(
        "invalid_input",
        `${task.id} cannot be done: ${words?.refusal?.text ?? "it says nothing"}`,
        {
          hint: "Edit its message, or post it anew.",
        },
      );
    }
    const after = await change(task.id, actor, { type: "run-again", at: now(), actor, words });
    return viewOfTask(after ?? state);
  }

  async function withdraw(actor: Actor, word: string, reason?: string): Promise<TaskView> {
    const state = await stateOrRefuse(word);
    const { id, actor: asker } = state.task;
    permit(deps.acl(), actor, "cancel", { id, asker, what: "withdraw" });
    if (state.status === "withdrawn") return viewOfTask(state);
    if (!isTaskOpen(state)) {
      const { takenBy, status } = state;
      const why = takenBy ? `is with another supervisor (${takenBy.text})` : `is already ${status}`;
      throw new Refusal("already_settled", `${id} ${why}; there is nothing to withdraw.`);
    }
    const input = { type: "withdraw", at: now(), actor, reason: reason ?? "withdrawn on request" } as const;
    return viewOfTask((await change(id, actor, input)) ?? state);
  }

  async function tasks(query: TaskQuery) {
    const limit = Math.max(1, Math.min(MOST_LISTED, query.limit ?? 50));
    const { items, next } = await deps.ledger.list({ ...query, kind: "task", limit });
    return { items: items.map((loaded) => viewOfTask(stateOf("task", loaded))), ...(next ? { next } : {}) };
  }

  return {
    see,
    async deleted({ message }) {
      const id = taskIdOf(message);
      await engine.accept({
        kind: "task",
        stream: id,
        input: { type: "deleted", at: now() },
        cause: `deleted ${id}`,
      });
    },
    task: async (word) => viewOfTask(await stateOrRefuse(word)),
    tasks,
    runAgain,
    withdraw,
  };
}

const SAYS_NOTHING: TaskWords = {
  objective: "",
  tags: {},
  refusal: { text: "its message says nothing any more.", isFinal: false },
};

export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

export function viewOfTask(state: TaskState): TaskView;
export function viewOfTask(state: TaskState | undefined): TaskView | undefined;
export function viewOfTask(state: TaskState | undefined): TaskView | undefined {
  return state && { ...state, id: state.task.id };
}

function refuseAgain(state: TaskState): void {
  if (mayRunAgain(state)) return;
  const { task, status, deletedAt, handledBy, takenBy } = state;
  if (takenBy)
    throw new Refusal("already_settled", `${task.id} is with another supervisor (${takenBy.text}).`);
  if (deletedAt !== undefined) {
    throw new Refusal("already_settled", `The message of ${task.id} was deleted.`, { hint: "Post it anew." });
  }
  if (handledBy) {
    throw new Refusal("already_settled", `A person handled ${task.id} by hand.`, {
      hint: "Take the ✅ off its message: that opens it again.",
    });
  }
  throw new Refusal("already_settled", `${task.id} is ${status}; it can be run again when it is over.`, {
    hint: status === "open" ? "It is claimed as soon as there is room." : "Wait for its end, or withdraw it.",
  });
}
