import type { Actor } from "../domain/actor.ts";
import type { PipelineState } from "../domain/pipeline.ts";
import type { RunState } from "../domain/run-types.ts";
import type { StepView } from "../domain/run-view.ts";
import { WORDS_OF_STEP } from "../domain/status-words.ts";
import { work } from "../domain/work-item.ts";
import { type RunWork, slugOfStep, workOfRun } from "../domain/work-of-run.ts";
import { type WorkOrder, type WorkState, type WorkStatus, workStream } from "../domain/work-types.ts";
import { itemOf, type WorkItem } from "../domain/work-view.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Ledger, ListQuery } from "./ports/ledger.ts";
import { slugIn } from "./stage-check.ts";
import type { WorkQuery } from "./work-verbs.ts";

/** So many runs, and so many items of their own, are looked through for a list. */
const MOST_RUNS = 200;
/** Of several that are meant. */
const MOST_NAMED = 5;
const MOST_OWN = 2000;
/** Of one run. */
const MOST_STEPS = 1000;
const PAGE = 200;
const DEFAULT_LIMIT = 50;

/** Where an item's truth stands: in a stream of its own, in a pipeline that was never begun, or in a run. */
export type FoundWork =
  | {
      readonly kind: "own";
      readonly state: WorkState & { readonly order: WorkOrder };
      readonly isKept: boolean;
    }
  | { readonly kind: "step"; readonly run: RunState; readonly step: StepView; readonly kept?: WorkState };

export type WorkItemsDeps = {
  readonly engine: Engine;
  readonly ledger: Ledger;
  /** The file with a step's result. */
  readonly fileOf: (run: string, step: string) => string;
};

export type WorkItems = ReturnType<typeof createWorkItems>;

