import type { DatabaseSync } from "node:sqlite";

const CLEAR = [
  "delete from event where stream = ?1",
  "delete from outbox indexed by outbox_stream where stream = ?1",
  "delete from delivery_part where delivery = ?1 or (delivery >= ?1 || '/' and delivery < ?1 || '0')",
  "delete from slot where stream = ?1",
];

/** What prunings have not come to yet: rows of streams that are gone. */
export function createLeftovers(db: DatabaseSync) {
  /** Once there were some it is asked anew for each stream; most lives of a ledger see none. */
  let mayBe = db.prepare("select 1 from pruned limit 1").get() !== undefined;
  return {
    expect(): void {
      mayBe = true;
    },
    /** Those of an earlier stream of this id must neither stand in the way of a new one nor take its rows along. */
    clear(stream: string): void {
      if (!mayBe) return;
      if (db.prepare("delete from pruned where stream = ?").run(stream).changes === 0) return;
      for (const statement of CLEAR) db.prepare(statement).run(stream);
    },
  };
}
export type Leftovers = ReturnType<typeof createLeftovers>;
