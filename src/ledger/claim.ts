import type { Lane } from "../domain/effects.ts";
import type { ClaimedEffect, ClaimRequest } from "../engine/ports/ledger.ts";
import { streamOf } from "./commit.ts";
import { dueIn, type Earliest, inTurn, toldOf } from "./earliest.ts";
import { isLeased } from "./lease.ts";
import { type EffectRow, instantOf, readSlot, type SlotRow, toClaimed } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** A slot is kept this long past the claim's hold until the decider says how long it really is needed. */
const UNTOLD_SLOT_MS = 24 * 3_600_000;

/** Where effects wait for one agent's capacity: the effect lanes they are in, and the first instant of any of them. */
type Queue = { readonly slot: string; readonly lanes: Lane[]; at: number };

/** Of these lanes; each instant before which nothing is due there is noted. */
function waitingQueues(sql: Statements, earliest: Earliest, lanes: readonly Lane[]): readonly Queue[] {
  const queues = new Map<string, Queue>();
  for (const lane of lanes) {
    let first = Number.POSITIVE_INFINITY;
    for (const row of sql.waiting.all(lane)) {
      const slot = String(row["slot"]);
      const at = Number(row["at"]);
      first = Math.min(first, at);
      const queue = queues.get(slot);
      if (!queue) queues.set(slot, { slot, lanes: [lane], at });
      else {
        queue.lanes.push(lane);
        queue.at = Math.min(queue.at, at);
      }
    }
    earliest.believe(inTurn(lane), first);
  }
  return [...queues.values()].sort((a, b) => a.at - b.at);
}

const slotsOf = (sql: Statements, lane: string) => sql.slots.all(lane).map(readSlot);

/** Effects of attempts that hold a slot already, which need no other; `n` and `until` are the slot's. */
function ofHolders(sql: Statements, queue: Queue): readonly (EffectRow & SlotRow)[] {
  const rows = sql.ofHolders.all(queue.slot) as (EffectRow & SlotRow)[];
  return rows.filter((row) => queue.lanes.includes(row.lane)).sort((a, b) => a.seq - b.seq);
}

function freeNumber(held: readonly SlotRow[]): number {
  const taken = new Set(held.map(({ n }) => n));
  let n = 0;
  while (taken.has(n)) n++;
  return n;
}

/** The next in turn after `seq`, over the effect lanes of a queue. */
function nextInTurn(sql: Statements, queue: Queue, seq: number, now: number): EffectRow | undefined {
  let first: EffectRow | undefined;
  for (const lane of queue.lanes) {
    const row = sql.turn.get(lane, queue.slot, seq, now) as EffectRow | undefined;
    if (row && (!first || row.seq < first.seq)) first = row;
  }
  return first;
}

