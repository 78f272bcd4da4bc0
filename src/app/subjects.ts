import type { DelegationState } from "../domain/delegation-types.ts";
import type { RunState } from "../domain/run-types.ts";
import type { TaskState } from "../domain/task-types.ts";
import type { WorkState } from "../domain/work-types.ts";
import type { WorkerState } from "../domain/worker-types.ts";
import type { Engine } from "../engine/accept.ts";

export type SubjectState =
  | { readonly kind: "delegation"; readonly state: DelegationState }
  | { readonly kind: "run"; readonly state: RunState }
  | { readonly kind: "proposals"; readonly state: WorkState }
  | { readonly kind: "task"; readonly state: TaskState }
  | { readonly kind: "worker"; readonly state: WorkerState };

/**
 * The delegation, run, task or worker of an id. Ids that people choose do not say which; `wf-` is most often a run,
 * `task-` a task or what does one.
 */
export async function subjectOf(engine: Engine, stream: string): Promise<SubjectState> {
  const run = async () => {
    const state = await engine.read("run", stream);
    return state && { kind: "run" as const, state };
  };
  const delegation = async () => {
    const state = await engine.read("delegation", stream);
    return state && { kind: "delegation" as const, state };
  };
  const task = async () => {
    const state = await engine.read("task", stream);
    return state && { kind: "task" as const, state };
  };
  const worker = async () => {
    const state = await engine.read("worker", stream);
    return state && { kind: "worker" as const, state };
  };
  const proposals = async () => {
    const state = await engine.read("work", stream);
    return state && { kind: "proposals" as const, state };
  };
  const order = orderOf(stream).map((kind) => ({ delegation, run, task, worker, proposals })[kind]);
  for (const look of order) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`a delivery tells of ${stream}, which has no events`);
}

function orderOf(stream: string): readonly SubjectState["kind"][] {
  if (stream.startsWith("wf-")) return ["run", "delegation", "task", "worker"];
  if (/^task-\d+$/.test(stream)) return ["task", "delegation", "run", "worker"];
  if (/^task-\d+\.w\d+$/.test(stream)) return ["worker", "delegation", "run", "task"];
  if (stream.startsWith("work-")) return ["proposals", "delegation", "run", "task", "worker"];
  return ["delegation", "run", "task", "worker"];
}
