import { viewOfWorker } from "../domain/worker.ts";
import { Refusal } from "../kernel/refusal.ts";
import { LONGEST_TIMER_MS } from "../kernel/time.ts";
import type { Engine } from "./accept.ts";
import { hopsOf } from "./hops.ts";
import { notingCleared } from "./note-cleared.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { QueueChannel, Removed } from "./ports/queue-channel.ts";
import {
  type ClearedPage,
  type ClearRequest,
  isTaskOver,
  type QueueChannelName,
  type QueueVerbs,
  type TriggerAnswer,
} from "./queue-verbs.ts";
import { createSubmissions, type SubmissionDeps } from "./submissions.ts";
import type { TaskVerbs, TaskView } from "./task-verbs.ts";

/** As many messages as Discord removes at once. */
const PAGE = 100;
const ROLES = { "task-queue": "taskQueue", results: "results", "worker-pool": "workerPool" } as const;

export type QueueVerbsDeps = Omit<SubmissionDeps, "tasks" | "ledger" | "hopsOf"> & {
  readonly tasks: TaskVerbs;
  readonly ledger: Ledger;
  /** The channel for who only reads it. */
  readonly reader: () => Promise<Pick<QueueChannel, "readBack">>;
  readonly engine: Pick<Engine, "watch" | "read" | "accept">;
};

export function createQueueVerbs(given: QueueVerbsDeps): QueueVerbs {
  const deps = { ...given, channel: notingCleared(given) };
  const { tasks, engine } = deps;
  const { submit, finishSubmissions } = createSubmissions({
    ...deps,
    hopsOf: (actor) => hopsOf(engine, deps.ledger, actor),
  });
  let pass: Promise<TriggerAnswer> | undefined;

  async function lookOnce(): Promise<TriggerAnswer> {
    const reader = await deps.reader();
    await finishSubmissions();
    const read = await reader.readBack();
    const counts = await deps.ledger.counts();
    const count = (status: string) =>
      counts.find((one) => one.kind === "task" && one.status === status)?.count ?? 0;
    return { ...read, open: count("open"), claimed: count("claimed") };
  }

  async function clearTasks(statuses: readonly string[], before: string | undefined): Promise<ClearedPage> {
    const page = await tasks.tasks({
      status: statuses,
      limit: PAGE,
      ...(before === undefined ? {} : { before }),
    });
    const there = page.items.filter(({ deletedAt }) => deletedAt === undefined);
    const parts: Removed[] = [];
    for (const channel of new Set(there.map(({ task }) => task.place.channel))) {
      const here = there.filter(({ task }) => task.place.channel === channel);
      parts.push(await remove(here, channel), await removeCards(here, channel));
    }
    return cleared(parts, page.next);
  }

  /** What is over as well when the gateway is silent: each removal is seen here at once. */
  async function remove(there: readonly TaskView[], channel: string): Promise<Removed> {
    const port = await deps.channel();
    const done = await port.clear(
      channel,
      there.map(({ task }) => task.place.message),
    );
    const removed = new Set(done.removed);
    for (const { task } of there) if (removed.has(task.place.message)) await tasks.deleted(task.place);
    return done;
  }

  /** What was posted about tasks beside them: cards and answers. A card that still changes would come back. */
  async function removeCards(there: readonly TaskView[], channel: string): Promise<Removed> {
    const over = there.filter(isTaskOver);
    const receipts = await Promise.all(over.map(({ id }) => deps.ledger.receiptsOf(id)));
    const messages = receipts.flat().filter((receipt) => receipt.channel === channel);
    const port = await deps.channel();
    const done: Removed[] = [];
    for (let from = 0; from < messages.length; from += PAGE) {
      const part = messages.slice(from, from + PAGE).map(({ message }) => message);
      done.push(await port.clear(channel, part));
    }
    return { removed: done.flatMap(({ removed }) => removed), kept: done.flatMap(({ kept }) => kept) };
  }

  async function clearChannel(name: QueueChannelName, before: string | undefined): Promise<ClearedPage> {
    const port = await deps.channel();
    const { channel, messages, next } = await port.messages(ROLES[name], before);
    const done = await port.clear(channel, messages);
    if (name === "task-queue") for (const message of done.removed) await tasks.deleted({ channel, message });
    return cleared([done], next);
  }

  return {
    submit,
    finishSubmissions,
    async wait(id, options) {
      await tasks.task(id);
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(finish, Math.min(options.timeoutMs ?? LONGEST_TIMER_MS, LONGEST_TIMER_MS));
        const unwatch = engine.watch(look, id);
        function finish() {
          clearTimeout(timer);
          unwatch();
          options.signal?.removeEventListener("abort", finish);
          resolve();
        }
        function look() {
          tasks.task(id).then(
            (task) => {
              if (isTaskOver(task)) finish();
            },
            (error: unknown) => {
              finish();
              reject(error);
            },
          );
        }
        options.signal?.addEventListener("abort", finish, { once: true });
        if (options.signal?.aborted) finish();
        look();
      });
      return tasks.task(id);
    },
    async worker(id) {
      const state = await engine.read("worker", id);
      if (state) return viewOfWorker(state);
      throw new Refusal("not_found", `There is no worker ${id}.`, {
        hint: "`hq queue show <task>` names those of a task.",
      });
    },
    trigger() {
      pass ??= lookOnce().finally(() => {
        pass = undefined;
      });
      return pass;
    },
    async clear(_actor, request: ClearRequest) {
      // Where nothing can be removed it is refused, also when there would be nothing to remove.
      await deps.channel();
      return "statuses" in request
        ? clearTasks(request.statuses, request.before)
        : clearChannel(request.channel, request.before);
    },
    async *export() {
      for (let before: string | undefined; ; ) {
        const page = await tasks.tasks({ limit: 200, ...(before ? { before } : {}) });
        yield* page.items;
        before = page.next;
        if (!before) return;
      }
    },
  };
}

function cleared(parts: readonly Removed[], next: string | undefined): ClearedPage {
  const kept = new Map<string, number>();
  for (const { reason } of parts.flatMap((part) => part.kept)) kept.set(reason, (kept.get(reason) ?? 0) + 1);
  return {
    removed: parts.reduce((sum, part) => sum + part.removed.length, 0),
    kept: [...kept].map(([reason, count]) => ({ reason, count })),
    ...(next ? { next } : {}),
  };
}
