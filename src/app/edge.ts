import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createDiscordEdge, type DiscordEdge } from "../discord/edge.ts";
import type { HttpInteractions } from "../discord/interaction-doors.ts";
import type { WriteGuard } from "../discord/write-guard.ts";
import type { Config } from "../domain/config.ts";
import type { Engine } from "../engine/accept.ts";
import type { ChannelReader } from "../engine/ports/channels.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { PostedMessages } from "../engine/ports/posted.ts";
import type { Verbs } from "../engine/verbs.ts";
import { type Artifact, readArtifacts } from "../handoffs/artifacts.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { isRefusal, type Refusal } from "../kernel/refusal.ts";
import { valuesOf } from "../kernel/vector.ts";
import type { Redact } from "../telemetry/redact.ts";
import { bringUploads } from "./bring-uploads.ts";
import { createDeliveries } from "./deliveries.ts";
import type { DiscordPart } from "./discord-part.ts";
import type { Led } from "./leadership.ts";
import type { Shared } from "./membership.ts";
import type { Mode } from "./mode.ts";
import { onFreePort } from "./port.ts";
import { type SubjectState, subjectOf } from "./subjects.ts";

const MOST_ATTACHED_BYTES = 8 * 1024 * 1024;
const MOST_FILES = 9;

export type Edge = DiscordPart & {
  readonly readChannel: ChannelReader;
  readonly channelName: DiscordEdge["channelName"];
  readonly posted: PostedMessages;
  readonly reconcile: () => void;
  /** Ready to answer and to look things up without a connection. Throws `Refusal`. */
  readonly standBy: () => Promise<void>;
  readonly http: HttpInteractions;
  /** Connected, and requests are answered too. */
  readonly isReached: () => boolean;
  readonly unanswered: DiscordEdge["unanswered"];
  readonly troubledPosts: DiscordEdge["troubledPosts"];
  /** Why it is not reached, or why only a person can mend it, where that is known. */
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
  /** Who we are where effects are claimed. */
  readonly holder: string;
  /** Where several share the ledger. */
  readonly shared?: Pick<Shared, "leads">;
  readonly log: Log;
  readonly redact: Redact;
  readonly now: () => number;
  readonly crash: Crash;
  readonly onConnection: (isOpen: boolean) => void;
  /** Called before it connects: what it may be asked, it is asked as soon as it is. */
  readonly onMade: (edge: Edge) => void;
  /** Where the ledger is shared: keeps us from sending what is another one's to send. */
  readonly guard?: WriteGuard;
};

/** What people come through: Discord, or a local guild that is started first. It is not connected yet. */
export async function createEdge(
  deps: EdgeDeps,
  begin: (part: Part) => Promise<void>,
): Promise<Led & { readonly stop: () => Promise<void> }> {
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
    memory: deps.ledger,
    // The sessions of a guild of our own end with it.
    ...(guild ? {} : { sessions: { ...memoryOf(deps), isOurs: () => deps.shared?.leads() ?? true } }),
    onWait(why) {
      trouble = why && textOf(why);
    },
    onFatal(refusal) {
      trouble = textOf(refusal);
    },
  });
  const isReached = () => edge.isConnected() && edge.unanswered() === undefined;
  const troubleNow = () => trouble ?? unansweredText(edge.unanswered());
  deps.onMade({
    ...edge.perform,
    queue: edge.queue,
    readChannel: edge.readChannel,
    channelName: edge.channelName,
    posted: edge.posted,
    reconcile: edge.reconcile,
    standBy: edge.standBy,
    http: edge.http,
    isConnected: edge.isConnected,
    isReached,
    unanswered: edge.unanswered,
    troubledPosts: edge.troubledPosts,
    trouble: troubleNow,
    ...(guild ? { guildUrl: guild.url } : {}),
    ...(guild?.key ? { guildKey: guild.key } : {}),
  });
  return {
    async connect() {
      trouble = undefined;
      try {
        await edge.start();
      } catch (error) {
        if (isRefusal(error)) trouble = textOf(error);
        throw error;
      }
    },
    leave: edge.leave,
    stop: edge.stop,
    isReached,
    trouble: troubleNow,
  };
}

const memoryOf = ({ ledger: { recall, remember } }: EdgeDeps) => ({ recall, remember });
const unansweredText = (known: ReturnType<DiscordEdge["unanswered"]>) =>
  known && `Discord has answered no request since ${new Date(known.since).toISOString()}: ${known.text}`;
const textOf = ({ message, hint }: Refusal) => `${message} ${hint ?? ""}`.trim();

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

/** The artifacts of a settled delegation, or of the steps of a run, that may be shown in its result. */
async function attachable(deps: EdgeDeps, stream: string): Promise<readonly Artifact[]> {
  const { settings, registry } = deps.config();
  const found: Artifact[] = [];
  let left = MOST_ATTACHED_BYTES;
  for (const { agent, paths } of artifactsOf(await subjectOf(deps.engine, stream))) {
    if (found.length >= MOST_FILES) break;
    // Each agent's own workspace only: nobody shows what lies in another's.
    const workspace = registry.find(agent)?.workspace;
    await bringUploads(deps, paths);
    const files = await readArtifacts({
      paths,
      roots: [join(settings.handoffs.dir, "artifacts"), ...(workspace ? [workspace] : [])],
      forbidden: [deps.home],
      maxBytes: left,
      hasSecret: (text) => deps.redact(text) !== text,
    });
    left -= files.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    found.push(...files);
  }
  return found.slice(0, MOST_FILES);
}

function artifactsOf(
  subject: SubjectState,
): readonly { readonly agent: string; readonly paths: readonly string[] }[] {
  if (subject.kind === "delegation") {
    const { order, outcome } = subject.state;
    const paths = outcome?.handoff?.artifacts ?? [];
    return paths.length > 0 ? [{ agent: order.agent, paths }] : [];
  }
  if (subject.kind !== "run") return [];
  return [...valuesOf(subject.state.steps)].flatMap(({ agent, outcome }) =>
    agent && outcome?.artifacts ? [{ agent, paths: outcome.artifacts }] : [],
  );
}
