import type { DatabaseSync } from "node:sqlite";
import { Refusal } from "../kernel/refusal.ts";

/**
 * What each version of the ledger adds. A text that was ever released is never edited: append a new one.
 * Instants are epoch ms; `body` and `state` are JSON. docs/specs/ledger.md explains the tables.
 */
export const MIGRATIONS: readonly string[] = [
  `
  create table event (
    position integer primary key,
    stream text not null,
    version integer not null,
    at integer not null,
    type text not null,
    schema integer not null,
    body text not null,
    cause text not null,
    actor text not null
  );
  create unique index event_stream on event (stream, version);
  create index event_type on event (type, position);

  create table stream (
    seq integer primary key,
    id text not null unique,
    kind text not null,
    status text not null,
    agent text,
    parent text,
    deadline_at integer,
    open integer not null,
    version integer not null,
    state text,
    state_version integer not null
  );
  create index stream_status on stream (kind, status, open, seq);
  create index stream_agent on stream (kind, agent, status, open, seq) where agent is not null;

  create table counter (
    kind text not null,
    status text not null,
    open integer not null,
    count integer not null,
    primary key (kind, status, open)
  ) without rowid;

  create table key (
    scope text not null,
    key text not null,
    digest text not null,
    stream text not null,
    version integer not null,
    primary key (scope, key)
  ) without rowid;

  create table outbox (
    seq integer primary key,
    id text not null,
    stream text not null,
    type text not null,
    body text not null,
    lane text not null,
    slot text,
    attempt integer,
    created_at integer not null,
    due_at integer not null,
    ready_at integer not null,
    holder text,
    epoch integer,
    begun_at integer,
    begun_before integer,
    tries integer not null default 0,
    reason text,
    settled_at integer,
    outcome text
  );
  create index outbox_open on outbox (stream, id) where settled_at is null;
  create index outbox_ready on outbox (lane, ready_at) where settled_at is null and slot is null;
  create index outbox_turn on outbox (lane, slot, seq, ready_at) where settled_at is null and slot is not null;
  create index outbox_wake on outbox (lane, slot, ready_at) where settled_at is null and slot is not null;

  create table slot (
    lane text not null,
    n integer not null,
    stream text not null,
    attempt integer not null,
    until integer not null,
    effect text not null,
    primary key (lane, n)
  ) without rowid;
  create index slot_stream on slot (stream, attempt);

  create table delivery_part (
    delivery text not null,
    part integer not null,
    nonce text not null,
    channel text not null,
    message_id text not null,
    posted_at integer not null,
    primary key (delivery, part)
  ) without rowid;

  create table lease (
    name text primary key,
    holder text not null,
    epoch integer not null,
    expires_at integer not null
  ) without rowid;

  create table blob (digest text primary key, body text not null);
  create table memo (name text primary key, value text not null) without rowid;
  `,
  `
  alter table stream add column wake_at integer;
  create index stream_wake on stream (wake_at) where wake_at is not null;
  update stream set wake_at = timer.at, state = null, state_version = 0
    from (
      select stream as id, min(due_at) as at from outbox indexed by outbox_open
      where settled_at is null and type in ('deadline', 'start-limit') group by stream
    ) as timer
    where stream.id = timer.id;
  update outbox indexed by outbox_open set settled_at = cast(unixepoch('subsec') * 1000 as integer), outcome = 'moved to its stream', holder = null
    where settled_at is null and type in ('deadline', 'start-limit');
  update outbox indexed by outbox_open
    set type = 'filing', body = json_object('type', 'filing', 'moves', json('[]'), 'lines', json_array(json_remove(body, '$.type')))
    where settled_at is null and type = 'append';
  update outbox indexed by outbox_open
    set type = 'filing', body = json_object('type', 'filing', 'moves', json_array(json_remove(body, '$.type')), 'lines', json('[]'))
    where settled_at is null and type = 'archive';
  `,
  // Metrics: kept figures.
  `
  create table tally (
    span text not null,
    at integer not null,
    kind text not null,
    agent text not null,
    workflow text not null,
    status text not null,
    figures text not null,
    primary key (span, at, kind, agent, workflow, status)
  ) without rowid;
  `,
  // Search over all history.
  `
  create virtual table search using fts5(
    words, content = '', contentless_delete = 1, detail = none, prefix = '1 2 3 4', tokenize = 'ascii'
  );
  insert into search (search, rank) values ('automerge', 0);
  insert into search (search, rank) values ('crisismerge', 64);
  insert into search (search, rank) values ('usermerge', 4);
  `,
  // Upkeep: streams that were taken out, and of which some rows are still to go.
  "create table pruned (stream text primary key) without rowid;",
  // Trail: the story of one id.
  `
  create index outbox_stream on outbox (stream);
  create index stream_parent on stream (parent) where parent is not null;
  create index delivery_part_message on delivery_part (message_id);
  `,
];

/** Brings the file to the newest version, one transaction a step; refuses a file from a newer program. */
export function migrate(db: DatabaseSync, path: string, migrations: readonly string[] = MIGRATIONS): void {
  const version = versionIn(db);
  refuseNewer(version, path, migrations.length);
  for (const [index, script] of migrations.entries()) {
    if (index < version) continue;
    db.exec("begin immediate");
    try {
      db.exec(`${script}; pragma user_version = ${index + 1}; commit`);
    } catch (cause) {
      if (db.isTransaction) db.exec("rollback");
      throw cause;
    }
  }
}

export const versionIn = (db: DatabaseSync): number =>
  Number(db.prepare("pragma user_version").get()?.["user_version"]);

export function refuseNewer(version: number, path: string, known = MIGRATIONS.length): void {
  if (version <= known) return;
  throw new Refusal(
    "ledger_trouble",
    `The ledger ${path} has version ${version}, and this program knows versions up to ${known}: a newer program wrote it.`,
    { hint: "Start that program again, or restore a backup from before the update (`hq restore --force`)." },
  );
}
