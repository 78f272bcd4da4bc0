import type { Decider } from "../kernel/decider.ts";
import { actorName } from "./actor.ts";
import type { Delivery, Effect } from "./effects.ts";
import { cutResult } from "./step-result.ts";
import {
  isWorkerSettled,
  type WorkerEvent,
  type WorkerInput,
  type WorkerOutcome,
  type WorkerState,
  type WorkerWork,
} from "./worker-types.ts";
import type { WorkerView } from "./worker-view.ts";

type State = WorkerState;
type Event = WorkerEvent;

const NOTHING: readonly Event[] = [];
/** All workers share one room. */
export const WORKER_SLOTS = "workers";
/** A slot is kept so long after the time limit: killing with proof takes its time. */
const SLOT_GRACE_MS = 3_600_000;

function decide(state: State | undefined, input: WorkerInput): readonly Event[] {
  if (input.type === "queue") return state ? NOTHING : [{ type: "worker.queued", work: input.work }];
  if (!state || isWorkerSettled(state.status)) return NOTHING;
  switch (input.type) {
    case "begun": {
      const isAwaited = state.status === "queued" && state.attempt === input.attempt;
      return isAwaited ? [{ ...input, type: "worker.begun" }] : NOTHING;
    }
    case "ended":
      return ended(state, input);
    case "gone":
      return NOTHING;
    case "cancel": {
      const { at, actor, reason = "canceled on request" } = input;
      const outcome = { status: "canceled", reason, files: [] } as const;
      return [{ type: "worker.settled", at, outcome, isRunning: state.status === "running", by: actor }];
    }
  }
}

/** What is lost is begun once more, as often as was agreed. */
function ended(state: State, { at, attempt, outcome }: Extract<WorkerInput, { type: "ended" }>) {
  if (attempt !== state.attempt) return NOTHING;
  if (outcome.status === "lost" && attempt <= state.work.reruns) {
    const text = outcome.reason ?? "the supervisor stopped, and nothing of the worker is left";
    return [{ type: "worker.lost", at, attempt, text }] as const;
  }
  const { result, ...rest } = outcome;
  const kept: WorkerOutcome = { ...rest, ...(result === undefined ? {} : { result: cutResult(result) }) };
  return [{ type: "worker.settled", at, outcome: kept, isRunning: false }] as const;
}

function evolve(state: State | undefined, event: Event): State {
  if (event.type === "worker.queued") return { work: event.work, status: "queued", attempt: 1 };
  if (!state) throw new Error(`${event.type} before worker.queued`);
  switch (event.type) {
    case "worker.begun":
      return {
        ...state,
        status: "running",
        begunAt: event.at,
        ...(event.home === undefined ? {} : { home: event.home }),
      };
    case "worker.lost":
      return { ...state, status: "queued", attempt: event.attempt + 1 };
    case "worker.settled":
      return { ...state, status: event.outcome.status, settledAt: event.at, outcome: event.outcome };
  }
}

function effects(state: State, event: Event): readonly Effect[] {
  const { work } = state;
  switch (event.type) {
    case "worker.queued":
      return [runWorker(state, work.queuedAt)];
    case "worker.begun": {
      const suffix = event.attempt > 1 ? `~${event.attempt}` : "";
      return [post(work, "spawned", `spawned${suffix}`, event.at), card(work, event.at)];
    }
    case "worker.lost":
      return [runWorker(state, event.at), card(work, event.at)];
    case "worker.settled": {
      const { at, outcome, isRunning } = event;
      const where = state.home === undefined ? {} : { home: state.home };
      const kill: Effect = {
        body: { type: "kill-worker", worker: work.id, ...where },
        lane: "host",
        dueAt: at,
      };
      const tell = { type: "tell-task", ...work.taskOf, child: work.id, kind: "worker" } as const;
      return [
        ...(isRunning ? [kill] : []),
        ...(state.begunAt === undefined ? [] : [post(work, "finished", "finished", at)]),
        ...(outcome.status === "canceled" ? [] : [post(work, "result", "result", at)]),
        post(work, "log", "log", at),
        { body: tell, lane: "any", dueAt: at },
      ];
    }
  }
}

function runWorker({ work, attempt }: State, dueAt: number): Effect {
  return {
    body: { type: "run-worker", worker: work.id, attempt },
    lane: "host",
    dueAt,
    slot: { lane: WORKER_SLOTS, attempt },
  };
}

const ROLES = { spawned: "workerPool", finished: "workerPool", result: "results", log: "agentLogs" } as const;

function post({ id }: WorkerWork, kind: keyof typeof ROLES, name: string, dueAt: number): Effect {
  const delivery: Delivery = { id: `${id}/${name}`, kind, to: { role: ROLES[kind] }, subject: id };
  return { body: { type: "post", delivery }, lane: "discord", dueAt };
}

/** The card is the task's. */
function card({ taskOf, card }: WorkerWork, dueAt: number): Effect {
  return { body: { type: "card", run: taskOf.task, to: card }, lane: "discord", dueAt };
}

/** Only the end of its processes gives the place in the room of workers back, however it was settled before. */
export function workerSlotsAfter(
  { work }: State,
  input: WorkerInput,
): readonly { readonly attempt: number; readonly until: number | "free" }[] {
  switch (input.type) {
    case "begun":
      return [{ attempt: input.attempt, until: input.at + work.timeoutMs + SLOT_GRACE_MS }];
    case "ended":
    case "gone":
      return [{ attempt: input.attempt, until: "free" }];
    case "queue":
    case "cancel":
      return [];
  }
}

/** The id by which the processes of an attempt are known: it names their folder. */
export function workerOrderId({ taskOf }: WorkerWork, attempt: number): string {
  const name = taskOf.try > 1 ? `${taskOf.task}~${taskOf.try}` : taskOf.task;
  return attempt > 1 ? `${name}.again${attempt > 2 ? attempt - 1 : ""}` : name;
}

export function viewOfWorker({ work, status, attempt, begunAt, settledAt, outcome }: State): WorkerView {
  const { reason, result, summary, folder, usage } = outcome ?? {};
  return {
    id: work.id,
    task: work.taskOf.task,
    agent: work.agent,
    worker: work.worker,
    model: work.model,
    thinking: work.thinking,
    asker: actorName(work.actor),
    objective: work.text,
    status,
    again: attempt > 1,
    queuedAt: work.queuedAt,
    ...(begunAt === undefined ? {} : { begunAt }),
    ...(settledAt === undefined ? {} : { settledAt }),
    ...(reason === undefined ? {} : { reason }),
    ...(result === undefined ? {} : { result }),
    ...(summary === undefined ? {} : { summary }),
    files: outcome?.files ?? [],
    ...(folder === undefined ? {} : { folder }),
    ...(usage === undefined ? {} : { usage }),
  };
}

export const worker: Decider<State, WorkerInput, Event, Effect> = { decide, evolve, effects };
