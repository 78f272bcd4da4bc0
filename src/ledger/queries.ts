import type { Receipt } from "../domain/delivery-types.ts";
import type {
  EventQuery,
  Ledger,
  ListQuery,
  Loaded,
  Page,
  StoredEvent,
  StreamKind,
} from "../engine/ports/ledger.ts";
import { digestOf } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { oneLine } from "../kernel/text.ts";
import { type Row, toEvent, toLoaded, toReceipt } from "./rows.ts";
import type { Statements } from "./statements.ts";

function load(sql: Statements, row: Row): Loaded {
  const lags = (row["state_version"] as number) < (row["version"] as number);
  const later = lags ? sql.laterEvents.all(row["id"] as string, row["state_version"] as number) : [];
  return toLoaded(row, later.map(toEvent));
}

export function loadStream(sql: Statements, stream: string): Loaded | undefined {
  const row = sql.load.get(stream);
  return row && load(sql, row);
}

/**
 * Newest first. The kept counters tell which combinations of status and openness exist; each is read from the end
 * of an index, so a page costs the same in a ledger of ten streams and of a million.
 */
export function listStreams(sql: Statements, query: ListQuery): Page<Loaded> {
  const { kind, agent, limit } = query;
  const before = query.before === undefined ? Number.MAX_SAFE_INTEGER : readCursor(query.before);
  const wanted = query.status && new Set(query.status);
  const newest: number[] = [];
  for (const bucket of sql.buckets.all(kind)) {
    const status = bucket["status"] as string;
    const open = bucket["open"] as number;
    if (wanted && !wanted.has(status)) continue;
    if (query.open !== undefined && query.open !== (open === 1)) continue;
    const rows =
      agent === undefined
        ? sql.listStatus.all(kind, status, open, before, limit + 1)
        : sql.listAgent.all(kind, agent, status, open, before, limit + 1);
    for (const row of rows) newest.push(row["seq"] as number);
  }
  newest.sort((a, b) => b - a);
  const rows = sql.loadPage.all(JSON.stringify(newest.slice(0, limit)));
  const items = rows.map((row) => load(sql, row));
  const last = newest[limit - 1];
  return newest.length > limit && last !== undefined ? { items, next: writeCursor(last) } : { items };
}

/** What a page ends with. The letters behind tell it from a word, and from one that was cut while copying. */
export function writeCursor(seq: number): string {
  const place = seq.toString(36);
  return `${place}-${digestOf(`cursor ${place}`).slice(0, 4)}`;
}

export function readCursor(text: string): number {
  const seq = Number.parseInt(text, 36);
  if (Number.isSafeInteger(seq) && seq >= 0 && writeCursor(seq) === text) return seq;
  throw new Refusal("invalid_input", `"${oneLine(text, 40)}" is no cursor of a list.`, {
    hint: "A cursor is what a page gives as `next` when there are more; pass it as it is, or leave it out for the first page.",
  });
}

export function readEvents(sql: Statements, query: EventQuery): readonly StoredEvent[] {
  const { stream, types, limit } = query;
  const isDown = query.before !== undefined;
  const from = query.before ?? query.after ?? 0;
  if (stream !== undefined) {
    const wanted = types ? JSON.stringify(types) : null;
    const statement = isDown ? sql.streamDown : sql.streamUp;
    return statement.all(stream, from, wanted, limit).map(toEvent);
  }
  if (!types) return (isDown ? sql.eventsDown : sql.eventsUp).all(from, limit).map(toEvent);
  const statement = isDown ? sql.typeDown : sql.typeUp;
  const rows = [...new Set(types)].flatMap((type) => statement.all(type, from, limit));
  const sign = isDown ? -1 : 1;
  rows.sort((a, b) => sign * (Number(a["position"]) - Number(b["position"])));
  return rows.slice(0, limit).map(toEvent);
}

/** Deliveries are named `<subject>/<what>`; "0" is the character after "/". */
export function receiptsOfSubject(sql: Statements, subject: string): readonly Receipt[] {
  return sql.receiptsOf.all(`${subject}/`, `${subject}0`).map(toReceipt);
}

export function readCounts(sql: Statements): Awaited<ReturnType<Ledger["counts"]>> {
  return sql.counts.all().map((row) => ({
    kind: row["kind"] as StreamKind,
    status: row["status"] as string,
    count: row["count"] as number,
  }));
}

export function readOpenByAgent(sql: Statements, kind: StreamKind, statuses: readonly string[]) {
  return statuses.flatMap((status) =>
    sql.openByAgent.all(kind, status).map((row) => ({
      agent: row["agent"] as string,
      status,
      count: row["count"] as number,
    })),
  );
}

export function readBacklog(sql: Statements): Awaited<ReturnType<Ledger["backlog"]>> {
  return sql.backlog.all().map((row) => ({
    type: row["type"] as string,
    count: row["count"] as number,
    oldestDueAt: row["oldest"] as number,
  }));
}
