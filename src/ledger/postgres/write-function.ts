/**
 * Everything that is written goes through \`write_1\`: the writes of a tick, in their order, in one statement and so in one
 * transaction. One writer at a time, so that positions have no gaps and become visible in their order; a coordinator
 * that stands still cannot hold the others up, since no transaction waits for its next word.
 *
 * A batch has the number that its writer gave it. The same number again is answered by what it came to; a lower one
 * than the last is refused. \`doubtful\` is the first batch of whose answer the writer never heard: what its claims took
 * was not begun by anybody and is given back.
 */
export const WRITE_FUNCTION = `
create function write_1(writer_ text, batch_ bigint, units jsonb, doubtful bigint) returns jsonb language plpgsql as $$
declare
  before record;
  u jsonb;
  result jsonb;
  results jsonb[] := '{}';
  first_position bigint;
  gone bigint;
  position_ bigint;
begin
  perform pg_advisory_xact_lock(1213289554, 1);
  select a.batch, a.results into before from answer a where a.writer = writer_;
  if before.batch = batch_ then return before.results; end if;
  if before.batch > batch_ then raise exception 'batch % of % comes after %', batch_, writer_, before.batch; end if;
  if before.batch >= doubtful then
    perform give_back_1(e->>'stream', e->>'id', (e->>'due_at')::bigint, 'its claim was never heard of', false, null, null)
      from jsonb_array_elements(before.results) r, jsonb_array_elements(r->'effects') e where r ? 'effects';
  end if;

  select h.position into position_ from head h;
  first_position := position_;
  for u in select value from jsonb_array_elements(units) loop
    case u->>'do'
      when 'commit' then
        result := commit_1(u, position_);
        position_ := coalesce((result->>'position')::bigint, position_);
      when 'claim' then result := claim_1(u);
      when 'settle' then
        perform settle_1(u->'list', now_ms());
        result := '{}';
      when 'postpone' then
        perform give_back_1(u->>'stream', u->>'id', (u->>'dueAt')::bigint, u->>'reason', (u->>'stillBegun')::boolean,
          u->>'left', u->>'holder');
        result := '{}';
      when 'release' then result := jsonb_build_object('count', release_1((u->>'epoch')::bigint, (u->>'deadAfterMs')::bigint));
      when 'put-off' then
        update stream set wake_at = (u->>'until')::bigint where id = u->>'stream' and wake_at = (u->>'wakeAt')::bigint;
        result := '{}';
      when 'blob' then
        insert into blob (digest, body) values (u->>'digest', decode(u->>'body', 'base64')) on conflict do nothing;
        result := '{}';
      when 'remember' then
        insert into memo (name, value) values (u->>'name', u->>'value')
          on conflict (name) do update set value = excluded.value;
        result := '{}';
      when 'lease' then result := lease_1(u->>'name', u->>'holder', (u->>'ttlMs')::bigint, now_ms());
      when 'tally' then result := jsonb_build_object('added', tally_1(u));
      when 'search' then result := jsonb_build_object('put', search_put_1(u));
      when 'forget' then
        delete from search where seq in (select s.seq from stream s where s.id in (select jsonb_array_elements_text(u->'streams')));
        result := '{}';
      when 'prune' then result := jsonb_build_object('streams', prune_1(u));
      when 'prune-rest' then result := prune_rest_1((u->>'limit')::integer);
      when 'prune-keys' then
        delete from key k using jsonb_array_elements(u->'list') e
          where k.scope = e->>0 and k.key = e->>1 and not exists (select from stream s where s.id = k.stream);
        get diagnostics gone = row_count;
        result := jsonb_build_object('count', gone);
      when 'join' then result := join_1(u);
      when 'beat' then result := beat_1(u->>'id', (u->>'deadAfterMs')::bigint);
      when 'leave' then
        perform end_1(array[u->>'id']);
        result := '{}';
    end case;
    results := results || result;
  end loop;

  if position_ > first_position then update head set position = position_; end if;
  insert into counter (kind, status, open, count)
    select m.list->>0, m.list->>1, (m.list->>2)::integer, sum(m.by)
    from unnest(results) r, lateral (values (r->'to', 1), (r->'from', -1)) m (list, by)
    where jsonb_typeof(m.list) = 'array' group by 1, 2, 3 having sum(m.by) <> 0
    on conflict (kind, status, open) do update set count = counter.count + excluded.count;
  result := to_jsonb(results);
  insert into answer (writer, batch, at, results) values (writer_, batch_, now_ms(), result)
    on conflict (writer) do update set batch = excluded.batch, at = excluded.at, results = excluded.results;
  perform pg_notify('hq', writer_);
  return result;
end $$;

-- With \`holder_\` only what that one still holds: another one may have it by now.
create function give_back_1(stream_ text, id_ text, due bigint, why text, still_begun boolean, left_ text, holder_ text)
returns void language plpgsql as $$
declare
  given record;
begin
  update outbox set due_at = due, ready_at = due, reason = why, body = coalesce(left_, body), holder = null,
    epoch = null, begun_at = case when still_begun then begun_at end
    where stream = stream_ and id = id_ and settled_at is null and (holder_ is null or holder = holder_)
    returning begun_before, slot into given;
  if not found then return; end if;
  -- Something may be under way in the slot: an earlier begin whose outcome is unknown, or this one.
  if not still_begun and given.slot is not null and given.begun_before is null then
    delete from slot where lane = given.slot and effect = id_;
  end if;
end $$;
`;

