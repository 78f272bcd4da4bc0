import type { Client } from "discord.js";
import { Routes } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Config } from "../domain/config.ts";
import { actorForPerson, resolvePeople } from "../domain/people.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import type { ChannelReader } from "../engine/ports/channels.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { PostedMessages } from "../engine/ports/posted.ts";
import type { QueueChannel } from "../engine/ports/queue-channel.ts";
import type { TaskClaims } from "../engine/ports/task-claims.ts";
import type { Verbs } from "../engine/verbs.ts";
import type { Refusal } from "../kernel/refusal.ts";
import { createApprovers, findRole } from "./approvers.ts";
import { createCards } from "./cards.ts";
import { type ChannelDirectory, createChannels } from "./channels.ts";
import type { CommandContext } from "./command.ts";
import { createConnection } from "./connection.ts";
import type { DeliveryPort, SubjectView } from "./delivery-port.ts";
import { deployCommands } from "./deploy-commands.ts";
import { DiscordError, type DiscordFailure, guardedMessage } from "./discord-failure.ts";
import { createFaces } from "./faces.ts";
import { createGapReport } from "./gaps.ts";
import { createGatePlace } from "./gate-place.ts";
import { createInteractionDoors, type HttpInteractions } from "./interaction-doors.ts";
import { textsOf } from "./payload.ts";
import { createPostQueue } from "./post-queue.ts";
import { createPosted } from "./posted.ts";
import { createChannelReader } from "./read-channel.ts";
import { mapStrings } from "./redact-view.ts";
import { createRest } from "./rest.ts";
import { createRoleOf } from "./role-of.ts";
import { createStandby } from "./standby.ts";
import { createTaskEdge } from "./task-edge.ts";
import type { Memory } from "./tasks-read.ts";

const START_WITHIN_MS = 15_000;
const CARD_WITHIN_MS = 2500;

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
  /** Takes secrets out of a text. */
  readonly redact: (text: string) => string;
  /** The Discord lane of the outbox is open while this says so. */
  readonly onConnection: (isConnected: boolean) => void;
  /** Only a person can mend it; the edge goes on without Discord. */
  readonly onFatal?: (refusal: Refusal) => void;
  /** After every READY and RESUMED: what was missed is read back here. */
  readonly onReconcile?: () => Promise<void>;
  readonly log: Log;
  readonly now: () => number;
  readonly crash: Crash;
};

