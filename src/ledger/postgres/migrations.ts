import type { ClientBase } from "pg";
import { Refusal } from "../../kernel/refusal.ts";
import { CLAIM_FUNCTION } from "./claim-function.ts";
import { COMMIT_FUNCTION } from "./commit-function.ts";
import { DOUBT_FUNCTION } from "./doubt-function.ts";
import { LEFTOVERS_FUNCTION } from "./leftovers-function.ts";
import { PRUNE_FUNCTIONS } from "./prune-functions.ts";
import { SEARCH_FUNCTIONS } from "./search-functions.ts";
import { SET_BACK_FUNCTION } from "./set-back-function.ts";
import { TABLES } from "./tables.ts";
import { MEMBER_FUNCTIONS, TALLY_FUNCTION, WRITE_FUNCTION } from "./write-function.ts";

/**
 * What each version of the ledger adds. A text that was ever released is never edited: append a new one.
 *
 * While an installation is brought to a new version, coordinators of the old and the new one work side by side. So a
 * step only adds: tables, columns that may be left out, indexes, functions under a new name. What nobody uses any more
 * goes one step later. test/ledger/postgres-migrations.test.ts reads the texts for it.
 */
export const MIGRATIONS: readonly string[] = [
  [
    TABLES,
    COMMIT_FUNCTION,
    CLAIM_FUNCTION,
    MEMBER_FUNCTIONS,
    TALLY_FUNCTION,
    SEARCH_FUNCTIONS,
    PRUNE_FUNCTIONS,
    WRITE_FUNCTION,
  ].join("\n"),
  SET_BACK_FUNCTION,
  LEFTOVERS_FUNCTION,
  DOUBT_FUNCTION,
];

/** How many steps newer than this program a ledger may be: what the rule above makes safe. */
const STEPS_AHEAD = 1;

export const SCHEMA = "hq";
/** Of all programs that bring this database up to date, one at a time. */
const LOCK = "pg_advisory_xact_lock(1213289554, 2)";

/**
 * Brings the database to the newest version, all steps in one transaction, under a lock: of several coordinators that
 * start at once, one does it and the others find it done. Returns the version that is there then.
 */
export async function migrate(
  client: Pick<ClientBase, "query">,
  place: string,
  migrations: readonly string[] = MIGRATIONS,
): Promise<number> {
  await client.query("begin");
  try {
    const version = await migrateWithin(client, place, migrations);
    await client.query("commit");
    return version;
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

/** The same inside a transaction of the caller, until whose end every program that opens this ledger waits. */
export async function migrateWithin(
  client: Pick<ClientBase, "query">,
  place: string,
  migrations: readonly string[] = MIGRATIONS,
): Promise<number> {
  await client.query(`select ${LOCK}`);
  await client.query(`set local search_path to ${SCHEMA}`);
  const known = await client.query("select to_regclass($1) is not null as there", [`${SCHEMA}.migration`]);
  const isThere = known.rows[0]?.there === true;
  const version = isThere ? await versionOf(client) : 0;
  refuseNewer(version, migrations.length, place);
  if (!isThere) {
    await client.query(`create schema if not exists ${SCHEMA}`);
    await client.query(
      `create table ${SCHEMA}.migration (version integer primary key, at timestamptz not null default now())`,
    );
  }
  for (const [index, script] of migrations.entries()) {
    if (index < version) continue;
    await client.query(script);
    await client.query(`insert into ${SCHEMA}.migration (version) values ($1)`, [index + 1]);
  }
  return Math.max(version, migrations.length);
}

/** The version of a ledger that is there already. */
export async function versionOf(client: Pick<ClientBase, "query">): Promise<number> {
  const { rows } = await client.query(`select coalesce(max(version), 0) as version from ${SCHEMA}.migration`);
  return Number(rows[0]?.version);
}

export function refuseNewer(version: number, known: number, place: string): void {
  if (version <= known + STEPS_AHEAD) return;
  throw new Refusal(
    "ledger_trouble",
    `The ledger in ${place} has version ${version}, and this program works with versions up to ${known + STEPS_AHEAD}.`,
    { hint: "Start the newer program that wrote it: programs one step apart work side by side, no others." },
  );
}
