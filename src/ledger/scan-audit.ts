import { aggregates, type Kind } from "../domain/aggregates.ts";
import { auditEffect, auditKey, auditStream } from "../domain/audit.ts";
import { unseen } from "../domain/audit-posts.ts";
import type { AuditContext, AuditedStream, Finding, OpenEffect, Standing } from "../domain/audit-types.ts";
import type { Delivery, EffectBody } from "../domain/effects.ts";
import type { AuditPage, AuditQuery } from "../engine/ports/upkeep.ts";
import { fold } from "../kernel/decider.ts";
import type { Row } from "./rows.ts";
import type { ScanStatements } from "./scan-statements.ts";

const FIRST = "stream:0";
/** Their messages are looked for by what has settled. */
const LOOKED_FOR: ReadonlySet<string> = new Set(["result", "log"]);
/** Of these the rules look into the state also when they are over. */
const TOLD: ReadonlySet<string> = new Set(["delegation", "run", "worker", "delivery"]);

/** One page of the comparison: streams first, then effects, then what was posted, then keys. */
export function auditPage(sql: ScanStatements, query: AuditQuery): AuditPage {
  const [phase = "", ...rest] = (query.after ?? FIRST).split(":");
  const from = rest.join(":");
  switch (phase) {
    case "stream":
      return streams(sql, query, Number(from));
    case "effect":
      return effects(sql, query, from);
    case "post":
      return posts(sql, query, Number(from));
    default:
      return keys(sql, query, from);
  }
}

function streams(sql: ScanStatements, query: AuditQuery, from: number): AuditPage {
  const rows = sql.streams.all(from, query.limit);
  const context = contextOf(sql, query);
  const findings: Finding[] = [];
  for (const row of rows) {
    const at = Number(sql.lastAt.get(row["id"] as string, row["version"] as number)?.["at"] ?? 0);
    if (query.since !== undefined && at !== 0 && at < query.since && row["open"] === 0) continue;
    const stream = audited(sql, row, at);
    findings.push(...auditStream(stream, context), ...askedTwice(sql, stream.id));
  }
  const last = rows.at(-1)?.["seq"];
  const next = rows.length === query.limit ? `stream:${String(last)}` : "effect:";
  return { findings, looked: rows.length, next };
}

function contextOf(sql: ScanStatements, { now, isRunning }: AuditQuery): AuditContext {
  let batched: ReadonlySet<string> | undefined;
  return {
    now,
    isRunning,
    standing: (stream) => standingOf(sql, stream),
    effectsOf: (stream) => sql.openOf.all(stream).map(toOpen),
    isBatched(delivery) {
      batched ??= new Set(
        sql.batches.all().flatMap(({ body }) => {
          const { delivery } = JSON.parse(body as string) as { delivery: Delivery };
          return delivery.members ?? [];
        }),
      );
      return batched.has(delivery);
    },
  };
}

export function standingOf(sql: ScanStatements, stream: string): Standing | undefined {
  const row = sql.standing.get(stream);
  return row && { kind: row["kind"] as string, status: row["status"] as string, open: row["open"] === 1 };
}

function audited(sql: ScanStatements, row: Row, at: number): AuditedStream {
  const id = row["id"] as string;
  const kind = row["kind"] as string;
  const open = row["open"] === 1;
  const counts = Object.fromEntries(
    sql.counts.all(id).map(({ type, count }) => [type as string, count as number]),
  );
  const isTold = !open && TOLD.has(kind) && kind !== "delivery";
  const seen = isTold ? sql.seen.all(`${id}/`, `${id}0`) : [];
  const sent = counts["attempt.dispatched"] ?? 0;
  return {
    id,
    kind,
    status: row["status"] as string,
    open,
    version: row["version"] as number,
    at,
    counts,
    effects: sql.openOf.all(id).map(toOpen),
    seen: new Set(seen.map(({ delivery }) => delivery as string)),
    ...(row["parent"] === null ? {} : { parent: row["parent"] as string }),
    ...(row["wake_at"] === null ? {} : { wakeAt: row["wake_at"] as number }),
    ...(open || TOLD.has(kind) ? { state: stateIn(sql, row) } : {}),
    ...(sent > 1 ? { sentAgain: sql.sentAgain.all(id).map(({ attempt }) => attempt as number) } : {}),
  };
}

