import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Ledger } from "../engine/ports/ledger.ts";
import { createBallast } from "./ballast.ts";
import { claimDue, firstDue, giveBack } from "./claim.ts";
import { createCounters, type Heads, prepareCommit, settleEffect, writeCommit } from "./commit.ts";
import { createEarliest, toldOf } from "./earliest.ts";
import { createGroupCommit } from "./group-commit.ts";
import { takeLease } from "./lease.ts";
import { createLeftovers } from "./leftovers.ts";
import { migrate } from "./migrations.ts";
import {
  listStreams,
  loadStream,
  readBacklog,
  readCounts,
  readEvents,
  readOpenByAgent,
  receiptsOfSubject,
} from "./queries.ts";
import { instantOf, toReceipt, toWake } from "./rows.ts";
import { createSearchIndex } from "./search.ts";
import { prepareAll, type Statements } from "./statements.ts";
import { createTallies } from "./tallies.ts";
import { createTrail } from "./trail.ts";
import { concernsAll, explain, isFull } from "./trouble.ts";
import { createUpkeep } from "./upkeep.ts";

const BUSY_TIMEOUT_MS = 5000;
const BALLAST_BYTES = 4 << 20;
/** How long after a full disk the reserve is laid up again. */
const BALLAST_AGAIN_MS = 60_000;
const PRAGMAS = `
  pragma synchronous = full;
  pragma wal_autocheckpoint = 4000;
  pragma journal_size_limit = 67108864;
  pragma cache_size = -32000;
  pragma temp_store = memory;
`;

export type SqliteLedgerOptions = {
  readonly path: string;
  readonly now?: () => number;
  /** Size of the reserve beside the ledger that a full disk gives up; 0 = none. */
  readonly ballastBytes?: number;
  /** How long a write waits, with the whole process, for another program's lock. */
  readonly busyTimeoutMs?: number;
};

