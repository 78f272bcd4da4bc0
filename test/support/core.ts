import { join } from "node:path";
import { createCore } from "../../src/app/core.ts";
import type { DiscordPart } from "../../src/app/discord-part.ts";
import { DEFAULT_ACL } from "../../src/domain/acl.ts";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import type { Config } from "../../src/domain/config.ts";
import type { FileMove } from "../../src/domain/effects.ts";
import type { ModelRule } from "../../src/domain/model-choice.ts";
import type { Settings } from "../../src/domain/settings.ts";
import type { SkillContract } from "../../src/domain/skill-contract.ts";
import type { WorkflowDefinition } from "../../src/domain/workflow-types.ts";
import type { Agents, DispatchAnswer, DispatchRequest } from "../../src/engine/ports/agents.ts";
import type { ChannelReader } from "../../src/engine/ports/channels.ts";
import type { ArrivedHandoff, Inbox } from "../../src/engine/ports/handoffs.ts";
import type { Workers } from "../../src/engine/ports/workers.ts";
import { createHandoffTokens } from "../../src/handoffs/token.ts";
import { createUploadFiles } from "../../src/handoffs/upload-files.ts";
import { createWorkspaceFiles } from "../../src/handoffs/workspace-files.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { createCheckSchema } from "../../src/schemas/check-schema.ts";
import { createPictures } from "../../src/telemetry/pictures.ts";
import { clusterOf } from "./cluster.ts";
import { taskQueueOf } from "./task-queue.ts";

export const AGENT_IDS = [
  "manager",
  "tech-lead",
  "secretary",
  "auditor",
  "optimizer",
  "study-builder",
  "nx-expert",
  "webster",
] as const;

export function cardOf(id: string, more: Partial<AgentCard> = {}): AgentCard {
  const aliases = id === "tech-lead" ? ["technical-lead"] : [];
  return {
    id,
    name: id,
    aliases,
    url: "http://127.0.0.1:9",
    hooksPath: "/hooks/agent",
    capabilities: [],
    skills: [],
    role: `You are ${id}.`,
    handoffVia: "file",
    concurrency: 1,
    sample: true,
    ...more,
  };
}

export function settingsOf(home: string): Settings {
  return {
    takeOverMs: 120_000,
    delegation: {
      timeoutMs: 300_000,
      startWithinMs: 3_600_000,
      retries: 1,
      slotGraceMs: 30_000,
      ambiguousGraceMs: 60_000,
      maxDepth: 2,
      contextMessages: 20,
    },
    handoffs: {
      dir: join(home, "handoffs"),
      keepInPlace: false,
      maxBytes: 1 << 20,
      quietMs: 5000,
      scanMs: 1000,
      sweepMs: 30_000,
      polling: false,
      uploadMax: 10 * 1024 * 1024,
      uploadMaxTotal: 50 * 1024 * 1024,
    },
    taskQueue: taskQueueOf(home),
    models: [],
    workflows: { dir: join(home, "workflows") },
    cluster: clusterOf(home),
    agents: { healthEveryMs: 60_000 },
    logs: { dir: join(home, "logs/orchestration"), projectLog: join(home, "project_log.md"), level: "info" },
    channels: { roles: { results: "results", agentLogs: "agent-logs" }, ids: {}, contextable: ["*"] },
    discord: { batchAbove: 8, cardEditMs: 2000, mirror: false },
    api: { host: "127.0.0.1", allowedHosts: [], bodyLimit: 1 << 20, ratePerMinute: 600 },
  };
}

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export const readHello: ChannelReader = async (channel, messages) => ({
  channel,
  channelId: "1",
  messages,
  text: `[#${channel}] ada (Engineering): hello`,
});
const unasked = (what: string) => () => Promise.reject(new Error(`${what} was not expected in this test`));
const NO_WORKERS: Workers = {
  run: unasked("a worker"),
  kill: async () => undefined,
  killAll: async () => [],
  prune: async () => [],
};
/** A guild that takes every post and tells nothing. */
const NOBODY_THERE: DiscordPart = {
  post: async () => ({ kind: "done", outcome: "posted" }),
  card: async () => ({ kind: "done", outcome: "shown" }),
  interaction: async () => ({ kind: "done", outcome: "answered" }),
  claim: async () => ({ kind: "claimed", message: "1" }),
  check: async () => ({ kind: "done", outcome: "put" }),
  isConnected: () => true,
  queue: {
    post: unasked("a post"),
    readBack: unasked("a look"),
    messages: unasked("a list"),
    clear: unasked("a removal"),
  },
};

