import assert from "node:assert/strict";
import { task, taskSlotsAfter } from "../../src/domain/task.ts";
import type { TaskEvent, TaskInput, TaskWords } from "../../src/domain/task-events.ts";
import type { Task, TaskState } from "../../src/domain/task-types.ts";
import { fold } from "../../src/kernel/decider.ts";

export const GRACE_MS = 2000;
export const POSTED_AT = 1000;
export const WEBSTER: TaskWords = {
  objective: "Find the CTE",
  tags: { agent: "webster" },
  plan: { executor: { kind: "agent", agent: "webster" }, text: "Find the CTE" },
};
export const LEAD: TaskWords = {
  objective: "Find the CTE",
  tags: {},
  plan: { executor: { kind: "agent", agent: "tech-lead" }, text: "Find the CTE" },
};
export const WRONG: TaskWords = {
  objective: "Find the CTE",
  tags: {},
  refusal: { text: 'the agent "wbster" is not known here.', isFinal: false },
};
export const STRANGER: TaskWords = {
  objective: "Find the CTE",
  tags: {},
  refusal: { text: "only people named may post.", isFinal: true },
};

export function postOf(more: Partial<Task> = {}): Task {
  return {
    id: "task-7",
    place: { channel: "5", message: "7", guild: "1" },
    author: { id: "9", name: "ada", isBot: false },
    actor: { kind: "person", id: "9", name: "ada", rights: ["any-agent"] },
    text: "Find the CTE [agent:webster]",
    attachments: [],
    postedAt: POSTED_AT,
    hops: 0,
    ...more,
  };
}

type See = Extract<TaskInput, { type: "see" }>;

export function seen(
  at: number,
  more: Partial<Omit<See, "type" | "at" | "task">> & { task?: Partial<Task> } = {},
): See {
  const { task: posted, ...rest } = more;
  return {
    type: "see",
    at,
    task: postOf(posted),
    words: WEBSTER,
    graceMs: GRACE_MS,
    checks: { others: [], own: false },
    ...rest,
  };
}

/** One commit: what an input leads to. */
export function step(state: TaskState | undefined, input: TaskInput) {
  const events = task.decide(state, input);
  let after = state;
  const effects = [];
  for (const event of events) {
    after = task.evolve(after, event);
    effects.push(...task.effects(after, event));
  }
  return {
    events,
    after,
    effects,
    slots: state ? taskSlotsAfter(state, input) : [],
  };
}

/** Given inputs, what the last one leads to. */
export function given(...inputs: readonly TaskInput[]) {
  let state: TaskState | undefined;
  let last: ReturnType<typeof step> | undefined;
  for (const input of inputs) {
    last = step(state, input);
    state = last.after;
  }
  assert.ok(state && last);
  return {
    ...last,
    state,
    types: last.events.map(({ type }) => type),
    kinds: last.effects.map(({ body }) => body.type),
  };
}

/** A crash forgets all but the events, and those are JSON. */
export function afterCrash(events: readonly TaskEvent[]): TaskState | undefined {
  return fold(task.evolve, undefined, JSON.parse(JSON.stringify(events)) as TaskEvent[]);
}
