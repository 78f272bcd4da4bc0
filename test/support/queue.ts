import type { DiscordPart } from "../../src/app/discord-part.ts";
import type { Actor } from "../../src/domain/actor.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import type { ClaimAnswer } from "../../src/engine/ports/task-claims.ts";
import type { WorkerEnd, WorkerOrder, Workers } from "../../src/engine/ports/workers.ts";
import type { SeenMessage } from "../../src/engine/task-verbs.ts";
import { startCore } from "./core.ts";
import { taskQueueOf } from "./task-queue.ts";

export const ADA: Actor = { kind: "person", id: "9", name: "ada", rights: ["any-agent"] };

/** Worker processes that do what a test says: each order is kept until it is ended. */
export function scriptWorkers() {
  const orders: WorkerOrder[] = [];
  const killed: string[] = [];
  const open = new Map<string, PromiseWithResolvers<WorkerEnd>>();
  const begun: (() => void)[] = [];
  const endOf = (more: Partial<WorkerEnd>): WorkerEnd => ({
    status: "succeeded",
    result: "ULE",
    files: ["RESULT.txt"],
    folder: "/w",
    startedAt: 1,
    endedAt: 2,
    ...more,
  });
  const workers: Workers = {
    run(order) {
      const known = open.get(order.id);
      if (known) return known.promise;
      orders.push(order);
      const run = Promise.withResolvers<WorkerEnd>();
      open.set(order.id, run);
      for (const look of begun.splice(0)) look();
      return run.promise;
    },
    async kill(id) {
      killed.push(id);
      open.get(id)?.resolve(endOf({ status: "canceled", reason: "killed" }));
    },
    async killAll() {
      const ids = [...open.keys()];
      await Promise.all(ids.map((id) => workers.kill(id)));
      return ids;
    },
    prune: async () => [],
  };
  return {
    workers,
    orders,
    killed,
    end: (id: string, more: Partial<WorkerEnd> = {}) => open.get(id)?.resolve(endOf(more)),
    /** Resolves when so many have been begun. */
    async begun(count: number): Promise<void> {
      while (orders.length < count) await new Promise<void>((resolve) => begun.push(resolve));
    },
  };
}

/** The engine with a queue's channel: what is posted and shown in it is kept, claims are answered as a test says. */
export async function startQueue(
  home: string,
  script: Parameters<typeof startCore>[1] & {
    claim?: (task: string) => ClaimAnswer | Promise<ClaimAnswer>;
    taskQueue?: Partial<ReturnType<typeof taskQueueOf>>;
  } = {},
) {
  const claims: string[] = [];
  const posts: Delivery[] = [];
  const cards: string[] = [];
  const checks: { task: string; wanted: boolean }[] = [];
  const discord: Partial<DiscordPart> = {
    async claim({ body }) {
      claims.push(body.task);
      return (await script.claim?.(body.task)) ?? { kind: "claimed", message: "1" };
    },
    async check({ body }) {
      checks.push({ task: body.task, wanted: body.wanted });
      return { kind: "done", outcome: "put" };
    },
    async post({ body }) {
      posts.push(body.delivery);
      return { kind: "done", outcome: "posted" };
    },
    async card({ body }) {
      cards.push(body.run);
      return { kind: "done", outcome: "shown" };
    },
    ...script.discord,
  };
  const core = await startCore(home, { ...script, discord });
  Object.assign(core.config.settings, { taskQueue: { ...taskQueueOf(home), ...script.taskQueue } });
  const { tasks } = core.verbs;

  return {
    ...core,
    tasks,
    claims,
    posts,
    cards,
    checks,
    /** The texts of notices, in the order in which they were posted. */
    notices: () => posts.flatMap(({ text }) => (text === undefined ? [] : [text])),
    /** A message as it would be read now. */
    message: (id: string, text: string, more: Partial<SeenMessage> = {}): SeenMessage => ({
      place: { channel: "5", message: id, guild: "1" },
      author: { id: "9", name: "ada", isBot: false },
      actor: ADA,
      text,
      attachments: [],
      postedAt: core.now(),
      hops: 0,
      checks: { others: [], own: false },
      ...more,
    }),
    /** Posted long enough ago to be taken at once. */
    async post(id: string, text: string, more: Partial<SeenMessage> = {}) {
      const postedAt = core.now() - 60_000;
      return tasks.see({ ...this.message(id, text), postedAt, ...more });
    },
    /** Resolves when nothing can begin now in any lane, and only so many workers are under way. */
    async quiet(workers = 0): Promise<void> {
      const room = (lane: string) =>
        lane.startsWith("agent:") ? 1 : core.config.settings.taskQueue.maxAtOnce;
      for (;;) {
        const due = await core.ledger.nextDue(["any", "host", "discord"], room);
        const wakeAt = await core.ledger.nextWake();
        const next = Math.min(due ?? Number.POSITIVE_INFINITY, wakeAt ?? Number.POSITIVE_INFINITY);
        if (core.loop.inFlight() === workers && next > core.now()) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

/** Lets time pass until a task is over, so that what is to be tried again is. */
export async function untilOver(queue: Queue, task: string) {
  for (;;) {
    await queue.quiet();
    const view = await queue.tasks.task(task);
    if (view.status !== "open" && view.status !== "claimed") return view;
    queue.pass(3000);
  }
}

export type Queue = Awaited<ReturnType<typeof startQueue>>;
