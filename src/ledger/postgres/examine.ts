import type { Client } from "pg";
import { readAddress } from "./address.ts";
import { openFirst } from "./connect.ts";
import { MIGRATIONS, refuseNewer, SCHEMA, versionOf } from "./migrations.ts";
import { explain } from "./trouble.ts";

export type Examined = {
  readonly place: string;
  /** As the server says it: 15.13. */
  readonly server: string;
  readonly isEncrypted: boolean;
  /** The ledger's version; undefined = there is none yet, and the first start makes it. */
  readonly version?: number;
  /** Whether this user may make what is missing. */
  readonly mayMake: boolean;
  /** Who works on it now: homes, with how long ago each was heard of. */
  readonly members: readonly {
    readonly home: string;
    readonly version: string;
    readonly agoMs: number;
    readonly leads: boolean;
    /** What it says of itself, as it was written down. */
    readonly facts?: string;
  }[];
  /** Whether the server's commits survive a power loss. */
  readonly isSafe: boolean;
};

/** Looks at the database without changing it; what makes a start impossible is thrown with what to do. */
export async function examineDatabase(url: string): Promise<Examined> {
  const address = readAddress(url);
  const { place } = address;
  const { client } = await openFirst(address);
  try {
    const { rows } = await client.query<Record<string, unknown>>(
      `select current_setting('server_version') as server, current_setting('fsync') as fsync,
        current_setting('full_page_writes') as pages, to_regclass($1) is not null as there,
        has_database_privilege(current_database(), 'create') as may_make,
        coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as ssl`,
      [`${SCHEMA}.migration`],
    );
    const [row = {}] = rows;
    const version = row["there"] === true ? await versionOf(client) : undefined;
    refuseNewer(version ?? 0, MIGRATIONS.length, place);
    return {
      place,
      server: String(row["server"]).split(" ")[0] ?? "",
      isEncrypted: row["ssl"] === true,
      ...(version === undefined ? {} : { version }),
      members: version === undefined ? [] : await membersOf(client),
      mayMake: row["may_make"] === true,
      isSafe: row["fsync"] === "on" && row["pages"] === "on",
    };
  } catch (error) {
    throw explain(error, place);
  } finally {
    await client.end();
  }
}

async function membersOf(client: Pick<Client, "query">): Promise<Examined["members"]> {
  const { rows } = await client.query<{
    readonly home: string;
    readonly version: string;
    readonly agoMs: unknown;
    readonly leads: boolean;
    readonly facts: string | null;
  }>(
    `select home, version, ${SCHEMA}.now_ms() - seen_at as "agoMs",
      exists (select 1 from ${SCHEMA}.lease l where l.name = 'discord' and l.holder = m.id
        and l.expires_at > ${SCHEMA}.now_ms()) as leads,
      (select value from ${SCHEMA}.memo where name = 'member/' || m.home) as facts
    from ${SCHEMA}.member m order by started_at, id`,
  );
  return rows.map(({ agoMs, facts, ...member }) => ({
    ...member,
    agoMs: Number(agoMs),
    ...(facts === null ? {} : { facts }),
  }));
}
