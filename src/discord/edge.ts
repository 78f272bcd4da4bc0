import { type Client, Routes } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Config } from "../domain/config.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import type { ChannelReader } from "../engine/ports/channels.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { PostedMessages } from "../engine/ports/posted.ts";
import type { QueueChannel } from "../engine/ports/queue-channel.ts";
import type { TaskClaims } from "../engine/ports/task-claims.ts";
import type { Verbs } from "../engine/verbs.ts";
import { inTime } from "../kernel/in-time.ts";
import type { Refusal } from "../kernel/refusal.ts";
import { createActors } from "./actors.ts";
import { createApprovers } from "./approvers.ts";
import { type ChannelDirectory, createChannels } from "./channels.ts";
import type { CommandContext } from "./command.ts";
import type { DeliveryPort, SubjectView } from "./delivery-port.ts";
import { createDeploying } from "./deploy-commands.ts";
import { guardedMessage, tellRefusedToken } from "./discord-failure.ts";
import { createGapReport } from "./gaps.ts";
import { createGatePlace } from "./gate-place.ts";
import { createIdentifies } from "./identify.ts";
import { createInteractionDoors, type HttpInteractions } from "./interaction-doors.ts";
import { textsOf } from "./payload.ts";
import { createPosted } from "./posted.ts";
import { createChannelReader } from "./read-channel.ts";
import { mapStrings } from "./redact-view.ts";
import { createRest, type DiscordRest } from "./rest.ts";
import { createRoleOf } from "./role-of.ts";
import type { SessionMemory } from "./session-store.ts";
import { showOpenCards } from "./show-anew.ts";
import { createStandby } from "./standby.ts";
import type { Memory } from "./tasks-read.ts";
import { createTerm, inEachTerm, type Term } from "./term.ts";
import { ALONE, type WriteGuard } from "./write-guard.ts";

const START_WITHIN_MS = 15_000;
const CARD_WITHIN_MS = 2500;
const STOP_WITHIN_MS = 10_000;

export type DiscordEdgeDeps = {
  readonly token: string;
  /** Another Discord-compatible server: `http://127.0.0.1:18701/api`. */
  readonly api?: string;
  readonly guildId: string;
  /** The folder of the commands, absolute. */
  readonly commandsDir: string;
  readonly verbs: Verbs;
  readonly config: () => Config;
  readonly deliveries: DeliveryPort;
  /** What outlives us: how far the queue's channel was read. */
  readonly memory: Memory;
  /** Where the gateway's session outlives us; without it each connection begins one. */
  readonly sessions?: SessionMemory;
  /** The next session waits for long; undefined when it waits no more. */
  readonly onWait?: (why: Refusal | undefined) => void;
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  /** The Discord lane of the outbox is open while this says so. */
  readonly onConnection: (isConnected: boolean) => void;
  /** Only a person can mend it; the edge goes on without Discord. */
  readonly onFatal?: (refusal: Refusal) => void;
  /** After every READY and RESUMED: what was missed is read back here. */
  readonly onReconcile?: () => Promise<void>;
  /** Where several supervisors share the ledger: what keeps us from sending what is another one's to send. */
  readonly guard?: WriteGuard;
  readonly log: Log;
  readonly now: () => number;
  readonly crash: Crash;
};

export type DiscordEdge = {
  /** Absent fields: not connected yet, still trying. Throws `Refusal` when the token, the intents or the guild are wrong. */
  readonly start: () => Promise<{ readonly botId?: string; readonly guild?: string }>;
  /** Leaves the gateway at once and gives back what was not sent; `start` begins anew. */
  readonly leave: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly isConnected: () => boolean;
  readonly unanswered: DiscordRest["unanswered"];
  readonly troubledPosts: Term["troubled"];
  /** Reads over REST what it takes to answer and to look things up without a connection. Throws `Refusal`. */
  readonly standBy: () => Promise<void>;
  readonly readChannel: ChannelReader;
  /** What people call a channel; undefined when the bot sees none of that id. */
  readonly channelName: (id: string) => string | undefined;
  readonly perform: {
    readonly post: (effect: ClaimedOf<"post">) => Promise<Outcome>;
    readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
    readonly interaction: (effect: ClaimedOf<"interaction">) => Promise<Outcome>;
  } & TaskClaims;
  readonly http: HttpInteractions;
  /** The channel of the task queue, for other doors. */
  readonly queue: QueueChannel;
  /** Our own messages, for whoever proves that all of them are there. */
  readonly posted: PostedMessages;
  /** Reads back what a gap in the connection may have hidden; called by itself after READY and RESUMED. */
  readonly reconcile: () => void;
  readonly missingChannels: ChannelDirectory["missing"];
};

