import type { Settings } from "../domain/settings.ts";
import type { TaskInput } from "../domain/task-events.ts";
import { taskOutcomeOfDelegation, taskOutcomeOfRun, taskOutcomeOfWorker } from "../domain/task-outcome.ts";
import {
  type TaskChild,
  type TaskChildKind,
  type TaskOutcome,
  type TaskState,
  taskChildOf,
} from "../domain/task-types.ts";
import type { WorkerWork } from "../domain/worker-types.ts";
import { digestOf } from "../kernel/id.ts";
import { isRefusal } from "../kernel/refusal.ts";
import type { Engine } from "./accept.ts";
import { dayOf } from "./create-task-verbs.ts";
import type { Delegate } from "./delegate.ts";
import type { Outcome } from "./loop.ts";
import type { ClaimedOf } from "./perform.ts";
import type { ClaimedEffect } from "./ports/ledger.ts";
import type { Crash } from "./ports/log.ts";
import type { TaskClaims } from "./ports/task-claims.ts";
import { PASSING } from "./run-children.ts";
import type { RunVerbs } from "./run-verbs.ts";
import { workflowInputs } from "./task-words.ts";

const TRY_AGAIN_MS = 5000;
/** A worker of which nothing is left is begun so often once more. */
const RERUNS = 1;

export type TaskChildrenDeps = {
  readonly engine: Engine;
  readonly delegate: Delegate;
  readonly runs: Pick<RunVerbs, "startRun" | "workflow">;
  /** The part of the Discord edge that holds claims. */
  readonly claims: () => TaskClaims;
  readonly settings: () => Settings;
  readonly now: () => number;
  readonly crash: Crash;
};

