/**
 * Takes due effects with the slots they need: for each slot lane the oldest first, then what waits for nothing but its
 * instant. \`u.capacity\` says what each known slot lane holds; lanes that it does not name are told as \`unknown\`.
 */
export const CLAIM_FUNCTION = `
create function claim_1(u jsonb) returns jsonb language plpgsql as $$
declare
  lanes text[] := array(select jsonb_array_elements_text(u->'lanes'));
  now_ bigint := (u->>'now')::bigint;
  hold_until bigint := now_ + (u->>'holdMs')::bigint;
  -- A slot is kept this long until the decider says how long it really is needed.
  slot_until bigint := hold_until + 86400000;
  most integer := (u->>'limit')::integer;
  claimed jsonb[] := '{}';
  strangers text[] := '{}';
  queue record;
  seq_ bigint;
  next_ record;
  own integer;
  held integer;
  room integer;
begin
  if u ? 'fence' and not exists (
    select from lease where name = u->'fence'->>0 and epoch = (u->'fence'->>1)::bigint and expires_at > now_ms()
  ) then
    return '{"effects": [], "unknown": []}';
  end if;

  for queue in
    with recursive waiting (lane, slot) as (
      select l.lane, (select o.slot from outbox o where o.lane = l.lane and o.settled_at is null and o.slot is not null
        order by o.slot limit 1)
      from (select unnest(lanes) collate "C" as lane) l
      union all
      select w.lane, (select o.slot from outbox o where o.lane = w.lane and o.slot > w.slot and o.settled_at is null
        and o.slot is not null order by o.slot limit 1)
      from waiting w where w.slot is not null
    )
    select w.slot, array_agg(w.lane) as lanes, min(first.ready_at) as at
    from waiting w, lateral (
      select o.ready_at from outbox o where o.lane = w.lane and o.slot = w.slot and o.settled_at is null
        and o.slot is not null order by o.ready_at limit 1
    ) first
    where w.slot is not null group by w.slot having min(first.ready_at) <= now_ order by 3
  loop
    exit when cardinality(claimed) >= most;
    room := (u->'capacity'->>queue.slot)::integer;
    if room is null then
      strangers := strangers || queue.slot;
      continue;
    end if;
    seq_ := 0;
    loop
      exit when cardinality(claimed) >= most;
      select o.seq, o.id, o.stream, o.attempt into next_
        from unnest(queue.lanes) l, lateral (
          select * from outbox w where w.lane = l and w.slot = queue.slot and w.seq > seq_ and w.ready_at <= now_
            and w.settled_at is null and w.slot is not null order by w.seq limit 1
        ) o order by o.seq limit 1;
      exit when not found;
      seq_ := next_.seq;
      select s.n into own from slot s
        where s.lane = queue.slot and s.stream = next_.stream and s.attempt = next_.attempt and s.until > now_ limit 1;
      if found then
        update slot set until = greatest(until, slot_until) where lane = queue.slot and n = own;
      else
        select count(*) into held from slot where lane = queue.slot and until > now_;
        if held >= room then
          -- What is left may still be for attempts that hold a slot.
          for next_ in
            select o.seq, s.n from slot s join outbox o
              on o.stream = s.stream and o.slot = s.lane and o.attempt = s.attempt and o.settled_at is null
              where s.lane = queue.slot and o.lane = any (queue.lanes) and o.ready_at <= now_ and s.until > now_
              order by o.seq limit most - cardinality(claimed)
          loop
            update slot set until = greatest(until, slot_until) where lane = queue.slot and n = next_.n;
            claimed := claimed || begin_1(next_.seq, u, now_, hold_until);
          end loop;
          exit;
        end if;
        delete from slot where lane = queue.slot and until <= now_;
        insert into slot (lane, n, stream, attempt, until, effect)
          select queue.slot, min(free.n), next_.stream, coalesce(next_.attempt, 0), slot_until, next_.id
          from generate_series(0, held) free (n)
          where not exists (select from slot s where s.lane = queue.slot and s.n = free.n);
      end if;
      claimed := claimed || begin_1(seq_, u, now_, hold_until);
    end loop;
  end loop;

  for next_ in
    select o.seq from (select unnest(lanes) collate "C" as lane) l, lateral (
      select w.seq, w.ready_at from outbox w where w.lane = l.lane and w.ready_at <= now_ and w.settled_at is null
        and w.slot is null order by w.ready_at, w.seq limit most - cardinality(claimed)
    ) o order by o.ready_at, o.seq limit most - cardinality(claimed)
  loop
    claimed := claimed || begin_1(next_.seq, u, now_, hold_until);
  end loop;
  return jsonb_build_object('effects', to_jsonb(claimed), 'unknown', to_jsonb(strangers));
end $$;

create function begin_1(seq_ bigint, u jsonb, now_ bigint, hold_until bigint) returns jsonb language sql as $$
  update outbox set begun_at = now_, begun_before = coalesce(begun_before, begun_at), tries = tries + 1,
    ready_at = hold_until, holder = u->>'holder', epoch = (u->>'epoch')::bigint
    where seq = seq_
    returning jsonb_build_object('id', id, 'stream', stream, 'body', body, 'lane', lane, 'slot', slot,
      'attempt', attempt, 'created_at', created_at, 'due_at', due_at, 'begun_before', begun_before, 'tries', tries)
$$;
`;
