import type { Delivery } from "../domain/effects.ts";
import type { BatchBody, BatchMember } from "./render-lines.ts";
import { composeLog, composeNotices, composeResults } from "./render-lines.ts";

/** Well under Discord's 10 MiB a file, and small enough to live in the ledger. */
const MOST_BYTES = 4 * 1024 * 1024;

export type Composed = { readonly members: readonly BatchMember[]; readonly body: BatchBody };

const BATCHABLE = ["result", "log", "spawned", "finished"] as const;
export type BatchableKind = (typeof BATCHABLE)[number];

/** Puts as many of these into one message as its file may hold, oldest first; at least one. */
export function composeBatch(kind: BatchableKind, candidates: readonly BatchMember[]): Composed {
  let room = MOST_BYTES;
  const members = candidates.filter(({ glance }, index) => {
    room -= 1000 + (kind === "result" ? 3 * glance.report().length : 0);
    return index === 0 || room > 0;
  });
  return { members, body: bodyOf(kind, members) };
}

export function isBatchable(
  delivery: Delivery,
): delivery is Delivery & { kind: BatchableKind; subject: string } {
  return BATCHABLE.some((kind) => kind === delivery.kind) && delivery.subject !== undefined;
}

function bodyOf(kind: BatchableKind, members: readonly BatchMember[]): BatchBody {
  switch (kind) {
    case "result":
      return composeResults(members);
    case "log":
      return composeLog(members);
    case "spawned":
    case "finished":
      return composeNotices(kind, members);
  }
}