/** Opens or makes the ledger. Reads answer at once from what is committed; writes of a tick share one transaction. */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const { path, now = Date.now, ballastBytes = BALLAST_BYTES } = options;
  const db = openDatabase(path, options.busyTimeoutMs ?? BUSY_TIMEOUT_MS);
  const sql = prepareAll(db);
  explaining(path, () => comeBack(sql, now()));
  const counters = createCounters(sql);
  const heads: Heads = new Map();
  const earliest = createEarliest();
  const leftovers = createLeftovers(db);
  const ballast = createBallast({ path: `${path}.ballast`, bytes: ballastBytes });
  let ballastAgainAt: number | undefined;

  const group = createGroupCommit({
    db,
    finish: () => counters.write(),
    undone() {
      counters.forget();
      heads.clear();
      earliest.forget();
    },
    committed() {
      if (ballastAgainAt === undefined || now() < ballastAgainAt) return;
      ballastAgainAt = ballast.lay() ? undefined : now() + BALLAST_AGAIN_MS;
    },
    failed(error) {
      if (isFull(error)) {
        ballast.giveUp();
        ballastAgainAt = now() + BALLAST_AGAIN_MS;
        shrink(db);
      }
      return explain(error, path);
    },
  });
  ballast.lay();

  const read = async <T>(query: () => T): Promise<T> => {
    if (!db.isOpen) throw closed(path);
    return explaining(path, query);
  };
  const write = async <T>(unit: () => T): Promise<T> => {
    if (!db.isOpen) throw closed(path);
    return group.write(unit);
  };

  const upkeep = createUpkeep({ path, db, write, counters, leftovers });

  return {
    now: async () => now(),
    async commit(commit) {
      const prepared = prepareCommit(commit);
      return write(() => writeCommit(sql, counters, heads, earliest, leftovers, prepared));
    },
    load: (stream) => read(() => loadStream(sql, stream)),
    keyOf: (scope, key) =>
      read(() => {
        const row = sql.key.get(scope, key);
        return row && { stream: String(row["stream"]), digest: String(row["digest"]) };
      }),
    claim: (request) => write(() => claimDue(sql, earliest, request, now())),
    settle: (effects) =>
      write(() => {
        for (const { id, outcome } of effects) settleEffect(sql, now(), id, outcome);
      }),
    async postpone(id, dueAt, reason, options) {
      const left = options?.left ? JSON.stringify(options.left) : null;
      return write(() => giveBack(sql, earliest, id, dueAt, reason, options?.stillBegun === true, left));
    },
    release: (epoch) =>
      write(() => {
        earliest.forget();
        return Number(sql.release.run(epoch).changes);
      }),
    nextDue: (lanes, capacity) => read(() => firstDue(sql, earliest, lanes, capacity, now())),
    wakes: (at, limit) =>
      read(() => (earliest.mayBeDue("wakes", at) ? sql.wakes.all(at, limit).map(toWake) : [])),
    nextWake: () => read(() => toldOf(earliest.next("wakes", now(), () => instantOf(sql.nextWake.get())))),
    putOff: ({ stream, wakeAt }, until) =>
      write(() => {
        sql.putOff.run(until ?? null, stream, wakeAt);
        if (until !== undefined) earliest.note("wakes", until);
        heads.delete(stream);
      }),
    list: (query) => read(() => listStreams(sql, query)),
    events: (query) => read(() => readEvents(sql, query)),
    receipts: (delivery) => read(() => sql.receipts.all(delivery).map(toReceipt)),
    receiptsOf: (subject) => read(() => receiptsOfSubject(sql, subject)),
    counts: () => read(() => readCounts(sql)),
    openByAgent: (kind, statuses) => read(() => readOpenByAgent(sql, kind, statuses)),
    backlog: () => read(() => readBacklog(sql)),
    putBlob: (digest, body) => write(() => void sql.addBlob.run(digest, body)),
    blob: (digest) => read(() => textOf(sql.blob.get(digest)?.["body"])),
    lease: (name, holder, ttlMs) => write(() => takeLease(sql, name, holder, now(), ttlMs)),
    recall: (name) => read(() => textOf(sql.memo.get(name)?.["value"])),
    remember: (name, value) => write(() => void sql.putMemo.run(name, value)),
    trail: createTrail({ db, read }),
    tallies: createTallies({ db, read, write }),
    search: createSearchIndex({ db, read, write }),
    upkeep,
    async close() {
      if (!db.isOpen) return;
      await upkeep.close();
      group.flush();
      db.close();
    },
  };
}

function openDatabase(path: string, timeout: number): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    const isNew = !existsSync(path);
    db = new DatabaseSync(path, { timeout, enableForeignKeyConstraints: false });
    // SQLite makes it for all to read; what it puts beside it gets the rights that it has.
    if (isNew) chmodSync(path, 0o600);
    const mode = db.prepare("pragma journal_mode = wal").get()?.["journal_mode"];
    if (mode !== "wal") {
      throw new Error(
        `The ledger ${path} cannot keep a write-ahead log (mode ${String(mode)}). Put it on a local disk, not on a network file system.`,
      );
    }
    db.exec(PRAGMAS);
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw explain(error, path);
  }
}

function explaining<T>(path: string, query: () => T): T {
  try {
    return query();
  } catch (error) {
    throw explain(error, path);
  }
}

/** When the clock was set back while nobody worked, what is to be tried again would be late by as much. */
function comeBack(sql: Statements, now: number): void {
  const backMs = Number(sql.lastAt.get()?.["at"] ?? 0) - now;
  if (backMs > 0) sql.comeBack.run(backMs, now);
}

/** Moves the log into the ledger and cuts it, which needs a little room; on a disk without any it waits for more. */
function shrink(db: DatabaseSync): void {
  try {
    db.exec("pragma wal_checkpoint(truncate)");
  } catch (error) {
    if (!concernsAll(error)) throw error;
  }
}

const closed = (path: string) => new Error(`The ledger ${path} is closed.`);
const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
