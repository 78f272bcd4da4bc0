import { DatabaseSync } from "node:sqlite";
import type { Standing } from "../domain/audit-types.ts";
import type { Receipt } from "../domain/delivery-types.ts";
import type { Page, StoredEvent } from "../engine/ports/ledger.ts";
import type {
  AuditQuery,
  ExportedStream,
  LedgerSize,
  PageQuery,
  Prunable,
  PruneQuery,
} from "../engine/ports/upkeep.ts";
import { toEvent, toReceipt } from "./rows.ts";
import { auditPage, standingOf, stateIn } from "./scan-audit.ts";
import { prunablePage } from "./scan-prune.ts";
import { prepareScan, type ScanStatements } from "./scan-statements.ts";

const BUSY_TIMEOUT_MS = 5000;

/** What is read of the ledger as a whole, on a connection of its own that writes nothing; a page is of one instant. */
export function openScan(path: string) {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  db.exec("pragma cache_size = -16000; pragma temp_store = memory");
  const sql = prepareScan(db);

  function atOnce<T>(read: () => T): T {
    db.exec("begin");
    try {
      return read();
    } finally {
      db.exec("commit");
    }
  }

  return {
    audit: (query: AuditQuery) => atOnce(() => auditPage(sql, query)),
    receipts: (query: PageQuery) => receipts(sql, query),
    standings: (streams: readonly string[]) => atOnce(() => standings(sql, streams)),
    events: (query: PageQuery) => events(sql, query),
    streams: (query: PageQuery & { readonly kind: string }) => atOnce(() => streams(sql, query)),
    prunable: (query: PruneQuery): Prunable => atOnce(() => prunablePage(sql, query)),
    danglingKeys: (query: PageQuery) => danglingKeys(sql, query),
    size(): LedgerSize {
      const number = (name: string) => Number(db.prepare(`pragma ${name}`).get()?.[name] ?? 0);
      const page = number("page_size");
      return { bytes: page * number("page_count"), freeBytes: page * number("freelist_count") };
    },
    close: () => db.close(),
  };
}

export type Scan = ReturnType<typeof openScan>;

export function standings(sql: ScanStatements, streams: readonly string[]): ReadonlyMap<string, Standing> {
  return new Map(
    streams.flatMap((stream) => {
      const found = standingOf(sql, stream);
      return found ? [[stream, found] as const] : [];
    }),
  );
}

/** Keys whose stream is not there. */
export function danglingKeys(sql: ScanStatements, { after, limit }: PageQuery) {
  const [scope = "", key = ""] = after === undefined ? [] : (JSON.parse(after) as string[]);
  const rows = sql.keys.all(scope, key, limit);
  const items = rows
    .filter(({ known }) => known === 0)
    .map((row) => ({ scope: row["scope"] as string, key: row["key"] as string }));
  const last = rows.at(-1);
  const next = rows.length < limit ? {} : { next: JSON.stringify([last?.["scope"], last?.["key"]]) };
  return { items, ...next };
}

export function receipts(sql: ScanStatements, { after, limit }: PageQuery): Page<Receipt> {
  const [delivery = "", part = -1] = after === undefined ? [] : (JSON.parse(after) as [string, number]);
  const items = sql.receipts.all(delivery, part, limit).map(toReceipt);
  const last = items.at(-1);
  return items.length < limit || !last
    ? { items }
    : { items, next: JSON.stringify([last.delivery, last.part]) };
}

export function events(sql: ScanStatements, { after, since, limit }: PageQuery): Page<StoredEvent> {
  const all = sql.events.all(Number(after ?? 0), limit).map(toEvent);
  const items = since === undefined ? all : all.filter(({ at }) => at >= since);
  const last = all.at(-1);
  return all.length < limit || !last ? { items } : { items, next: String(last.position) };
}

export function streams(
  sql: ScanStatements,
  { after, since, limit, kind }: PageQuery & { readonly kind: string },
): Page<ExportedStream> {
  const rows = sql.streams.all(Number(after ?? 0), limit);
  const items = rows.flatMap((row): readonly ExportedStream[] => {
    const stream = row["id"] as string;
    if (row["kind"] !== kind) return [];
    const version = row["version"] as number;
    const changedAt = Number(sql.lastAt.get(stream, version)?.["at"] ?? 0);
    if (since !== undefined && changedAt < since) return [];
    return [
      {
        seq: row["seq"] as number,
        stream,
        kind,
        status: row["status"] as string,
        open: row["open"] === 1,
        version,
        beganAt: Number(sql.firstAt.get(stream)?.["at"] ?? 0),
        changedAt,
        state: stateIn(sql, row),
        ...(row["agent"] === null ? {} : { agent: row["agent"] as string }),
        ...(row["parent"] === null ? {} : { parent: row["parent"] as string }),
      },
    ];
  });
  const last = rows.at(-1)?.["seq"];
  return rows.length < limit ? { items } : { items, next: String(last) };
}
