import type { Acl } from "../domain/acl.ts";
import type { Actor } from "../domain/actor.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import { isSettled } from "../domain/delegation-types.ts";
import type { People } from "../domain/people.ts";
import { type DelegationView, viewOf } from "../domain/view.ts";
import { Refusal } from "../kernel/refusal.ts";
import { stateOf } from "./accept.ts";
import { createAclVerbs } from "./acl-verbs.ts";
import { createAgentStatus } from "./agent-status.ts";
import type { AgentWatch } from "./agent-watch.ts";
import { createBatchVerbs } from "./create-batch-verbs.ts";
import { createQueueVerbs, type QueueVerbsDeps } from "./create-queue-verbs.ts";
import { createTaskVerbs } from "./create-task-verbs.ts";
import { createViewVerbs, type ViewDeps } from "./create-view-verbs.ts";
import type { Delegate, DelegateDeps } from "./delegate.ts";
import type { Drain } from "./drain.ts";
import { createHandIn, listHandoffs } from "./hand-in.ts";
import { createHistory } from "./history.ts";
import type { Hold } from "./hold.ts";
import { createInteractions } from "./interactions.ts";
import { createMetricsVerbs } from "./metrics-verbs.ts";
import type { OrchestratorVerbs } from "./orchestrator-verbs.ts";
import { permit } from "./ownership.ts";
import type { Crash, Log } from "./ports/log.ts";
import type { Pictures } from "./ports/pictures.ts";
import type { UploadFiles } from "./ports/uploads.ts";
import type { Workers } from "./ports/workers.ts";
import type { Receive } from "./receive.ts";
import type { RunVerbs } from "./run-verbs.ts";
import { createStopNow } from "./stop-now.ts";
import type { TaskWordsOf } from "./task-words.ts";
import { createTrace } from "./trace.ts";
import { type UntilOptions, until } from "./until.ts";
import { createUpload } from "./upload.ts";
import type { DelegationQuery, Health, Verbs } from "./verbs.ts";
import type { EvolveVerbs, PipelineVerbs, WorkVerbs } from "./work-verbs.ts";

const MOST_LISTED = 200;

export type VerbsDeps = DelegateDeps &
  Pick<ViewDeps, "expectedMs" | "showPrompt" | "messagePlace" | "searching"> & {
    readonly delegate: Delegate;
    readonly runs: RunVerbs;
    readonly orchestrator: OrchestratorVerbs;
    readonly work: WorkVerbs;
    readonly pipelines: PipelineVerbs;
    readonly evolve: EvolveVerbs;
    readonly words: TaskWordsOf;
    readonly workers: Workers;
    readonly pictures: Pictures;
    readonly hold: Hold;
    readonly watch: AgentWatch;
    readonly drain: Drain;
    readonly isHandled: (message: string) => boolean;
    readonly queueChannel: QueueVerbsDeps["channel"];
    readonly queueReader: QueueVerbsDeps["reader"];
    readonly elsewhere: QueueVerbsDeps["elsewhere"];
    readonly receive: Receive;
    readonly verifyToken: (token: string, run: string) => number | undefined;
    readonly uploads: UploadFiles;
    readonly acl: () => Acl;
    readonly people: () => People;
    readonly health: () => Promise<Health>;
    readonly startedAt: number;
    readonly log: Log;
    readonly crash: Crash;
  };

