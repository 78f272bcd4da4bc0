/**
 * The full text index: a row a stream, numbered like the stream. A question is planned with its words known: those that
 * nearly every stream has are looked for from the newest on, rare ones by the index.
 */
export const SEARCH_FUNCTIONS = `
create function search_put_1(u jsonb) returns boolean language plpgsql as $$
begin
  if coalesce((select value::bigint from memo where name = u->>'name'), 0) <> (u->>'from')::bigint then return false; end if;
  insert into memo (name, value) values (u->>'name', u->>'to') on conflict (name) do update set value = excluded.value;
  insert into search (seq, words)
    select s.seq, array_to_tsvector(array(select jsonb_array_elements_text(e->1)))
    from jsonb_array_elements(u->'entries') e join stream s on s.id = e->>0
    on conflict (seq) do update set words = excluded.words;
  return true;
end $$;

create function search_1(asked text, before bigint, most integer) returns setof bigint language plpgsql stable
set enable_bitmapscan = on as $$
begin
  return query execute format(
    'select seq from search where %s seq < %s order by seq desc limit %s',
    case when asked = '' then '' else format('words @@ %L::tsquery and', asked) end, before, most);
end $$;
`;