/**
 * The engine on a real SQLite file, with the far network scripted: `answer` decides what a gateway says.
 * Time is a number that the test moves; the loop is rung when it does. With `await using` it is stopped at the end of
 * the test's block, also when something in it fails: one that runs on would hold its file.
 */
export async function startCore(
  home: string,
  script: {
    answer?: (request: DispatchRequest) => DispatchAnswer | Promise<DispatchAnswer>;
    cards?: readonly AgentCard[];
    workflows?: readonly WorkflowDefinition[];
    contracts?: readonly SkillContract[];
    models?: readonly ModelRule[];
    at?: number;
    workers?: Partial<Workers>;
    /** May throw, as if the process died there: the effect is found begun, and done again. */
    crash?: (point: string) => void;
    readChannel?: ChannelReader;
    /** How one agent is, where not all are alike; for what is known and for what a probe finds. */
    condition?: (agent: string) => "up" | "down" | "unauthorized" | undefined;
    /** With it the Discord lane is open. */
    discord?: Partial<DiscordPart>;
    /** The number of our life as a member; none while others may take us for gone. */
    life?: () => number | undefined;
  } = {},
) {
  let at = script.at ?? 1_000_000_000_000;
  const sent: DispatchRequest[] = [];
  const archived: FileMove[] = [];
  const lines: string[] = [];
  const files = new Map<string, unknown>();
  const broken: unknown[] = [];
  const config: Config = {
    settings: { ...settingsOf(home), models: script.models ?? [] },
    registry: createRegistry(script.cards ?? AGENT_IDS.map((id) => cardOf(id))),
    acl: DEFAULT_ACL,
    people: { roles: [], users: [] },
    contracts: script.contracts ?? [],
    files: [],
  };
  let health: "up" | "down" = "up";
  let uptimeMs: number | undefined = 3_600_000;
  const found = new Map<string, { readonly state: string; readonly since: number }>();
  function sinceWhen(id: string, state: string): number {
    const before = found.get(id);
    if (before?.state === state) return before.since;
    found.set(id, { state, since: at });
    return at;
  }
  const agents: Agents = {
    async dispatch(request) {
      sent.push(request);
      return (await script.answer?.(request)) ?? { kind: "accepted" };
    },
    probe: async ({ id }) => {
      const state = script.condition?.(id) ?? health;
      return {
        state,
        text: state === "up" ? "" : "connection refused",
        checkedAt: at,
        since: sinceWhen(id, state),
        ...(uptimeMs === undefined || state === "down" ? {} : { uptimeMs }),
      };
    },
    health: (id) => {
      const state = script.condition?.(id);
      return state && { state, text: "", checkedAt: at, since: at };
    },
    askAt: async () => ({ state: "unknown", text: "" }),
    forgive: () => undefined,
    close: async () => undefined,
  };
  const ledger = await openSqliteLedger({ path: join(home, "ledger.db"), now: () => at });
  const lease = await ledger.lease("coordinator", `holder-${Math.random()}`, 1);
  if (!lease) throw new Error("no lease");
  await ledger.release(lease.epoch);
  let sink: (arrived: ArrivedHandoff) => Promise<void> = async () => undefined;
  const expected = new Set<string>();
  const inbox: Inbox = {
    pathFor: (order, _agent, attempt) =>
      join(home, "handoffs", attempt > 1 ? `${order.id}.${attempt}.json` : `${order.id}.json`),
    leftFolders: () => [],
    expect: (run) => void expected.add(run),
    forget: (run) => void expected.delete(run),
    lookFor: async () => undefined,
    archive: async (move) => {
      archived.push(move);
      return `${move.to}/${move.run}`;
    },
    sweep: async () => undefined,
    start: async () => undefined,
    stop: async () => undefined,
  };
  const core = createCore({
    ledger,
    epoch: () => lease.epoch,
    holder: lease.holder,
    config: () => config,
    changedAt: async () => 0,
    agents,
    createInbox: (given) => {
      sink = given;
      return inbox;
    },
    pictures: createPictures(),
    journal: { append: async ({ line }) => void lines.push(line) },
    proposals: {
      write: async (slug, text) => {
        files.set(`proposals/${slug}`, text);
        return `proposals/${slug}`;
      },
    },
    uploads: createUploadFiles(() => join(home, "handoffs")),
    workspaceFiles: createWorkspaceFiles((point) => script.crash?.(point)),
    runFiles: {
      pathOf: (run, name) => join(home, "handoffs", "workflows", run, `${name}.json`),
      write: async (run, name, document) => void files.set(`${run}/${name}`, document),
    },
    workers: { ...NO_WORKERS, ...script.workers },
    workflows: () =>
      (script.workflows ?? []).map((definition) => ({ name: definition.name, definition, problems: [] })),
    checkSchema: createCheckSchema(),
    secret: "a secret of the test, long enough",
    tokens: createHandoffTokens("a secret of the test, long enough"),
    handInUrl: (run) => `http://127.0.0.1:1/api/v1/handoffs/${run}`,
    delegateUrl: () => "http://127.0.0.1:1/api/v1/delegations",
    readChannel: script.readChannel ?? readHello,
    discord: () => script.discord && { ...NOBODY_THERE, ...script.discord },
    health: async () => ({ ready: true, version: "0", mode: "embedded", startedAt: at, checks: [] }),
    startedAt: at,
    now: () => at,
    log: SILENT,
    crash: script.crash ?? (() => undefined),
    ...(script.life ? { life: script.life } : {}),
    onBroken: (error) => broken.push(error),
  });
  core.loop.setLane("discord", script.discord !== undefined);
  core.loop.start();

  /** Resolves when a stream has an event of this type (looked up first, then waited for). */
  async function until(stream: string, type: string, count = 1): Promise<void> {
    const has = async () =>
      (await ledger.events({ stream, after: -1, limit: 1000 })).filter((event) => event.type === type)
        .length >= count;
    await new Promise<void>((resolve, reject) => {
      const look = () => void has().then((yes) => yes && done(), reject);
      const unwatch = core.engine.watch(look);
      const done = () => {
        unwatch();
        resolve();
      };
      look();
    });
  }

  /** Resolves when nothing is due and nothing is being performed. */
  async function settled(): Promise<void> {
    for (;;) {
      const due = await ledger.nextDue(["any", "host"], () => 1);
      if (core.loop.inFlight() === 0 && (due === undefined || due > at)) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      core.leaveWorkers();
      await core.loop.stop(1000);
      await ledger.close();
    })();
    return stopped;
  };

  return {
    ...core,
    ledger,
    config,
    settled,
    sent,
    archived,
    expected,
    lines,
    files,
    broken,
    until,
    now: () => at,
    /** Moves the clock and lets the loop see what became due. */
    pass(ms: number) {
      at += ms;
      core.loop.ring();
    },
    setHealth(state: "up" | "down", uptime?: number) {
      health = state;
      uptimeMs = uptime;
    },
    hand: (
      run: string,
      document: object,
      more: { attempt?: number; inode?: string; path?: string; digest?: string } = {},
    ) =>
      sink({
        runId: run,
        ok: true,
        document,
        source: {
          path: more.path ?? join(home, "handoffs", `${run}.json`),
          digest: more.digest ?? JSON.stringify(document),
          inode: more.inode ?? "1",
          attempt: more.attempt ?? 1,
        },
      }),
    handText: (run: string, text: string) =>
      sink({
        runId: run,
        ok: true,
        document: undefined,
        text,
        source: { path: join(home, "handoffs", `${run}.json`), digest: run, inode: run, attempt: 1 },
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export function handoffOf(runId: string, more: object = {}) {
  return {
    schemaVersion: "1.0",
    runId,
    agent: "webster",
    status: "complete",
    result: "0 ± 0.02 ppm/K",
    artifacts: [],
    confidence: "high",
    notes: "sample",
    timestamp: "2026-11-21T00:00:00Z",
    ...more,
  };
}
