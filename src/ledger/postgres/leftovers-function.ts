/**
 * What prunings have not come to yet of an earlier stream of an id must neither stand in the way of a new one nor take
 * its rows along. Named with the schema, since a dump that is restored is written with no other path.
 */
export const LEFTOVERS_FUNCTION = `
create function leftovers_1() returns trigger language plpgsql as $$
begin
  delete from hq.pruned where stream = new.id;
  if found then
    delete from hq.event where stream = new.id;
    delete from hq.outbox where stream = new.id;
    delete from hq.delivery_part where delivery = new.id or (delivery >= new.id || '/' and delivery < new.id || '0');
    delete from hq.blob where digest >= 'upload/' || new.id || '/' and digest < 'upload/' || new.id || '0';
    delete from hq.slot where stream = new.id;
  end if;
  return new;
end $$;

create trigger leftovers before insert on stream for each row execute function leftovers_1();
`;
