import type { Commit, Committed } from "../engine/ports/ledger.ts";
import { dueIn, type Earliest } from "./earliest.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Statements } from "./statements.ts";

type Text = string | null;
type Prepared = {
  readonly commit: Commit;
  readonly bodies: readonly string[];
  readonly effects: readonly string[];
  readonly state: Text;
};

/** Streams by kind, status and openness; gathered over a transaction so that each number is written once. */
export function createCounters(sql: Statements) {
  const deltas = new Map<string, { kind: string; status: string; open: number; by: number }>();
  return {
    add(kind: string, status: string, open: number, by: number): void {
      const name = `${kind}\n${status}\n${open}`;
      const delta = deltas.get(name);
      if (delta) delta.by += by;
      else deltas.set(name, { kind, status, open, by });
    },
    write(): void {
      for (const { kind, status, open, by } of deltas.values()) {
        if (by !== 0) sql.count.run(kind, status, open, by);
      }
      deltas.clear();
    },
    forget: () => deltas.clear(),
  };
}
export type Counters = ReturnType<typeof createCounters>;

/** JSON as it is stored; done before the write is queued, so that what cannot be written fails alone and early. */
export function prepareCommit(commit: Commit): Prepared {
  return {
    commit,
    bodies: commit.events.map(({ body }) => JSON.stringify(body) ?? "null"),
    effects: commit.effects.map(({ body }) => JSON.stringify(body)),
    state: commit.state === undefined ? null : JSON.stringify(commit.state),
  };
}

/** Of the state in characters; without one, of the events. */
export function lengthOf(state: string | null | undefined, bodies: readonly string[]): number {
  return state?.length ?? bodies.reduce((sum, body) => sum + body.length, 0);
}

/** The stream of an effect, from the effect's id `<stream>@<version>#<n>`. */
export function streamOf(effect: string): string {
  return effect.slice(0, Math.max(0, effect.lastIndexOf("@")));
}

/** What the last commits left in their streams' rows, so that the next one need not read them. */
type Head = Pick<Commit, "kind" | "status" | "open" | "agent" | "wakeAt"> & { readonly version: number };
export type Heads = Map<string, Head>;
const MOST_HEADS = 4096;

function headOf(sql: Statements, heads: Heads, stream: string, version: number): Head | undefined {
  const known = heads.get(stream);
  if (known?.version === version) return known;
  const row = sql.head.get(stream);
  if (!row) return undefined;
  return {
    kind: row["kind"] as Commit["kind"],
    status: row["status"] as string,
    open: row["open"] === 1,
    version: row["version"] as number,
    ...(row["agent"] === null ? {} : { agent: row["agent"] as string }),
    ...(row["wake_at"] === null ? {} : { wakeAt: row["wake_at"] as number }),
  };
}

/** The stream's row comes first and tells of a conflict: a refused commit has touched nothing. */
export function writeCommit(
  sql: Statements,
  counters: Counters,
  heads: Heads,
  earliest: Earliest,
  leftovers: Leftovers,
  prepared: Prepared,
): Committed {
  const { commit, bodies } = prepared;
  const { stream, kind, status, open, at, key, expectedVersion } = commit;
  if (key) {
    const taken = sql.key.get(key.scope, key.key);
    if (taken) {
      const same = taken["digest"] === key.digest;
      return { ok: false, reason: "key", stream: String(taken["stream"]), same };
    }
  }
  if (commit.heldBy !== undefined && !holdsAll(sql, commit, commit.heldBy))
    return { ok: false, reason: "lost" };
  const before = expectedVersion === 0 ? undefined : headOf(sql, heads, stream, expectedVersion);
  const version = expectedVersion + bodies.length;
  if (expectedVersion > 0 && before?.version !== expectedVersion) return { ok: false, reason: "conflict" };
  if (!writeStream(sql, prepared, version, before)) return { ok: false, reason: "conflict" };
  if (expectedVersion === 0) leftovers.clear(stream);

  let position: number | bigint | undefined;
  for (const [index, { type, schema }] of commit.events.entries()) {
    const added = sql.addEvent.run(
      stream,
      expectedVersion + index + 1,
      at,
      type,
      schema,
      bodies[index] ?? "null",
      commit.cause,
      commit.actor,
    );
    position = added.lastInsertRowid;
  }
  position ??= Number(sql.lastPosition.get()?.["position"] ?? 0);
  if (key) sql.addKey.run(key.scope, key.key, key.digest, stream, version);
  writeRest(sql, prepared, version);
  // Memory is changed last: a unit that fails half-way is undone in the database alone.
  for (const { lane, slot, dueAt } of commit.effects) earliest.note(dueIn(lane, slot?.lane), dueAt);
  if (commit.wakeAt !== undefined) earliest.note("wakes", commit.wakeAt);
  if (isMoved(commit, before)) {
    if (before) counters.add(before.kind, before.status, before.open ? 1 : 0, -1);
    counters.add(kind, status, open ? 1 : 0, 1);
  }
  const agent = commit.agent === undefined ? {} : { agent: commit.agent };
  const wakeAt = commit.wakeAt === undefined ? {} : { wakeAt: commit.wakeAt };
  remember(heads, stream, { kind, status, open, version, ...agent, ...wakeAt });
  return { ok: true, version, position: Number(position), length: lengthOf(prepared.state, bodies) };
}

