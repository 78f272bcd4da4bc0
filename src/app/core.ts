import { type AgentCard, isNear } from "../domain/agent-card.ts";
import type { Config } from "../domain/config.ts";
import { agentOfLane } from "../domain/delegation-effects.ts";
import { TASK_SLOTS } from "../domain/task-types.ts";
import { WORKER_SLOTS } from "../domain/worker.ts";
import { createEngine } from "../engine/accept.ts";
import { createAgentWatch } from "../engine/agent-watch.ts";
import { createChooseAgent, createStandIn } from "../engine/choose-agent.ts";
import { createConditions } from "../engine/conditions.ts";
import { createOrchestrator } from "../engine/create-orchestrator.ts";
import { createRunVerbs } from "../engine/create-run-verbs.ts";
import { createVerbs } from "../engine/create-verbs.ts";
import { createAfterStage, createWork } from "../engine/create-work.ts";
import { createDelegate } from "../engine/delegate.ts";
import { createDispatch } from "../engine/dispatch.ts";
import { createDrain } from "../engine/drain.ts";
import { createExpectations } from "../engine/expectations.ts";
import { createFirstSteps } from "../engine/first-steps.ts";
import { createFormerWork } from "../engine/former-work.ts";
import { createHold } from "../engine/hold.ts";
import { createLoop } from "../engine/loop.ts";
import { createLostRuns } from "../engine/lost-runs.ts";
import { createNearAgents } from "../engine/near-agents.ts";
import { createFiling, performWith } from "../engine/perform.ts";
import type { Agents } from "../engine/ports/agents.ts";
import type { ChannelReader } from "../engine/ports/channels.ts";
import type { ArrivedHandoff, Inbox } from "../engine/ports/handoffs.ts";
import type { Journal } from "../engine/ports/journal.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import type { Pictures } from "../engine/ports/pictures.ts";
import type { Proposals } from "../engine/ports/proposals.ts";
import type { RunFiles } from "../engine/ports/run-files.ts";
import type { UploadFiles } from "../engine/ports/uploads.ts";
import type { Workers } from "../engine/ports/workers.ts";
import type { WorkspaceFiles } from "../engine/ports/workspace-files.ts";
import { createReceive } from "../engine/receive.ts";
import { createRunChildren } from "../engine/run-children.ts";
import { createRunUpkeep } from "../engine/run-upkeep.ts";
import type { WorkflowEntry } from "../engine/run-verbs.ts";
import { createRunWorkers } from "../engine/run-workers.ts";
import { createSearching } from "../engine/searching.ts";
import { createCheckStage } from "../engine/stage-check.ts";
import { createStepFiles } from "../engine/step-files.ts";
import type { MessagePlace } from "../engine/story.ts";
import { createTaskChildren } from "../engine/task-children.ts";
import { createTaskWords } from "../engine/task-words.ts";
import type { Health } from "../engine/verbs.ts";
import { createWake } from "../engine/wake.ts";
import type { Problem } from "../kernel/refusal.ts";
import type { DiscordPart } from "./discord-part.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { createTellPeople } from "./notices.ts";
import { createPrompts } from "./prompt.ts";
import { createQueueDoor } from "./queue-door.ts";

