/**
 * One commit: all of it or nothing; a refused one has touched nothing. \`u\` is what units.ts makes of it, \`position\`
 * the last one that was given. What the counters need to know is told as \`from\` and \`to\`.
 */
export const COMMIT_FUNCTION = `
create function commit_1(u jsonb, last_position bigint) returns jsonb language plpgsql as $$
declare
  id_ text := u->>'stream';
  expected integer := (u->>'expected')::integer;
  count_ integer := jsonb_array_length(u->'events');
  version_ integer := expected + count_;
  at_ bigint := (u->>'at')::bigint;
  kind_ text := u->>'kind';
  status_ text := u->>'status';
  open_ integer := (u->>'open')::integer;
  state_ text := u->>'state';
  mark text := '';
  taken record;
  before record;
  part jsonb;
begin
  if u ? 'key' then
    select k.stream, k.digest into taken from key k where k.scope = u->'key'->>0 and k.key = u->'key'->>1;
    if found then
      return jsonb_build_object('ok', false, 'reason', 'key', 'stream', taken.stream, 'same', taken.digest = u->'key'->>2);
    end if;
  end if;

  if u ? 'heldBy' and exists (
    select from jsonb_array_elements(u->'settles') e where not exists (
      select from outbox o where o.stream = e->>0 and o.id = e->>1 and o.settled_at is null and o.holder = u->>'heldBy'
    )
  ) then
    return '{"ok": false, "reason": "lost"}';
  end if;

  select s.version, s.kind, s.status, s.open into before from stream s where s.id = id_;
  if found then
    if expected = 0 or before.version <> expected then
      return '{"ok": false, "reason": "conflict"}';
    end if;
    update stream set kind = kind_, status = status_, agent = u->>'agent', open = open_, parent = u->>'parent',
      deadline_at = (u->>'deadlineAt')::bigint, wake_at = (u->>'wakeAt')::bigint, version = version_,
      state = coalesce(state_, state), state_version = case when state_ is null then state_version else version_ end
      where id = id_;
  else
    if expected <> 0 then return '{"ok": false, "reason": "conflict"}'; end if;
    insert into stream (id, kind, status, agent, parent, deadline_at, wake_at, open, version, state, state_version)
      values (id_, kind_, status_, u->>'agent', u->>'parent', (u->>'deadlineAt')::bigint, (u->>'wakeAt')::bigint,
        open_, version_, state_, case when state_ is null then 0 else version_ end);
  end if;

  if count_ > 0 then
    insert into event (position, stream, version, at, type, schema, body, cause, actor)
      select last_position + n, id_, expected + n, at_, e->>0, (e->>1)::integer, e->>2, u->>'cause', u->>'actor'
      from jsonb_array_elements(u->'events') with ordinality as list (e, n);
  end if;
  if u ? 'key' then
    insert into key (scope, key, digest, stream, version)
      values (u->'key'->>0, u->'key'->>1, u->'key'->>2, id_, version_);
  end if;
  if u ? 'settles' then perform settle_1(u->'settles', at_); end if;
  if u ? 'cancels' then
    update outbox set settled_at = at_, outcome = 'canceled by commit', holder = null
      where stream = id_ and settled_at is null and type in (select jsonb_array_elements_text(u->'cancels'));
  end if;
  if u ? 'slots' then
    for part in select value from jsonb_array_elements(u->'slots') loop
      if part->>1 is null then delete from slot where stream = id_ and attempt = (part->>0)::integer;
      else update slot set until = (part->>1)::bigint where stream = id_ and attempt = (part->>0)::integer;
      end if;
    end loop;
  end if;
  if u ? 'effects' then
    -- Without events the version was used before, so the outbox's own number keeps the ids apart.
    if count_ = 0 then
      mark := '+' || (select coalesce(max(seq), 0) + 1 from outbox);
    end if;
    insert into outbox (id, stream, type, body, lane, slot, attempt, created_at, due_at, ready_at)
      select id_ || '@' || version_ || mark || '#' || (n - 1), id_, e->>0, e->>1, e->>2, e->>4, (e->>5)::integer,
        at_, (e->>3)::bigint, (e->>3)::bigint
      from jsonb_array_elements(u->'effects') with ordinality as list (e, n) order by n;
  end if;
  if u ? 'receipts' then
    insert into delivery_part (delivery, part, nonce, channel, message_id, posted_at)
      select r->>0, (r->>1)::integer, r->>2, r->>3, r->>4, (r->>5)::bigint from jsonb_array_elements(u->'receipts') r
      on conflict do nothing;
  end if;
  if u ? 'blobs' then
    insert into blob (digest, body) select b->>0, decode(b->>1, 'base64') from jsonb_array_elements(u->'blobs') b
      on conflict do nothing;
  end if;

  return jsonb_build_object('ok', true, 'version', version_, 'position', last_position + count_,
    'to', jsonb_build_array(kind_, status_, open_),
    'from', case when before.version is null then null else jsonb_build_array(before.kind, before.status, before.open) end);
end $$;

create function settle_1(list jsonb, at_ bigint) returns void language sql as $$
  update outbox set settled_at = at_, outcome = e->>2, holder = null
    from jsonb_array_elements(list) e
    where outbox.stream = e->>0 and outbox.id = e->>1 and outbox.settled_at is null
$$;
`;
