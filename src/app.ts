import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { createAgents } from "./agents/agents.ts";
import { type Api, createApi } from "./api/server.ts";
import { createConfigHolder } from "./app/config-holder.ts";
import { createCore } from "./app/core.ts";
import { agentToken, createActorFor, loadCredentials } from "./app/credentials.ts";
import type { Edge } from "./app/edge.ts";
import { createHealth } from "./app/health.ts";
import { makeHome, readRunFile, removeRunFile, writeRunFile } from "./app/home.ts";
import { leaveWhenIdle } from "./app/idle.ts";
import { type Env, readMode } from "./app/mode.ts";
import type { Agents } from "./engine/ports/agents.ts";
import type { Ledger } from "./engine/ports/ledger.ts";
import type { Crash } from "./engine/ports/log.ts";
import { createInbox } from "./handoffs/inbox.ts";
import { createHandoffTokens } from "./handoffs/token.ts";
import { createLifecycle, type Part } from "./kernel/lifecycle.ts";
import { Refusal } from "./kernel/refusal.ts";
import { holdHome } from "./ledger/lock.ts";
import { openSqliteLedger } from "./ledger/sqlite.ts";
import { createJournal } from "./telemetry/journal.ts";
import { createLog } from "./telemetry/log.ts";
import { createRedact } from "./telemetry/redact.ts";
import { createMinute } from "./triggers/minute.ts";

const STOP_WITHIN_MS = 10_000;

export type AppOptions = {
  readonly installation: string;
  readonly home: string;
  readonly configDir: string;
  readonly env: Env;
  readonly version: string;
  readonly isEmbedded: boolean;
  /** 0 = a free one. */
  readonly ports: { readonly api: number; readonly guild: number };
  readonly onStopAsked: () => void;
  readonly overrides?: { readonly crash?: (point: string) => void; readonly now?: () => number };
};

export type Ready = {
  readonly pid: number;
  readonly version: string;
  readonly mode: "local" | "discord" | "embedded";
  readonly samples: boolean;
  readonly home: string;
  readonly api: string;
  readonly guild?: string;
  readonly guildKey?: string;
  readonly startedAt: string;
};

type Begin = (part: Part) => Promise<void>;

/** The whole supervisor. Starts everything in order, stops it in the opposite one; only this file knows the store. */
export function createApp(options: AppOptions) {
  const lifecycle = createLifecycle();

  async function start(): Promise<Ready> {
    try {
      return await startAll(options, lifecycle.add);
    } catch (error) {
      await stop();
      throw error;
    }
  }

  async function stop(): Promise<void> {
    removeRunFile(options.home, process.pid);
    await lifecycle.stop();
  }

  return { start, stop };
}

async function startAll(options: AppOptions, begin: Begin): Promise<Ready> {
  const base = await openBase(options, begin);
  const { mode, samples, startedAt, log } = base;
  const { ledger, epoch, holder } = await openLedger(options, base, begin);
  const agents = createAgents({
    now: base.now,
    secret: (name) => options.env[name],
    log,
    version: options.version,
  });
  await begin({ name: "agents", stop: agents.close });
  await base.config.startSamples(begin, log);
  const stage = createStage(options, base, { ledger, epoch, holder, agents });
  await openDoors(options, base, stage, begin);

  const { api, edge } = stage.doors();
  const ready: Ready = {
    pid: process.pid,
    version: options.version,
    mode: mode.kind,
    samples,
    home: options.home,
    api,
    ...(edge?.guildUrl ? { guild: edge.guildUrl } : {}),
    ...(edge?.guildKey ? { guildKey: edge.guildKey } : {}),
    startedAt: new Date(startedAt).toISOString(),
  };
  const { samples: _, home: __, ...run } = ready;
  stage.health.noteReady();
  writeRunFile(options.home, run);
  log.info({ ...ready, guildKey: undefined }, "ready");
  return ready;
}

/** What everything else stands on: the folder, held by us alone; who may ask; the configuration; the log. */
async function openBase(options: AppOptions, begin: Begin) {
  const { home, env } = options;
  const now = options.overrides?.now ?? Date.now;
  const crash: Crash = options.overrides?.crash ?? (() => undefined);
  const startedAt = now();
  const { mode, samples, notices } = readMode(env, options.isEmbedded);
  makeHome(home);
  const describe = { pid: process.pid, startedAt: new Date(startedAt).toISOString() };
  const lock = await holdHome({ path: join(home, "supervisor.lock"), describe });
  if (!lock.ok) throw lockedBy(home, lock.holder);
  await begin({ name: "lock", stop: lock.release });
  const credentials = loadCredentials(home, env);
  const config = createConfigHolder({ ...options, samples, now });
  const redact = createRedact(() => [credentials.apiKey, credentials.secret, ...config.secrets()]);
  const { level } = config.current().settings.logs;
  const log = createLog({
    file: join(home, "logs", "supervisor.log"),
    level,
    redact,
    people: process.stderr,
  });
  await begin({ name: "log", stop: log.close });
  for (const text of [...notices, ...config.warnings]) log.warn({ text }, "a notice");
  return { now, crash, startedAt, mode, samples, credentials, config, redact, log };
}

type Base = Awaited<ReturnType<typeof openBase>>;

