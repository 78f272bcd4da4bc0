import type { Receipt } from "../domain/delivery-types.ts";
import type { EffectBody, Lane } from "../domain/effects.ts";
import type {
  ClaimedEffect,
  Loaded,
  StoredEvent,
  StreamKind,
  StreamRow,
  Wake,
} from "../engine/ports/ledger.ts";

/** What SQLite returns, and the same as the port says it. */
export type Row = Record<string, unknown>;

export type EffectRow = {
  readonly seq: number;
  readonly id: string;
  readonly stream: string;
  readonly body: string;
  readonly lane: Lane;
  readonly slot: string | null;
  readonly attempt: number | null;
  readonly created_at: number;
  readonly due_at: number;
  readonly ready_at: number;
  readonly begun_at: number | null;
  readonly begun_before: number | null;
  readonly tries: number;
};

export function toClaimed(row: EffectRow, begunBefore: number | null): ClaimedEffect {
  return {
    id: row.id,
    stream: row.stream,
    body: JSON.parse(row.body) as EffectBody,
    lane: row.lane,
    dueAt: row.due_at,
    createdAt: row.created_at,
    tries: row.tries + 1,
    ...(begunBefore === null ? {} : { begunBefore }),
    ...(row.slot === null ? {} : { slot: { lane: row.slot, attempt: row.attempt ?? 0 } }),
  };
}

export type SlotRow = {
  readonly n: number;
  readonly stream: string;
  readonly attempt: number;
  readonly until: number;
};

export function readSlot(row: Row): SlotRow {
  return {
    n: Number(row["n"]),
    stream: String(row["stream"]),
    attempt: Number(row["attempt"]),
    until: Number(row["until"]),
  };
}

export function toEvent(row: Row): StoredEvent {
  return {
    position: row["position"] as number,
    stream: row["stream"] as string,
    version: row["version"] as number,
    at: row["at"] as number,
    type: row["type"] as string,
    schema: row["schema"] as number,
    body: JSON.parse(row["body"] as string) as unknown,
    cause: row["cause"] as string,
    actor: row["actor"] as string,
  };
}

function toStreamRow(row: Row): StreamRow {
  return {
    stream: row["id"] as string,
    kind: row["kind"] as StreamKind,
    status: row["status"] as string,
    ...(row["agent"] === null ? {} : { agent: row["agent"] as string }),
    ...(row["parent"] === null ? {} : { parent: row["parent"] as string }),
    ...(row["deadline_at"] === null ? {} : { deadlineAt: row["deadline_at"] as number }),
    ...(row["wake_at"] === null ? {} : { wakeAt: row["wake_at"] as number }),
    open: row["open"] === 1,
  };
}

export function toLoaded(row: Row, later: readonly StoredEvent[]): Loaded {
  const state = row["state"] as string | null;
  return {
    ...toStreamRow(row),
    version: row["version"] as number,
    state: state === null ? undefined : (JSON.parse(state) as unknown),
    stateVersion: row["state_version"] as number,
    later,
  };
}

/** Of a question for the first one; Infinity when there is none. */
export function instantOf(row: Row | undefined): number {
  const at = row?.["at"];
  return typeof at === "number" ? at : Number.POSITIVE_INFINITY;
}

export function toWake(row: Row): Wake {
  return {
    stream: row["id"] as string,
    kind: row["kind"] as StreamKind,
    wakeAt: row["wake_at"] as number,
  };
}

export function toReceipt(row: Row): Receipt {
  return {
    delivery: row["delivery"] as string,
    part: row["part"] as number,
    nonce: row["nonce"] as string,
    channel: row["channel"] as string,
    message: row["message_id"] as string,
    postedAt: row["posted_at"] as number,
  };
}
