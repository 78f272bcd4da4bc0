import type { APIMessage, Client } from "discord.js";
import { Routes } from "discord.js";
import type { Actor } from "../domain/actor.ts";
import type { Config } from "../domain/config.ts";
import { actorForPerson, resolvePeople } from "../domain/people.ts";
import type { Outcome } from "../engine/loop.ts";
import type { ClaimedOf } from "../engine/perform.ts";
import type { ChannelReader } from "../engine/ports/channels.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
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
import { DiscordError, type DiscordFailure, failureOf, guarded } from "./discord-failure.ts";
import { createFaces } from "./faces.ts";
import { createGapReport } from "./gaps.ts";
import { createGatePlace } from "./gate-place.ts";
import { createInteractions } from "./interactions.ts";
import { type CommandSet, loadCommands } from "./load-commands.ts";
import { textsOf } from "./payload.ts";
import { createPostQueue } from "./post-queue.ts";
import { createChannelReader } from "./read-channel.ts";
import { mapStrings } from "./redact-view.ts";
import { createRest } from "./rest.ts";
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
  readonly perform: {
    readonly post: (effect: ClaimedOf<"post">) => Promise<Outcome>;
    readonly card: (effect: ClaimedOf<"card">) => Promise<Outcome>;
  } & TaskClaims;
  /** The channel of the task queue, for other doors. */
  readonly queue: QueueChannel;
  /** Reads back what a gap in the connection may have hidden; called by itself after READY and RESUMED. */
  readonly reconcile: () => void;
  readonly missingChannels: ChannelDirectory["missing"];
};

export function createDiscordEdge(deps: DiscordEdgeDeps): DiscordEdge {
  const { verbs, config, deliveries, log, now, crash, guildId } = deps;
  const rest = createRest(deps.token, log, deps.api);
  const channels = createChannels({
    client: () => connection.client(),
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
    botId: () => connection.client()?.user?.id ?? "",
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
    roleOf,
  });
  let interactions: ReturnType<typeof createInteractions> | undefined;
  let commands: CommandSet | undefined;
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
    onInteraction(interaction) {
      // Acknowledged and not finished, it is carried out at the next start.
      interactions?.receive(interaction).catch((error: unknown) => {
        log.error({ interaction: interaction.id, err: error }, "an interaction broke off");
      });
    },
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
    const guild = guildOf(connection.client());
    return resolvePeople(config().people, (name) => findRole(guild, name));
  }

  function actorOf(user: {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
  }): Actor {
    const known = guildOf(connection.client())?.roles.cache;
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

  async function roleOf(userId: string): Promise<string> {
    const guild = guildOf(connection.client());
    try {
      const member = await guild?.members.fetch(userId);
      const highest = member?.roles.highest;
      return highest && highest.id !== guildId ? highest.name : "member";
    } catch (thrown) {
      log.debug({ user: userId, failure: failureOf(thrown).text }, "an author is no member");
      return "not a member";
    }
  }

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
        const found = await guarded<APIMessage>(rest.raw.get(Routes.channelMessage(channel, message)));
        const parts = textsOf({ content: found.content, components: found.components ?? [] });
        return { text: parts.join("\n"), author: found.author.username };
      },
    };
  }

  /** Once in a life; when Discord does not take it, the next connection tries again. */
  async function deploy(client: Client): Promise<void> {
    try {
      const applicationId = client.application?.id ?? "";
      await deployCommands({ rest, applicationId, guildId, commands: commands?.commands ?? [], log });
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
    if (!interactions || !connection.isConnected()) return;
    const readBack = tasks.reconcile(isGap);
    isGap = false;
    reconciling ??= Promise.all([interactions.finishOld(), readBack, deps.onReconcile?.()])
      .then(
        () => undefined,
        (error: unknown) => log.error({ err: error }, "reading back from Discord failed and is tried again"),
      )
      .finally(() => {
        reconciling = undefined;
      });
  }

  async function start() {
    commands = await loadCommands(deps.commandsDir);
    interactions = createInteractions({
      rest,
      guildId,
      botId: posting.botId,
      commands,
      interactions: verbs.interactions,
      delegations: verbs.delegations,
      runs: verbs.runs,
      proposals: (limit) => verbs.evolve.log(limit),
      actorOf,
      contextFor,
      redact: deps.redact,
      now,
      log,
    });
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
      await Promise.all(drained);
      await reconciling;
    },
    isConnected: connection.isConnected,
    readChannel,
    perform: { post: queue.post, card: cards.card, ...tasks.claims },
    queue: tasks.queue,
    reconcile,
    missingChannels: channels.missing,
  };
}