/** The verbs that every door calls, over one engine. */
export function createVerbs(deps: VerbsDeps): Verbs {
  const { engine, ledger, runs, hold, drain, now } = deps;
  const tasks = createTaskVerbs(deps);
  const status = createAgentStatus(deps);
  const trace = createTrace({ ledger, now });
  const metrics = createMetricsVerbs({ ...deps, agents: status.agents, workflows: runs.workflows });

  async function stateOrRefuse(id: string): Promise<DelegationState> {
    const state = await engine.read("delegation", id);
    if (state) return state;
    throw new Refusal("not_found", `There is no delegation ${id}.`, {
      hint: "`hq status` lists the latest ones with their ids.",
    });
  }

  /** What was begun under its key is answered also while everything is stopped. */
  async function refuseNew(key: { readonly scope: string; readonly key: string } | undefined): Promise<void> {
    if (key && (await hold.isOn()) && (await ledger.keyOf(key.scope, key.key))) return;
    await hold.refuse();
  }

  async function cancel(actor: Actor, id: string, reason?: string): Promise<DelegationView> {
    const before = await stateOrRefuse(id);
    permit(deps.acl(), actor, "cancel", { id, asker: before.order.actor });
    if (before.status === "canceled") return viewOf(before);
    if (isSettled(before.status)) {
      throw new Refusal("already_settled", `${id} is already ${before.status}; there is nothing to cancel.`);
    }
    const input = { type: "cancel", at: now(), actor, ...(reason ? { reason } : {}) } as const;
    const { state } = await engine.accept({
      kind: "delegation",
      stream: id,
      input,
      cause: `cancel ${id}`,
      actor,
    });
    return viewOf(state ?? before);
  }

  async function delegations(query: DelegationQuery) {
    const limit = Math.max(1, Math.min(MOST_LISTED, query.limit ?? 50));
    const { items, next } = await ledger.list({ ...query, kind: "delegation", limit });
    return { items: items.map((loaded) => viewOf(stateOf("delegation", loaded))), ...(next ? { next } : {}) };
  }

  async function wait(id: string, options: UntilOptions) {
    await stateOrRefuse(id);
    await until(engine, id, ({ status }) => isSettled(status), options);
    return viewOf(await stateOrRefuse(id));
  }

  return {
    delegate: (actor, request) => deps.delegate(actor, request, {}, hold.refuse),
    cancel,
    async delegation(id) {
      return viewOf(await stateOrRefuse(id));
    },
    delegations,
    wait,
    ...createHistory(ledger, stateOrRefuse),
    receipts: (id) => ledger.receiptsOf(id),
    trace,
    views: createViewVerbs(deps, { ...status, trace, health: deps.health, countOn: metrics.countOn }),
    handIn: createHandIn(deps),
    upload: createUpload(deps),
    handoffs: (query) => listHandoffs(ledger, query),
    ...status,
    async drainAgent(actor, word, reason) {
      await drain.drain(actor, word, reason);
      return status.agent(word);
    },
    async resumeAgent(actor, word) {
      await drain.resume(actor, word);
      return status.agent(word);
    },
    acl: createAclVerbs(deps),
    channelContext: deps.readChannel,
    health: deps.health,
    watch: (listener) => engine.watch(listener),
    eventsAfter: (position, limit) => ledger.events({ after: position, limit }),
    interactions: createInteractions(deps),
    runs: {
      ...runs,
      async startRun(actor, request) {
        await refuseNew(request.key ?? (request.runId ? { scope: "run", key: request.runId } : undefined));
        return runs.startRun(actor, request);
      },
    },
    tasks,
    orchestrator: deps.orchestrator,
    work: deps.work,
    pipelines: {
      ...deps.pipelines,
      async create(actor, request) {
        await refuseNew(request.key);
        return deps.pipelines.create(actor, request);
      },
    },
    evolve: {
      ...deps.evolve,
      async decide(actor, slug, decision, options) {
        if (decision === "accepted" && options?.dry !== true) await hold.refuse();
        return deps.evolve.decide(actor, slug, decision, options);
      },
    },
    batches: createBatchVerbs(deps),
    metrics,
    queue: createQueueVerbs({
      ...deps,
      tasks,
      channel: deps.queueChannel,
      reader: deps.queueReader,
      problemsIn: deps.words.problemsIn,
      async refusalOf(actor, text, hops) {
        const author = { id: "", name: "", isBot: true };
        const words = await deps.words.wordsOf({ text, attachments: [], author, actor, hops });
        return words ? words.refusal?.text : "The task says nothing.";
      },
    }),
    stopNow: createStopNow(deps),
  };
}
