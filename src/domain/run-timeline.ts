import { graphOf, levelsOf } from "./run-graph.ts";
import type { RunState } from "./run-types.ts";
import { type RunView, type StepView, viewOfRun } from "./run-view.ts";

/** Shorter waits are how long it takes to begin something. */
const LEAST_WAIT_MS = 50;

/** What a step waited for. Without `to` it still does. */
export type StepWait = {
  readonly for: "need" | "room" | "agent" | "gate" | "time";
  /** The step or agent. */
  readonly id?: string;
  readonly text: string;
  readonly from: number;
  readonly to?: number;
  readonly ms: number;
};

/** A delegation or nested run of a step. */
export type StepChild = {
  readonly id: string;
  readonly kind: "delegation" | "run";
  readonly state: string;
  readonly agent?: string;
  readonly item?: number;
  readonly startedAt?: number;
  readonly dispatchedAt?: number;
  readonly settledAt?: number;
  /** Why its agent does not have it yet. */
  readonly waiting?: string;
};

export type TimelineStep = Pick<
  StepView,
  | "id"
  | "kind"
  | "agent"
  | "needs"
  | "generation"
  | "startedAt"
  | "settledAt"
  | "reason"
  | "stalled"
  | "items"
> & {
  readonly state: StepView["status"];
  /** From 0; cleanup steps come after all others. */
  readonly wave: number;
  /** When the first agent had it. */
  readonly dispatchedAt?: number;
  readonly gate?: Pick<
    NonNullable<StepView["gate"]>,
    "status" | "openedAt" | "expiresAt" | "decidedBy" | "decidedAt" | "reason"
  >;
  readonly waitedFor: readonly StepWait[];
  readonly children: readonly StepChild[];
};

/** A run in time: its steps, who waited for what, and who did it. */
export type RunTimeline = Pick<
  RunView,
  "id" | "workflow" | "status" | "startedAt" | "settledAt" | "deadlineAt"
> & {
  readonly at: number;
  readonly steps: readonly TimelineStep[];
};

/** `childrenOf` = what was begun for a step, in the order of its items. */
export function timelineOf(
  state: RunState,
  now: number,
  childrenOf: (step: string) => readonly StepChild[],
): RunTimeline {
  const view = viewOfRun(state);
  const { definition } = state.order;
  const level = levelsOf(definition);
  const { needs } = graphOf(definition);
  const until = view.settledAt ?? now;
  return {
    id: view.id,
    workflow: view.workflow,
    status: view.status,
    startedAt: view.startedAt,
    ...(view.settledAt === undefined ? {} : { settledAt: view.settledAt }),
    deadlineAt: view.deadlineAt,
    at: now,
    steps: view.steps.map((step, index) => {
      const children = childrenOf(step.id);
      const met = (needs[index] ?? []).flatMap((need) => view.steps[need] ?? []);
      return timelineStep(step, { view, met, children, wave: level[index] ?? 0, until });
    }),
  };
}

type Around = {
  readonly view: RunView;
  /** The steps that it needs. */
  readonly met: readonly StepView[];
  readonly children: readonly StepChild[];
  readonly wave: number;
  /** Now, or the end of the run. */
  readonly until: number;
};

function timelineStep(step: StepView, around: Around): TimelineStep {
  const { children, wave } = around;
  const { id, kind, agent, needs, generation, startedAt, settledAt, reason, stalled, items, gate } = step;
  const begun = children.flatMap(({ dispatchedAt }) => dispatchedAt ?? []);
  return {
    id,
    kind,
    state: step.status,
    ...(agent === undefined ? {} : { agent }),
    needs,
    wave,
    generation,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(begun.length > 0 ? { dispatchedAt: Math.min(...begun) } : {}),
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(stalled === undefined ? {} : { stalled }),
    ...(items ? { items } : {}),
    ...(gate ? { gate: gateOf(gate) } : {}),
    waitedFor: [...waitsBefore(step, around), ...waitsSince(step, around)],
    children,
  };
}

function gateOf(gate: NonNullable<StepView["gate"]>): NonNullable<TimelineStep["gate"]> {
  const { status, openedAt, expiresAt, decidedBy, decidedAt, reason } = gate;
  return {
    status,
    openedAt,
    expiresAt,
    ...(decidedBy === undefined ? {} : { decidedBy }),
    ...(decidedAt === undefined ? {} : { decidedAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Until it began: for the steps that it needs, then for room among those that may run at once. */
function waitsBefore(step: StepView, { view, met, until }: Around): readonly StepWait[] {
  const began = step.startedAt ?? step.gate?.openedAt;
  const isOver = began === undefined && step.status !== "pending";
  if (isOver) return [];
  const unmet = met.filter(({ settledAt }) => settledAt === undefined);
  if (unmet.length > 0) {
    if (began !== undefined || view.settledAt !== undefined) return [];
    const text = `waits for ${unmet.map(({ id }) => id).join(", ")}`;
    return [wait("need", unmet[0]?.id, text, view.startedAt, undefined, until)];
  }
  const last = met.reduce<StepView | undefined>(
    (latest, need) => ((need.settledAt ?? 0) > (latest?.settledAt ?? 0) ? need : latest),
    undefined,
  );
  const readyAt = last?.settledAt ?? view.startedAt;
  const forNeeds =
    last && readyAt - view.startedAt >= LEAST_WAIT_MS
      ? [wait("need", last.id, `waited for ${last.id}`, view.startedAt, readyAt, until)]
      : [];
  // A step that was done once more began anew: its needs were met long before.
  const isFirst = step.generation === 1;
  const room = (began ?? until) - readyAt;
  if (room < LEAST_WAIT_MS || !isFirst || (began === undefined && view.settledAt !== undefined))
    return forNeeds;
  return [...forNeeds, wait("room", undefined, roomText(began), readyAt, began, until)];
}

function roomText(began: number | undefined): string {
  return began === undefined ? "waits until fewer steps run" : "waited until fewer steps ran";
}

/** Since it began: for its agent, for people, or for an instant. */
function waitsSince(step: StepView, { children, until }: Around): readonly StepWait[] {
  const { gate, kind, startedAt } = step;
  if (gate) {
    const who = gate.approvers.join(", ") || "whoever may operate";
    const over = gate.decidedAt ?? step.settledAt;
    return [
      wait(
        "gate",
        undefined,
        over === undefined ? `waits for ${who}` : `waited for ${who}`,
        gate.openedAt,
        over,
        until,
      ),
    ];
  }
  if (kind === "wait" && startedAt !== undefined)
    return [wait("time", undefined, "a pause", startedAt, step.settledAt, until)];
  return children.flatMap(({ agent = "its agent", startedAt: from, dispatchedAt, settledAt, waiting }) => {
    const to = dispatchedAt ?? settledAt;
    if (from === undefined || (to ?? until) - from < LEAST_WAIT_MS) return [];
    const why = waiting === undefined ? "" : `: ${waiting}`;
    const text = `${to === undefined ? "waits" : "waited"} for ${agent}${why}`;
    return [wait("agent", agent, text, from, to, until)];
  });
}

function wait(
  what: StepWait["for"],
  id: string | undefined,
  text: string,
  from: number,
  to: number | undefined,
  until: number,
): StepWait {
  return {
    for: what,
    ...(id === undefined ? {} : { id }),
    text,
    from,
    ...(to === undefined ? {} : { to }),
    ms: Math.max(0, (to ?? until) - from),
  };
}
