import type { Acl } from "../domain/acl.ts";
import { type Actor, actorName } from "../domain/actor.ts";
import type { Registry } from "../domain/agent-card.ts";
import { hookTasksOf } from "../domain/evolution.ts";
import { checkStep } from "../domain/output-check.ts";
import {
  definitionOf,
  nextOf,
  type PipelineState,
  type PipelineView,
  pipelineDigest,
} from "../domain/pipeline.ts";
import { POST_HOOKS } from "../domain/pipeline-types.ts";
import { isRunSettled } from "../domain/run-types.ts";
import type { SkillContract } from "../domain/skill-contract.ts";
import { workStream } from "../domain/work-types.ts";
import { newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { ChooseAgent } from "./choose-agent.ts";
import { type ChangeWork, createChangeWork } from "./create-work-verbs.ts";
import { permit } from "./ownership.ts";
import { createCancelPipeline, refuseCanceled, runByCoordinator } from "./pipeline-cancel.ts";
import { createStages, nameOf, stageOrRefuse } from "./pipeline-stages.ts";
import { createPipelineView, stageSlug } from "./pipeline-view.ts";
import type { Ledger } from "./ports/ledger.ts";
import type { RunVerbs } from "./run-verbs.ts";
import { stageOrder, type WorkItems } from "./work-items.ts";
import { permitMaking, permitWork } from "./work-permission.ts";
import type { Advanced, CreatePipeline, PipelineVerbs } from "./work-verbs.ts";

const MOST_LISTED = 200;
const DEFAULT_MINUTES = 5;

export type PipelinesDeps = {
  readonly engine: Engine;
  readonly ledger: Ledger;
  readonly items: WorkItems;
  readonly runs: Pick<RunVerbs, "startRun" | "decideGate" | "retryRun" | "cancelRun">;
  readonly registry: () => Registry;
  readonly acl: () => Acl;
  readonly contracts: () => readonly SkillContract[];
  readonly chooseAgent: ChooseAgent;
  readonly now: () => number;
};

/** Pipelines made of capabilities: run by the coordinator, or taken through their stages by hand. */
export function createPipelines(deps: PipelinesDeps): PipelineVerbs {
  const { engine, ledger, items, runs, registry, acl, contracts, now } = deps;
  const change: ChangeWork = createChangeWork(deps);
  const stagesOf = createStages(deps);
  const cancelManual = createCancelPipeline({ ...deps, change });
  const { viewOfRunState, viewOfManual } = createPipelineView({ items });

  async function create(actor: Actor, request: CreatePipeline): Promise<PipelineView> {
    const name = nameOf(request);
    const stages = await stagesOf(actor, request);
    const { project, postHooks = POST_HOOKS, manual, key } = request;
    const pipeline = { ...(project ? { project } : {}), stages, postHooks };
    if (manual) {
      const at = now();
      return createManual({ ...pipeline, id: newId(`wf-${name}`, at), name, at, maker: actor }, key);
    }
    const minutesOf = (skill: string) =>
      contracts().find((contract) => contract.name === skill)?.estimated_minutes ?? DEFAULT_MINUTES;
    const { run } = await runs.startRun(actor, {
      workflow: name,
      definition: definitionOf(name, pipeline, minutesOf),
      inputs: {},
      origin: { door: "rest" },
      ...(key ? { key } : {}),
      ...(request.deliver === undefined ? {} : { deliver: request.deliver }),
    });
    return show(run.id);
  }

  /** Its items are made at once; what a crash leaves out is made when it is first changed. */
  async function createManual(state: PipelineState, key: CreatePipeline["key"]): Promise<PipelineView> {
    const { id, maker: actor } = state;
    permitMaking(actor);
    const { repeats } = await engine.accept({
      kind: "pipeline",
      stream: id,
      input: { ...state, type: "create" },
      cause: `create ${id}`,
      actor,
      isNew: true,
      ...(key ? { key: { ...key, digest: pipelineDigest(state) } } : {}),
    });
    if (repeats?.same) return show(repeats.stream);
    if (repeats) {
      throw new Refusal(
        "key_reused",
        `${key?.key ?? id} was used before for another request (${repeats.stream}).`,
      );
    }
    for (const { index } of state.stages) {
      const order = stageOrder(state, index);
      if (!order) continue;
      const { slug, blockers } = order;
      for (const blocker of blockers) {
        const stream = workStream(blocker);
        const depend = { type: "depend", slug, at: now(), actor } as const;
        await engine.accept({ kind: "work", stream, input: depend, cause: `create ${id}`, actor });
      }
      const made = { ...order, type: "create" } as const;
      await engine.accept({
        kind: "work",
        stream: workStream(slug),
        input: made,
        cause: `create ${id}`,
        actor,
      });
    }
    return show(id);
  }

  async function found(id: string) {
    const run = await engine.read("run", id);
    if (run?.order.definition.pipeline) return { mode: "run", run } as const;
    const state = await engine.read("pipeline", id);
    if (state) return { mode: "manual", state } as const;
    throw new Refusal("not_found", `There is no pipeline ${id}.`, {
      hint: run
        ? `${id} is the run of a workflow: \`hq workflow status ${id}\`.`
        : "`hq workflow pipelines` lists them.",
    });
  }

  async function show(id: string): Promise<PipelineView> {
    const one = await found(id);
    return one.mode === "run" ? viewOfRunState(one.run) : viewOfManual(one.state);
  }

  async function list({ status }: Parameters<PipelineVerbs["list"]>[0]): Promise<readonly PipelineView[]> {
    const [runPage, page] = await Promise.all([
      ledger.list({ kind: "run", limit: MOST_LISTED }),
      ledger.list({ kind: "pipeline", limit: MOST_LISTED }),
    ]);
    const states = runPage.items
      .map((item) => stateOf("run", item))
      .filter(({ order }) => order.definition.pipeline);
    const views = [
      ...(await Promise.all(states.map(viewOfRunState))),
      ...(await Promise.all(page.items.map((item) => viewOfManual(stateOf("pipeline", item))))),
    ];
    return views
      .filter((view) => status === undefined || view.status === status)
      .toSorted((a, b) => b.createdAt - a.createdAt);
  }

  async function advance(
    actor: Actor,
    id: string,
    options: { readonly resume?: boolean } = {},
  ): Promise<Advanced> {
    const one = await found(id);
    if (one.mode === "run") return advanceRun(actor, id, options.resume === true);
    refuseCanceled(one.state);
    const view = await viewOfManual(one.state);
    const next = nextOf(view.stages);
    const isFailed = next.outcome === "failed" && options.resume === true;
    if (next.outcome !== "ready" && !isFailed) return { ...next, pipeline: view };
    const item = await items.find(stageSlug(id, next.stage));
    permitWork(actor, item, registry());
    const hasStarted = await change(actor, item, { type: "start", at: now(), actor });
    const after = await show(id);
    const { capability = "", goal = "", skill = "" } = after.stages[next.stage] ?? {};
    if (hasStarted) {
      const why = `stage ${next.stage} [${capability}] began: ${goal} → ${skill}`;
      return { outcome: "started", stage: next.stage, why, pipeline: after };
    }
    // Somebody else was quicker.
    const later = nextOf(after.stages);
    return later.outcome === "ready"
      ? { outcome: "running", stage: next.stage, why: "somebody else began it", pipeline: after }
      : { ...later, pipeline: after };
  }

  /** A run goes on by itself: what is told is how it stands. */
  async function advanceRun(actor: Actor, id: string, isResumed: boolean): Promise<Advanced> {
    if (isResumed) await runs.retryRun(actor, id);
    const run = await engine.read("run", id);
    const pipeline = await show(id);
    const next = nextOf(pipeline.stages);
    if (run && isRunSettled(run.status) && next.outcome !== "done" && next.outcome !== "failed") {
      const why = `the run is ${run.status}${run.outcome?.reason ? `: ${run.outcome.reason}` : ""}`;
      return { outcome: "failed", stage: next.stage, why, pipeline };
    }
    if (next.outcome !== "ready") return { ...next, pipeline };
    return { outcome: "running", stage: next.stage, why: "the coordinator is about to begin it", pipeline };
  }

  async function byHand(id: string, index: number, what: string) {
    const one = await found(id);
    if (one.mode === "run") throw runByCoordinator(id, what);
    refuseCanceled(one.state);
    stageOrRefuse(id, one.state.stages.length, index);
    return items.find(stageSlug(id, index));
  }

  async function end(
    actor: Actor,
    act: {
      readonly id: string;
      readonly stage: number;
      readonly what: "completed" | "failed";
      readonly reason?: string | undefined;
    },
  ): Promise<PipelineView> {
    const { id, stage, what, reason } = act;
    const item = await byHand(id, stage, what);
    permitWork(actor, item, registry());
    const isUnderWay = item.kind === "own" && ["in_progress", "review"].includes(item.state.status);
    const input =
      what === "completed"
        ? ({ type: "complete", at: now(), actor } as const)
        : ({ type: "fail", at: now(), actor, ...(reason ? { reason } : {}) } as const);
    if (isUnderWay && (await change(actor, item, input))) return show(id);
    const status = await items.statusOf(stageSlug(id, stage));
    if (status === (what === "completed" ? "done" : "failed")) return show(id);
    throw new Refusal("already_settled", `Stage ${stage} of ${id} is ${status}; it cannot be ${what}.`, {
      hint: `\`hq workflow advance ${id}\` begins the stage that comes next, and says what holds it.`,
    });
  }

  async function override(actor: Actor, id: string, index: number, given: string): Promise<PipelineView> {
    const reason = given.trim();
    if (reason === "") throw new Refusal("invalid_input", "reason: say why it may pass.");
    const view = await show(id);
    const stage = stageOrRefuse(id, view.stages.length, index, view);
    if (stage?.verdict !== "fail" || stage.override) {
      const said = stage?.override
        ? `${stage.override.by} let it pass already`
        : `sanity-check says ${stage?.verdict ?? "nothing yet"}`;
      throw new Refusal("already_settled", `Stage ${index} of ${id} is not held: ${said}.`);
    }
    const one = await found(id);
    if (one.mode === "run") {
      const step = checkStep(one.run.order.definition.pipeline?.stages[index]?.step ?? "");
      await runs.decideGate(actor, { run: id, step, decision: "approve", reason });
      return show(id);
    }
    permit(acl(), actor, "override", { id, asker: one.state.maker, what: "let a stage pass of" });
    if (actor.kind === "agent")
      throw new Refusal("not_allowed", `${actorName(actor)} may not: it is for people.`);
    const item = await items.find(stage.workItem);
    await change(actor, item, { type: "override", at: now(), actor, reason, issues: stage.issues ?? [] });
    return show(id);
  }

  async function ended(id: string, index: number) {
    const view = await show(id);
    const stage = stageOrRefuse(id, view.stages.length, index, view);
    if (stage && (stage.status === "done" || stage.status === "failed")) return { view, stage };
    throw new Refusal(
      "already_settled",
      `Stage ${index} of ${id} is ${stage?.status}: hooks follow its end.`,
    );
  }

  async function cancel(actor: Actor, id: string, reason?: string): Promise<PipelineView> {
    const one = await found(id);
    if (one.mode === "run") await runs.cancelRun(actor, id, reason);
    else await cancelManual(actor, { state: one.state, view: await viewOfManual(one.state), reason });
    return show(id);
  }

  return {
    create,
    cancel,
    show,
    list,
    advance,
    complete: (actor, id, stage) => end(actor, { id, stage, what: "completed" }),
    fail: (actor, id, stage, reason) => end(actor, { id, stage, what: "failed", reason }),
    override,
    async hookTasks(id, index) {
      const { view, stage } = await ended(id, index);
      return hookTasksOf(
        await items.show(stage.workItem),
        POST_HOOKS.filter((hook) => view.postHooks.includes(hook)),
      );
    },
    async hooksRun(actor, id, index) {
      const { stage } = await ended(id, index);
      const item = await items.find(stage.workItem);
      permitWork(actor, item, registry());
      const since = (item.kind === "own" ? item.state.completedAt : item.step.settledAt) ?? 0;
      await change(actor, item, { type: "hooks-run", at: now(), since, actor });
      return show(id);
    },
  };
}
