import type { DatabaseSync, StatementSync } from "node:sqlite";

const STREAM_COLUMNS =
  "id, kind, status, agent, parent, deadline_at, wake_at, open, version, state, state_version, seq";
const CLAIM_COLUMNS =
  "seq, id, stream, body, lane, slot, attempt, created_at, due_at, ready_at, begun_at, begun_before, tries";
/** Waiting in a slot lane, and waiting for nothing but its instant: the words of the partial indexes. */
const IN_TURN = "settled_at is null and slot is not null";
const UNBOUND = "settled_at is null and slot is null";

/** Every statement of the ledger. None may walk a table that grows; test/ledger/plans.test.ts asks SQLite. */
export const SQL = {
  head: "select version, kind, status, open, agent, wake_at from stream where id = ?",
  addEvent:
    "insert into event (stream, version, at, type, schema, body, cause, actor) values (?, ?, ?, ?, ?, ?, ?, ?)",
  lastPosition: "select max(position) as position from event",
  addStream:
    "insert into stream (id, kind, status, agent, parent, deadline_at, wake_at, open, version, state, state_version) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
  moveStream:
    "update stream set kind = ?, status = ?, agent = ?, open = ?, wake_at = ?, parent = ?, deadline_at = ?, version = ?, state = coalesce(?, state), state_version = coalesce(?, state_version) where id = ? and version = ?",
  touchStream:
    "update stream set parent = ?, deadline_at = ?, version = ?, state = coalesce(?, state), state_version = coalesce(?, state_version) where id = ? and version = ?",
  wakes:
    "select id, kind, wake_at from stream indexed by stream_wake where wake_at <= ? order by wake_at limit ? + 0",
  nextWake: "select min(wake_at) as at from stream indexed by stream_wake where wake_at is not null",
  putOff: "update stream set wake_at = ? where id = ? and wake_at = ?",
  count:
    "insert into counter (kind, status, open, count) values (?, ?, ?, ?) on conflict do update set count = count + excluded.count",
  key: "select stream, digest from key where scope = ? and key = ?",
  addKey: "insert into key (scope, key, digest, stream, version) values (?, ?, ?, ?, ?)",
  addReceipt:
    "insert into delivery_part (delivery, part, nonce, channel, message_id, posted_at) values (?, ?, ?, ?, ?, ?) on conflict do nothing",
  addBlob: "insert into blob (digest, body) values (?, ?) on conflict do nothing",

  lastEffect: "select max(seq) as seq from outbox",
  addEffect:
    "insert into outbox (id, stream, type, body, lane, slot, attempt, created_at, due_at, ready_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  settle:
    "update outbox set settled_at = ?, outcome = ?, holder = null where stream = ? and id = ? and settled_at is null",
  isHeld: "select 1 from outbox where stream = ? and id = ? and settled_at is null and holder = ?",
  cancel:
    "update outbox indexed by outbox_open set settled_at = ?, outcome = 'canceled by commit', holder = null where stream = ? and type in (?, ?, ?, ?) and settled_at is null",
  postpone:
    "update outbox set due_at = ?1, ready_at = ?1, reason = ?2, body = coalesce(?5, body), holder = null, epoch = null, begun_at = null where stream = ?3 and id = ?4 and settled_at is null returning begun_before, lane, slot",
  postponeBegun:
    "update outbox set due_at = ?1, ready_at = ?1, reason = ?2, body = coalesce(?5, body), holder = null, epoch = null where stream = ?3 and id = ?4 and settled_at is null returning begun_before, lane, slot",
  release:
    "update outbox indexed by outbox_open set ready_at = due_at, holder = null where settled_at is null and holder is not null and epoch < ?",
  lastAt: "select at from event where position = (select max(position) from event)",
  comeBack:
    "update outbox indexed by outbox_open set due_at = due_at - ?1, ready_at = ready_at - ?1 where settled_at is null and due_at > ?2 and type <> 'run-timer'",
  begin:
    "update outbox set begun_at = ?, begun_before = ?, tries = ?, ready_at = ?, holder = ?, epoch = ? where seq = ?",
  ready: `select ${CLAIM_COLUMNS} from outbox indexed by outbox_ready where lane = ? and ${UNBOUND} order by ready_at limit ? + 0`,
  nextReady: `select min(ready_at) as at from outbox indexed by outbox_ready where lane = ? and ${UNBOUND}`,
  /** The slot lanes in which something waits, with the first instant of each, by one look-up a lane. */
  waiting: `with recursive waiting (slot) as (
      select * from (select slot from outbox indexed by outbox_wake where lane = ?1 and ${IN_TURN} order by slot limit 1)
      union all
      select (select slot from outbox indexed by outbox_wake where lane = ?1 and slot > waiting.slot and ${IN_TURN} order by slot limit 1)
      from waiting where waiting.slot is not null
    )
    select slot, (select ready_at from outbox indexed by outbox_wake where lane = ?1 and slot = waiting.slot and ${IN_TURN} order by ready_at limit 1) as at
    from waiting where slot is not null`,
  turn: `select ${CLAIM_COLUMNS} from outbox indexed by outbox_turn where lane = ? and slot = ? and seq > ? and ready_at <= ? and ${IN_TURN} order by seq limit 1`,
  /** What waits in a slot lane for the attempts that hold a slot there already. */
  ofHolders: `select outbox.*, slot.n, slot.until from slot cross join outbox indexed by outbox_open
    on outbox.stream = slot.stream and outbox.slot = slot.lane and outbox.attempt = slot.attempt and outbox.settled_at is null
    where slot.lane = ?`,

  slots: "select n, stream, attempt, until from slot where lane = ?",
  addSlot: "insert into slot (lane, n, stream, attempt, until, effect) values (?, ?, ?, ?, ?, ?)",
  dropExpiredSlots: "delete from slot where lane = ? and until <= ?",
  keepSlot: "update slot set until = max(until, ?) where lane = ? and n = ?",
  holdSlot: "update slot set until = ? where stream = ? and attempt = ?",
  freeSlot: "delete from slot where stream = ? and attempt = ?",
  giveBackSlot: "delete from slot where lane = ? and effect = ?",

  lease: "select holder, epoch, expires_at from lease where name = ?",
  putLease:
    "insert into lease (name, holder, epoch, expires_at) values (?, ?, ?, ?) on conflict do update set holder = excluded.holder, epoch = excluded.epoch, expires_at = excluded.expires_at",
  memo: "select value from memo where name = ?",
  putMemo: "insert into memo (name, value) values (?, ?) on conflict do update set value = excluded.value",
  blob: "select body from blob where digest = ?",

  load: `select ${STREAM_COLUMNS} from stream where id = ?`,
  loadPage: `select ${STREAM_COLUMNS} from (select value as wanted from json_each(?)) cross join stream on seq = wanted`,
  buckets: "select status, open from counter where kind = ? and count > 0",
  counts:
    "select kind, status, sum(count) as count from counter group by kind, status having sum(count) > 0 order by kind, status",
  openByAgent:
    "select agent, count(*) as count from stream indexed by stream_status where kind = ? and status = ? and open = 1 and agent is not null group by agent",
  listStatus:
    "select seq from stream indexed by stream_status where kind = ? and status = ? and open = ? and seq < ? order by seq desc limit ? + 0",
  listAgent:
    "select seq from stream indexed by stream_agent where kind = ? and agent = ? and status = ? and open = ? and seq < ? order by seq desc limit ? + 0",

  laterEvents: "select * from event where stream = ? and version > ? order by version",
  eventsUp: "select * from event where position > ? order by position limit ? + 0",
  eventsDown: "select * from event where position < ? order by position desc limit ? + 0",
  typeUp: "select * from event where type = ? and position > ? order by position limit ? + 0",
  typeDown: "select * from event where type = ? and position < ? order by position desc limit ? + 0",
  streamUp:
    "select * from event where stream = ?1 and position > ?2 and (?3 is null or type in (select value from json_each(?3))) order by version limit ?4 + 0",
  streamDown:
    "select * from event where stream = ?1 and position < ?2 and (?3 is null or type in (select value from json_each(?3))) order by version desc limit ?4 + 0",
  receipts: "select * from delivery_part where delivery = ? order by part",
  receiptsOf: "select * from delivery_part where delivery >= ? and delivery < ? order by delivery, part",
  backlog:
    "select type, count(*) as count, min(due_at) as oldest from outbox indexed by outbox_open where settled_at is null group by type order by type",
} as const;

export type Statements = Readonly<Record<keyof typeof SQL, StatementSync>>;

export function prepareAll(db: DatabaseSync): Statements {
  const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)] as const);
  return Object.fromEntries(entries) as Statements;
}