/** Takes due effects with the slots they need. Runs inside a transaction. */
export function claimDue(
  sql: Statements,
  earliest: Earliest,
  request: ClaimRequest,
  storeNow: number,
): readonly ClaimedEffect[] {
  const { now, limit, holdMs, fence } = request;
  if (fence && !isLeased(sql, fence, storeNow)) return [];
  const claimed: ClaimedEffect[] = [];
  const until = now + holdMs + UNTOLD_SLOT_MS;

  function take(row: EffectRow): void {
    // The first begin whose end nobody knows: what it sent may be there however often it was begun since.
    const before = row.begun_before ?? row.begun_at;
    sql.begin.run(now, before, row.tries + 1, now + holdMs, request.holder, request.epoch, row.seq);
    claimed.push(toClaimed(row, before));
  }

  /** The queue in turn; when all slots are taken, what is left may still be for attempts that hold one. */
  function takeQueue(queue: Queue): void {
    const held = slotsOf(sql, queue.slot).filter((slot) => slot.until > now);
    const capacity = request.capacity(queue.slot);
    let isSwept = false;
    let seq = 0;
    while (claimed.length < limit) {
      const row = nextInTurn(sql, queue, seq, now);
      if (!row) return;
      seq = row.seq;
      const own = held.find(({ stream, attempt }) => stream === row.stream && attempt === row.attempt);
      if (own) {
        sql.keepSlot.run(until, queue.slot, own.n);
      } else {
        if (held.length >= capacity) return takeOfHolders(queue);
        if (!isSwept) sql.dropExpiredSlots.run(queue.slot, now);
        isSwept = true;
        const slot = { n: freeNumber(held), stream: row.stream, attempt: row.attempt ?? 0, until };
        sql.addSlot.run(queue.slot, slot.n, slot.stream, slot.attempt, until, row.id);
        held.push(slot);
      }
      take(row);
    }
  }

  function takeOfHolders(queue: Queue): void {
    for (const row of ofHolders(sql, queue)) {
      if (row.ready_at > now || row.until <= now || claimed.length >= limit) continue;
      sql.keepSlot.run(until, queue.slot, row.n);
      take(row);
    }
  }

  const lanesInTurn = request.lanes.filter((lane) => earliest.mayBeDue(inTurn(lane), now));
  for (const queue of waitingQueues(sql, earliest, lanesInTurn)) {
    if (queue.at > now || claimed.length >= limit) break;
    takeQueue(queue);
  }
  if (claimed.length >= limit) return claimed;
  const rest = limit - claimed.length;
  const looks = request.lanes.filter((lane) => earliest.mayBeDue(lane, now)).map(lookInto);
  const due = looks.flatMap(({ ready }) => ready);
  due
    .sort((a, b) => a.ready_at - b.ready_at || a.seq - b.seq)
    .slice(0, rest)
    .forEach(take);
  // Last of all: a claim that fails is made again.
  if (due.length <= rest) for (const { lane, next } of looks) earliest.believe(lane, next);
  return claimed;

  /** What is due in a lane, and when there is more if all of it is taken: the one after it, or the end of the hold. */
  function lookInto(lane: Lane) {
    const ready: EffectRow[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const row of sql.ready.iterate(lane, rest + 1) as Iterable<EffectRow>) {
      if (row.ready_at > now) {
        next = Math.min(next, row.ready_at);
        break;
      }
      ready.push(row);
      next = now + holdMs;
    }
    return { lane, ready, next };
  }
}

/** `claimDue` returns nothing before this instant when nothing else is written; undefined = nothing waits. */
export function firstDue(
  sql: Statements,
  earliest: Earliest,
  lanes: readonly Lane[],
  capacity: ClaimRequest["capacity"],
  storeNow: number,
): number | undefined {
  let first = Number.POSITIVE_INFINITY;
  const lanesInTurn: Lane[] = [];
  for (const lane of lanes) {
    first = Math.min(
      first,
      earliest.next(lane, storeNow, () => instantOf(sql.nextReady.get(lane))),
    );
    const ahead = earliest.ahead(inTurn(lane), storeNow);
    if (ahead === undefined) lanesInTurn.push(lane);
    else first = Math.min(first, ahead);
  }
  for (const queue of waitingQueues(sql, earliest, lanesInTurn)) {
    if (queue.at >= first) break;
    if (queue.at > storeNow) {
      // Its slots may make it later, which need not be known yet.
      first = queue.at;
      break;
    }
    const room = capacity(queue.slot);
    const slots = slotsOf(sql, queue.slot).sort((a, b) => a.until - b.until);
    const isFull = slots.filter(({ until }) => until > storeNow).length >= room;
    for (const row of ofHolders(sql, queue)) {
      // Who held a slot that is over waits for a free one, like all others.
      if (row.ready_at < row.until && !(isFull && row.until <= storeNow))
        first = Math.min(first, row.ready_at);
    }
    if (room <= 0) continue;
    const freeAt = slots[slots.length - room]?.until ?? Number.NEGATIVE_INFINITY;
    first = Math.min(first, Math.max(freeAt, queue.at));
  }
  return toldOf(first);
}

/**
 * Gives an effect back. The slot that this claim took goes back too, unless something may be under way in it:
 * an earlier begin whose outcome is unknown, or this one when `stillBegun`.
 */
export function giveBack(
  sql: Statements,
  earliest: Earliest,
  id: string,
  dueAt: number,
  reason: string,
  stillBegun: boolean,
  left: string | null,
): void {
  const statement = stillBegun ? sql.postponeBegun : sql.postpone;
  const row = statement.get(dueAt, reason, streamOf(id), id, left);
  if (row) earliest.note(dueIn(row["lane"] as Lane, row["slot"] as string | null), dueAt);
  if (row && !stillBegun && row["slot"] !== null && row["begun_before"] === null) {
    sql.giveBackSlot.run(String(row["slot"]), id);
  }
}