export type CoreDeps = {
  readonly ledger: Ledger;
  readonly epoch: () => number;
  readonly holder: string;
  /** Where several share the ledger: the name of our folder among the members. */
  readonly home?: string;
  /** The name of this machine there. */
  readonly host?: string;
  /** The number of our life there; none while others may take us for gone. */
  readonly life?: () => number | undefined;
  readonly config: () => Config;
  /** When something last changed of what agents are sent by. */
  readonly changedAt: () => Promise<number>;
  readonly agents: Agents;
  readonly createInbox: (sink: (arrived: ArrivedHandoff) => Promise<void>) => Inbox;
  readonly journal: Journal;
  readonly pictures: Pictures;
  readonly runFiles: RunFiles;
  readonly proposals: Proposals;
  readonly workspaceFiles: WorkspaceFiles;
  readonly uploads: UploadFiles;
  readonly workers: Workers;
  readonly workflows: () => readonly WorkflowEntry[];
  readonly checkSchema: (schema: unknown, value: unknown) => readonly Problem[];
  /** Signs the marks around foreign text in prompts. */
  readonly secret: string;
  readonly tokens: {
    readonly tokenFor: (run: string, attempt: number) => string;
    readonly verify: (token: string, run: string) => number | undefined;
  };
  /** Where agents post handoffs back, once the API listens. */
  readonly handInUrl: (run: string, card: AgentCard) => string;
  /** Where agents ask for parts of their work to be done by others. */
  readonly delegateUrl: (card: AgentCard) => string;
  readonly readChannel: ChannelReader;
  /** Sees to it that there is a Discord edge where one is made only when it is asked for. */
  readonly connect?: () => Promise<void>;
  /** Why what only the leader does is not done here; undefined where nobody else leads. */
  readonly elsewhere?: Elsewhere;
  /** Messages of the queue whose tasks were done by other tools. */
  readonly isHandled?: (message: string) => boolean;
  /** Where a message can be looked at, once the guild is known. */
  readonly messagePlace?: MessagePlace;
  /** The Discord edge, once there is one. */
  readonly discord: () => DiscordPart | undefined;
  readonly health: () => Promise<Health>;
  readonly startedAt: number;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
  readonly onBroken: (error: unknown) => void;
};

/** Until the Discord edge is made, at a start. */
const WITHOUT_DISCORD_MS = 2000;

