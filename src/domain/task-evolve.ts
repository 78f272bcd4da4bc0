import type { TaskEvent, TaskWords } from "./task-events.ts";
import { type TaskOutcome, type TaskState, type TaskTry, taskSlotLane } from "./task-types.ts";

type State = TaskState;
type EventOf<Type extends TaskEvent["type"]> = Extract<TaskEvent, { type: Type }>;

/** Folds one fact into a task. */
export function evolveTask(state: State | undefined, event: TaskEvent): State {
  if (event.type === "task.seen") return seen(event);
  if (!state) throw new Error(`${event.type} before task.seen`);
  switch (event.type) {
    case "task.edited":
      return edited(state, event);
    case "task.refused": {
      const { at, refusal } = event;
      const status = refusal.isFinal ? "withdrawn" : "open";
      const refused = { at, text: refusal.text };
      return { ...unclaiming(state), status, refused, refusals: state.refusals + 1 };
    }
    case "task.handled":
      return {
        ...unclaiming(state),
        status: "withdrawn",
        handledBy: { at: event.at, user: event.user },
        withdrawn: { at: event.at, reason: "a person handled it" },
      };
    case "task.reopened": {
      const { handledBy: _, withdrawn: __, ...rest } = state;
      return { ...rest, status: "open", graceUntil: event.graceUntil };
    }
    case "task.withdrawn":
      return withdrawn(state, event.at, event.reason);
    case "task.deleted": {
      const { at } = event;
      const isOver = state.status !== "open" && state.status !== "claimed";
      return { ...(isOver ? state : withdrawn(state, at, "its message was deleted")), deletedAt: at };
    }
    case "task.claiming": {
      const late = state.late?.filter((one) => one !== `claim ${event.try}`);
      return { ...state, claiming: { number: event.try, at: event.at }, ...(late ? { late } : {}) };
    }
    case "task.claimed": {
      const { at: claimedAt, executor } = event;
      const tries = [...state.tries, { number: event.try, claimedAt, executor }];
      return { ...unclaiming(withLinks(state, event.attachments)), status: "claimed", tries };
    }
    case "task.taken":
      return { ...unclaiming(state), takenBy: { at: event.at, text: event.by } };
    case "task.claimed-late":
      return { ...state, late: [...(state.late ?? []), `claim ${event.try}`] };
    case "task.unchecked":
      return { ...state, isUnchecked: true };
    case "task.checked": {
      const { isUnchecked: _, ...rest } = state;
      return rest;
    }
    case "task.started":
      return { ...state, tries: withTry(state, event.try, (one) => ({ ...one, child: event.child })) };
    case "task.started-late":
      return { ...state, late: [...(state.late ?? []), `start ${event.child.id}`] };
    case "task.settled": {
      const { outcome } = event;
      return { ...state, status: outcome.status, tries: ended(state, event.try, outcome) };
    }
    case "task.again": {
      const { handledBy: _, withdrawn: __, refused: ___, ...rest } = state;
      return { ...withWords(rest, event.words), status: "open", graceUntil: event.at };
    }
  }
}

function seen({ task, words, wordsAt, graceMs, graceUntil }: EventOf<"task.seen">): State {
  return { task, status: "open", ...words, graceMs, graceUntil, wordsAt, tries: [], refusals: 0 };
}

/** While it waits for its turn it keeps its place, as long as the same one is to do it. */
function edited(state: State, event: EventOf<"task.edited">): State {
  const { text, attachments, words, wordsAt, graceUntil } = event;
  const { refused, ...before } = state;
  const isSameTurn =
    state.plan && words.plan && taskSlotLane(state.plan.executor) === taskSlotLane(words.plan.executor);
  const rest = isSameTurn ? before : unclaiming(before);
  const wasRefused = refused !== undefined && state.status === "withdrawn" && !words.refusal?.isFinal;
  const { withdrawn: _, ...reopened } = rest;
  return {
    ...withWords(wasRefused ? reopened : rest, words),
    status: wasRefused ? "open" : state.status,
    task: { ...state.task, text, attachments },
    wordsAt,
    graceUntil,
  };
}

/** The same files elsewhere, also in what is said of them to whoever does it. */
function withLinks(state: State, attachments: State["task"]["attachments"] | undefined): State {
  const { task, plan } = state;
  if (!attachments || !plan) return state;
  const text = task.attachments.reduce(
    (said, { url }, index) => said.replaceAll(url, () => attachments[index]?.url ?? url),
    plan.text,
  );
  return { ...state, task: { ...task, attachments }, plan: { ...plan, text } };
}

function withWords(state: State, words: TaskWords): State {
  const { plan: _, refusal: __, ...rest } = state;
  return { ...rest, ...words };
}

function unclaiming(state: State): State {
  const { claiming: _, ...rest } = state;
  return rest;
}

function withdrawn(state: State, at: number, reason: string): State {
  const current = state.tries.at(-1);
  const canceled = { at, status: "failed", childStatus: "canceled", reason } as const;
  const tries = state.status === "claimed" && current ? ended(state, current.number, canceled) : state.tries;
  return { ...unclaiming(state), status: "withdrawn", withdrawn: { at, reason }, tries };
}

function ended(state: State, number: number, outcome: TaskOutcome): readonly TaskTry[] {
  return withTry(state, number, (one) => ({ ...one, outcome }));
}

function withTry(state: State, number: number, change: (one: TaskTry) => TaskTry): readonly TaskTry[] {
  return state.tries.map((one) => (one.number === number ? change(one) : one));
}
