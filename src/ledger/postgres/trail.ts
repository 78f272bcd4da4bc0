import type { StreamKind } from "../../engine/ports/ledger.ts";
import type { Trail } from "../../engine/ports/trail.ts";
import { type Row, toReceipt } from "../rows.ts";
import { toKept } from "../trail.ts";
import type { Read } from "./connect.ts";

export function createTrail(read: Read): Trail {
  return {
    async effectsOf(stream, limit) {
      const text = "select * from outbox where stream = $1 order by seq limit $2";
      return (await read<Row>("effects-of", text, [stream, limit])).map(toKept);
    },
    childrenOf: (stream, limit) =>
      read<{ stream: string; kind: StreamKind }>(
        "children-of",
        "select id as stream, kind from stream where parent = $1 order by seq limit $2",
        [stream, limit],
      ),
    async receiptsAt(message) {
      const text = "select * from delivery_part where message_id = $1 order by delivery, part";
      return (await read<Row>("receipts-at", text, [message])).map(toReceipt);
    },
  };
}
