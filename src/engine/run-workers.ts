import { workerOrderId } from "../domain/worker.ts";
import {
  isWorkerSettled,
  type WorkerInput,
  type WorkerOutcome,
  type WorkerState,
} from "../domain/worker-types.ts";
import type { Engine } from "./accept.ts";
import type { Outcome } from "./loop.ts";
import type { ClaimedOf } from "./perform.ts";
import type { Crash } from "./ports/log.ts";
import type { WorkerEnd, WorkerOrder, Workers } from "./ports/workers.ts";

/** Begins worker processes, waits for their ends, and kills them. */
export function createRunWorkers(deps: {
  readonly engine: Engine;
  readonly workers: Workers;
  /** Ours, where several members share the ledger. */
  readonly home?: string;
  readonly now: () => number;
  readonly crash: Crash;
}) {
  const { engine, workers, home, now, crash } = deps;
  const leaving = Promise.withResolvers<undefined>();

  async function stateOf(worker: string): Promise<WorkerState> {
    const state = await engine.read("worker", worker);
    if (state) return state;
    throw new Error(`an effect of ${worker}, which has no events`);
  }

  /** Asking the port twice is harmless: it finds the processes, or the end, of what was begun before. */
  async function run(effect: ClaimedOf<"run-worker">): Promise<Outcome> {
    crash("run-worker:claimed");
    const { worker, attempt } = effect.body;
    const tell = (input: WorkerInput) => {
      const settles = input.type === "begun" ? [] : [{ id: effect.id, outcome: input.type }];
      return engine.accept({ kind: "worker", stream: worker, input, cause: effect.id, settles });
    };
    const state = await stateOf(worker);
    const order = orderOf(state, attempt);
    if (isWorkerSettled(state.status) || state.attempt !== attempt) {
      await workers.kill(order.id);
      await tell({ type: "gone", at: now(), attempt });
      return { kind: "recorded" };
    }
    const lost = lostWith(effect.goneHome, state);
    if (lost) {
      await tell({ type: "ended", at: now(), attempt, outcome: lost });
      return { kind: "recorded" };
    }
    await tell({ type: "begun", at: now(), attempt, ...(home === undefined ? {} : { home }) });
    const end = await Promise.race([workers.run(order), leaving.promise]);
    if (!end)
      return { kind: "again", dueAt: now(), reason: "the supervisor leaves, and the worker lives on" };
    crash("run-worker:ended");
    await tell({ type: "ended", at: now(), attempt, outcome: outcomeOf(end) });
    crash("run-worker:recorded");
    return { kind: "recorded" };
  }

  async function kill(effect: ClaimedOf<"kill-worker">): Promise<Outcome> {
    const { work, attempt } = await stateOf(effect.body.worker);
    await workers.kill(workerOrderId(work, attempt));
    return { kind: "done", outcome: "killed" };
  }

  return {
    run,
    kill,
    /** Workers are left to themselves; the next life finds them. */
    leave: () => leaving.resolve(undefined),
  };
}

/** What was begun in a home that is gone is not looked for here. */
function lostWith(home: string | undefined, { status }: WorkerState): WorkerOutcome | undefined {
  if (home === undefined || status !== "running") return undefined;
  const reason = `the supervisor in ${home} is gone, and the worker with it`;
  return { status: "lost", reason, files: [] };
}

function orderOf({ work }: WorkerState, attempt: number): WorkerOrder {
  const { agent, taskOf, text, worker, model, thinking, timeoutMs } = work;
  const id = workerOrderId(work, attempt);
  return { id, agent, task: taskOf.task, text, worker, model, thinking, timeoutMs };
}

function outcomeOf(end: WorkerEnd): WorkerOutcome {
  const { startedAt: _, endedAt: __, ...outcome } = end;
  return outcome;
}
