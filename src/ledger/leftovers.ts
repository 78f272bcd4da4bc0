import type { DatabaseSync } from "node:sqlite";
import { PRUNE_SQL } from "./prune.ts";

export const LEFTOVERS_SQL = {
  events: "delete from event where stream = ?1",
  effects: "delete from outbox indexed by outbox_stream where stream = ?1",
  receipts:
    "delete from delivery_part where delivery = ?1 or (delivery >= ?1 || '/' and delivery < ?1 || '0')",
  slots: "delete from slot where stream = ?1",
} as const;

/** What prunings have not come to yet: rows of streams that are gone. */
export function createLeftovers(db: DatabaseSync) {
  /** Once there were some it is asked anew for each stream; most lives of a ledger see none. */
  let mayBe = db.prepare(PRUNE_SQL.noted).get() !== undefined;
  const note = db.prepare(PRUNE_SQL.note);
  return {
    /** The stream's row goes now, the others later. */
    note(stream: string): void {
      mayBe = true;
      note.run(stream);
    },
    /** Those of an earlier stream of this id must neither stand in the way of a new one nor take its rows along. */
    clear(stream: string): void {
      if (!mayBe || db.prepare(PRUNE_SQL.forget).run(stream).changes === 0) return;
      for (const sql of Object.values(LEFTOVERS_SQL)) db.prepare(sql).run(stream);
    },
  };
}
export type Leftovers = ReturnType<typeof createLeftovers>;
