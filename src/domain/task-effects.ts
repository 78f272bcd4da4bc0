import type { Effect } from "./effects.ts";
import type { TaskEvent } from "./task-events.ts";
import { type TaskChild, type TaskRefusal, type TaskState, taskSlotLane } from "./task-types.ts";

const NOTHING: readonly Effect[] = [];

/** What follows each fact of a task; results and log lines come from whatever does it. */
export function taskEffects(state: TaskState, event: TaskEvent): readonly Effect[] {
  const { id } = state.task;
  switch (event.type) {
    case "task.refused":
      return event.refusal.isQuiet ? NOTHING : [refused(state, event.refusal, event.at)];
    case "task.claiming": {
      const slot = { lane: taskSlotLane(event.executor), attempt: event.try };
      const body = { type: "task-claim", task: id, try: event.try } as const;
      return [{ body, lane: "discord", dueAt: event.at, slot }];
    }
    case "task.claimed": {
      const body = { type: "start-task", task: id, try: event.try } as const;
      return [{ body, lane: "any", dueAt: event.at }, card(state, event.at)];
    }
    case "task.claimed-late":
      return [check(id, false, event.at), card(state, event.at)];
    case "task.unchecked":
      return [check(id, true, event.at)];
    case "task.started-late":
      return [cancelChild(event.child, "its task no longer wants it", event.at)];
    case "task.withdrawn":
      return ended(state, event.child, event.reason, event.at);
    case "task.deleted":
      return ended(state, event.child, "its message was deleted", event.at);
    case "task.settled": {
      const { at, reason = "" } = event.outcome;
      const told = event.isUnbegun
        ? [reply(state, `unbegun-${event.try}`, `❌ Not begun: ${reason}`, at)]
        : [];
      return [card(state, at), ...told];
    }
    case "task.again":
      return [card(state, event.at)];
    case "task.seen":
    case "task.edited":
    case "task.handled":
    case "task.reopened":
    case "task.taken":
    case "task.checked":
    case "task.started":
      return NOTHING;
  }
}

function refused(state: TaskState, { text, isFinal }: TaskRefusal, at: number): Effect {
  const advice = isFinal ? "" : "\nEdit the message, and it is taken.";
  return reply(state, `refused-${state.refusals}`, `⚠️ Not taken: ${text}${advice}`, at);
}

function ended(
  state: TaskState,
  child: TaskChild | undefined,
  reason: string,
  at: number,
): readonly Effect[] {
  const shown = state.tries.length > 0 ? [card(state, at)] : [];
  return child ? [cancelChild(child, reason, at), ...shown] : shown;
}

function cancelChild({ id, kind }: TaskChild, reason: string, dueAt: number): Effect {
  return { body: { type: "cancel-child", child: id, kind, reason }, lane: "any", dueAt };
}

function check(task: string, wanted: boolean, dueAt: number): Effect {
  return { body: { type: "task-check", task, wanted }, lane: "discord", dueAt };
}

function card({ task }: TaskState, dueAt: number): Effect {
  return {
    body: { type: "card", run: task.id, to: { channel: task.place.channel } },
    lane: "discord",
    dueAt,
  };
}

/** An answer to the message itself. */
function reply({ task }: TaskState, name: string, text: string, dueAt: number): Effect {
  const { channel, message } = task.place;
  const delivery = {
    id: `${task.id}/${name}`,
    kind: "notice",
    to: { channel },
    subject: task.id,
    text,
    replyTo: message,
  } as const;
  return { body: { type: "post", delivery }, lane: "discord", dueAt };
}
