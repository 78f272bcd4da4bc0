import type { Wake } from "../engine/ports/ledger.ts";
import type { Earliest } from "./earliest.ts";
import { toWake } from "./rows.ts";
import type { Statements } from "./statements.ts";

export function dueWakes(sql: Statements, earliest: Earliest, now: number, limit: number): readonly Wake[] {
  return earliest.mayBeDue("wakes", now) ? sql.wakes.all(now, limit).map(toWake) : [];
}

/** No wake is due before this instant; undefined = no stream asked for one. */
export function firstWake(sql: Statements, earliest: Earliest, storeNow: number): number | undefined {
  const ahead = earliest.ahead("wakes", storeNow);
  if (ahead !== undefined) return Number.isFinite(ahead) ? ahead : undefined;
  const at = sql.nextWake.get()?.["at"];
  const first = typeof at === "number" ? at : undefined;
  earliest.believe("wakes", first ?? Number.POSITIVE_INFINITY);
  return first;
}
