import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DeliveryPort } from "../../src/discord/delivery-port.ts";
import { createDiscordEdge } from "../../src/discord/edge.ts";
import type { SessionMemory } from "../../src/discord/session-store.ts";
import type { Memory as DiscordMemory } from "../../src/discord/tasks-read.ts";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Config } from "../../src/domain/config.ts";
import type { DeliveryInput, Receipt } from "../../src/domain/delivery-types.ts";
import type { Delivery, DeliveryTarget } from "../../src/domain/effects.ts";
import type { RunView } from "../../src/domain/run-view.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import type { WorkerView } from "../../src/domain/worker-view.ts";
import type { Outcome } from "../../src/engine/loop.ts";
import type { ClaimedOf } from "../../src/engine/perform.ts";
import type { RunVerbs } from "../../src/engine/run-verbs.ts";
import type { TaskVerbs, TaskView } from "../../src/engine/task-verbs.ts";
import type { Verbs } from "../../src/engine/verbs.ts";
import { Refusal } from "../../src/kernel/refusal.ts";
import { createLocalGuild, type LocalGuildOptions } from "../../src/local/local-guild.ts";
import { cardOf, settingsOf } from "../support/core.ts";

export const TOKEN = `${"M".repeat(24)}.Gabcde.${"x".repeat(38)}`;
const FOLDER = join(import.meta.dirname, "../../commands");

export type Logged = { readonly level: string; readonly fields: object; readonly message: string };
export type EdgeOptions = {
  readonly guild?: Partial<LocalGuildOptions>;
  readonly verbs?: Partial<Verbs>;
  readonly config?: (config: Config) => Config;
  readonly attachable?: NonNullable<DeliveryPort["attachable"]>;
  readonly redact?: (text: string) => string;
  /** An edge that is not started. */
  readonly isIdle?: boolean;
};

/** A clock that a test may move: real time plus what was passed. */
export function movableClock() {
  let ahead = 0;
  return {
    now: () => Date.now() + ahead,
    pass(ms: number) {
      ahead += ms;
    },
  };
}

