/**
 * Old streams are taken out a little at a time: first the rows of the streams, with a note of what is still to go, so
 * that nobody can load half of one; then what is noted.
 */
export const PRUNE_FUNCTIONS = `
create function prune_1(u jsonb) returns bigint language plpgsql as $$
declare
  before_ bigint := (u->>'before')::bigint;
  -- The newest effect stays, since the next ones' ids are counted from it.
  newest bigint := (select max(seq) from outbox);
  found_ record;
  at_ bigint;
  out_ bigint := 0;
begin
  for found_ in
    select s.* from jsonb_array_elements_text(u->'streams') n join stream s on s.id = n
      where s.open = 0 and s.kind in (select jsonb_array_elements_text(u->'kinds'))
  loop
    select e.at into at_ from event e where e.stream = found_.id and e.version = found_.version;
    continue when at_ >= before_;
    continue when exists (select from outbox o where o.stream = found_.id and o.settled_at is null);
    continue when exists (
      select from stream s join outbox o on o.stream = s.id
      where (s.id = found_.id or s.id >= found_.id || '/' and s.id < found_.id || '0') and o.seq = newest
    );
    with gone as (
      delete from stream where id = found_.id or (id >= found_.id || '/' and id < found_.id || '0')
        returning seq, id, kind, status, open
    ), noted as (
      insert into pruned (stream) select id from gone on conflict do nothing
    ), unfound as (
      delete from search where seq in (select seq from gone)
    )
    insert into counter (kind, status, open, count) select kind, status, open, -count(*) from gone group by 1, 2, 3
      on conflict (kind, status, open) do update set count = counter.count + excluded.count;
    out_ := out_ + 1;
  end loop;
  return out_;
end $$;

create function prune_rest_1(most integer) returns jsonb language plpgsql as $$
declare
  stream_ text;
  rows_ integer := 0;
  n bigint;
  events_ bigint := 0;
  effects_ bigint := 0;
  receipts_ bigint := 0;
begin
  while rows_ < most loop
    select p.stream into stream_ from pruned p limit 1;
    if not found then
      return jsonb_build_object('events', events_, 'effects', effects_, 'receipts', receipts_, 'isOver', true);
    end if;
    delete from event where position in (select position from event where stream = stream_ order by version limit most - rows_);
    get diagnostics n = row_count;
    events_ := events_ + n;
    rows_ := rows_ + n + 1;
    continue when rows_ > most;
    delete from outbox where seq in (select seq from outbox where stream = stream_ order by seq limit most - rows_ + 1);
    get diagnostics n = row_count;
    effects_ := effects_ + n;
    rows_ := rows_ + n;
    continue when rows_ > most;
    delete from delivery_part where delivery = stream_ or (delivery >= stream_ || '/' and delivery < stream_ || '0');
    get diagnostics n = row_count;
    receipts_ := receipts_ + n;
    -- Files that were handed in, where their bytes are kept for every coordinator.
    delete from blob where digest >= 'upload/' || stream_ || '/' and digest < 'upload/' || stream_ || '0';
    delete from slot where stream = stream_;
    delete from pruned where stream = stream_;
  end loop;
  return jsonb_build_object('events', events_, 'effects', effects_, 'receipts', receipts_, 'isOver', false);
end $$;
`;
