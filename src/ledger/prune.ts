import type { DatabaseSync, StatementSync } from "node:sqlite";
import { PRUNABLE } from "../domain/prune.ts";
import type { Pruned } from "../engine/ports/upkeep.ts";
import type { Counters } from "./commit.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Scanner } from "./scanner.ts";

/** A transaction of pruning ends after so many rows or so long, whichever is first, and lets others write. */
const MOST_ROWS = 200;
const SLICE_MS = 2;
const PAUSE_MS = 4;
const KEYS = 500;

export const PRUNE_SQL = {
  row: "select seq, kind, status, open, version from stream where id = ?",
  lastAt: "select at from event where stream = ? and version = ?",
  hasOpen: "select 1 from outbox indexed by outbox_open where stream = ? and settled_at is null limit 1",
  /** The newest numbers stay, since the next ones are counted from them. */
  isNewestEvent:
    "select 1 from event where stream = ? and version = ? and position = (select max(position) from event)",
  isNewestEffect: "select 1 from outbox where stream = ? and seq = (select max(seq) from outbox) limit 1",
  newestSeq: "select max(seq) as seq from stream",
  told: "select id, seq, kind, status, open, version from stream where id >= ? and id < ?",
  dropStream: "delete from stream where id = ?",
  note: "insert into pruned (stream) values (?) on conflict do nothing",
  noted: "select stream from pruned limit 1",
  forget: "delete from pruned where stream = ?",
  dropEvents:
    "delete from event where position in (select position from event where stream = ? order by version limit ?)",
  dropEffects:
    "delete from outbox where seq in (select seq from outbox indexed by outbox_stream where stream = ? limit ?)",
  dropReceipts: "delete from delivery_part where delivery >= ? and delivery < ?",
  dropReceiptsOf: "delete from delivery_part where delivery = ?",
  dropSlots: "delete from slot where stream = ?",
  dropKey:
    "delete from key where scope = ? and key = ? and not exists (select 1 from stream where id = key.stream)",
} as const;

type Statements = Readonly<Record<keyof typeof PRUNE_SQL, StatementSync>>;

/** Takes old streams out, a little at a time. */
export function createPrune(deps: {
  readonly db: DatabaseSync;
  readonly write: <T>(unit: () => T) => Promise<T>;
  readonly counters: Counters;
  readonly leftovers: Leftovers;
  readonly scanner: Scanner;
}) {
  const { db, write, counters, leftovers, scanner } = deps;
  let prepared: Statements | undefined;
  const sql = (): Statements => {
    prepared ??= Object.fromEntries(
      Object.entries(PRUNE_SQL).map(([name, text]) => [name, db.prepare(text)] as const),
    ) as Statements;
    return prepared;
  };

  /** The stream's row goes first, with a note of what is still to go: nobody can load half of it. */
  function takeOut(stream: string, before: number): number {
    const { row, lastAt, hasOpen } = sql();
    const found = row.get(stream);
    if (!found || found["open"] === 1 || !PRUNABLE.has(found["kind"] as string)) return 0;
    const version = found["version"] as number;
    const at = lastAt.get(stream, version)?.["at"] as number | undefined;
    if (hasOpen.get(stream) || (at !== undefined && at >= before)) return 0;
    const all = [{ ...found, id: stream }, ...sql().told.all(`${stream}/`, `${stream}0`)].map(toOut);
    if (all.some(isNewest)) return 0;
    for (const { id, kind, status, open } of all) {
      leftovers.note(id);
      sql().dropStream.run(id);
      counters.add(kind, status, open, -1);
    }
    return 1;
  }

  function isNewest({ id, seq, version }: Out): boolean {
    const { isNewestEvent, isNewestEffect, newestSeq } = sql();
    return (
      isNewestEvent.get(id, version) !== undefined ||
      isNewestEffect.get(id) !== undefined ||
      newestSeq.get()?.["seq"] === seq
    );
  }

  /** One slice of what is noted; `isOver` when nothing is left. */
  function sweepSome() {
    const until = performance.now() + SLICE_MS;
    const gone = { events: 0, effects: 0, receipts: 0 };
    for (let rows = 0; rows < MOST_ROWS && performance.now() < until; ) {
      const stream = sql().noted.get()?.["stream"] as string | undefined;
      if (stream === undefined) return { ...gone, isOver: true };
      const left = MOST_ROWS - rows;
      const events = Number(sql().dropEvents.run(stream, left).changes);
      const effects = Number(sql().dropEffects.run(stream, left).changes);
      gone.events += events;
      gone.effects += effects;
      rows += events + effects + 1;
      if (events === left || effects === left) continue;
      gone.receipts += Number(sql().dropReceipts.run(`${stream}/`, `${stream}0`).changes);
      gone.receipts += Number(sql().dropReceiptsOf.run(stream).changes);
      sql().dropSlots.run(stream);
      sql().forget.run(stream);
    }
    return { ...gone, isOver: false };
  }

  async function prune(streams: readonly string[], before: number): Promise<Pruned> {
    let count = 0;
    for (let from = 0; from < streams.length; ) {
      const done = await write(() => {
        const until = performance.now() + SLICE_MS;
        let out = 0;
        let next = from;
        while (next < streams.length && next - from < MOST_ROWS && performance.now() < until)
          out += takeOut(streams[next++] ?? "", before);
        return { next, out };
      });
      from = done.next;
      count += done.out;
      await pause(PAUSE_MS);
    }
    const tally = { events: 0, effects: 0, receipts: 0 };
    for (;;) {
      const gone = await write(sweepSome);
      tally.events += gone.events;
      tally.effects += gone.effects;
      tally.receipts += gone.receipts;
      if (gone.isOver) return { streams: count, ...tally };
      await pause(PAUSE_MS);
    }
  }

  async function pruneKeys(): Promise<number> {
    let gone = 0;
    for (let after: string | undefined; ; ) {
      const page = await scanner.ask("danglingKeys", { limit: KEYS, ...(after ? { after } : {}) });
      if (page.items.length > 0) {
        gone += await write(() =>
          page.items.reduce((sum, { scope, key }) => sum + Number(sql().dropKey.run(scope, key).changes), 0),
        );
        await pause(PAUSE_MS);
      }
      after = page.next;
      if (after === undefined) return gone;
    }
  }

  return { prune, pruneKeys };
}

/** A stream that is taken out. */
type Out = {
  readonly id: string;
  readonly seq: number;
  readonly kind: string;
  readonly status: string;
  readonly open: number;
  readonly version: number;
};

function toOut(row: Record<string, unknown>): Out {
  return {
    id: row["id"] as string,
    seq: row["seq"] as number,
    kind: row["kind"] as string,
    status: row["status"] as string,
    open: row["open"] as number,
    version: row["version"] as number,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
