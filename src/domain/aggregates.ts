import { agentState, agentWakeAt } from "./agent-state.ts";
import { type AgentEvent, type AgentInput, type AgentState, agentToday } from "./agent-types.ts";
import { batch } from "./batch.ts";
import { rollUp } from "./batch-roll-up.ts";
import type { BatchEvent, BatchInput, BatchState } from "./batch-types.ts";
import { type CallEvent, type CallInput, type CallState, call } from "./call.ts";
import { slotsAfter } from "./capacity.ts";
import { currentAttempt, delegation, delegationWakeAt } from "./delegation.ts";
import {
  type DelegationEvent,
  type DelegationInput,
  type DelegationState,
  isSettled,
} from "./delegation-types.ts";
import { delivery } from "./delivery.ts";
import type { DeliveryEvent, DeliveryInput, DeliveryState } from "./delivery-types.ts";
import type { Effect, EffectType } from "./effects.ts";
import {
  type InteractionEvent,
  type InteractionInput,
  type InteractionState,
  interaction,
} from "./interaction.ts";
import { type MendEvent, type MendInput, type MendState, mend } from "./mend.ts";
import { type NoticeEvent, type NoticeInput, type NoticeState, notice } from "./notice.ts";
import { type PipelineEvent, type PipelineInput, type PipelineState, pipeline } from "./pipeline.ts";
import { run } from "./run.ts";
import { isRunSettled, type RunEvent, type RunInput, type RunState } from "./run-types.ts";
import { type SessionEvent, type SessionInput, type SessionState, session } from "./session.ts";
import { type SkillEvent, type SkillInput, type SkillState, skill } from "./skill.ts";
import { type StrayEvent, type StrayInput, type StrayState, stray } from "./stray.ts";
import { task, taskSlotsAfter, taskWakeAt } from "./task.ts";
import type { TaskEvent, TaskInput } from "./task-events.ts";
import { isTaskOpen, type TaskState } from "./task-types.ts";
import { work } from "./work-item.ts";
import type { WorkEvent, WorkInput, WorkState } from "./work-types.ts";
import { worker, workerSlotsAfter } from "./worker.ts";
import { isWorkerSettled, type WorkerEvent, type WorkerInput, type WorkerState } from "./worker-types.ts";

/** State, inputs and events of each kind of stream. */
export type Kinds = {
  delegation: { state: DelegationState; input: DelegationInput; event: DelegationEvent };
  run: { state: RunState; input: RunInput; event: RunEvent };
  delivery: { state: DeliveryState; input: DeliveryInput; event: DeliveryEvent };
  interaction: { state: InteractionState; input: InteractionInput; event: InteractionEvent };
  stray: { state: StrayState; input: StrayInput; event: StrayEvent };
  agent: { state: AgentState; input: AgentInput; event: AgentEvent };
  notice: { state: NoticeState; input: NoticeInput; event: NoticeEvent };
  task: { state: TaskState; input: TaskInput; event: TaskEvent };
  worker: { state: WorkerState; input: WorkerInput; event: WorkerEvent };
  call: { state: CallState; input: CallInput; event: CallEvent };
  session: { state: SessionState; input: SessionInput; event: SessionEvent };
  skill: { state: SkillState; input: SkillInput; event: SkillEvent };
  work: { state: WorkState; input: WorkInput; event: WorkEvent };
  pipeline: { state: PipelineState; input: PipelineInput; event: PipelineEvent };
  batch: { state: BatchState; input: BatchInput; event: BatchEvent };
  mend: { state: MendState; input: MendInput; event: MendEvent };
};
export type Kind = keyof Kinds;

/** A decider with what the ledger's lists need to know of its states. */
export type Aggregate<K extends Kind> = {
  readonly decide: (
    state: Kinds[K]["state"] | undefined,
    input: Kinds[K]["input"],
  ) => readonly Kinds[K]["event"][];
  readonly evolve: (state: Kinds[K]["state"] | undefined, event: Kinds[K]["event"]) => Kinds[K]["state"];
  readonly effects: (state: Kinds[K]["state"], event: Kinds[K]["event"]) => readonly Effect[];
  readonly columns: (state: Kinds[K]["state"]) => {
    readonly status: string;
    readonly open: boolean;
    readonly agent?: string;
    readonly parent?: string;
    readonly deadlineAt?: number;
  };
  readonly slots?: (
    state: Kinds[K]["state"],
    input: Kinds[K]["input"],
  ) => readonly { readonly attempt: number; readonly until: number | "free" }[];
  /** Whether the folded state is worth writing with these events, which end at `version`; absent = always. */
  readonly keeps?: (
    state: Kinds[K]["state"],
    events: readonly Kinds[K]["event"][],
    version: number,
  ) => boolean;
  /** Kinds of effects that may still be open and that these events make pointless; `before` is the state they were decided on. */
  readonly cancels?: (
    events: readonly Kinds[K]["event"][],
    before: Kinds[K]["state"] | undefined,
  ) => readonly EffectType[];
  /** Whether nothing more will come to it and nobody reads it again, as a rule: it is not remembered; absent = never. */
  readonly isOver?: (state: Kinds[K]["state"]) => boolean;
  /** The next instant at which it wants the input `wake`, if nothing comes before; undefined = never. */
  readonly wakeAt?: (state: Kinds[K]["state"]) => number | undefined;
};

