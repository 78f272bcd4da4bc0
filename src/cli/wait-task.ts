import type { RunView } from "../domain/run-view.ts";
import type { TaskOutcome } from "../domain/task-types.ts";
import type { DelegationView } from "../domain/view.ts";
import type { WorkerView } from "../domain/worker-view.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { oneLine } from "../kernel/text.ts";
import type { Client } from "./client.ts";
import { viewsOf } from "./follow.ts";
import type { Io } from "./io.ts";
import { createLeaving } from "./leaving.ts";
import { printOutcome } from "./outcome.ts";
import { jsonText, plainText } from "./print.ts";
import { refuseHeld } from "./refuse-held.ts";
import { printRun } from "./run-outcome.ts";
import { reasonOf } from "./task-text.ts";
import { pathOf } from "./work.ts";

const FAILED = 1;
const REFUSED = 3;
const TIMED_OUT = 4;
const INTERRUPTED = 130;

export type TaskWaiting = { readonly isJson: boolean; readonly withinMs?: number | undefined };

/** Follows a task until nothing more happens to it by itself, and prints what came of it. */
export async function waitForTask(
  io: Io,
  client: Client,
  known: TaskView,
  options: TaskWaiting,
): Promise<number> {
  const { id } = known;
  const leaving = createLeaving(io, options.withinMs);
  const { signal } = leaving;
  let view = known;
  let shown = "";
  try {
    const tell = (line: string) => io.err(`${line}\n`);
    const follow = { kind: "task", client, id, signal, now: io.now, tell, wasThere: true } as const;
    for await (view of viewsOf(follow)) {
      const line = standing(view);
      if (line !== shown) tell(line);
      shown = line;
      if (view.status === "open") await refuseHeld(client, view, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    leaving.end();
  }
  if (signal.aborted) {
    const why = signal.reason === "interrupted" ? "Interrupted" : "Waited long enough";
    io.err(`${why}: ${id} goes on. See it with \`hq wait ${id}\`, end it with \`hq cancel ${id}\`.\n`);
    if (signal.reason === "interrupted") return INTERRUPTED;
    if (options.isJson) io.out(`${jsonText(view)}\n`);
    return TIMED_OUT;
  }
  await printTask(io, client, view, options.isJson);
  return exitOfTask(io, view);
}

function standing(view: TaskView): string {
  const last = view.tries.at(-1);
  const who = last?.child ? ` (${last.child})` : "";
  return oneLine(`${view.id} · ${view.status}${who}`, 200);
}

/** What did the last try, where that was a worker. */
export async function workerOf(client: Client, { tries }: TaskView): Promise<WorkerView | undefined> {
  const last = tries.at(-1);
  if (last?.executor.kind !== "worker" || last.child === undefined) return undefined;
  return client.ask<WorkerView>({ path: `/workers/${encodeURIComponent(last.child)}` });
}

/** The task as JSON, or in words what the one that did it gave back. */
async function printTask(io: Io, client: Client, view: TaskView, isJson: boolean): Promise<void> {
  if (isJson) {
    io.out(`${jsonText(view)}\n`);
    return;
  }
  const last = view.tries.at(-1);
  if (last?.child === undefined || !last.outcome) return;
  if (last.executor.kind === "agent") {
    const path = pathOf("delegation", last.child);
    printOutcome(io, await client.ask<DelegationView>({ path }), false);
  } else if (last.executor.kind === "workflow") {
    printRun(io, await client.ask<RunView>({ path: pathOf("run", last.child) }), false);
  } else {
    const worker = await workerOf(client, view);
    const said = worker?.result ?? last.outcome.summary;
    if (said !== undefined) io.out(plainText(said));
  }
}

/** Says on stderr what is not plain success. */
export function exitOfTask(io: Io, view: TaskView): number {
  const outcome = view.tries.at(-1)?.outcome;
  if (view.status === "done") {
    if (outcome?.childStatus === "partial") io.err(`Warning: only a part of ${view.id} was done.\n`);
    return 0;
  }
  io.err(`${view.id} is ${view.status}${because(view, outcome)}\n`);
  if (view.status === "open" || view.refused) return REFUSED;
  return outcome?.childStatus === "timed_out" && view.status === "failed" ? TIMED_OUT : FAILED;
}

function because(view: TaskView, outcome: TaskOutcome | undefined): string {
  const why = reasonOf(view).replace(/^failed: /, "") || (outcome?.reason ?? "");
  return why === "" ? "." : `: ${oneLine(why, 500)}`;
}
