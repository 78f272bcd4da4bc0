import type { Actor } from "../domain/actor.ts";
import type { DelegationState } from "../domain/delegation-types.ts";
import type { TaskOf } from "../domain/task-types.ts";
import { type Engine, stateOf } from "./accept.ts";
import type { Ledger } from "./ports/ledger.ts";

type Reading = Pick<Engine, "read">;

/** More than any agent does at once. */
const MOST_OPEN = 100;

/**
 * Over how many bots a task comes that this actor posts. An agent passes on what it works on, one more: of several
 * tasks the one that came farthest counts, since nobody can say for which of them it posts.
 */
export async function hopsOf(engine: Reading, ledger: Pick<Ledger, "list">, actor: Actor): Promise<number> {
  if (actor.kind !== "agent") return 0;
  const { items } = await ledger.list({ kind: "delegation", agent: actor.id, open: true, limit: MOST_OPEN });
  const hops = await Promise.all(
    items.map(async (item) => {
      const found = await taskBehind(engine, stateOf("delegation", item));
      const state = found && (await engine.read("task", found.task));
      return state?.task.hops ?? 0;
    }),
  );
  return Math.max(0, ...hops) + 1;
}

/** The task for which it is done, through steps, nested runs and delegations that agents made. */
async function taskBehind(engine: Reading, { order }: DelegationState): Promise<TaskOf | undefined> {
  const { taskOf, childOf, parent } = order;
  if (taskOf) return taskOf;
  if (childOf) return taskOfRun(engine, childOf.run);
  const asking = parent && (await engine.read("delegation", parent.id));
  return asking && taskBehind(engine, asking);
}

async function taskOfRun(engine: Reading, id: string): Promise<TaskOf | undefined> {
  const run = await engine.read("run", id);
  return run?.order.taskOf ?? (run?.order.parent && taskOfRun(engine, run.order.parent.run));
}