/** Engine, loop, inbox and verbs, wired: everything between the doors and the adapters. */
export function createCore(deps: CoreDeps) {
  const { ledger, now, log, crash, config } = deps;
  const registry = () => config().registry;
  const settings = () => config().settings;
  const engine = createEngine({ ledger, now, crash, onCommit: () => loop.join(), onBroken: deps.onBroken });
  const receive = createReceive({
    engine,
    registry,
    checkSchema: deps.checkSchema,
    now,
    crash,
  });
  const inbox = deps.createInbox(async (arrived) => {
    await receive(arrived);
  });
  engine.watch((events) => {
    for (const { type, stream } of events) if (type === "delegation.settled") inbox.forget(stream);
  });

  const acl = () => config().acl;
  const { onBroken } = deps;
  const { host } = deps;
  const near =
    host === undefined ? deps.agents : createNearAgents({ engine, agents: deps.agents, host, now });
  const watch = createAgentWatch({ engine, agents: near, now, onBroken });
  const { agents } = watch;
  const drain = createDrain({ engine, ledger, registry, acl, now, ring: () => loop.ring(), onBroken });
  const former = createFormerWork({ engine, ledger, registry, ring: () => loop.ring(), onBroken });
  const conditions = createConditions({ ledger, agents, registry, isDraining: drain.isOn });
  const choosing = { registry, acl, agents, conditions };
  const chooseAgent = createChooseAgent(choosing);

  const prompts = createPrompts({ ...deps, pathFor: inbox.pathFor });
  const { dispatch, reconcile } = createDispatch({
    engine,
    agents,
    inbox,
    registry,
    settings,
    changedAt: deps.changedAt,
    promptFor: prompts.send,
    standIn: createStandIn(choosing),
    life: deps.life ?? (() => 1),
    now,
    log,
    crash,
  });

  const expectedMs = createExpectations({ ledger, now });
  const asking = {
    engine,
    ledger,
    agents,
    registry,
    acl,
    settings,
    readChannel: deps.readChannel,
    chooseAgent,
    now,
  };
  const delegate = createDelegate(asking);
  const runs = createRunVerbs({ ...asking, workflows: deps.workflows, expectedMs });
  const words = createTaskWords({ ...asking, runs });
  const hold = createHold({ ledger, now });
  const tasks = createTaskChildren({
    engine,
    delegate,
    runs,
    claims: () => discordOrLater(deps),
    settings,
    now,
    crash,
  });
  const { run: runWorker, kill: killWorker, leave: leaveWorkers } = createRunWorkers({ ...deps, engine });
  const stepFiles = createStepFiles({ engine, files: deps.runFiles });
  const fileOf = deps.runFiles.pathOf;
  const work = createWork({
    ...asking,
    runs,
    contracts: () => config().contracts,
    proposals: deps.proposals,
    workspaceFiles: deps.workspaceFiles,
    delegate,
    fileOf,
  });
  const children = createRunChildren({
    engine,
    checkStage: createCheckStage({ engine, fileOf }),
    afterStage: createAfterStage({ engine, evolve: () => work.evolve, log }),
    registry,
    stepFiles,
    inbox,
    delegate,
    expectedMs,
    firstSteps: createFirstSteps({ engine, clock: () => performance.now() }),
    isHeld: hold.isOn,
    now,
    crash,
  });
  const upkeep = createRunUpkeep({ engine, agents, registry, files: deps.runFiles, stepFiles, now, crash });

  const perform = performWith({
    dispatch,
    reconcile,
    filing: createFiling({ inbox, journal: deps.journal, now, crash }),
    post: (effect) => discordOrLater(deps).post(effect),
    card: (effect) => discordOrLater(deps).card(effect),
    "start-child": children.startChild,
    tell: children.tell,
    "cancel-child": children.cancelChild,
    "run-timer": upkeep.timer,
    "file-run": upkeep.fileRun,
    "carry-out": work.evolve.perform,
    "task-claim": tasks.claim,
    "task-check": tasks.check,
    "start-task": tasks.start,
    "tell-task": tasks.tellTask,
    "run-worker": runWorker,
    "kill-worker": killWorker,
    interaction: async (effect) =>
      deps.discord()?.interaction(effect) ??
      ({ kind: "again", dueAt: now() + WITHOUT_DISCORD_MS, reason: "Discord is not there yet" } as const),
  });

  const loop = createLoop({
    ledger,
    holder: deps.holder,
    epoch: deps.epoch,
    now,
    capacity(slotLane) {
      if (slotLane === WORKER_SLOTS || slotLane.startsWith(TASK_SLOTS)) return settings().taskQueue.maxAtOnce;
      const agent = agentOfLane(slotLane);
      const card = registry().find(agent);
      if (card && host !== undefined && !isNear(card, host)) return 0;
      return card ? drain.capacity(card.id, former.capacity(agent, card)) : 1;
    },
    perform: hold.guard(drain.guard(perform)),
    wake: createWake({ engine, ledger, inbox, now, log }),
    log,
    onBroken: deps.onBroken,
  });

  const { secret } = deps;
  const searching = createSearching({ ledger, now });
  const orchestrator = createOrchestrator({ ...asking, conditions, delegate, hold, secret, log });
  const verbs = createVerbs({
    ...asking,
    orchestrator,
    ...work,
    people: () => config().people,
    pictures: deps.pictures,
    delegate,
    runs,
    words,
    workers: deps.workers,
    hold,
    watch,
    drain,
    isHandled: deps.isHandled ?? (() => false),
    ...createQueueDoor(deps),
    receive,
    verifyToken: deps.tokens.verify,
    uploads: deps.uploads,
    health: deps.health,
    expectedMs,
    searching,
    showPrompt: prompts.show,
    messagePlace: deps.messagePlace ?? (() => ({})),
    startedAt: deps.startedAt,
    log,
    crash,
  });
  const lookForLostRuns = createLostRuns({ engine, ledger, agents, inbox, registry, now, log });
  const tellPeople = createTellPeople({ engine, ledger, now });
  return { engine, loop, inbox, verbs, searching, hold, watch, leaveWorkers, lookForLostRuns, tellPeople };
}

function discordOrLater(deps: CoreDeps): DiscordPart {
  const part = deps.discord();
  if (!part) throw new Error("the Discord lane was open without Discord");
  return part;
}
