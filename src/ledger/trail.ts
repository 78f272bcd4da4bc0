import type { DatabaseSync } from "node:sqlite";
import type { EffectBody } from "../domain/effects.ts";
import type { StreamKind } from "../engine/ports/ledger.ts";
import type { KeptEffect, Trail } from "../engine/ports/trail.ts";
import { type Row, toReceipt } from "./rows.ts";

export const TRAIL_SQL = {
  effects:
    "select id, stream, body, created_at, due_at, begun_at, tries, reason, settled_at, outcome from outbox indexed by outbox_stream where stream = ? order by seq limit ? + 0",
  children: "select id, kind from stream indexed by stream_parent where parent = ? order by seq limit ? + 0",
  receipts:
    "select * from delivery_part indexed by delivery_part_message where message_id = ? order by delivery, part",
} as const;

/** The story's part of the ledger; its statements are prepared when the first story is asked for. */
export function createTrail(deps: {
  readonly db: DatabaseSync;
  readonly read: <T>(query: () => T) => Promise<T>;
}): Trail {
  const { db, read } = deps;
  let prepared: ReturnType<typeof prepare> | undefined;
  const sql = () => {
    prepared ??= prepare(db);
    return prepared;
  };
  return {
    effectsOf: (stream, limit) => read(() => sql().effects.all(stream, limit).map(toKept)),
    childrenOf: (stream, limit) =>
      read(() =>
        sql()
          .children.all(stream, limit)
          .map((row) => ({ stream: row["id"] as string, kind: row["kind"] as StreamKind })),
      ),
    receiptsAt: (message) => read(() => sql().receipts.all(message).map(toReceipt)),
  };
}

function prepare(db: DatabaseSync) {
  return {
    effects: db.prepare(TRAIL_SQL.effects),
    children: db.prepare(TRAIL_SQL.children),
    receipts: db.prepare(TRAIL_SQL.receipts),
  };
}

export function toKept(row: Row): KeptEffect {
  return {
    id: row["id"] as string,
    stream: row["stream"] as string,
    body: JSON.parse(row["body"] as string) as EffectBody,
    createdAt: row["created_at"] as number,
    dueAt: row["due_at"] as number,
    tries: row["tries"] as number,
    ...(row["begun_at"] === null ? {} : { begunAt: row["begun_at"] as number }),
    ...(row["reason"] === null ? {} : { reason: row["reason"] as string }),
    ...(row["settled_at"] === null ? {} : { settledAt: row["settled_at"] as number }),
    ...(row["outcome"] === null ? {} : { outcome: row["outcome"] as string }),
  };
}
