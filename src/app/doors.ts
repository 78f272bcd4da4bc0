import { createApi } from "../api/server.ts";
import type { Config } from "../domain/config.ts";
import { createHealthLoop, type HealthLoop } from "../engine/health-loop.ts";
import { createKeepTallies } from "../engine/keep-tallies.ts";
import { createQuietWork } from "../engine/quiet-work.ts";
import type { Part } from "../kernel/lifecycle.ts";
import { isRefusal } from "../kernel/refusal.ts";
import { createMinute } from "../triggers/minute.ts";
import type { AppOptions, Base, Begin } from "./base.ts";
import { agentToken, createActorFor } from "./credentials.ts";
import { createDiscordDoor } from "./discord-door.ts";
import { refuseUnfitKey } from "./exposure.ts";
import {
  claimFolders,
  expectInLeftFolders,
  folderOfAnother,
  refuseBesideOriginal,
} from "./handoff-folders.ts";
import { isHeld, letGo } from "./hold.ts";
import { leaveWhenIdle } from "./idle.ts";
import { createLeadership } from "./leadership.ts";
import { watchSubmissions } from "./left-to-us.ts";
import { watchLostRuns } from "./lost-runs.ts";
import { onUsualPort } from "./port.ts";
import { createSchedules } from "./schedules.ts";
import type { Stage } from "./stage.ts";
import { telemetryPart } from "./telemetry.ts";
import { createTurn } from "./turn.ts";
import { createUpkeepVerbs } from "./upkeep.ts";
import { createWritePermits } from "./write-permits.ts";

const STOP_WITHIN_MS = 10_000;

/** Opens what people, programs and files come through; stopped in the opposite order: edges, loop, inbox. */
export async function openDoors(options: AppOptions, base: Base, stage: Stage, begin: Begin): Promise<void> {
  const { config, log, now } = base;
  const { inbox, loop, verbs, onBroken } = stage;
  await begin(stage.engine.follower);
  refuseBesideOriginal(options.home, inbox);
  // Those that share a ledger know what the others asked for.
  const unfit = (next: Config) => (stage.shared ? undefined : folderOfAnother(options.home, next));
  const refusal = unfit(config.current());
  if (refusal) throw refusal;
  await expectInLeftFolders(inbox, stage.ledger);
  await begin({ name: "inbox", start: inbox.start, stop: inbox.stop });
  const claim = () => {
    if (!stage.shared) claimFolders(options.home, config.current());
  };
  claim();
  const upkeep = createUpkeepVerbs(base, stage);
  refuseUnfitKey(config.current().settings.api, options.env);
  const api = createApi({
    verbs,
    actorFor: createActorFor(
      base.credentials,
      () => config.current().registry,
      (run) => stage.engine.read("delegation", run),
    ),
    agentToken: (id) => agentToken(base.credentials.secret, id),
    settings: () => config.current().settings.api,
    log,
    now,
    version: options.version,
    onStop: options.onStopAsked,
    upkeep: upkeep.verbs,
    discord: createDiscordDoor({
      settings: () => config.current().settings.discord,
      http: () => stage.doors().edge?.http,
      wall: base.wall,
    }),
  });
  stage.useApi(await onUsualPort(options.home, options.ports, api.listen), api);
  // Whoever starts the supervisor lets work begin again; a temporary one is here for one question.
  if (!options.isEmbedded) {
    await stage.hold.clear();
    letGo(options.home);
  } else if (isHeld(options.home)) await stage.hold.put({ kind: "operator" });
  const telemetry = await telemetryPart({
    ...base,
    ...stage,
    watch: verbs.watch,
    ...(stage.shared ? { isOurTurn: createTurn("telemetry", { ...stage, now }) } : {}),
    env: options.env,
    version: options.version,
  });
  if (telemetry) await begin(telemetry);
  await begin({ name: "workers", stop: stage.workers.close });
  await stage.noteChange();
  await begin({ name: "loop", start: async () => loop.start(), stop: () => loop.stop(STOP_WITHIN_MS) });
  stage.ledger.members?.onOthers(loop.ring);
  await begin(watchSubmissions(stage));
  await begin({ name: "waiting for workers", stop: async () => stage.leaveWorkers() });
  await begin({ name: "api", stop: api.stop });
  let lookAtAgents: () => void = () => undefined;
  const onChange = () => {
    stage.noteChange().catch(onBroken);
    log.useLevel(config.current().settings.logs.level);
    stage.watch.agents.forgive();
    base.workflows.reload();
    lookAtAgents();
    // Whoever sweeps a folder makes it.
    inbox.sweep().then(claim).catch(onBroken);
    loop.ring();
  };
  await begin(config.watch({ log, onChange, unfit }));
  const onProblems = (text: string) => {
    stage
      .tellPeople(
        `⚠️ A change of workflows or agents left something that is not valid; the last good one stays.\n${text}`,
      )
      .catch(onBroken);
  };
  await begin(base.workflows.watch({ log, onProblems }));
  const lostRuns = watchLostRuns(stage);
  await begin(lostRuns);
  lostRuns.look();
  // A temporary supervisor is here for what it was asked.
  if (!options.isEmbedded) {
    const health = watchAgents(base, stage);
    await begin(health);
    lookAtAgents = health.renew;
    await begin(createKeepTallies({ ...stage, countOn: verbs.metrics.countOn, now }));
    const { keepOn: step, isTelling: isNews } = stage.searching;
    await begin(createQuietWork({ ...stage, name: "search index", step, isNews, now }));
  }
  const schedules = createSchedules({ ...stage, runs: verbs.runs, now, log });
  const lookAtSchedules = () => {
    if (!options.isEmbedded) schedules.look().catch(onBroken);
  };
  lookAtSchedules();
  const onMinute = () => {
    inbox.sweep().catch(onBroken);
    stage.workers.prune().catch(onBroken);
    verbs.queue.finishSubmissions().catch(onBroken);
    lostRuns.look();
    lookAtSchedules();
    if (!options.isEmbedded) upkeep.lookAtRetention();
    loop.ring();
    stage.doors().edge?.reconcile();
  };
  await begin(createMinute(onMinute));
  await begin({ name: "upkeep", stop: upkeep.stop });
  let connecting: Promise<void> | undefined;
  const connect = () => {
    connecting ??= openEdge(options, base, stage, begin);
    return connecting;
  };
  if (!options.isEmbedded) return connect();
  stage.connectWhenAsked(async () => {
    await stage.shared?.lead();
    await connect();
    // Somebody else leads: what needs no gateway is read over REST.
    if (stage.shared && !stage.shared.leads()) await stage.doors().edge?.standBy();
  });
  const { lastAskedAt } = api;
  const isConnected = () => stage.doors().edge?.isConnected() ?? false;
  const { ledger } = stage;
  await begin(
    leaveWhenIdle({
      verbs,
      ledger,
      isConnected,
      isHeld: stage.hold.isOn,
      othersWork: async () =>
        (await stage.shared?.roster.list())?.some(({ isUs, isTemporary }) => !isUs && !isTemporary) ?? false,
      now,
      lastAskedAt,
      onIdle: options.onStopAsked,
      onBroken,
    }),
  );
}

