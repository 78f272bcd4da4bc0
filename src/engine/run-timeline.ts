import type { DelegationState } from "../domain/delegation-types.ts";
import { type RunTimeline, type StepChild, timelineOf } from "../domain/run-timeline.ts";
import type { RunState, StepState, WorkState } from "../domain/run-types.ts";
import { kindOfChild } from "../domain/run-work.ts";
import { Refusal } from "../kernel/refusal.ts";
import { valuesOf } from "../kernel/vector.ts";
import { stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";

/** Children that are shown of a step, and that are read of a run. */
const MOST_OF_STEP = 50;
const MOST_OF_RUN = 1000;

type Named = {
  readonly id: string;
  readonly kind: StepChild["kind"];
  readonly work: WorkState;
  readonly item?: number;
};

/** A run in time, with what became of each delegation and nested run of it. Read past the engine's cache. */
export function createRunTimeline(deps: {
  readonly ledger: Pick<Ledger, "load">;
  readonly now: () => number;
}): (id: string) => Promise<RunTimeline> {
  const { ledger, now } = deps;

  async function runOrRefuse(id: string): Promise<RunState> {
    const loaded = await ledger.load(id);
    if (loaded?.kind === "run") return stateOf("run", loaded);
    throw new Refusal("not_found", `There is no run ${id}.`, {
      hint: "`hq workflow status` lists the latest ones with their ids.",
    });
  }

  async function childOf({ id, kind, work, item }: Named): Promise<StepChild> {
    const known = {
      id,
      kind,
      state: work.status,
      ...(work.agent === undefined ? {} : { agent: work.agent }),
      ...(item === undefined ? {} : { item }),
      ...(work.startedAt === undefined ? {} : { startedAt: work.startedAt }),
      ...(work.outcome ? { settledAt: work.outcome.at } : {}),
    };
    const loaded = await ledger.load(id);
    if (loaded?.kind === "delegation") return { ...known, ...ofDelegation(stateOf("delegation", loaded)) };
    if (loaded?.kind !== "run") return known;
    const { order, status, outcome } = stateOf("run", loaded);
    const begun = { startedAt: order.startedAt, dispatchedAt: order.startedAt };
    return { ...known, state: status, ...begun, ...(outcome ? { settledAt: outcome.at } : {}) };
  }

  return async (id) => {
    const state = await runOrRefuse(id);
    let room = MOST_OF_RUN;
    const children = new Map<string, readonly StepChild[]>();
    for (const [index, step] of [...valuesOf(state.steps)].entries()) {
      const definition = state.order.definition.steps[index];
      if (!definition || room <= 0) break;
      const named = namedIn(step, kindOfChild(definition)).slice(0, Math.min(room, MOST_OF_STEP));
      room -= named.length;
      if (named.length > 0) children.set(definition.id, await Promise.all(named.map(childOf)));
    }
    return timelineOf(state, now(), (step) => children.get(step) ?? []);
  };
}

/** What was begun for a step: for each of its items, or once. */
function namedIn(step: StepState, kind: StepChild["kind"]): readonly Named[] {
  const works = step.items
    ? Array.from(valuesOf(step.items), (work, item) => ({ work, item }))
    : [{ work: step }];
  return works.flatMap((one) => (one.work.child === undefined ? [] : { id: one.work.child, kind, ...one }));
}

function ofDelegation(
  state: DelegationState,
): Pick<StepChild, "state" | "startedAt" | "agent"> &
  Partial<Pick<StepChild, "dispatchedAt" | "settledAt" | "waiting">> {
  const { order, status, outcome, attempts, waiting } = state;
  const dispatchedAt = attempts.find((attempt) => attempt.dispatchedAt !== undefined)?.dispatchedAt;
  return {
    state: status,
    agent: order.agent,
    startedAt: order.queuedAt,
    ...(dispatchedAt === undefined ? {} : { dispatchedAt }),
    ...(outcome ? { settledAt: outcome.at } : {}),
    ...(waiting ? { waiting: waiting.text } : {}),
  };
}