/** Kept figures, when they have come as far as their writer believes. */
export const TALLY_FUNCTION = `
create function tally_1(u jsonb) returns boolean language plpgsql as $$
begin
  if coalesce((select value::bigint from memo where name = u->>'name'), 0) <> (u->>'from')::bigint then return false; end if;
  insert into memo (name, value) values (u->>'name', u->>'to') on conflict (name) do update set value = excluded.value;
  insert into tally (span, at, kind, agent, workflow, status, figures)
    select t->>0, (t->>1)::bigint, t->>2, t->>3, t->>4, t->>5, t->>6 from jsonb_array_elements(u->'list') t
    on conflict (span, at, kind, agent, workflow, status) do update set figures = excluded.figures;
  return true;
end $$;
`;

/** Leases, and the coordinators with what they hold. */
export const MEMBER_FUNCTIONS = `
create function lease_1(name_ text, holder_ text, ttl bigint, now_ bigint) returns jsonb language plpgsql as $$
declare
  held record;
begin
  select l.holder, l.epoch, l.expires_at into held from lease l where l.name = name_;
  if held.holder <> holder_ and held.expires_at > now_ then return '{}'; end if;
  insert into lease (name, holder, epoch, expires_at) values (name_, holder_, 1, now_ + ttl)
    on conflict (name) do update set holder = holder_, expires_at = now_ + ttl,
      epoch = lease.epoch + case when lease.holder = holder_ then 0 else 1 end
    returning epoch, expires_at into held;
  return jsonb_build_object('epoch', held.epoch, 'expiresAt', held.expires_at);
end $$;

-- Members that are over: what they held is for others, their leases too.
create function end_1(members text[]) returns bigint language plpgsql as $$
declare
  given bigint;
begin
  update outbox set ready_at = due_at, holder = null
    where settled_at is null and holder is not null and holder = any (members);
  get diagnostics given = row_count;
  update lease set expires_at = 0 where holder = any (members);
  delete from member where id = any (members);
  return given;
end $$;

-- What living members hold stays theirs, whatever their epoch.
create function release_1(epoch_ bigint, dead_after bigint) returns bigint language plpgsql as $$
declare
  given bigint;
begin
  update outbox set ready_at = due_at, holder = null
    where settled_at is null and holder is not null and epoch < epoch_
      and not exists (select from member m where m.id = outbox.holder and m.seen_at > now_ms() - dead_after);
  get diagnostics given = row_count;
  return given;
end $$;

-- A home has one life at a time, which its own lock sees to: earlier ones are over.
create function join_1(u jsonb) returns jsonb language plpgsql as $$
declare
  over text[] := array(select id from member where home = u->>'home' and id <> u->>'id');
  now_ bigint := now_ms();
  given bigint := end_1(over);
  epoch_ jsonb := lease_1('life', u->>'id', 0, now_);
begin
  insert into member (id, home, version, started_at, seen_at)
    values (u->>'id', u->>'home', u->>'version', now_, now_)
    on conflict (id) do update set seen_at = excluded.seen_at;
  delete from answer where at < now_ - 86400000;
  return jsonb_build_object('epoch', epoch_->'epoch', 'given', given);
end $$;

-- Who was away itself, or stood still with all others because the database did, ends nobody: they speak up next.
create function beat_1(id_ text, dead_after bigint) returns jsonb language plpgsql as $$
declare
  now_ bigint := now_ms();
  before_ bigint := (select seen_at from member where id = id_);
  dead text[];
  given bigint := 0;
begin
  if before_ is null then return '{"alive": false, "given": 0}'; end if;
  update member set seen_at = now_ where id = id_;
  dead := array(select id from member where seen_at <= now_ - dead_after);
  if cardinality(dead) > 0 and before_ > now_ - dead_after / 2 then
    given := end_1(dead);
  end if;
  return jsonb_build_object('alive', true, 'given', given);
end $$;
`;