function holdsAll(sql: Statements, { settles = [] }: Commit, holder: string): boolean {
  return settles.every(({ id }) => sql.isHeld.get(streamOf(id), id, holder) !== undefined);
}

function isMoved(commit: Commit, before: Head | undefined): boolean {
  return (
    before?.status !== commit.status ||
    before.open !== commit.open ||
    before.kind !== commit.kind ||
    before.agent !== commit.agent ||
    before.wakeAt !== commit.wakeAt
  );
}

function remember(heads: Heads, stream: string, head: Head): void {
  heads.delete(stream);
  // What nobody will write to again makes no room scarce.
  if (head.open) heads.set(stream, head);
  if (heads.size <= MOST_HEADS) return;
  const oldest = heads.keys().next();
  if (!oldest.done) heads.delete(oldest.value);
}

/** False when the stream is not at the version that was expected. */
function writeStream(
  sql: Statements,
  { commit, state }: Prepared,
  version: number,
  before: Head | undefined,
): boolean {
  const { stream, kind, status, expectedVersion } = commit;
  const agent = commit.agent ?? null;
  const parent = commit.parent ?? null;
  const deadlineAt = commit.deadlineAt ?? null;
  const wakeAt = commit.wakeAt ?? null;
  const open = commit.open ? 1 : 0;
  const stateVersion = state === null ? null : version;
  if (expectedVersion === 0 && !before) {
    const since = stateVersion ?? 0;
    return (
      sql.addStream.run(stream, kind, status, agent, parent, deadlineAt, wakeAt, open, version, state, since)
        .changes === 1
    );
  }
  // The columns of the lists' indexes are only touched when one of them changed.
  const { changes } = isMoved(commit, before)
    ? sql.moveStream.run(
        kind,
        status,
        agent,
        open,
        wakeAt,
        parent,
        deadlineAt,
        version,
        state,
        stateVersion,
        stream,
        expectedVersion,
      )
    : sql.touchStream.run(parent, deadlineAt, version, state, stateVersion, stream, expectedVersion);
  return changes === 1;
}

function writeRest(sql: Statements, { commit, effects }: Prepared, version: number): void {
  const { stream, at } = commit;
  if (commit.settles) for (const { id, outcome } of commit.settles) settleEffect(sql, at, id, outcome);
  if (commit.cancels) cancelTypes(sql, at, stream, commit.cancels);
  if (commit.slots) {
    for (const { attempt, until } of commit.slots) {
      if (until === "free") sql.freeSlot.run(stream, attempt);
      else sql.holdSlot.run(until, stream, attempt);
    }
  }
  if (effects.length > 0) {
    // Without events the version was used before, so the outbox's own number keeps the ids apart.
    const mark = commit.events.length > 0 ? "" : `+${Number(sql.lastEffect.get()?.["seq"] ?? 0) + 1}`;
    for (const [index, { body, lane, slot, dueAt }] of commit.effects.entries()) {
      sql.addEffect.run(
        `${stream}@${version}${mark}#${index}`,
        stream,
        body.type,
        effects[index] ?? "null",
        lane,
        slot?.lane ?? null,
        slot?.attempt ?? null,
        at,
        dueAt,
        dueAt,
      );
    }
  }
  for (const receipt of commit.receipts ?? []) {
    const { delivery, part, nonce, channel, message, postedAt } = receipt;
    sql.addReceipt.run(delivery, part, nonce, channel, message, postedAt);
  }
  for (const { digest, body } of commit.blobs ?? []) sql.addBlob.run(digest, body);
}

function cancelTypes(sql: Statements, at: number, stream: string, types: readonly string[]): void {
  for (let i = 0; i < types.length; i += 4) {
    sql.cancel.run(at, stream, types[i] ?? "", types[i + 1] ?? "", types[i + 2] ?? "", types[i + 3] ?? "");
  }
}

export function settleEffect(sql: Statements, at: number, id: string, outcome: string): void {
  sql.settle.run(at, outcome, streamOf(id), id);
}
