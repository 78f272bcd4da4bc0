import type { DatabaseSync, StatementSync } from "node:sqlite";

const STREAM = "seq, id, kind, status, agent, parent, wake_at, open, version, state, state_version";

/** Statements that read the ledger as a whole; a page of each is a walk along an index, never a scan of what grows. */
export const SCAN_SQL = {
  streams: `select ${STREAM} from stream where seq > ? order by seq limit ? + 0`,
  stream: `select ${STREAM} from stream where id = ?`,
  lastAt: "select at from event where stream = ? and version = ?",
  firstAt: "select at from event where stream = ? order by version limit 1",
  counts: "select type, count(*) as count from event where stream = ? group by type",
  later: "select body from event where stream = ? and version > ? order by version",
  sentAgain:
    "select json_extract(body, '$.attempt') as attempt from event where stream = ? and type = 'attempt.dispatched' and json_extract(body, '$.again') is not 1 group by attempt having count(*) > 1",
  postedTwice:
    "select json_extract(body, '$.delivery.id') as delivery, count(*) as count from outbox indexed by outbox_stream where stream = ? and type = 'post' group by delivery having count(*) > 1",
  openOf:
    "select id, stream, type, body, slot, due_at, ready_at, begun_at from outbox indexed by outbox_open where stream = ? and settled_at is null",
  seen: "select distinct delivery from delivery_part where delivery >= ? and delivery < ?",
  standing: "select kind, status, open from stream where id = ?",
  /** The newest numbers stay, since the next ones are counted from them. */
  newest:
    "select (select stream from event where position = (select max(position) from event)) as event, (select id from stream where seq = (select max(seq) from stream)) as stream, (select stream from outbox where seq = (select max(seq) from outbox)) as effect",
  children: "select id from stream indexed by stream_parent where parent = ?",

  /** Effects of streams that are not there. */
  open: "select id, stream, type, body, slot, due_at, ready_at, begun_at from outbox indexed by outbox_open where settled_at is null and (stream, id) > (?, ?) order by stream, id limit ? + 0",
  /** What was posted, or should have been, in the order in which it was asked for. */
  outbox:
    "select seq, stream, type, body, created_at, settled_at, outcome from outbox where seq > ? order by seq limit ? + 0",
  batches:
    "select body from outbox indexed by outbox_open where settled_at is null and type = 'post' and json_extract(body, '$.delivery.kind') = 'batch'",
  hasReceipt: "select 1 from delivery_part where delivery = ? limit 1",
  keys: "select scope, key, stream, exists (select 1 from stream where id = key.stream) as known from key where (scope, key) > (?, ?) order by scope, key limit ? + 0",

  receipts: "select * from delivery_part where (delivery, part) > (?, ?) order by delivery, part limit ? + 0",
  events: "select * from event where position > ? order by position limit ? + 0",
  lastPosition: "select max(position) as position from event",
} as const;

export type ScanStatements = Readonly<Record<keyof typeof SCAN_SQL, StatementSync>>;

export function prepareScan(db: DatabaseSync): ScanStatements {
  const entries = Object.entries(SCAN_SQL).map(([name, sql]) => [name, db.prepare(sql)] as const);
  return Object.fromEntries(entries) as ScanStatements;
}
