import { type Actor, actorName } from "../../src/domain/actor.ts";
import type { TaskState } from "../../src/domain/task-types.ts";
import type { WorkerView } from "../../src/domain/worker-view.ts";
import {
  type ClearRequest,
  isTaskOver,
  type QueueVerbs,
  type SubmitRequest,
} from "../../src/engine/queue-verbs.ts";
import { taggedText } from "../../src/engine/submissions.ts";
import type { TaskVerbs, TaskView } from "../../src/engine/task-verbs.ts";
import type { StoppedNow, Verbs } from "../../src/engine/verbs.ts";
import { Refusal } from "../../src/kernel/refusal.ts";

type Called = { readonly verb: string; readonly actor?: Actor; readonly said?: unknown };

/** The verbs of the queue without an engine: a task stays open until the test changes it. */
export function createScriptedTasks(deps: {
  readonly record: (stream: string, type: string, body: unknown, actor?: string) => void;
  readonly watch: Verbs["watch"];
}) {
  const views = new Map<string, TaskView>();
  const keys = new Map<string, { readonly id: string; readonly text: string }>();
  const workers = new Map<string, WorkerView>();
  const calls: Called[] = [];
  const state: {
    discord: boolean;
    pages: number;
    stopped: StoppedNow;
    kept: readonly { reason: string; count: number }[];
  } = {
    discord: true,
    pages: 1,
    stopped: { canceled: [], notCancelable: [], killed: [], held: 0 },
    kept: [],
  };

  function viewFor(id: string): TaskView {
    const view = views.get(id);
    if (view) return view;
    throw new Refusal("not_found", `There is no task ${id}.`, { hint: "hq queue list shows them." });
  }

  function add(text: string, more: Partial<TaskView> = {}): TaskView {
    const number = views.size + 1;
    const message = String(100_000_000_000_000_000n + BigInt(number));
    const id = `task-${message}`;
    const view: TaskView = {
      id,
      task: {
        id,
        place: { channel: "200000000000000001", message },
        author: { id: "7", name: "ada", isBot: false },
        actor: { kind: "person", id: "7", name: "ada", rights: ["delegate"] },
        text,
        attachments: [],
        postedAt: 1000 + number,
        hops: 0,
      },
      status: "open",
      objective: text.replaceAll(/\s*\[[a-z]+:[^\]]*\]/g, ""),
      tags: {},
      graceUntil: 0,
      tries: [],
      ...more,
    } as TaskView;
    views.set(id, view);
    deps.record(id, "task.seen", { text });
    return view;
  }

  function change(id: string, more: Partial<TaskState>): TaskView {
    const view = { ...viewFor(id), ...more };
    views.set(id, view);
    deps.record(id, "task.changed", more);
    return view;
  }

  const tasks: TaskVerbs = {
    see: async () => undefined,
    deleted: async () => undefined,
    task: async (id) => viewFor(id),
    async tasks({ status, open, before, limit = 50 }) {
      const until = before === undefined ? undefined : cursor(before);
      const all = [...views.values()]
        .reverse()
        .filter((view) => !status || status.includes(view.status))
        .filter((view) => open === undefined || open === ["open", "claimed"].includes(view.status))
        .filter((view) => until === undefined || view.id < until);
      const items = all.slice(0, limit);
      const last = items.at(-1);
      return all.length > items.length && last ? { items, next: last.id } : { items };
    },
    async runAgain(actor, id) {
      calls.push({ verb: "runAgain", actor, said: { id } });
      const view = viewFor(id);
      if (view.status === "open" || view.status === "claimed")
        throw new Refusal("already_settled", `${id} is ${view.status}: it is not over yet.`);
      return change(id, { status: "open" });
    },
    async withdraw(actor, id, reason) {
      calls.push({ verb: "withdraw", actor, said: { id, reason } });
      viewFor(id);
      return change(id, { status: "withdrawn" });
    },
  };

  const queue: QueueVerbs = {
    async submit(actor, request: SubmitRequest) {
      calls.push({ verb: "submit", actor, said: request });
      const text = taggedText(request);
      const name = request.key && `${request.key.scope}/${request.key.key}`;
      const known = name === undefined ? undefined : keys.get(name);
      if (known && known.text !== text) throw new Refusal("key_reused", "That key was used before.");
      if (known) return { task: viewFor(known.id), repeated: true };
      if (!state.discord) throw new Refusal("no_discord", "Discord is not connected.");
      if (request.model === "chaep") {
        const problems = [{ path: "model", message: "there is no model chaep; did you mean cheap?" }];
        throw new Refusal("invalid_input", "model: there is no model chaep", { problems });
      }
      const task = add(text);
      if (name !== undefined) keys.set(name, { id: task.id, text });
      return { task, repeated: false };
    },
    async wait(id, { timeoutMs, signal }) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(finish, timeoutMs ?? 60_000);
        const stop = deps.watch(look);
        function finish(): void {
          clearTimeout(timer);
          stop();
          resolve();
        }
        function look(): void {
          if (isTaskOver(viewFor(id)) || signal?.aborted) finish();
        }
        signal?.addEventListener("abort", finish, { once: true });
        look();
      });
      return viewFor(id);
    },
    async worker(id) {
      const view = workers.get(id);
      if (view) return view;
      throw new Refusal("not_found", `There is no worker ${id}.`);
    },
    async trigger() {
      calls.push({ verb: "trigger" });
      if (!state.discord) throw new Refusal("no_discord", "Discord is not connected.");
      const count = (status: string) => [...views.values()].filter((view) => view.status === status).length;
      return { messages: views.size, open: count("open"), claimed: count("claimed") };
    },
    async clear(actor, request: ClearRequest) {
      calls.push({ verb: "clear", actor, said: request });
      const page = request.before === undefined ? 1 : Number(request.before);
      return {
        removed: 100,
        kept: page === 1 ? state.kept : [],
        ...(page < state.pages ? { next: String(page + 1) } : {}),
      };
    },
    async *export() {
      yield* [...views.values()].reverse();
    },
    finishSubmissions: async () => undefined,
  };

  return {
    calls,
    workers,
    state,
    add,
    change,
    verbs: {
      tasks,
      queue,
      async stopNow(actor: Actor): Promise<StoppedNow> {
        calls.push({ verb: "stopNow", actor, said: actorName(actor) });
        return state.stopped;
      },
    },
  };
}

/** Like the ledger's, it is never empty. */
export function cursor(text: string): string {
  if (text !== "") return text;
  throw new Refusal("invalid_input", '"" is no cursor of a list.');
}
