import { oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { actorName } from "./actor.ts";
import type { TaskEvent } from "./task-events.ts";
import type { Executor } from "./task-types.ts";
import type { Interval, Told, TracedSubject } from "./trace-types.ts";
import { opening } from "./trace-words.ts";
import type { WorkerEvent } from "./worker-types.ts";

type Line = Told["lines"][number];

/** What a task of the queue tells: from its message to its last try. */
export function tellTask({ events }: TracedSubject): Told {
  const { task } = opening(events) as Extract<TaskEvent, { type: "task.seen" }>;
  const message = { channel: task.place.channel, id: task.place.message };
  const who = task.actor.kind === "person" ? `@${task.author.name}` : actorName(task.actor);
  const lines: Line[] = [{ at: task.postedAt, what: "asked", text: `${who} by a message`, message }];
  const claimedAt = new Map<number, number>();
  let settledAt: number | undefined;
  let attempts = 0;
  for (const { at, body } of events) {
    const event = body as TaskEvent;
    if (event.type === "task.claiming") claimedAt.set(event.try, at);
    if (event.type === "task.claimed") attempts = Math.max(attempts, event.try);
    if (isEnd(event)) settledAt ??= at;
    else if (BEGINS_ANEW.has(event.type)) settledAt = undefined;
    const from = event.type === "task.settled" ? claimedAt.get(event.try) : undefined;
    lines.push({ at, ...wordsOf(event, at), ...(from === undefined ? {} : { tookMs: at - from }) });
  }
  return {
    title: `task: ${oneLine(task.text, 80)}`,
    askedAt: task.postedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    lines,
    working: [],
    people: [],
    attempts,
  };
}

const BEGINS_ANEW: ReadonlySet<TaskEvent["type"]> = new Set(["task.again", "task.reopened", "task.claiming"]);
const ENDS: ReadonlySet<TaskEvent["type"]> = new Set([
  "task.settled",
  "task.withdrawn",
  "task.handled",
  "task.deleted",
]);

/** The first of them holds: messages are cleared away long after the work was done. */
function isEnd(event: TaskEvent): boolean {
  return ENDS.has(event.type) || (event.type === "task.refused" && event.refusal.isFinal);
}

function wordsOf(event: TaskEvent, at: number): Pick<Line, "what" | "text"> {
  switch (event.type) {
    case "task.seen":
      return { what: "seen", text: `edits are waited for: ${formatDuration(event.graceUntil - at)}` };
    case "task.edited":
      return { what: "edited", text: "the message says something else now" };
    case "task.refused":
      return { what: "refused", text: event.refusal.text };
    case "task.handled":
      return { what: "handled", text: `by hand, ✅ of the user ${event.user}` };
    case "task.reopened":
      return { what: "reopened", text: "that ✅ is gone again" };
    case "task.withdrawn":
      return { what: "withdrawn", text: `${event.by ? `by ${actorName(event.by)}: ` : ""}${event.reason}` };
    case "task.deleted":
      return { what: "deleted", text: "its message is gone" };
    case "task.claiming":
      return { what: "queued", text: `try ${event.try} for ${executorText(event.executor)}` };
    case "task.claimed":
      return { what: "claimed", text: `try ${event.try} for ${executorText(event.executor)}` };
    case "task.taken":
      return { what: "taken", text: `by another supervisor: ${event.by}` };
    case "task.claimed-late":
      return { what: "late", text: `the claim of try ${event.try} came when nobody wanted it any more` };
    case "task.unchecked":
      return { what: "unchecked", text: "our ✅ was taken away; it is put back" };
    case "task.checked":
      return { what: "checked", text: "our ✅ is there" };
    case "task.started":
      return { what: "child", text: `try ${event.try}: ${event.child}` };
    case "task.started-late":
      return { what: "late", text: `${event.child.id} began when nobody wanted it any more` };
    case "task.settled": {
      const { status, childStatus, reason } = event.outcome;
      return {
        what: "settled",
        text: `${status} (${childStatus})${reason === undefined ? "" : `: ${oneLine(reason, 300)}`}`,
      };
    }
    case "task.again":
      return { what: "again", text: `${actorName(event.by)} wants it done once more` };
  }
}

function executorText(executor: Executor): string {
  switch (executor.kind) {
    case "agent":
      return executor.agent;
    case "worker":
      return `a worker ${executor.worker} with ${executor.alias}`;
    case "workflow":
      return `the workflow ${executor.workflow}`;
  }
}

/** What a worker tells: a process, from its place in the queue to its end. */
export function tellWorker({ events }: TracedSubject, nowMs: number): Told {
  const { work } = opening(events) as Extract<WorkerEvent, { type: "worker.queued" }>;
  const lines: Line[] = [];
  const working: Interval[] = [];
  let since: number | undefined;
  let settledAt: number | undefined;
  let attempts = 1;
  for (const { at, body } of events) {
    const event = body as WorkerEvent;
    const tookMs = since === undefined ? {} : { tookMs: at - since };
    if (event.type === "worker.queued") {
      const text = `${work.worker} with ${work.model}, thinking ${work.thinking}, at most ${formatDuration(work.timeoutMs)}`;
      lines.push({ at, what: "queued", text });
      continue;
    }
    if (since !== undefined) working.push([since, at]);
    since = event.type === "worker.begun" ? at : undefined;
    if (event.type === "worker.begun") {
      attempts = Math.max(attempts, event.attempt);
      lines.push({ at, what: "begun", text: `attempt ${event.attempt} as ${work.agent}` });
    } else if (event.type === "worker.lost") {
      lines.push({ at, what: "lost", text: `attempt ${event.attempt}: ${event.text}`, ...tookMs });
    } else {
      settledAt = at;
      const { status, reason } = event.outcome;
      const text = `${status}${reason === undefined ? "" : `: ${oneLine(reason, 300)}`}`;
      lines.push({ at, what: "settled", text, ...tookMs });
    }
  }
  if (since !== undefined) working.push([since, nowMs]);
  return {
    title: `worker ${work.agent}`,
    askedAt: work.queuedAt,
    ...(settledAt === undefined ? {} : { settledAt }),
    parent: work.taskOf.task,
    lines,
    working,
    people: [],
    attempts,
  };
}
