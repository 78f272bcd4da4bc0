import { query } from "../ledger/postgres-query.ts";

/** The clock of one database's server, as somebody sets it: by so much ahead of (or, below 0, behind) the real one. */
export async function setDatabaseClock(url: string, aheadMs: number): Promise<void> {
  const at = `(extract(epoch from clock_timestamp()) * 1000)::bigint + (${aheadMs})`;
  await query(
    url,
    `create or replace function hq.now_ms() returns bigint language sql volatile as 'select ${at}'`,
  );
}