/** Claims tasks, makes what does them, and tells them what it came to. */
export function createTaskChildren(deps: TaskChildrenDeps) {
  const { engine, now, crash } = deps;

  function tell(effect: ClaimedEffect, task: string, input: TaskInput) {
    const settles = [{ id: effect.id, outcome: input.type }];
    return engine.accept({ kind: "task", stream: task, input, cause: effect.id, settles });
  }

  async function stateOf(task: string): Promise<TaskState> {
    const state = await engine.read("task", task);
    if (state) return state;
    throw new Error(`an effect of ${task}, which has no events`);
  }

  async function claim(effect: ClaimedOf<"task-claim">): Promise<Outcome> {
    const { task, try: number } = effect.body;
    const { status, claiming } = await stateOf(task);
    if (status !== "open" || claiming?.number !== number) {
      // What was begun before may have put our ✅, which is taken away again.
      const type = effect.begunBefore === undefined ? "unclaimed" : "discord-claimed";
      await tell(effect, task, { type, at: now(), try: number });
      return { kind: "recorded" };
    }
    const answer = await deps.claims().claim(effect);
    if (answer.kind === "again") return answer;
    const at = now();
    switch (answer.kind) {
      case "claimed":
        await tell(effect, task, {
          type: "discord-claimed",
          at,
          try: number,
          ...(answer.attachments ? { attachments: answer.attachments } : {}),
        });
        break;
      case "lost":
        await tell(effect, task, { type: "discord-lost", at, try: number, by: answer.by });
        await sayStandingBack(task, answer.by);
        break;
      case "handled":
        await tell(effect, task, { type: "discord-handled", at, try: number, user: answer.user });
        break;
      case "gone":
        await tell(effect, task, { type: "deleted", at });
        break;
    }
    crash("task-claim:recorded");
    return { kind: "recorded" };
  }

  /** Once a day: each task that the other one has says so itself. */
  async function sayStandingBack(task: string, by: string): Promise<void> {
    const at = now();
    const id = `notice-standing-back-${dayOf(at)}`;
    const text = `⚠️ Another supervisor (${by}) works on the task queue of this guild and has ${task}. This one stands back from whatever the other has claimed. One guild needs one supervisor: stop one of the two.`;
    await engine.accept({ kind: "notice", stream: id, input: { type: "notice", at, id, text }, cause: task });
  }

  async function check(effect: ClaimedOf<"task-check">): Promise<Outcome> {
    const { task, wanted } = effect.body;
    const outcome = await deps.claims().check(effect);
    if (outcome.kind !== "done" || !wanted) return outcome;
    await tell(effect, task, { type: "checked", at: now() });
    return { kind: "recorded" };
  }

  /** The id of a child is derived, so making it twice is a no-op by state. */
  async function start(effect: ClaimedOf<"start-task">): Promise<Outcome> {
    crash("start-task:claimed");
    const { task, try: number } = effect.body;
    const state = await stateOf(task);
    const current = state.tries.at(-1);
    if (state.status !== "claimed" || current?.number !== number)
      return { kind: "done", outcome: "no longer wanted" };
    const child = taskChildOf(task, number, current.executor);
    try {
      if (!(await engine.read(child.kind, child.id))) await make(state, number, child);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const { code, message, hint } = error;
      if (PASSING.has(code)) return { kind: "again", dueAt: now() + TRY_AGAIN_MS, reason: message };
      const text = hint ? `${message} ${hint}` : message;
      await tell(effect, task, { type: "child-refused", at: now(), try: number, text });
      return { kind: "recorded" };
    }
    crash("start-task:made");
    // When it was withdrawn meanwhile, the decision is to cancel the child.
    await tell(effect, task, { type: "child-started", at: now(), try: number, child });
    crash("start-task:recorded");
    return { kind: "recorded" };
  }

  async function make(state: TaskState, number: number, child: TaskChild): Promise<void> {
    const { task, plan } = state;
    if (!plan) throw new Error(`${task.id} is claimed without a plan`);
    const { executor, text, timeoutMs } = plan;
    const { channel, message, guild } = task.place;
    const taskOf = { task: task.id, try: number };
    const origin = { door: "discord", channel, message, ...(guild ? { guild } : {}) } as const;
    const card = { channel };
    switch (executor.kind) {
      case "agent": {
        const { agent, model, thinking } = executor;
        const wishes = { ...(model === undefined ? {} : { model }), ...(thinking ? { thinking } : {}) };
        const limit = timeoutMs === undefined ? {} : { timeoutMs };
        const request = {
          agent,
          objective: text,
          runId: child.id,
          ifDown: "wait",
          origin,
          card,
          ...limit,
        } as const;
        await deps.delegate(task.actor, request, { taskOf, ...wishes });
        return;
      }
      case "workflow": {
        const { workflow } = executor;
        const inputs = workflowInputs(deps.runs.workflow(workflow), text);
        await deps.runs.startRun(task.actor, { workflow, inputs, runId: child.id, origin, card }, taskOf);
        return;
      }
      case "worker": {
        const queuedAt = now();
        const { worker, model, thinking } = executor;
        const work: WorkerWork = {
          id: child.id,
          taskOf,
          agent: `agent-${Math.floor(queuedAt / 1000)}-${digestOf(child.id).slice(0, 8)}`,
          worker,
          model,
          thinking,
          text,
          timeoutMs: timeoutMs ?? deps.settings().delegation.timeoutMs,
          reruns: RERUNS,
          actor: task.actor,
          origin,
          card,
          queuedAt,
        };
        const input = { type: "queue", work } as const;
        await engine.accept({ kind: "worker", stream: child.id, input, cause: task.id, actor: task.actor });
        return;
      }
    }
  }

  /** A run may have been taken up again since it asked for this; then it tells its next end. */
  async function tellTask(effect: ClaimedOf<"tell-task">): Promise<Outcome> {
    crash("tell-task:claimed");
    const { task, try: number, child, kind } = effect.body;
    const outcome = await outcomeOf(kind, child);
    if (!outcome) return { kind: "done", outcome: "it is open again" };
    await tell(effect, task, { type: "child-settled", try: number, child, outcome });
    crash("tell-task:recorded");
    return { kind: "recorded" };
  }

  async function outcomeOf(kind: TaskChildKind, child: string): Promise<TaskOutcome | undefined> {
    switch (kind) {
      case "delegation": {
        const state = await engine.read("delegation", child);
        return state && taskOutcomeOfDelegation(state);
      }
      case "run": {
        const state = await engine.read("run", child);
        return state && taskOutcomeOfRun(state);
      }
      case "worker": {
        const state = await engine.read("worker", child);
        return state && taskOutcomeOfWorker(state);
      }
    }
  }

  return { claim, check, start, tellTask };
}
