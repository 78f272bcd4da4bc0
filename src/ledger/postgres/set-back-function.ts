/**
 * Notes how late it is and, when that is at least ten seconds earlier than it was noted before, brings what was to come
 * earlier by as much: else members that are over, leases of such, and what is to be tried again would wait for as long
 * as the clock was set back. `own` is by how much the caller's clock just followed: until then it went on writing
 * instants of the clock before, which lie further ahead than anything else that comes soon. Returns what was moved by.
 */
export const SET_BACK_FUNCTION = `
create function set_back_1(own bigint) returns bigint language plpgsql as $$
declare
  now_ bigint;
  back bigint;
  beyond bigint;
begin
  perform pg_advisory_xact_lock(1213289554, 1);
  now_ := now_ms();
  back := coalesce((select value::bigint from memo where name = 'clock'), 0) - now_;
  insert into memo (name, value) values ('clock', now_::text) on conflict (name) do update set value = excluded.value;
  if back >= 10000 then
    beyond := now_;
    update member set seen_at = seen_at - back where seen_at > now_;
    -- Whoever leads may have spoken up by the new clock already. The number of lives is held by nobody.
    update lease set expires_at = expires_at - back
      where expires_at > now_ + 10000 or (name = 'life' and expires_at > now_);
  elsif own >= 10000 then
    back := own;
    beyond := now_ + back - 10000;
  else
    return 0;
  end if;
  update outbox set due_at = due_at - back, ready_at = ready_at - back
    where settled_at is null and due_at > beyond and type <> 'run-timer';
  -- Nobody's name: everybody looks again.
  perform pg_notify('hq', '');
  return back;
end $$;
`;
