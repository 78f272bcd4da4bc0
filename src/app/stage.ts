import { createWorkers } from "../agents/workers/workers.ts";
import type { Api } from "../api/server.ts";
import { type AgentCard, isElsewhere } from "../domain/agent-card.ts";
import type { Agents } from "../engine/ports/agents.ts";
import { createInbox } from "../handoffs/inbox.ts";
import { makeFolder } from "../handoffs/make-folder.ts";
import { createProposals } from "../handoffs/proposals.ts";
import { createRunFiles } from "../handoffs/run-files.ts";
import { createHandoffTokens } from "../handoffs/token.ts";
import { createUploadFiles } from "../handoffs/upload-files.ts";
import { createWorkspaceFiles } from "../handoffs/workspace-files.ts";
import { Refusal } from "../kernel/refusal.ts";
import { createCheckSchema } from "../schemas/check-schema.ts";
import { createJournal } from "../telemetry/journal.ts";
import { createPictures } from "../telemetry/pictures.ts";
import type { AppOptions, Base } from "./base.ts";
import { createConfigParts } from "./config-parts.ts";
import { createCore } from "./core.ts";
import type { Edge } from "./edge.ts";
import { createElsewhere } from "./elsewhere.ts";
import { createFolderMemo } from "./handoff-folders.ts";
import { createHealth } from "./health.ts";
import { createLastChange } from "./last-change.ts";
import type { OpenStore } from "./store.ts";

export type Store = OpenStore & {
  readonly agents: Agents;
  /** Messages of the queue whose tasks were done by other tools. */
  readonly handled: ReadonlySet<string>;
};

/** Engine, loop, inbox and verbs, before anybody can knock. */
export function createStage(options: AppOptions, base: Base, store: Store) {
  const { now, log, crash, config, credentials, startedAt } = base;
  const { version } = options;
  let api = "";
  let pageLink: Api["pageLink"] | undefined;
  let edge: Edge | undefined;
  let onEdge: ((made: Edge) => void) | undefined;
  let connect: (() => Promise<void>) | undefined;
  const health = createHealth({
    ...store,
    config: config.current,
    version,
    mode: base.modeName,
    startedAt,
    now,
    edge: () => edge,
    isHeld: () => core.hold.isOn(),
  });
  const onBroken = health.noteBroken(log);
  /** By which this agent reaches the API. */
  function addressFor(card: AgentCard): string {
    const { publicUrl } = config.current().settings.api;
    return publicUrl !== undefined && isElsewhere(card) ? publicUrl : api;
  }
  const workers = createWorkers({
    settings: () => config.current().settings.taskQueue,
    env: options.env,
    secrets: () => [credentials.apiKey, credentials.secret, ...config.secrets()],
    now,
    log,
    crash,
  });
  const { shared, ledger } = store;
  const lastChange = createLastChange({ ledger, config: config.current, env: options.env, version, now });
  const elsewhere = createElsewhere(shared);
  const core = createCore({
    ...store,
    ...(shared ? { home: shared.home, host: shared.host, life: shared.life } : {}),
    config: config.current,
    changedAt: lastChange.at,
    createInbox: (sink) =>
      createInbox({
        settings: () => config.current().settings.handoffs,
        agents: () => config.current().registry.agents,
        sink,
        memo: createFolderMemo(options.home),
        // Compared with the times of files.
        now: base.wall,
        log,
        crash,
      }),
    secret: credentials.secret,
    journal: createJournal(() => config.current().settings.logs, makeFolder),
    pictures: createPictures(),
    proposals: createProposals(options.home),
    workspaceFiles: createWorkspaceFiles(crash),
    uploads: createUploadFiles(() => config.current().settings.handoffs.dir),
    runFiles: createRunFiles(() => config.current().settings.handoffs.dir),
    workers,
    workflows: base.workflows.entries,
    checkSchema: createCheckSchema(),
    tokens: createHandoffTokens(credentials.secret),
    handInUrl: (run, card) => `${addressFor(card)}/api/v1/handoffs/${run}`,
    delegateUrl: (card) => `${addressFor(card)}/api/v1/delegations`,
    connect: async () => connect?.(),
    elsewhere,
    isHandled: (message) => store.handled.has(message),
    readChannel: async (channel, messages) => {
      await connect?.();
      if (edge) return edge.readChannel(channel, messages);
      throw (
        (await elsewhere()) ??
        new Refusal("no_discord", "Channels cannot be read yet: the supervisor is still starting.")
      );
    },
    messagePlace(channel, message) {
      const link = messageLink(base, edge, channel, message);
      const channelName = edge?.channelName(channel);
      return {
        ...(link === undefined ? {} : { link }),
        ...(channelName === undefined ? {} : { channelName }),
      };
    },
    discord: () => edge,
    health: health.read,
    startedAt,
    now,
    log,
    crash,
    onBroken,
  });
  shared?.roster.use({
    api: () => api,
    behind: core.engine.behind,
    config: createConfigParts(config.current, base.workflows.entries),
  });
  return {
    ...core,
    ...store,
    workers,
    health,
    onBroken,
    noteChange: lastChange.note,
    doors: () => ({ api, edge, pageLink }),
    useApi: (url: string, made: Pick<Api, "pageLink">) => {
      api = url;
      pageLink = made.pageLink;
    },
    /** How a temporary supervisor, which has no edge, gets one when a channel is to be read. */
    connectWhenAsked: (how: () => Promise<void>) => {
      connect = how;
    },
    useEdge: (made: Edge) => {
      edge = made;
      onEdge?.(made);
    },
    /** Told of one that is made from now on. */
    onEdge: (listener: (made: Edge) => void) => {
      onEdge = listener;
    },
  };
}

/** Discord opens a message by itself; the local guild its channel. */
function messageLink(
  { mode }: Base,
  edge: Edge | undefined,
  channel: string,
  message: string,
): string | undefined {
  if (mode.kind === "discord") return `https://discord.com/channels/${mode.guildId}/${channel}/${message}`;
  return edge?.guildUrl === undefined ? undefined : `${edge.guildUrl}/#channel=${channel}`;
}

export type Stage = ReturnType<typeof createStage>;