/** Wakes whoever waits for something to become so. */
export function createBell() {
  let waiting: (() => void)[] = [];
  return {
    ring(): void {
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    async until(isSo: () => boolean): Promise<void> {
      while (!isSo()) await new Promise<void>((wake) => waiting.push(wake));
    },
  };
}

/** The real edge and the real discord.js on a local guild in memory; the ledger's side is a few maps. */
export async function startEdge(t: TestContext, options: EdgeOptions = {}) {
  const clock = movableClock();
  const guild = await createLocalGuild({ port: 0, rates: false, now: clock.now, ...options.guild });
  await guild.start();
  t.after(guild.stop);
  const ledger = createMemory();
  const logs: Logged[] = [];
  const logAs = (level: string) => (fields: object, message: string) => {
    logs.push({ level, fields, message });
    ledger.onLog?.();
  };
  const plain: Config = {
    settings: settingsOf("/nowhere"),
    registry: createRegistry(
      ["webster", "tech-lead"].map((id) => cardOf(id, { capabilities: ["research"] })),
    ),
    acl: { name: "default", matrix: {}, never: [] },
    people: {
      roles: [
        { role: "Operators", rights: ["delegate", "any-agent", "operate"] },
        { role: "Engineering", as: "tech-lead", rights: ["delegate"] },
      ],
      users: [],
    },
    contracts: [],
    files: [],
  };
  const config = options.config?.(plain) ?? plain;
  const connections: boolean[] = [];
  const connectionBells: (() => void)[] = [];
  const failures: string[] = [];
  /** Why it waited for Discord; undefined = it waits no more. */
  const waits: (string | undefined)[] = [];
  const edgeOf = (
    more: {
      token?: string;
      guildId?: string;
      verbs?: Partial<Verbs>;
      memory?: DiscordMemory;
      sessions?: SessionMemory;
      deliveries?: Partial<DeliveryPort>;
    } = {},
  ) =>
    createDiscordEdge({
      token: more.token ?? TOKEN,
      api: guild.restApi,
      guildId: more.guildId ?? guild.guildId,
      commandsDir: FOLDER,
      verbs: { ...ledger.verbs, ...options.verbs, ...more.verbs } as Verbs,
      config: () => config,
      memory: more.memory ?? ledger.memory,
      ...(more.sessions ? { sessions: more.sessions } : {}),
      deliveries: {
        ...ledger.deliveries,
        ...more.deliveries,
        ...(options.attachable ? { attachable: options.attachable } : {}),
      },
      redact: options.redact ?? ((text) => text),
      onConnection(isConnected) {
        connections.push(isConnected);
        for (const ring of connectionBells.splice(0)) ring();
      },
      onWait(why) {
        waits.push(why && `${why.message} ${why.hint}`);
        for (const ring of connectionBells.splice(0)) ring();
      },
      onFatal: (refusal) => failures.push(`${refusal.message} ${refusal.hint}`),
      log: { debug: logAs("debug"), info: logAs("info"), warn: logAs("warn"), error: logAs("error") },
      now: clock.now,
      crash: () => undefined,
    });
  const edge = edgeOf();
  ledger.onBatch = (effect) => edge.perform.post(effect);
  t.after(edge.stop);
  if (!options.isIdle) await edge.start();

  async function until(isConnected: boolean): Promise<void> {
    while (connections.at(-1) !== isConnected) await new Promise<void>((ring) => connectionBells.push(ring));
  }

  async function untilWait(why: RegExp | undefined): Promise<void> {
    const isSo = (last: string | undefined) => (why ? why.test(last ?? "") : last === undefined);
    while (waits.length === 0 || !isSo(waits.at(-1))) {
      await new Promise<void>((ring) => connectionBells.push(ring));
    }
  }

  /** A person's act on the guild. */
  async function act<T = Record<string, never>>(path: string, body: object): Promise<T> {
    const response = await fetch(`${guild.url}/local/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as T;
    if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  return { guild, edge, edgeOf, ledger, logs, clock, connections, failures, waits, until, untilWait, act };
}

/** A queue in which nothing happens. */
function noTasks(): TaskVerbs {
  const none = (id: string) => Promise.reject(new Refusal("not_found", `There is no task ${id}.`));
  return {
    see: async () => undefined,
    deleted: async () => undefined,
    task: none,
    tasks: async () => ({ items: [] }),
    runAgain: (_, id) => none(id),
    withdraw: (_, id) => none(id),
  };
}

export type Memory = ReturnType<typeof createMemory>;

function createMemory() {
  const views = new Map<string, DelegationView>();
  const runs = new Map<string, RunView>();
  const receipts: Receipt[] = [];
  const inputs: DeliveryInput[] = [];
  const settled: string[] = [];
  const notes: string[] = [];
  const workers = new Map<string, WorkerView>();
  /** Those of a test's own verbs. */
  const queue: { tasks?: ReadonlyMap<string, TaskView> } = {};
  const memos = new Map<string, string>();
  const works = new Map<string, { readonly work: unknown; readonly actor: Actor; readonly at: number }>();
  const memory = {
    views,
    runs,
    workers,
    queue,
    memos,
    memory: {
      recall: async (name) => memos.get(name),
      async remember(name, value) {
        memos.set(name, value);
      },
    } satisfies DiscordMemory as DiscordMemory,
    receipts,
    inputs,
    settled,
    notes,
    works,
    batches: [] as Promise<Outcome>[],
    beforeRecord: undefined as ((input: DeliveryInput) => Promise<void>) | undefined,
    onRecord: undefined as (() => void) | undefined,
    onLog: undefined as (() => void) | undefined,
    /** Somebody looks for what a message shows. */
    onAsked: undefined as (() => void) | undefined,
    onBatch: undefined as ((effect: ClaimedOf<"post">) => Promise<Outcome>) | undefined,
    deliveries: {
      receipts: async (delivery) => receipts.filter((receipt) => receipt.delivery === delivery),
      async shownBy(message) {
        memory.onAsked?.();
        return receipts.filter((receipt) => receipt.message === message);
      },
      async record(input, settles) {
        await memory.beforeRecord?.(input);
        inputs.push(input);
        settled.push(...settles);
        if (input.type === "part-posted") receipts.push(input.receipt);
        if (input.type === "batch" && memory.onBatch)
          memory.batches.push(memory.onBatch(postOf(input.delivery)));
        memory.onRecord?.();
      },
      async view(run) {
        const view = views.get(run);
        if (view) return { kind: "delegation", view };
        const other = runs.get(run);
        if (other) return { kind: "run", view: other };
        const worker = workers.get(run);
        if (worker) return { kind: "worker", view: worker };
        const task = queue.tasks?.get(run);
        if (task) return { kind: "task", view: task };
        throw new Error(`no view of ${run}`);
      },
      batchBody: async (delivery) => {
        const batch = inputs.find((input) => input.type === "batch" && input.delivery.id === delivery);
        return batch?.type === "batch" ? batch.body : undefined;
      },
    } satisfies DeliveryPort,
    verbs: {
      interactions: {
        async note(id, work, actor) {
          if (works.has(id)) return false;
          works.set(id, { work: structuredClone(work), actor, at: Date.now() });
          notes.push(`note ${id}`);
          return true;
        },
        noted: async (id) => works.get(id),
        async begin(id) {
          notes.push(`begin ${id}`);
        },
        async done(id, outcome) {
          notes.push(`done ${id} ${outcome}`);
        },
        unfinished: async () => [],
      },
      agents: async () => [],
      tasks: noTasks(),
      runs: {
        workflows: () => [],
        async run(id) {
          const view = runs.get(id);
          if (view) return view;
          throw new Refusal("not_found", `There is no run ${id}.`);
        },
        runs: async () => ({ items: [...runs.values()] }),
      } as Partial<RunVerbs> as RunVerbs,
      history: async () => [],
      receipts: async (run) => receipts.filter(({ delivery }) => delivery.startsWith(`${run}/`)),
    } as Partial<Verbs>,
  };
  return memory;
}

let effects = 0;

/** A `post` effect as the loop hands it out for the first time. */
export function postOf(delivery: Delivery, more: Partial<ClaimedOf<"post">> = {}): ClaimedOf<"post"> {
  const id = `effect-${++effects}`;
  return {
    id,
    stream: delivery.subject ?? delivery.id,
    body: { type: "post", delivery },
    lane: "discord",
    dueAt: 0,
    createdAt: Date.now(),
    tries: 1,
    ...more,
  };
}

export function resultOf(run: string): Delivery {
  return { id: `${run}/result`, kind: "result", to: { role: "results" }, subject: run };
}

export function logOf(run: string): Delivery {
  return { id: `${run}/log`, kind: "log", to: { role: "agentLogs" }, subject: run };
}

export function noticeOf(id: string, text: string, to: DeliveryTarget = { channel: "technical" }): Delivery {
  return { id, kind: "notice", to, text };
}

export function cardEffect(run: string, more: Partial<ClaimedOf<"card">> = {}): ClaimedOf<"card"> {
  const id = `effect-${++effects}`;
  return {
    id,
    stream: run,
    body: { type: "card", run, to: { channel: "technical" } },
    lane: "discord",
    dueAt: 0,
    createdAt: Date.now(),
    tries: 1,
    ...more,
  };
}
