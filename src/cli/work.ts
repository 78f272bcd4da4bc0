import type { RunView } from "../domain/run-view.ts";
import type { DelegationView } from "../domain/view.ts";
import { isTaskOver } from "../engine/queue-verbs.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import type { Client } from "./client.ts";

/** What an id may name. */
export type WorkView = {
  readonly delegation: DelegationView;
  readonly run: RunView;
  readonly task: TaskView;
};
export type WorkKind = keyof WorkView;
export type Work = { [Kind in WorkKind]: { readonly kind: Kind; readonly view: WorkView[Kind] } }[WorkKind];

const OPEN = new Set<string>(["queued", "dispatched", "running"]);

export function isOver(status: DelegationView["status"] | RunView["status"]): boolean {
  return !OPEN.has(status);
}

/** Whether nothing more happens to it by itself. */
export function isWorkOver({ kind, view }: Work): boolean {
  return kind === "task" ? isTaskOver(view) : isOver(view.status);
}

export function pathOf(kind: WorkKind, id: string): string {
  return `/${kind}s/${encodeURIComponent(id)}`;
}

/** The delegation, run or task of that name. A step of a run is a delegation, and ids may be chosen: only the ledger knows. */
export async function findWork(client: Client, id: string, signal?: AbortSignal): Promise<Work> {
  const ask = async (kind: WorkKind) =>
    ({ kind, view: await client.ask({ path: pathOf(kind, id) }, signal) }) as Work;
  if (id.trim() === "") throw new Refusal("invalid_input", "The id is empty.", { hint: HOW_TO_FIND });
  let first: unknown;
  for (const kind of likely(id)) {
    try {
      return await ask(kind);
    } catch (error) {
      if (!isMissing(error)) throw error;
      first ??= error;
    }
  }
  if (!isRefusal(first) || first.code !== "not_found") throw first;
  throw new Refusal("not_found", `There is no delegation, run or task ${oneLine(id)}.`, {
    hint: HOW_TO_FIND,
  });
}

const HOW_TO_FIND =
  "Ids look like orch-1m83zs8aq8g49qtddjg (a delegation), wf-… (a run) or task-…; `hq status`, `hq workflow status` and `hq queue list` show them.";

function likely(id: string): readonly WorkKind[] {
  if (id.startsWith("task-")) return ["task", "delegation", "run"];
  return id.startsWith("wf-") ? ["run", "delegation", "task"] : ["delegation", "run", "task"];
}

function isMissing(error: unknown): boolean {
  // The token of a run opens delegations alone.
  return isRefusal(error) && (error.code === "not_found" || error.code === "not_allowed");
}

/** People have the message before them: its id does as well. */
export function taskPath(word: string): string {
  return pathOf("task", /^\d{17,20}$/.test(word) ? `task-${word}` : word);
}