/** Kinds that know the input `wake`. */
export type WakingKind = {
  [K in Kind]: Extract<Kinds[K]["input"], { type: "wake" }> extends never ? never : K;
}[Kind];

export function isWaking(kind: Kind): kind is WakingKind {
  return aggregates[kind].wakeAt !== undefined;
}

const WHEN_SETTLED: readonly EffectType[] = ["dispatch", "reconcile"];
const WHEN_RUN_SETTLED: readonly EffectType[] = ["run-timer"];
const WHEN_WORKER_SETTLED: readonly EffectType[] = ["run-worker"];
const WHEN_ANSWERED: readonly EffectType[] = ["interaction"];
const NOTHING: readonly EffectType[] = [];
/** Writing the state of a small run costs less than folding its events again; that of a large one each time is quadratic. */
const SMALL_RUN = 64;
const SMALL_BATCH = 16;
const KEPT_EACH = 200;

export const aggregates: { readonly [K in Kind]: Aggregate<K> } = {
  delegation: {
    ...delegation,
    columns: (state) => {
      const deadlineAt = state.attempts.at(-1)?.deadlineAt;
      return {
        status: state.status,
        open: !isSettled(state.status),
        agent: state.order.agent,
        ...(state.order.parent ? { parent: state.order.parent.id } : {}),
        ...(deadlineAt === undefined ? {} : { deadlineAt }),
      };
    },
    slots: slotsAfter,
    cancels: (events, before) => {
      // What was dispatched has no request open: the answer ended it.
      const isWithAgent = before !== undefined && currentAttempt(before).dispatchedAt !== undefined;
      const isSettling = events.some(({ type }) => type === "delegation.settled");
      return isSettling && !isWithAgent ? WHEN_SETTLED : NOTHING;
    },
    wakeAt: delegationWakeAt,
  },
  run: {
    ...run,
    columns: ({ order, status }) => ({
      status,
      open: !isRunSettled(status),
      agent: order.definition.name,
      ...(order.parent ? { parent: order.parent.run } : {}),
      deadlineAt: order.deadlineAt,
    }),
    keeps: ({ steps }, events, version) =>
      steps.size <= SMALL_RUN ||
      Math.floor(version / KEPT_EACH) > Math.floor((version - events.length) / KEPT_EACH) ||
      events.some(({ type }) => type === "run.settled" || type === "run.stopped"),
    cancels: (events) => (events.some(({ type }) => type === "run.settled") ? WHEN_RUN_SETTLED : NOTHING),
  },
  delivery: {
    ...delivery,
    columns: (state) => ({ status: state.status, open: state.status !== "posted" }),
    isOver: (state) => state.status === "posted",
  },
  interaction: {
    ...interaction,
    columns: (state) => ({
      status: state.status,
      open: state.status === "noted" || state.status === "begun",
    }),
    cancels: (events) => (events.some(({ type }) => type === "interaction.done") ? WHEN_ANSWERED : NOTHING),
  },
  stray: { ...stray, columns: () => ({ status: "set_aside", open: false }) },
  notice: { ...notice, columns: () => ({ status: "given", open: false }) },
  mend: {
    ...mend,
    columns: (state) =>
      "message" in state
        ? { status: "accepted", open: false, ...(state.parent === undefined ? {} : { parent: state.parent }) }
        : { status: "made", open: false },
  },
  task: {
    ...task,
    columns: (state) => ({ status: state.status, open: isTaskOpen(state) }),
    slots: taskSlotsAfter,
    wakeAt: taskWakeAt,
  },
  worker: {
    ...worker,
    columns: ({ work, status }) => ({
      status,
      open: !isWorkerSettled(status),
      agent: work.worker,
      parent: work.taskOf.task,
    }),
    slots: workerSlotsAfter,
    // What was begun goes on until nothing of it is left.
    cancels: (events, before) => {
      const isSettling = events.some(({ type }) => type === "worker.settled");
      return isSettling && before?.status === "queued" ? WHEN_WORKER_SETTLED : NOTHING;
    },
  },
  agent: {
    ...agentState,
    columns: (stored) => {
      const { agent, seen } = agentToday(stored, stored.agent);
      return { status: seen?.state ?? "unknown", open: false, agent };
    },
    wakeAt: agentWakeAt,
  },
  call: { ...call, columns: () => ({ status: "asked", open: false }) },
  session: {
    ...session,
    columns: ({ status, agent }) => ({ status, open: status !== "closed", agent }),
  },
  skill: { ...skill, columns: () => ({ status: "registered", open: false }) },
  work: {
    ...work,
    // What is noted about a step's item stands beside its run, and in no list of its own.
    columns: ({ status, adopted, assignee }) => ({
      status: adopted ? "noted" : status,
      open: !adopted && status !== "done" && status !== "failed",
      ...(assignee === undefined ? {} : { agent: assignee }),
    }),
  },
  pipeline: { ...pipeline, columns: () => ({ status: "kept", open: false }) },
  batch: {
    ...batch,
    columns: ({ actor, tasks, removedAt }) => ({
      status: removedAt === undefined ? rollUp(tasks) : "removed",
      open: false,
      ...(actor.kind === "agent" ? { agent: actor.id } : {}),
    }),
    keeps: ({ tasks }, events, version) =>
      tasks.length <= SMALL_BATCH ||
      Math.floor(version / KEPT_EACH) > Math.floor((version - events.length) / KEPT_EACH),
  },
};
