import type { Lane } from "../../domain/effects.ts";
import type { ClaimRequest } from "../../engine/ports/ledger.ts";
import type { Read } from "./connect.ts";

/** Slot lanes in which something waits, by one look-up a lane, and last the effects that wait for nothing but their instant. */
const DUE = `
  with recursive lane as (select unnest($1::text[]) collate "C" as name),
  waiting (lane, slot) as (
    select l.name, (select o.slot from outbox o where o.lane = l.name and o.settled_at is null and o.slot is not null
      order by o.slot limit 1) from lane l
    union all
    select w.lane, (select o.slot from outbox o where o.lane = w.lane and o.slot > w.slot and o.settled_at is null
      and o.slot is not null order by o.slot limit 1)
    from waiting w where w.slot is not null
  ),
  queue as (
    select w.slot, array_agg(w.lane) as lanes, min(first.ready_at) as at from waiting w, lateral (
      select o.ready_at from outbox o where o.lane = w.lane and o.slot = w.slot and o.settled_at is null
        and o.slot is not null order by o.ready_at limit 1
    ) first where w.slot is not null group by w.slot
  )
  select q.slot, q.at, array(select s.until::text from slot s where s.lane = q.slot order by s.until) as untils,
    own.at as own, own.held, now_ms() as now
  from queue q, lateral (
    select min(o.ready_at) as at, min(o.ready_at) filter (where s.until > now_ms()) as held from slot s join outbox o
      on o.stream = s.stream and o.slot = s.lane and o.attempt = s.attempt and o.settled_at is null
      where s.lane = q.slot and o.lane = any (q.lanes) and o.ready_at < s.until
  ) own
  union all
  select null, first.ready_at, '{}', null, null, now_ms() from lane l, lateral (
    select o.ready_at from outbox o where o.lane = l.name and o.settled_at is null and o.slot is null
      order by o.ready_at limit 1
  ) first`;

type DueRow = {
  readonly slot: string | null;
  readonly at: number;
  readonly untils: readonly string[];
  /** Of attempts that hold a slot, or held one that is over. */
  readonly own: number | null;
  /** Of those that hold one. */
  readonly held: number | null;
  readonly now: number;
};

/** The first instant at which a claim would return something, when nothing else is written. */
export async function firstDue(
  read: Read,
  lanes: readonly Lane[],
  capacity: ClaimRequest["capacity"],
): Promise<number | undefined> {
  const rows = await read<DueRow>("due", DUE, [lanes]);
  const instants = rows.flatMap(({ slot, at, untils, own, held, now }) => {
    if (slot === null) return [at];
    const room = capacity(slot);
    const isFull = untils.filter((until) => Number(until) > now).length >= room;
    // Who held a slot that is over waits for a free one, like all others.
    const first = isFull ? held : own;
    const ofHolders = first === null ? [] : [first];
    if (room <= 0) return ofHolders;
    const freeAt = Number(untils[untils.length - room] ?? Number.NEGATIVE_INFINITY);
    return [...ofHolders, Math.max(freeAt, at)];
  });
  return instants.length === 0 ? undefined : Math.min(...instants);
}