export function createDiscordEdge(deps: DiscordEdgeDeps): DiscordEdge {
  const { verbs, config, deliveries, log, now, crash, guildId } = deps;
  const guard = deps.guard ?? ALONE;
  const rest = createRest(deps);
  const standby = createStandby(deps);
  const know = () => doors.know();
  const channels = createChannels({
    client: () => term.connection.client() ?? standby.guild()?.client,
    guildId,
    settings: () => config().settings.channels,
  });
  const guildOf = (client: Client | undefined) => client?.guilds.cache.get(guildId);
  const guild = () => guildOf(term.connection.client());
  const knownGuild = () => guild() ?? standby.guild();
  const { people, actorOf } = createActors({ config, guild: knownGuild, guildId });
  const approvers = createApprovers({ guild: knownGuild, people: () => people().people });
  const posting = {
    rest,
    deliveries,
    channels,
    approvers,
    guildId,
    ...createGatePlace({ rest, channels, deliveries, approvers, log }),
    botId: () => term.connection.client()?.user?.id ?? standby.botId() ?? "",
    batchAbove: () => config().settings.discord.batchAbove,
    redacted: async (stream: string): Promise<SubjectView> =>
      mapStrings(await deliveries.view(stream), deps.redact),
    guard,
    identifies: createIdentifies({ ...deps, memory: deps.sessions }),
    onFailure: tellRefusedToken(onFatal),
    now,
    log,
    crash,
  };
  const readChannel = createChannelReader({
    rest,
    channels,
    know,
    contextable: () => config().settings.channels.contextable,
    roleOf: createRoleOf({ guild: knownGuild, guildId, log }),
  });
  const doors = createInteractionDoors({
    ...deps,
    rest,
    standby,
    isGuildKnown: () => guild() !== undefined,
    isStopped: () => isStopped,
    botId: posting.botId,
    interactions: verbs.interactions,
    delegations: verbs.delegations,
    runs: verbs.runs,
    proposals: (limit) => verbs.evolve.log(limit),
    actorOf,
    contextFor,
  });
  const deploying = createDeploying({ rest, guildId, commands: doors.prepare, log });
  let reconciling: Promise<void> | undefined;
  let isGap = true;
  let shownIn: Term | undefined;
  let wasThere = false;
  let isStopped = false;
  let term = begun();

  function begun(): Term {
    const made: Term = createTerm({
      ...deps,
      ...posting,
      guild: () => guildOf(made.connection.client()) ?? standby.guild(),
      know,
      cardEditMs: () => config().settings.discord.cardEditMs,
      tasks: verbs.tasks,
      asking: verbs,
      actorOf,
      wasThere: () => wasThere || standby.guild() !== undefined,
      onConnected: (client, how) => made === term && onConnected(client, how),
      onDisconnected: () => made === term && onDisconnected(),
      onFatal: (refusal) => made === term && onFatal(refusal),
      onInteraction: doors.receive,
    });
    return made;
  }

  function onConnected(client: Client, how: "ready" | "resumed"): void {
    log.info({ how }, "connected to Discord");
    wasThere = true;
    reportGaps();
    deploying.onConnected(client, how);
    deps.onConnection(true);
    isGap = true;
    reconcile();
    const led = term;
    // A session that somebody else left goes on with cards that are theirs.
    const isNew = how === "ready" || shownIn !== led;
    shownIn = led;
    if (isNew && deps.guard) showOpenCards({ ...led, verbs, log, isOver: () => led !== term });
  }

  function onDisconnected(): void {
    log.warn({}, "disconnected from Discord");
    deps.onConnection(false);
  }

  function onFatal(refusal: Refusal): void {
    log.error({ failure: refusal.message, hint: refusal.hint }, "Discord needs a person's help");
    deps.onFatal?.(refusal);
  }

  const reportGaps = createGapReport({
    channels,
    unresolvedRoles: () => people().unresolved,
    workflows: () => verbs.runs.workflows(),
    guild,
    log,
  });

  function contextFor(actor: Actor): CommandContext {
    const { settings, registry } = config();
    const known = { verbs, actor, guildId, settings, registry, channels };
    return {
      ...known,
      now: now(),
      cardOf: (run) => term.cards.addressOf(run, CARD_WITHIN_MS),
      async messageText(channel, message) {
        const found = await guardedMessage(rest.raw.get(Routes.channelMessage(channel, message)));
        const parts = textsOf({ content: found.content, components: found.components ?? [] });
        return { text: parts.join("\n"), author: found.author.username };
      },
    };
  }

  /** One at a time; what comes in between is covered by the one that runs. */
  function reconcile(): void {
    if (!doors.isReady() || !term.connection.isConnected()) return;
    deploying.tryAgain(term.connection.client());
    const readBack = term.readBack(isGap);
    isGap = false;
    reconciling ??= Promise.all([doors.finishOld(), readBack, deps.onReconcile?.()])
      .then(
        () => undefined,
        (error: unknown) => log.error({ err: error }, "reading back from Discord failed and is tried again"),
      )
      .finally(() => {
        reconciling = undefined;
      });
  }

  async function start() {
    // Left meanwhile, it stays left.
    const { connection } = term;
    await doors.prepare();
    await connection.start(START_WITHIN_MS);
    const client = connection.client();
    await deploying.settled();
    if (!client?.user) return {};
    return { botId: client.user.id, guild: guildOf(client)?.name ?? guildId };
  }

  async function leave(): Promise<void> {
    const left = term;
    term = begun();
    const ended = left.end();
    deps.onConnection(false);
    await ended;
  }

  const sameInEachTerm = inEachTerm(() => term, guard);
  const isConnected = () => term.connection.isConnected();
  return {
    start,
    leave,
    async stop() {
      isStopped = true;
      rest.stop();
      await Promise.all([leave(), standby.stop()]);
      // What Discord leaves without any answer is left to the next life.
      await inTime(STOP_WITHIN_MS, Promise.resolve(reconciling), undefined);
    },
    isConnected,
    unanswered: rest.unanswered,
    troubledPosts: () => term.troubled(),
    standBy: doors.standBy,
    readChannel,
    channelName: (id) => channels.find(id)?.name,
    perform: { ...sameInEachTerm.perform, interaction: doors.perform },
    http: doors.http,
    queue: sameInEachTerm.queue,
    posted: createPosted({
      ...posting,
      isConnected: () => (term.connection.client() ? isConnected() : standby.guild() !== undefined),
    }),
    reconcile,
    missingChannels: channels.missing,
  };
}