/** Folded as the engine does it: the kept state, and the events after it. */
export function stateIn(sql: ScanStatements, row: Row): unknown {
  const kept = row["state"] === null ? undefined : (JSON.parse(row["state"] as string) as unknown);
  if ((row["state_version"] as number) >= (row["version"] as number)) return kept;
  const later = sql.later.all(row["id"] as string, row["state_version"] as number);
  const events = later.map(({ body }) => JSON.parse(body as string) as unknown);
  const { evolve } = aggregates[row["kind"] as Kind];
  return fold(evolve as (state: unknown, event: unknown) => unknown, kept, events);
}

function toOpen(row: Row): OpenEffect {
  return {
    id: row["id"] as string,
    stream: row["stream"] as string,
    type: row["type"] as OpenEffect["type"],
    dueAt: row["due_at"] as number,
    readyAt: row["ready_at"] as number,
    isInTurn: row["slot"] !== null,
    body: JSON.parse(row["body"] as string) as EffectBody,
    ...(row["begun_at"] === null ? {} : { begunAt: row["begun_at"] as number }),
  };
}

function askedTwice(sql: ScanStatements, stream: string): readonly Finding[] {
  return sql.postedTwice.all(stream).map(({ delivery, count }) => ({
    fault: "doubled",
    id: delivery as string,
    of: stream,
    reason: `it was to be posted ${String(count)} times`,
    mend: `look at it with \`hq trace ${stream}\` and report it`,
  }));
}

function effects(sql: ScanStatements, query: AuditQuery, from: string): AuditPage {
  const [stream = "", id = ""] = from === "" ? [] : (JSON.parse(from) as string[]);
  const rows = sql.open.all(stream, id, query.limit);
  const findings = rows
    .filter((row) => standingOf(sql, row["stream"] as string) === undefined)
    .map((row) => auditEffect(toOpen(row)));
  const last = rows.at(-1);
  const next =
    rows.length === query.limit ? `effect:${JSON.stringify([last?.["stream"], last?.["id"]])}` : "post:0";
  return { findings, looked: rows.length, next };
}

/** Questions, reminders, notices: what no stream's end owes, and was to be posted all the same. */
function posts(sql: ScanStatements, query: AuditQuery, from: number): AuditPage {
  const rows = sql.outbox.all(from, query.limit);
  const context = contextOf(sql, query);
  const findings = rows.flatMap((row) => {
    const createdAt = row["created_at"] as number;
    if (row["type"] !== "post" || row["settled_at"] === null || createdAt < (query.since ?? 0)) return [];
    const { delivery } = JSON.parse(row["body"] as string) as { delivery: Delivery };
    if (LOOKED_FOR.has(delivery.kind) || row["outcome"] === "nothing to say any more") return [];
    if (sql.hasReceipt.get(delivery.id) || context.isBatched(delivery.id)) return [];
    return [unseen(delivery, createdAt, query.now)];
  });
  const next = rows.length === query.limit ? `post:${String(rows.at(-1)?.["seq"])}` : "key:";
  return { findings, looked: rows.length, next };
}

function keys(sql: ScanStatements, query: AuditQuery, from: string): AuditPage {
  const [scope = "", key = ""] = from === "" ? [] : (JSON.parse(from) as string[]);
  const rows = sql.keys.all(scope, key, query.limit);
  const findings = rows
    .filter(({ known }) => known === 0)
    .map((row) => auditKey(row["scope"] as string, row["key"] as string, row["stream"] as string));
  const last = rows.at(-1);
  return {
    findings,
    looked: rows.length,
    ...(rows.length === query.limit
      ? { next: `key:${JSON.stringify([last?.["scope"], last?.["key"]])}` }
      : {}),
  };
}