/** Each agent is asked how it is, now and then for ever. */
function watchAgents({ config, now }: Base, { watch, onBroken }: Stage): Part & Pick<HealthLoop, "renew"> {
  const loop = createHealthLoop({
    watch,
    cards: () => config.current().registry.agents,
    everyMs: () => config.current().settings.agents.healthEveryMs,
    now,
    onBroken,
  });
  return {
    name: "agents' health",
    renew: loop.renew,
    async start() {
      await watch.begin(config.current().registry.agents);
      loop.start();
    },
    async stop() {
      loop.stop();
      await watch.end();
    },
  };
}

/** discord.js and the local guild are half of the memory: a temporary supervisor does without until a channel is to be read. */
async function openEdge(options: AppOptions, base: Base, stage: Stage, begin: Begin): Promise<void> {
  const { createEdge } = await import("./edge.ts");
  const { shared, loop, verbs, onBroken } = stage;
  const make = () =>
    createEdge(
      {
        ...base,
        ...stage,
        home: options.home,
        installation: options.installation,
        guildPort: options.isEmbedded ? 0 : options.ports.guild,
        config: base.config.current,
        onConnection: (isOpen) => {
          loop.setLane("discord", isOpen);
          if (isOpen) verbs.queue.finishSubmissions().catch(onBroken);
        },
        onMade: stage.useEdge,
        ...(shared ? { guard: createWritePermits({ shared, wall: base.wall }) } : {}),
      },
      begin,
    );
  if (!shared) {
    const edge = await make();
    return begin({ name: "discord", start: edge.connect, stop: edge.stop });
  }
  // A guild of its own has only the one that leads; Discord is the same for all.
  const isOwnGuild = base.mode.kind === "local";
  let made: ReturnType<typeof make> | undefined;
  const edge = () => {
    // What failed is tried anew, and there is nothing of it to be stopped.
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
  const standBy = async () => stage.doors().edge?.standBy();
  const onUnknown = (error: unknown) => {
    if (!isRefusal(error)) return onBroken(error);
    base.log.warn(
      { failure: error.message },
      "Discord cannot be read yet and is asked again when it is needed",
    );
  };
  if (!isOwnGuild) {
    await edge();
    if (!shared.leads()) standBy().catch(onUnknown);
  }
  await begin({ name: "discord", stop: async () => (await made)?.stop() });
  const discord = {
    async connect() {
      const { connect } = await edge();
      if (shared.leads()) await connect();
    },
    leave: async () => (await made)?.leave(),
    isReached: () => stage.doors().edge?.isReached() ?? false,
    trouble: () => stage.doors().edge?.trouble(),
  };
  await begin(createLeadership({ ...base, shared, discord, onBroken }));
}
