import type { RunView } from "../domain/run-view.ts";
import type { DelegationView } from "../domain/view.ts";
import { HOLD_CHECK } from "../engine/hold.ts";
import type { Page } from "../engine/ports/ledger.ts";
import type { Health } from "../engine/verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import type { Client } from "./client.ts";

/** What cannot begin is not waited for: this waiting would keep a temporary supervisor here that may not begin it. */
export async function refuseHeld(
  client: Client,
  { id }: { readonly id: string },
  signal: AbortSignal,
): Promise<void> {
  const held = await heldText(client, signal);
  if (held !== undefined) throw refusal(id, held);
}

/** What was sent, or may have been, still comes back. */
export function waitsToBegin({ status, waiting }: DelegationView): boolean {
  return status === "queued" && waiting?.reason !== "uncertain";
}

/** The same for a run: what agents have of it still comes back, people may decide, and its waits end. Returns whether all is held. */
export async function refuseHeldRun(
  client: Client,
  { id, waiting }: RunView,
  signal: AbortSignal,
): Promise<boolean> {
  const held = await heldText(client, signal);
  if (held === undefined) return false;
  if (waiting !== undefined || (await isAtWork(client, id, signal))) return true;
  throw refusal(id, held);
}

async function heldText(client: Client, signal: AbortSignal): Promise<string | undefined> {
  const { checks } = await client.ask<Health>({ path: "/health/ready" }, signal);
  return checks.find(({ name }) => name === HOLD_CHECK)?.text;
}

function refusal(id: string, held: string): Refusal {
  return new Refusal("held", `${id} waits: ${held}`, { hint: `Then \`hq wait ${id}\` waits for it.` });
}

/** Whether an agent has, or may have, something of the run. Long ids of runs within it do not show whose they are. */
async function isAtWork(client: Client, run: string, signal: AbortSignal): Promise<boolean> {
  const isOurs = (of: string) => of === run || of.startsWith(`${run}.`) || of.startsWith("orch-");
  for (let before: string | undefined; ; ) {
    const query = new URLSearchParams({ open: "true", limit: "200", ...(before ? { before } : {}) });
    const page = await client.ask<Page<DelegationView>>({ path: `/delegations?${query.toString()}` }, signal);
    if (page.items.some((view) => !waitsToBegin(view) && isOurs(view.workflow?.run ?? ""))) return true;
    before = page.next;
    if (!before) return false;
  }
}
