import type { TaskEvent, TaskInput } from "./task-events.ts";
import { evolveTask } from "./task-evolve.ts";
import { goOn } from "./task-go-on.ts";
import type { TaskState } from "./task-types.ts";

type See = Extract<TaskInput, { type: "see" }>;
type Draft = { state: TaskState; readonly events: TaskEvent[] };
const NOTHING: readonly TaskEvent[] = [];
const OWN_CHECK = "this bot's ✅ was on it before it was seen here";

function say(draft: Draft, ...events: readonly TaskEvent[]): void {
  for (const event of events) {
    draft.state = evolveTask(draft.state, event);
    draft.events.push(event);
  }
}

const wordsAt = ({ editedAt, task }: See) => editedAt ?? task.postedAt;

/** A clock that goes ahead of ours delays nothing. */
function graceAfter(input: See): number {
  return Math.min(wordsAt(input), input.at) + input.graceMs;
}

/** A message that was not seen before. With our ✅ on it, somebody did it whom this ledger does not know. */
export function seeFirst(input: See): readonly TaskEvent[] {
  const { at, task, words, graceMs, checks } = input;
  const seen: TaskEvent = {
    type: "task.seen",
    at,
    task,
    words,
    wordsAt: wordsAt(input),
    graceMs,
    graceUntil: graceAfter(input),
  };
  const draft: Draft = { state: evolveTask(undefined, seen), events: [seen] };
  const [user] = checks.others;
  if (checks.own) say(draft, { type: "task.taken", at, by: OWN_CHECK });
  else if (words.refusal?.isFinal) say(draft, { type: "task.refused", at, refusal: words.refusal });
  else if (user !== undefined) say(draft, { type: "task.handled", at, user });
  say(draft, ...goOn(draft.state, at));
  return draft.events;
}

/** The same message once more: what has changed of its words and its ✅s. */
export function seeAgain(before: TaskState, input: See): readonly TaskEvent[] {
  if (before.deletedAt !== undefined) return NOTHING;
  const { at, checks } = input;
  const draft: Draft = { state: before, events: [] };
  say(draft, ...edited(before, input));
  const { status, tries, takenBy, handledBy } = draft.state;
  const [user] = checks.others;
  const isUnbegun = tries.length === 0 && takenBy === undefined;
  if (user !== undefined && status === "open" && isUnbegun) say(draft, { type: "task.handled", at, user });
  if (user === undefined && !checks.own && status === "withdrawn" && handledBy)
    say(draft, { type: "task.reopened", at, graceUntil: at + before.graceMs });
  if (!checks.own && wantsCheck(draft.state)) say(draft, { type: "task.unchecked", at });
  say(draft, ...goOn(draft.state, at));
  return draft.events;
}

/** Words count until they are being done; a configuration that was mended counts like an edit. */
function edited(state: TaskState, input: See): readonly TaskEvent[] {
  const { at, task, words } = input;
  if (state.status === "claimed" || wordsAt(input) < state.wordsAt) return NOTHING;
  const isOther = task.text !== state.task.text || hasOtherFiles(state, task);
  const isMended = state.status === "open" && (words.refusal === undefined) !== (state.refusal === undefined);
  if (!isOther && !isMended) return NOTHING;
  const { text, attachments } = task;
  const graceUntil = isOther ? graceAfter(input) : at;
  return [{ type: "task.edited", at, text, attachments, words, wordsAt: wordsAt(input), graceUntil }];
}

/** Links to files change with each look. What was posted for another door has its own text as a file. */
function hasOtherFiles({ task: before }: TaskState, { attachments, actor }: See["task"]): boolean {
  if (actor.kind !== "person") return false;
  const namesOf = (files: See["task"]["attachments"]) => files.map(({ name, bytes }) => `${name} ${bytes}`);
  return namesOf(before.attachments).join("\n") !== namesOf(attachments).join("\n");
}

/** Our ✅ belongs on what we began, until it is withdrawn. */
function wantsCheck({ status, tries, isUnchecked }: TaskState): boolean {
  return tries.length > 0 && !isUnchecked && status !== "open" && status !== "withdrawn";
}
