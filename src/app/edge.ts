import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createDiscordEdge, type DiscordEdge } from "../discord/edge.ts";
import type { Config } from "../domain/config.ts";
import type { Engine } from "../engine/accept.ts";
import type { ChannelReader } from "../engine/ports/channels.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { Verbs } from "../engine/verbs.ts";
import { readArtifacts } from "../handoffs/artifacts.ts";
import type { Part } from "../kernel/lifecycle.ts";
import type { Redact } from "../telemetry/redact.ts";
import { createDeliveries } from "./deliveries.ts";
import type { DiscordPart } from "./discord-part.ts";
import type { Mode } from "./mode.ts";
import { onFreePort } from "./port.ts";

const MOST_ATTACHED_BYTES = 8 * 1024 * 1024;

export type Edge = DiscordPart & {
  readonly readChannel: ChannelReader;
  readonly reconcile: () => void;
  readonly isConnected: () => boolean;
  /** Why only a person can mend it, when that is so. */
  readonly trouble: () => string | undefined;
  readonly guildUrl?: string;
  readonly guildKey?: string;
};

export type EdgeDeps = {
  readonly mode: Mode;
  readonly home: string;
  readonly installation: string;
  readonly guildPort: number;
  readonly samples: boolean;
  readonly config: () => Config;
  readonly verbs: Verbs;
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly redact: Redact;
  readonly now: () => number;
  readonly crash: Crash;
  readonly onConnection: (isOpen: boolean) => void;
  /** Called before it connects: what it may be asked, it is asked as soon as it is. */
  readonly onMade: (edge: Edge) => void;
};

/** Connects people: to Discord, or to a local guild that is started first. */
export async function createEdge(deps: EdgeDeps, begin: (part: Part) => Promise<void>): Promise<void> {
  const { mode } = deps;
  const guild = mode.kind === "local" ? await startGuild(deps, begin) : undefined;
  const place =
    mode.kind === "discord"
      ? { token: mode.token, guildId: mode.guildId, ...(mode.api ? { api: mode.api } : {}) }
      : { token: "local-guild-bot", guildId: guild?.id ?? "", api: guild?.restApi ?? "" };
  let trouble: string | undefined;
  const edge: DiscordEdge = createDiscordEdge({
    ...deps,
    ...place,
    commandsDir: join(deps.installation, "commands"),
    deliveries: createDeliveries({ ...deps, attachable: (run) => attachable(deps, run) }),
    onFatal(refusal) {
      trouble = `${refusal.message} ${refusal.hint ?? ""}`.trim();
    },
  });
  deps.onMade({
    post: edge.perform.post,
    card: edge.perform.card,
    readChannel: edge.readChannel,
    reconcile: edge.reconcile,
    isConnected: edge.isConnected,
    trouble: () => trouble,
    ...(guild ? { guildUrl: guild.url } : {}),
    ...(guild?.key ? { guildKey: guild.key } : {}),
  });
  await begin({
    name: "discord",
    start: async () => {
      await edge.start();
    },
    stop: edge.stop,
  });
}

async function startGuild(deps: EdgeDeps, begin: (part: Part) => Promise<void>) {
  const { createLocalGuild, GUILD_ID } = await import("../local/local-guild.ts");
  const key = deps.samples ? undefined : randomBytes(24).toString("base64url");
  const guild = await createLocalGuild({
    port: deps.guildPort,
    dir: join(deps.home, "guild"),
    log: deps.log,
    now: deps.now,
    ...(key ? { key } : {}),
  });
  const start = () => onFreePort(deps.guildPort, "HQ_GUILD_PORT", guild.start);
  await begin({ name: "local guild", start, stop: guild.stop });
  return { id: GUILD_ID, url: guild.url, restApi: guild.restApi, key };
}

/** The artifacts of a settled run that may be shown in its result. */
async function attachable(deps: EdgeDeps, run: string) {
  const { settings, registry } = deps.config();
  const state = await deps.engine.read("delegation", run);
  const paths = state?.outcome?.handoff?.artifacts ?? [];
  if (!state || paths.length === 0) return [];
  const workspace = registry.find(state.order.agent)?.workspace;
  return readArtifacts({
    paths,
    roots: [join(settings.handoffs.dir, "artifacts"), ...(workspace ? [workspace] : [])],
    forbidden: [deps.home],
    maxBytes: MOST_ATTACHED_BYTES,
    hasSecret: (text) => deps.redact(text) !== text,
  });
}