async function openLedger(options: AppOptions, base: Base, begin: Begin) {
  const ledger = await openSqliteLedger({ path: join(options.home, "ledger.db"), now: base.now });
  await begin({ name: "ledger", stop: ledger.close });
  const holder = `${process.pid}-${randomUUID()}`;
  // The folder's lock says who leads; the lease only gives each life its own number, so it may end at once.
  const lease = await ledger.lease("coordinator", holder, 1);
  if (!lease) throw new Refusal("locked", "Another supervisor leads this ledger.");
  await ledger.release(lease.epoch);
  return { ledger, epoch: () => lease.epoch, holder };
}

type Store = {
  readonly ledger: Ledger;
  readonly epoch: () => number;
  readonly holder: string;
  readonly agents: Agents;
};

/** Engine, loop, inbox and verbs, before anybody can knock. */
function createStage(options: AppOptions, base: Base, store: Store) {
  const { now, log, crash, config, credentials, startedAt } = base;
  const { version } = options;
  let api = "";
  let edge: Edge | undefined;
  const mode = base.mode.kind;
  const health = createHealth({
    ...store,
    config: config.current,
    version,
    mode,
    startedAt,
    now,
    edge: () => edge,
  });
  const onBroken = health.noteBroken(log);
  const core = createCore({
    ...store,
    config: config.current,
    createInbox: (sink) =>
      createInbox({
        settings: () => config.current().settings.handoffs,
        agents: () => config.current().registry.agents,
        sink,
        now,
        log,
        crash,
      }),
    secret: credentials.secret,
    journal: createJournal(() => config.current().settings.logs),
    tokens: createHandoffTokens(credentials.secret),
    handInUrl: (run) => `${api}/api/v1/handoffs/${run}`,
    readChannel: (channel, messages) => {
      if (edge) return edge.readChannel(channel, messages);
      throw new Refusal("no_discord", "Channels cannot be read: this supervisor has no Discord.", {
        hint: "Start it with `npm start`: with the local guild, or with DISCORD_TOKEN and GUILD_ID.",
      });
    },
    discord: () => edge,
    health: health.read,
    startedAt,
    now,
    log,
    crash,
    onBroken,
  });
  return {
    ...core,
    ...store,
    health,
    onBroken,
    doors: () => ({ api, edge }),
    useApi: (url: string) => {
      api = url;
    },
    useEdge: (made: Edge) => {
      edge = made;
    },
  };
}

type Stage = ReturnType<typeof createStage>;

/** Opens what people, programs and files come through; stopped in the opposite order: edges, loop, inbox. */
async function openDoors(options: AppOptions, base: Base, stage: Stage, begin: Begin): Promise<void> {
  const { config, log, now } = base;
  const { inbox, loop, verbs, onBroken } = stage;
  await begin({ name: "inbox", start: inbox.start, stop: inbox.stop });
  const api = createApi({
    verbs,
    actorFor: createActorFor(base.credentials, () => config.current().registry),
    agentToken: (id) => agentToken(base.credentials.secret, id),
    settings: () => config.current().settings.api,
    log,
    now,
    version: options.version,
    onStop: options.onStopAsked,
  });
  stage.useApi(await listen(api, options.ports.api));
  await begin({ name: "loop", start: async () => loop.start(), stop: () => loop.stop(STOP_WITHIN_MS) });
  await begin({ name: "api", stop: api.stop });
  const onChange = () => {
    stage.agents.forgive();
    loop.ring();
  };
  await begin(config.watch({ log, onChange }));
  const askAgents = () =>
    Promise.all(config.current().registry.agents.map((card) => stage.agents.probe(card)));
  const look = () => {
    stage.lookForLostRuns().then(askAgents).catch(onBroken);
  };
  look();
  const onMinute = () => {
    inbox.sweep().catch(onBroken);
    look();
    loop.ring();
    stage.doors().edge?.reconcile();
  };
  await begin(createMinute(onMinute));
  if (options.isEmbedded) {
    await begin(
      leaveWhenIdle({ verbs, now, lastAskedAt: api.lastAskedAt, onIdle: options.onStopAsked, onBroken }),
    );
    return;
  }
  // discord.js and the local guild are half of the memory: a temporary supervisor does without.
  const { createEdge } = await import("./app/edge.ts");
  await createEdge(
    {
      ...base,
      ...stage,
      home: options.home,
      installation: options.installation,
      guildPort: options.ports.guild,
      config: config.current,
      onConnection: (isOpen) => loop.setLane("discord", isOpen),
      onMade: stage.useEdge,
    },
    begin,
  );
}

async function listen(api: Api, port: number): Promise<string> {
  try {
    return await api.listen(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Refusal("locked", `Port ${port} is taken by another program.`, {
      hint: "Choose another one: HQ_PORT=18710 npm start (0 = a free one).",
      cause: error,
    });
  }
}

function lockedBy(home: string, holder: unknown): Refusal {
  const run = readRunFile(home);
  const pid = (holder as { pid?: number } | undefined)?.pid ?? run?.pid;
  return new Refusal("locked", `Another supervisor (pid ${pid ?? "unknown"}) already works in ${home}.`, {
    hint: `Use it${run ? ` at ${run.api}` : ""}, stop it with \`hq stop\`, or give this one its own HQ_HOME.`,
  });
}
