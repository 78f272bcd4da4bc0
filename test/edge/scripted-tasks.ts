import type { TaskPlace } from "../../src/domain/task-types.ts";
import type { ClaimedOf } from "../../src/engine/perform.ts";
import type { SeenMessage, TaskVerbs, TaskView } from "../../src/engine/task-verbs.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { taskWith } from "../discord/task-fixture.ts";

/** The queue's verbs over a map: a message that is seen is a task, and what was seen is kept in order. */
export function scriptedTasks() {
  const tasks = new Map<string, TaskView>();
  const seen: SeenMessage[] = [];
  const gone: TaskPlace[] = [];
  const told: string[] = [];
  const waiting: (() => void)[] = [];
  const idOf = ({ message }: TaskPlace) => `task-${message}`;
  const ring = () => {
    for (const wake of waiting.splice(0)) wake();
  };
  const find = (id: string) => {
    const view = tasks.get(id);
    if (!view) throw new Refusal("not_found", `There is no task ${id}.`);
    return view;
  };
  const verbs: TaskVerbs = {
    async see(message) {
      seen.push(message);
      const { place, author, actor, text, attachments, postedAt, hops } = message;
      const id = idOf(place);
      const before = tasks.get(id) ?? taskWith("open");
      const view = {
        ...before,
        id,
        objective: text,
        task: { id, place, author, actor, text, attachments, postedAt, hops },
      };
      tasks.set(id, view);
      ring();
      return view;
    },
    async deleted(place) {
      gone.push(place);
      const view = find(idOf(place));
      tasks.set(view.id, { ...view, status: "withdrawn", deletedAt: Date.now() });
      ring();
    },
    task: async (id) => find(id),
    async tasks({ open, status }) {
      const isOpen = (view: TaskView) => view.status === "open" || view.status === "claimed";
      const items = [...tasks.values()]
        .filter((view) => open === undefined || isOpen(view) === open)
        .filter((view) => status === undefined || status.includes(view.status))
        .reverse();
      return { items };
    },
    async runAgain(actor, id) {
      told.push(`again ${actor.kind} ${id}`);
      return find(id);
    },
    async withdraw(actor, id, reason) {
      told.push(`withdraw ${actor.kind} ${id} ${reason ?? ""}`.trim());
      return find(id);
    },
  };
  return {
    verbs,
    tasks,
    seen,
    gone,
    told,
    texts: () => seen.map(({ text }) => text),
    /** Waits until what was seen or is gone fits. */
    async until(fits: () => boolean): Promise<void> {
      const deadline = AbortSignal.timeout(10_000);
      while (!fits()) {
        await new Promise<void>((resolve, reject) => {
          waiting.push(resolve);
          deadline.addEventListener("abort", () =>
            reject(new Error(`only this was seen: ${JSON.stringify(seen.map(({ text }) => text))}`)),
          );
        });
      }
    },
  };
}

let effects = 0;

export function claimEffect(
  task: string,
  more: Partial<ClaimedOf<"task-claim">> = {},
): ClaimedOf<"task-claim"> {
  const id = `claim-${++effects}`;
  const body = { type: "task-claim", task, try: 1 } as const;
  return { id, stream: task, body, lane: "discord", dueAt: 0, createdAt: Date.now(), tries: 1, ...more };
}

export function checkEffect(task: string, wanted: boolean): ClaimedOf<"task-check"> {
  const id = `check-${++effects}`;
  const body = { type: "task-check", task, wanted } as const;
  return { id, stream: task, body, lane: "discord", dueAt: 0, createdAt: Date.now(), tries: 1 };
}
