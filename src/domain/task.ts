import { type Decider, fold } from "../kernel/decider.ts";
import type { Effect } from "./effects.ts";
import { taskEffects } from "./task-effects.ts";
import type { TaskEvent, TaskInput } from "./task-events.ts";
import { evolveTask } from "./task-evolve.ts";
import { goOn } from "./task-go-on.ts";
import { seeAgain, seeFirst } from "./task-see.ts";
import { isTaskOpen, type TaskChild, type TaskState, taskChildOf } from "./task-types.ts";

type State = TaskState;
type Event = TaskEvent;
type Files = State["task"]["attachments"];
type InputOf<Type extends TaskInput["type"]> = Extract<TaskInput, { type: Type }>;

const NOTHING: readonly Event[] = [];
/** So long somebody may mend a task that was refused. */
const MENDED_WITHIN_MS = 24 * 3_600_000;

/** A task of the queue: claimed once, done once for each time that somebody wants it done. */
function decide(state: State | undefined, input: TaskInput): readonly Event[] {
  if (input.type === "see") return state ? seeAgain(state, input) : seeFirst(input);
  if (!state) return NOTHING;
  switch (input.type) {
    case "wake":
      return woken(state, input.at);
    case "deleted": {
      if (state.deletedAt !== undefined) return NOTHING;
      return [{ type: "task.deleted", at: input.at, ...childIn(state) }];
    }
    case "withdraw": {
      if (!isTaskOpen(state)) return NOTHING;
      const { at, actor, reason } = input;
      return [{ type: "task.withdrawn", at, reason, by: actor, ...childIn(state) }];
    }
    case "run-again":
      return runAgain(state, input);
    case "stop":
      return stopped(state, input);
    case "checked":
      return state.isUnchecked ? [{ type: "task.checked", at: input.at }] : NOTHING;
    case "unclaimed":
      return NOTHING;
    case "discord-claimed":
    case "discord-lost":
    case "discord-handled":
      return decideClaim(state, input);
    case "child-started":
    case "child-refused":
    case "child-settled":
      return decideChild(state, input);
  }
}

function woken(state: State, at: number): readonly Event[] {
  const { status, refused } = state;
  const isForgotten = status === "open" && refused && at >= refused.at + MENDED_WITHIN_MS;
  if (!isForgotten) return goOn(state, at);
  return [{ type: "task.withdrawn", at, reason: "it was refused, and nobody mended it within a day" }];
}

/** When it wants to be woken, if nothing else comes. */
export function taskWakeAt({ status, takenBy, claiming, refused, graceUntil }: State): number | undefined {
  if (status !== "open" || takenBy || claiming) return undefined;
  return refused ? refused.at + MENDED_WITHIN_MS : graceUntil;
}

/** What does it now, also when the news of its beginning is still under way. */
export function taskChildIn({ task, status, tries }: State): TaskChild | undefined {
  const current = tries.at(-1);
  if (status !== "claimed" || !current) return undefined;
  return taskChildOf(task.id, current.number, current.executor);
}

function childIn(state: State): { readonly child?: TaskChild } {
  const child = taskChildIn(state);
  return child ? { child } : {};
}

function newLinks(before: Files, now: Files = []): { readonly attachments?: Files } {
  const isSame = before.length === now.length && before.every(({ name }, index) => name === now[index]?.name);
  return isSame && before.some(({ url }, index) => url !== now[index]?.url) ? { attachments: now } : {};
}

function decideClaim(
  state: State,
  input: InputOf<"discord-claimed" | "discord-lost" | "discord-handled">,
): readonly Event[] {
  const { at } = input;
  const isAwaited = state.status === "open" && state.claiming?.number === input.try && state.plan;
  if (input.type === "discord-claimed") {
    if (isAwaited) {
      const links = newLinks(state.task.attachments, input.attachments);
      return [{ type: "task.claimed", at, try: input.try, executor: isAwaited.executor, ...links }];
    }
    const isKnown = state.takenBy !== undefined || state.tries.some(({ number }) => number === input.try);
    if (isKnown || state.late?.includes(`claim ${input.try}`)) return NOTHING;
    return [{ type: "task.claimed-late", at, try: input.try }];
  }
  if (!isAwaited) return NOTHING;
  return input.type === "discord-lost"
    ? [{ type: "task.taken", at, by: input.by }]
    : [{ type: "task.handled", at, user: input.user }];
}

