import type { RunView } from "../domain/run-view.ts";
import type { DelegationView } from "../domain/view.ts";
import { isRefusal } from "../kernel/refusal.ts";
import type { Client } from "./client.ts";

/** What an id may name. */
export type WorkView = { readonly delegation: DelegationView; readonly run: RunView };
export type WorkKind = keyof WorkView;
export type Work = { [Kind in WorkKind]: { readonly kind: Kind; readonly view: WorkView[Kind] } }[WorkKind];

const OPEN = new Set<string>(["queued", "dispatched", "running"]);

export function isOver(status: DelegationView["status"] | RunView["status"]): boolean {
  return !OPEN.has(status);
}

export function pathOf(kind: WorkKind, id: string): string {
  return `/${kind}s/${encodeURIComponent(id)}`;
}

/** The delegation or run of that name. A step of a run is a delegation, and ids may be chosen: only the ledger knows. */
export async function findWork(client: Client, id: string, signal?: AbortSignal): Promise<Work> {
  const ask = async (kind: WorkKind) =>
    ({ kind, view: await client.ask({ path: pathOf(kind, id) }, signal) }) as Work;
  const [likely, other]: readonly [WorkKind, WorkKind] = id.startsWith("wf-")
    ? ["run", "delegation"]
    : ["delegation", "run"];
  try {
    return await ask(likely);
  } catch (error) {
    if (!isMissing(error)) throw error;
    try {
      return await ask(other);
    } catch (second) {
      throw isMissing(second) ? error : second;
    }
  }
}

function isMissing(error: unknown): boolean {
  return isRefusal(error) && error.code === "not_found";
}