export type DiscordEdge = {
  /** Absent fields: not connected yet, still trying. Throws `Refusal` when the token, the intents or the guild are wrong. */
  readonly start: () => Promise<{ readonly botId?: string; readonly guild?: string }>;
  readonly stop: () => Promise<void>;
  readonly isConnected: () => boolean;
  readonly readChannel: ChannelReader;
  /** What people call a channel; undefined when the bot sees none of that id. */
  readonly channelName: (id: string) => string | undefined;
  readonly perform: {
    readonly post: (effect: ClaimedOf<"post">) => Promise<Outcome>;
    readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
    readonly interaction: (effect: ClaimedOf<"interaction">) => Promise<Outcome>;
  } & TaskClaims;
  /** Works without a connection to the gateway. */
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
  const rest = createRest(deps.token, log, deps.api);
  const standby = createStandby(deps);
  const channels = createChannels({
    client: () => connection.client() ?? standby.guild()?.client,
    guildId,
    settings: () => config().settings.channels,
  });
  const approvers = createApprovers({
    guild: () => guildOf(connection.client()),
    people: () => people().people,
  });
  const posting = {
    rest,
    deliveries,
    channels,
    approvers,
    guildId,
    gatePlace: createGatePlace({ channels, deliveries, approvers, log }),
    botId: () => connection.client()?.user?.id ?? standby.botId() ?? "",
    batchAbove: () => config().settings.discord.batchAbove,
    redacted: async (stream: string): Promise<SubjectView> =>
      mapStrings(await deliveries.view(stream), deps.redact),
    onFailure,
    now,
    log,
    crash,
  };
  const tasks = createTaskEdge({
    ...posting,
    guild: () => guildOf(connection.client()),
    isConnected: () => connection.isConnected(),
    tasks: verbs.tasks,
    memory: deps.memory,
    actorOf,
    redact: deps.redact,
  });
  const queue = createPostQueue(posting);
  const cards = createCards({
    ...posting,
    faceOf: createFaces({ deliveries, approvers, redact: deps.redact, holder: tasks.holder }),
    cardEditMs: () => config().settings.discord.cardEditMs,
  });
  const readChannel = createChannelReader({
    rest,
    channels,
    contextable: () => config().settings.channels.contextable,
    roleOf: createRoleOf({ guild: () => guildOf(connection.client()) ?? standby.guild(), guildId, log }),
  });
  const doors = createInteractionDoors({
    ...deps,
    rest,
    standby,
    isGuildKnown: () => guildOf(connection.client()) !== undefined,
    botId: posting.botId,
    interactions: verbs.interactions,
    delegations: verbs.delegations,
    runs: verbs.runs,
    proposals: (limit) => verbs.evolve.log(limit),
    actorOf,
    contextFor,
  });
  let deploying: Promise<void> | undefined;
  let reconciling: Promise<void> | undefined;
  let isGap = true;

  const connection = createConnection({
    ...deps,
    onClient: tasks.listen,
    onConnected(client, how) {
      log.info({ how }, "connected to Discord");
      reportGaps();
      deploying ??= deploy(client);
      deps.onConnection(true);
      isGap = true;
      reconcile();
    },
    onDisconnected() {
      log.warn({}, "disconnected from Discord");
      deps.onConnection(false);
    },
    onFatal(refusal) {
      log.error({ failure: refusal.message, hint: refusal.hint }, "Discord needs a person's help");
      deps.onFatal?.(refusal);
    },
    onInteraction: doors.receive,
  });

  function onFailure(failure: DiscordFailure): void {
    if (failure.kind === "unauthorized") {
      log.error({ failure: failure.text }, "Discord refuses the bot token; check DISCORD_TOKEN and restart");
    }
  }

  function guildOf(client: Client | undefined) {
    return client?.guilds.cache.get(guildId);
  }

  function people() {
    const guild = guildOf(connection.client()) ?? standby.guild();
    return resolvePeople(config().people, (name) => findRole(guild, name));
  }

  function actorOf(user: {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
  }): Actor {
    const known = (guildOf(connection.client()) ?? standby.guild())?.roles.cache;
    const roles = user.roles.flatMap((id) => {
      const name = id === guildId ? undefined : known?.get(id)?.name;
      return name === undefined ? [] : [{ id, name }];
    });
    return actorForPerson(people().people, { id: user.id, name: user.name, roleIds: user.roles, roles });
  }

  const reportGaps = createGapReport({
    channels,
    unresolvedRoles: () => people().unresolved,
    workflows: () => verbs.runs.workflows(),
    guild: () => guildOf(connection.client()),
    log,
  });

  function contextFor(actor: Actor): CommandContext {
    const { settings, registry } = config();
    return {
      verbs,
      actor,
      guildId,
      settings,
      registry,
      channels,
      now: now(),
      cardOf: (run) => cards.addressOf(run, CARD_WITHIN_MS),
      async messageText(channel, message) {
        const found = await guardedMessage(rest.raw.get(Routes.channelMessage(channel, message)));
        const parts = textsOf({ content: found.content, components: found.components ?? [] });
        return { text: parts.join("\n"), author: found.author.username };
      },
    };
  }

  /** Once in a life; when Discord does not take it, the next connection tries again. */
  async function deploy(client: Client): Promise<void> {
    try {
      const applicationId = client.application?.id ?? "";
      await deployCommands({ rest, applicationId, guildId, commands: await doors.prepare(), log });
    } catch (thrown) {
      if (!(thrown instanceof DiscordError)) throw thrown;
      deploying = undefined;
      log.error(
        { failure: thrown.message },
        "the guild's commands were not registered; the bot needs the scope applications.commands",
      );
    }
  }

  /** One at a time; what comes in between is covered by the one that runs. */
  function reconcile(): void {
    if (!doors.isReady() || !connection.isConnected()) return;
    const readBack = tasks.reconcile(isGap);
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
    await doors.prepare();
    await connection.start(START_WITHIN_MS);
    const client = connection.client();
    await deploying;
    if (!client?.user) return {};
    return { botId: client.user.id, guild: guildOf(client)?.name ?? guildId };
  }

  return {
    start,
    async stop() {
      const drained = [queue.stop(), cards.stop(), tasks.stop()];
      await connection.stop();
      deps.onConnection(false);
      await Promise.all([...drained, standby.stop()]);
      await reconciling;
    },
    isConnected: connection.isConnected,
    readChannel,
    channelName: (id) => channels.find(id)?.name,
    perform: { post: queue.post, card: cards.card, interaction: doors.perform, ...tasks.claims },
    http: doors.http,
    queue: tasks.queue,
    posted: createPosted({ ...posting, isConnected: connection.isConnected }),
    reconcile,
    missingChannels: channels.missing,
  };
}