function decideChild(
  state: State,
  input: InputOf<"child-started" | "child-refused" | "child-settled">,
): readonly Event[] {
  const isAwaited = state.status === "claimed" && state.tries.at(-1)?.number === input.try;
  switch (input.type) {
    case "child-started": {
      const { at, child } = input;
      const known = state.tries.find(({ number }) => number === input.try);
      if (known?.child === child.id) return NOTHING;
      if (isAwaited) return [{ type: "task.started", at, try: input.try, child: child.id }];
      if (state.late?.includes(`start ${child.id}`)) return NOTHING;
      return [{ type: "task.started-late", at, try: input.try, child }];
    }
    case "child-refused": {
      const { at, text } = input;
      if (!isAwaited) return NOTHING;
      const outcome = { at, status: "failed", childStatus: "refused", reason: text } as const;
      return [{ type: "task.settled", try: input.try, outcome, isUnbegun: true }];
    }
    case "child-settled":
      return childSettled(state, input, isAwaited);
  }
}

/** A run that somebody took up again after its end has another end later. */
function childSettled(state: State, input: InputOf<"child-settled">, isAwaited: boolean): readonly Event[] {
  const { child, outcome } = input;
  const settled: Event = { type: "task.settled", try: input.try, outcome };
  const last = state.tries.at(-1);
  if (last?.number !== input.try) return NOTHING;
  if (isAwaited) {
    // It was faster than the news of its beginning.
    const started: Event = { type: "task.started", at: outcome.at, try: input.try, child };
    return last.child === undefined ? [started, settled] : [settled];
  }
  const isOver = state.status === "done" || state.status === "failed";
  const isOther = last.child === child && outcome.childStatus !== last.outcome?.childStatus;
  return isOver && isOther && outcome.at > (last.outcome?.at ?? 0) ? [settled] : NOTHING;
}

/** Whether "Run again" means something: what a person handled is opened again by taking the ✅ away. */
export function mayRunAgain({ status, deletedAt, handledBy, tries }: State): boolean {
  if (status === "open" || status === "claimed" || deletedAt !== undefined) return false;
  return handledBy === undefined || tries.length > 0;
}

function runAgain(state: State, { at, actor, words }: InputOf<"run-again">): readonly Event[] {
  if (!mayRunAgain(state)) return NOTHING;
  const again: Event = { type: "task.again", at, by: actor, words };
  return [again, ...goOn(evolveTask(state, again), at)];
}

function stopped(state: State, { at, reason }: InputOf<"stop">): readonly Event[] {
  const current = state.tries.at(-1);
  if (state.status !== "claimed" || !current) return NOTHING;
  const outcome = { at, status: "failed", childStatus: "canceled", reason } as const;
  return [{ type: "task.settled", try: current.number, outcome }];
}

/**
 * What an input does to the room for tasks at once: the claim's answer keeps the place that it took until the task is
 * settled; whatever ends the wait for it gives the place back.
 */
export function taskSlotsAfter(
  state: State,
  input: TaskInput,
): readonly { readonly attempt: number; readonly until: number | "free" }[] {
  const after = fold(evolveTask, state, decide(state, input)) ?? state;
  if (input.type === "discord-claimed" || input.type === "unclaimed") {
    const isOurs = after.status === "claimed" && after.tries.at(-1)?.number === input.try;
    return [{ attempt: input.try, until: isOurs ? FOR_EVER : "free" }];
  }
  const before = placeOf(state);
  return before !== undefined && before !== placeOf(after) ? [{ attempt: before, until: "free" }] : [];
}

const FOR_EVER = 8_640_000_000_000_000;

/** The number of the try that has, or waits for, a place. */
function placeOf({ status, claiming, tries }: State): number | undefined {
  return status === "claimed" ? tries.at(-1)?.number : claiming?.number;
}

export const task: Decider<State, TaskInput, Event, Effect> = {
  decide,
  evolve: evolveTask,
  effects: taskEffects,
};