/** Finds and shows work items. Those of steps are views of their runs: nothing is kept twice. */
export function createWorkItems({ engine, ledger, fileOf }: WorkItemsDeps) {
  const workIn = (run: RunState): RunWork => workOfRun(run, fileOf);

  async function lookFor(slug: string): Promise<FoundWork | undefined> {
    const state = await engine.read("work", workStream(slug));
    if (state?.order) return { kind: "own", state: { ...state, order: state.order }, isKept: true };
    const [, owner, index] = /^(.+)-stage-(\d+)$/.exec(slug) ?? [];
    if (owner !== undefined) {
      const found = await stageOf(owner, Number(index), state);
      if (found) return found;
    }
    const place = await placeOf(slug);
    const run = place && (await engine.read("run", place.run));
    if (!place || !run) return undefined;
    return stepIn(run, place.step, await engine.read("work", workStream(slugIn(run, place.step))));
  }

  /** The step that a slug names, or the id of the delegation that does it: that is what its agent knows. */
  async function placeOf(slug: string): Promise<{ readonly run: string; readonly step: string } | undefined> {
    const childOf = (await engine.read("delegation", slug))?.order.childOf;
    if (childOf) return childOf;
    const dot = slug.lastIndexOf(".");
    return dot > 0 ? { run: slug.slice(0, dot), step: slug.slice(dot + 1) } : undefined;
  }

  async function stageOf(owner: string, index: number, kept: WorkState | undefined) {
    const run = await engine.read("run", owner);
    const stage = run?.order.definition.pipeline?.stages[index];
    if (run && stage) return stepIn(run, stage.step, kept);
    const pipeline = await engine.read("pipeline", owner);
    const order = pipeline && stageOrder(pipeline, index);
    if (!order) return undefined;
    const state = work.evolve(undefined, { ...order, type: "work.created" });
    return { kind: "own", state: { ...state, order }, isKept: false } as const;
  }

  function stepIn(run: RunState, id: string, kept: WorkState | undefined): FoundWork | undefined {
    const step = workIn(run).steps.find((one) => one.id === id);
    return step && { kind: "step", run, step, ...(kept ? { kept } : {}) };
  }

  async function find(slug: string): Promise<FoundWork> {
    const found = (await lookFor(slug)) ?? (await lookForShort(slug));
    if (found) return found;
    throw new Refusal("not_found", `There is no work item ${slug}.`, {
      hint: "`hq work list` shows the latest ones.",
    });
  }

  /** By a slug without what was made up to tell it apart, as people remember it. */
  async function lookForShort(slug: string): Promise<FoundWork | undefined> {
    const byHand = (await pages({ kind: "pipeline" }, MOST_RUNS)).map((item) => stateOf("pipeline", item));
    const stages = byHand.flatMap(({ id, stages }) =>
      stages.map((stage) => slugOfStep(id, stage.step, stage)),
    );
    const known = new Set([...(await all()).map((item) => item.slug), ...stages]);
    const meant = [...known].filter((one) => shortSlug(one) === slug);
    if (meant.length > 1) {
      throw new Refusal("invalid_input", `${slug} names ${meant.length} work items.`, {
        hint: `Say which one: ${meant.slice(0, MOST_NAMED).join(", ")}${meant.length > MOST_NAMED ? ", …" : ""}.`,
      });
    }
    return meant[0] === undefined ? undefined : lookFor(meant[0]);
  }

  async function statusOf(slug: string): Promise<WorkStatus | undefined> {
    const found = await lookFor(slug);
    if (!found) return undefined;
    return found.kind === "own" ? found.state.status : WORDS_OF_STEP[found.step.status].item;
  }

  async function openBlockers({ blockers }: Pick<WorkState, "blockers">): Promise<readonly string[]> {
    const open: string[] = [];
    for (const slug of blockers) if ((await statusOf(slug)) !== "done") open.push(slug);
    return open;
  }

  /** The note at the one that is waited for is written first: only what the other one confirms is shown. */
  async function dependentsOf({ slug, dependents }: WorkState): Promise<readonly string[]> {
    const real: string[] = [];
    for (const other of dependents) {
      const state = await engine.read("work", workStream(other));
      if (state?.blockers.includes(slug)) real.push(other);
    }
    return real;
  }

  async function show(slug: string): Promise<WorkItem> {
    return viewOf(await find(slug));
  }

  async function viewOf(found: FoundWork): Promise<WorkItem> {
    if (found.kind === "step") return workIn(found.run).item(found.step, found.kept);
    const { state } = found;
    return itemOf(state, { openBlockers: await openBlockers(state), dependents: await dependentsOf(state) });
  }

  async function pages(query: Omit<ListQuery, "limit">, most: number) {
    const items = [];
    for (let before: string | undefined; items.length < most; ) {
      const page = await ledger.list({ ...query, limit: PAGE, ...(before ? { before } : {}) });
      items.push(...page.items);
      if (!page.next) break;
      before = page.next;
    }
    return items.slice(0, most);
  }

  /** Every item there is to list, newest first. */
  async function all(query: Pick<WorkQuery, "workflow"> = {}): Promise<readonly WorkItem[]> {
    const kept = (await pages({ kind: "work" }, MOST_OWN)).map((item) => stateOf("work", item));
    const bySlug = new Map(kept.map((state) => [state.slug, state]));
    const items: WorkItem[] = [];
    for (const state of kept) {
      const { order } = state;
      if (!order || (query.workflow !== undefined && order.pipeline !== query.workflow)) continue;
      items.push(await viewOf({ kind: "own", state: { ...state, order }, isKept: true }));
    }
    for (const run of await runsFor(query.workflow)) {
      const { steps, slugFor, item } = workIn(run);
      for (const step of steps.slice(0, MOST_STEPS)) items.push(item(step, bySlug.get(slugFor(step.id))));
    }
    return items.toSorted((a, b) => (createdAt(a) < createdAt(b) ? 1 : createdAt(a) > createdAt(b) ? -1 : 0));
  }

  async function runsFor(id: string | undefined): Promise<readonly RunState[]> {
    if (id === undefined)
      return (await pages({ kind: "run" }, MOST_RUNS)).map((item) => stateOf("run", item));
    const run = await engine.read("run", id);
    return run ? [run] : [];
  }

  async function list({ status, project, skill, workflow, limit }: WorkQuery): Promise<readonly WorkItem[]> {
    const items = (await all({ workflow })).filter(
      ({ lifecycle, project: own }) =>
        (status === undefined || lifecycle.status === status) &&
        (project === undefined || own === project) &&
        (skill === undefined || lifecycle.assignee_skill === skill),
    );
    return items.slice(0, limit ?? DEFAULT_LIMIT);
  }

  return { find, lookFor, show, viewOf, statusOf, openBlockers, all, list };
}

const createdAt = ({ lifecycle }: WorkItem) => lifecycle.timestamps.created_at;

/** What a stage of a pipeline by hand asks for; each waits for the one before. */
export function stageOrder(pipeline: PipelineState, index: number): WorkOrder | undefined {
  const stage = pipeline.stages[index];
  if (!stage) return undefined;
  const before = pipeline.stages[index - 1];
  const { id, project, maker, at } = pipeline;
  return {
    slug: slugOfStep(id, stage.step, stage),
    title: stage.goal,
    ...(project === undefined ? {} : { project }),
    goal: stage.goal,
    criteria: [],
    constraints: [],
    assignee: stage.skill,
    pipeline: id,
    blockers: before ? [slugOfStep(id, before.step, before)] : [],
    maker,
    at,
  };
}

/** Who made it. */
export function makerOf(found: FoundWork): Actor {
  return found.kind === "own" ? found.state.order.maker : found.run.order.actor;
}

/** `wf-x-stage-0` of `wf-x-<what was made up>-stage-0`, and the like. */
function shortSlug(slug: string): string {
  return slug.replace(/-[0-9a-z]{19}(?=-stage-\d+$|\.)|-[0-9a-f]{6}$/, "");
}
