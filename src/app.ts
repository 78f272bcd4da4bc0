import { inspect } from "node:util";
import { createAgents } from "./agents/agents.ts";
import { type AppOptions, type Begin, openBase } from "./app/base.ts";
import { openDoors } from "./app/doors.ts";
import type { Edge } from "./app/edge.ts";
import { handledByAll, readHandledTasks } from "./app/handled-tasks.ts";
import { removeRunFile, writeRunFile } from "./app/home.ts";
import { makeOwnFolders } from "./app/own-folders.ts";
import { createStage } from "./app/stage.ts";
import { openStore } from "./app/store.ts";
import { exampleAgent } from "./domain/agent-card.ts";
import type { Config } from "./domain/config.ts";
import { createLifecycle } from "./kernel/lifecycle.ts";

export type Ready = {
  readonly pid: number;
  readonly version: string;
  readonly mode: "local" | "discord" | "embedded";
  readonly samples: boolean;
  readonly home: string;
  readonly api: string;
  readonly guild?: string;
  readonly guildKey?: string;
  /** Somebody to try it with. */
  readonly agent?: string;
  /** Signs in on the web page, once. */
  readonly page?: string;
  readonly startedAt: string;
};

/** The whole supervisor. Starts everything in order, stops it in the opposite one. */
export function createApp(options: AppOptions) {
  const warn = (error: unknown) => process.emitWarning(inspect(error), "StopWarning");
  const lifecycle = createLifecycle(warn);

  async function start(): Promise<Ready> {
    try {
      return await startAll(options, lifecycle.add);
    } catch (error) {
      await stop().catch(warn);
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
  const { modeName, samples, startedAt, log } = base;
  makeOwnFolders(base.config.current().settings, options.configDir);
  const store = await openStore(options, base, begin);
  if (store.shared) base.useSecret(store.shared.secret);
  const agents = createAgents({
    now: base.now,
    secret: (name) => options.env[name],
    log,
    version: options.version,
    timeouts: options.overrides?.agentTimeouts ?? {},
  });
  await begin({ name: "agents", stop: agents.close });
  await base.config.startSamples(begin, log);
  const handled = await (store.shared
    ? handledByAll(options.home, store.ledger)
    : readHandledTasks(options.home));
  const stage = createStage(options, base, { ...store, agents, handled });
  await openDoors(options, base, stage, begin);

  const { api, edge, pageLink } = stage.doors();
  const ready: Ready = {
    pid: process.pid,
    version: options.version,
    mode: modeName,
    samples,
    home: options.home,
    api,
    ...guildOf(edge),
    ...someAgent(base.config.current()),
    ...(pageLink && !options.isEmbedded ? { page: pageLink().url } : {}),
    startedAt: new Date(startedAt).toISOString(),
  };
  const { samples: _, home: __, page: ___, agent: ____, ...run } = ready;
  stage.health.noteReady();
  writeRunFile(options.home, run);
  stage.onEdge((made) => {
    const guild = guildOf(made);
    if (!guild.guild) return;
    writeRunFile(options.home, { ...run, ...guild });
    options.onGuild?.({ ...guild, ...someAgent(base.config.current()) });
  });
  log.info({ ...ready, guildKey: undefined, page: undefined }, "ready");
  return ready;
}

function someAgent({ registry }: Config): Pick<Ready, "agent"> {
  const agent = exampleAgent(registry.agents);
  return agent === undefined ? {} : { agent };
}

/** Of several members only the one that leads has a local guild: another one gets its own when it takes over. */
function guildOf(edge: Edge | undefined): Pick<Ready, "guild" | "guildKey"> {
  return {
    ...(edge?.guildUrl ? { guild: edge.guildUrl } : {}),
    ...(edge?.guildKey ? { guildKey: edge.guildKey } : {}),
  };
}
