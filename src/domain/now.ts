import { oneLine } from "../kernel/text.ts";
import { formatDuration } from "../kernel/time.ts";
import { actorName } from "./actor.ts";
import { currentAttempt } from "./delegation.ts";
import type { DelegationState } from "./delegation-types.ts";
import { slowAfterMs } from "./expectation.ts";
import { neededResults } from "./needed-results.ts";
import type { Lateness, NowDelegation, NowGate, NowRun, NowTask } from "./now-types.ts";
import type { RunView } from "./run-view.ts";
import { type Executor, type TaskState, taskChildOf } from "./task-types.ts";

const LONGEST_OBJECTIVE = 200;
/** A gate is late when so little of its time is left. */
const GATE_LEFT = 0.25;

const ON_TIME: Lateness = { late: false };
const lateFor = (lateWhy: string): Lateness => ({ late: true, lateWhy });

/** A delegation that is open; `expectedMs` is how long its agent's work usually takes. */
export function nowOfDelegation(
  state: DelegationState,
  now: number,
  expectedMs: number | undefined,
): NowDelegation {
  const { order, status, waiting } = state;
  const { attempt, dispatchedAt, deadlineAt } = currentAttempt(state);
  const run = order.childOf?.run ?? order.workflow?.run;
  const step = order.childOf?.step ?? order.workflow?.step;
  const before = state.attempts.at(-2)?.failedAt;
  return {
    id: order.id,
    agent: order.agent,
    status,
    objective: oneLine(order.objective, LONGEST_OBJECTIVE),
    asker: actorName(order.actor),
    queuedAt: order.queuedAt,
    since: (status === "dispatched" ? dispatchedAt : undefined) ?? before ?? order.queuedAt,
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    attempt,
    maxAttempts: order.maxAttempts,
    ...(waiting ? { waiting } : {}),
    ...(run === undefined ? {} : { run }),
    ...(step === undefined ? {} : { step }),
    ...(order.taskOf ? { task: order.taskOf.task } : {}),
    ...latenessOf(state, now, expectedMs),
  };
}

function latenessOf(state: DelegationState, now: number, expectedMs: number | undefined): Lateness {
  const { dispatchedAt, deadlineAt, startBy } = currentAttempt(state);
  if (deadlineAt !== undefined && now > deadlineAt) return lateFor("past its deadline");
  if (dispatchedAt === undefined || state.status !== "dispatched")
    return now > startBy ? lateFor("it should have begun by now") : ON_TIME;
  const forMs = now - dispatchedAt;
  if (expectedMs === undefined || forMs < slowAfterMs(expectedMs)) return ON_TIME;
  return lateFor(`${state.order.agent} usually takes ${formatDuration(expectedMs)}`);
}

export function nowOfRun(view: RunView, now: number): NowRun {
  const { id, workflow, status, waiting, asker, startedAt, deadlineAt, progress, stopped, parent } = view;
  const stalled = view.steps.find((step) => step.stalled !== undefined);
  const lateness =
    now > deadlineAt
      ? lateFor("past its deadline")
      : stalled
        ? lateFor(`${stalled.id}: ${stalled.stalled}`)
        : ON_TIME;
  return {
    id,
    workflow,
    status,
    since: startedAt,
    deadlineAt,
    ...(waiting ? { waiting } : {}),
    asker,
    progress,
    ...(stopped ? { stopped } : {}),
    ...(parent ? { parent } : {}),
    ...lateness,
  };
}

/** The gates of a run at which people are waited for. */
export function gatesOf(view: RunView, now: number): readonly NowGate[] {
  return view.steps.flatMap(({ id: step, status, gate, needs }) => {
    if (status !== "waiting" || gate?.status !== "open") return [];
    const { prompt, digest, openedAt, expiresAt, approvers, min, approvals, escalated } = gate;
    return {
      run: view.id,
      workflow: view.workflow,
      step,
      prompt,
      results: neededResults(view, { needs }),
      digest,
      openedAt,
      expiresAt,
      asker: view.asker,
      approvers,
      min,
      approvals,
      escalated,
      late: escalated || expiresAt - now < GATE_LEFT * (expiresAt - openedAt),
    };
  });
}

/** A task that is open or claimed; what does it tells whether it is late. */
export function nowOfTask(state: TaskState, now: number): NowTask {
  const { task, objective, claiming } = state;
  const last = state.status === "claimed" ? state.tries.at(-1) : undefined;
  const executor = last?.executor ?? state.plan?.executor;
  const waiting = last ? undefined : waitsFor(state, now);
  return {
    id: task.id,
    status: last ? "claimed" : "open",
    objective: oneLine(objective, LONGEST_OBJECTIVE),
    author: task.actor.kind === "person" ? task.author.name : actorName(task.actor),
    postedAt: task.postedAt,
    since: last?.claimedAt ?? claiming?.at ?? task.postedAt,
    ...(waiting === undefined ? {} : { waiting: { text: waiting } }),
    ...(executor ? { executor: executorName(executor) } : {}),
    ...(last ? childOf(task.id, last.number, last.executor) : {}),
    ...ON_TIME,
  };
}

function childOf(task: string, number: number, executor: Executor): Pick<NowTask, "child" | "childKind"> {
  const { id, kind } = taskChildOf(task, number, executor);
  return { child: id, childKind: kind };
}

function waitsFor({ refused, graceUntil, claiming }: TaskState, now: number): string | undefined {
  if (refused) return refused.text;
  if (now < graceUntil) return "its author may still change it";
  return claiming ? "its turn" : undefined;
}

function executorName(executor: Executor): string {
  if (executor.kind === "agent") return executor.agent;
  return executor.kind === "worker" ? `worker ${executor.worker}` : `workflow ${executor.workflow}`;
}
