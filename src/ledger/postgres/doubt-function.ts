/**
 * `write_1` for whoever never heard what an earlier batch came to: what that one's claims took was not begun by anybody
 * and is given back, but not what was begun since. Whoever is not heard of for long is given up on, and others do it.
 */
export const DOUBT_FUNCTION = `
create function write_2(writer_ text, batch_ bigint, units jsonb, doubtful bigint) returns jsonb language plpgsql as $$
declare
  before record;
begin
  perform pg_advisory_xact_lock(1213289554, 1);
  select a.batch, a.results into before from answer a where a.writer = writer_;
  if before.batch >= doubtful and before.batch < batch_ then
    perform give_back_1(o.stream, o.id, o.due_at, 'its claim was never heard of', false, null, null)
      from jsonb_array_elements(before.results) r, jsonb_array_elements(r->'effects') e
        join outbox o on o.stream = e->>'stream' and o.id = e->>'id' and o.settled_at is null
          and o.tries = (e->>'tries')::integer
      where r ? 'effects';
  end if;
  return write_1(writer_, batch_, units, null);
end $$;
`;
