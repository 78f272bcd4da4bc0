import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { Client, ClientBase } from "pg";
import { Refusal } from "../../kernel/refusal.ts";
import { versionIn } from "../migrations.ts";
import { standings } from "../scan.ts";
import { auditPage } from "../scan-audit.ts";
import type { LedgerReader } from "../scanner.ts";
import { explain as explainFile } from "../trouble.ts";
import { refuseOther } from "../version.ts";
import { readAddress } from "./address.ts";
import { endSoon, openFirst, refuseOld } from "./connect.ts";
import { migrateWithin, SCHEMA } from "./migrations.ts";
import { GIVE_BACK, LIFE, MOVED, type MovedTable } from "./move-tables.ts";
import { scanWithin } from "./scan.ts";
import { explain } from "./trouble.ts";

/** What goes to the database at once: rows, or characters when they are long. */
const ROWS = 2000;
const CHARACTERS = 1 << 20;
/** Under which the database keeps which move filled it. */
const MOVE = "moved from";
const SESSION = `set local enable_seqscan = off; set local enable_bitmapscan = off; set local jit = off;
  set local plan_cache_mode = force_generic_plan; set local synchronous_commit = on;
  set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0`;

export type Moved = { readonly tables: Readonly<Record<string, number>>; readonly position: number };

/** What the caller does while nothing is committed: prove the copy, and leave a note beside the file. */
export type Moving = {
  readonly id: string;
  readonly dry: boolean;
  readonly onProgress: (text: string) => void;
  readonly prove: (moved: Pick<LedgerReader, "audit" | "standings">) => Promise<void>;
  readonly beforeCommit: () => void;
};

/** The database's name for people, without a password. */
export const placeOf = (url: string): string => readAddress(url).place;

/** Whether this very move is there, whole: it came with the rest in one transaction. */
export async function holdsMove(url: string, id: string): Promise<boolean> {
  return inDatabase(url, async (client) => {
    const { rows } = await client.query("select to_regclass($1) is not null as there", [`${SCHEMA}.memo`]);
    if (rows[0]?.there !== true) return false;
    const found = await client.query(`select value from ${SCHEMA}.memo where name = $1`, [MOVE]);
    return found.rows[0]?.value === id;
  });
}

/**
 * Copies a ledger into an empty database in one transaction: until its end nobody sees anything of it, and every program
 * that opens this database waits. Nobody may write to the file meanwhile.
 */
export async function moveIntoPostgres(path: string, url: string, moving: Moving): Promise<Moved> {
  const db = openSource(path);
  try {
    return await inDatabase(url, (client, place) => move(db, client, place, moving));
  } finally {
    db.close();
  }
}

async function move(db: DatabaseSync, client: Client, place: string, moving: Moving): Promise<Moved> {
  // Whatever fails ends the connection, and with it the transaction.
  await client.query("begin");
  await client.query(SESSION);
  await migrateWithin(client, place);
  // What the functions of a supervisor take before they write: one that is there already waits, too.
  await client.query("select pg_advisory_xact_lock(1213289554, 1)");
  await refuseUsed(client, place);
  const tables: Record<string, number> = {};
  for (const table of MOVED) {
    const count = Number(db.prepare(`select count(*) as n from (${table.from})`).get()?.["n"]);
    tables[table.name] = moving.dry ? count : await copy(db, client, table, count, moving.onProgress);
  }
  const position = Number(db.prepare("select max(position) as n from event").get()?.["n"] ?? 0);
  if (!moving.dry) {
    await finish(db, client, position);
    await compare(client, tables);
    await moving.prove({
      audit: (query) => scanWithin(client, (sql) => auditPage(sql, query)),
      standings: (names) => scanWithin(client, (sql) => standings(sql, names)),
    });
    await client.query(GIVE_BACK);
    await client.query("insert into memo (name, value) values ($1, $2)", [MOVE, moving.id]);
    moving.beforeCommit();
  }
  await client.query(moving.dry ? "rollback" : "commit");
  return { tables, position };
}

/** By the order of its key, a handful of rows at a time; returns how many. */
async function copy(
  db: DatabaseSync,
  client: ClientBase,
  table: MovedTable,
  count: number,
  onProgress: (text: string) => void,
): Promise<number> {
  const { name, columns } = table;
  const values = columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(", ");
  const text = `insert into ${name} (${columns.map(([column]) => column).join(", ")}) select * from unnest(${values})`;
  let batch: unknown[][] = columns.map(() => []);
  let rows = 0;
  let characters = 0;
  let copied = 0;

  async function send(): Promise<void> {
    if (rows > 0) await client.query({ name: `move-${name}`, text, values: batch });
    copied += rows;
    batch = columns.map(() => []);
    rows = 0;
    characters = 0;
    onProgress(`${name}: ${copied} of ${count}`);
  }

  for (const row of db.prepare(table.from).iterate()) {
    for (const [index, [column, type]] of columns.entries()) {
      const value = row[column] ?? null;
      const kept = kindly(table, column, value, row);
      batch[index]?.push(type === "bytea" ? Buffer.from(String(kept), "utf8") : kept);
      if (typeof kept === "string") characters += kept.length;
    }
    rows++;
    if (rows >= ROWS || characters >= CHARACTERS) await send();
  }
  await send();
  return copied;
}

function kindly(
  { name, columns, readable }: MovedTable,
  column: string,
  value: SQLOutputValue,
  row: Readonly<Record<string, SQLOutputValue>>,
): SQLOutputValue {
  if (typeof value !== "string" || !value.includes("\0")) return value;
  if (readable?.includes(column)) return value.replaceAll("\0", "\uFFFD");
  // Bytes, in which everything may stand.
  if (columns.some(([other, type]) => other === column && type === "bytea")) return value;
  const key = String(row[columns[0]?.[0] ?? ""]).replaceAll("\0", "\\0");
  throw new Refusal(
    "ledger_trouble",
    `${column} of ${name} ${key} holds the character U+0000, which PostgreSQL cannot keep.`,
    { hint: "Nothing was moved. `hq prune` takes out what ended long ago; else stay with the file." },
  );
}

/** Numbers go on where they were; figures for the planner, so that the first supervisor is quick. */
async function finish(db: DatabaseSync, client: ClientBase, position: number): Promise<void> {
  await client.query("update head set position = $1", [position]);
  const epoch = Number(db.prepare(LIFE.from).get()?.["epoch"] ?? 0);
  await client.query(LIFE.to, [epoch]);
  for (const { name, isNumbered } of MOVED) {
    if (isNumbered)
      await client.query(
        `select setval(pg_get_serial_sequence('${SCHEMA}.${name}', 'seq'), max(seq)) from ${name} having max(seq) is not null`,
      );
    await client.query(`analyze ${name}`);
  }
}

/** What is there is counted by the database itself, and the kept counters against the streams. */
async function compare(client: ClientBase, tables: Readonly<Record<string, number>>): Promise<void> {
  const wrong: string[] = [];
  for (const { name } of MOVED) {
    const { rows } = await client.query(`select count(*)::integer as n from ${name}`);
    if (Number(rows[0]?.n) !== tables[name]) wrong.push(`${name}: ${rows[0]?.n} instead of ${tables[name]}`);
  }
  const { rows } = await client.query(
    `select kind, status, open, c.count as kept, s.count as there
      from (select kind, status, open, count from counter where count <> 0) c
      full join (select kind, status, open, count(*) as count from stream group by 1, 2, 3) s using (kind, status, open)
      where c.count is distinct from s.count`,
  );
  for (const { kind, status, kept, there } of rows)
    wrong.push(`${kind} ${status}: the counter says ${kept ?? 0}, there are ${there ?? 0}`);
  if (wrong.length === 0) return;
  throw new Refusal("ledger_trouble", `The copy is not what the file holds: ${wrong.join("; ")}.`, {
    hint: "Nothing was moved, and the file is as it was. Make a backup (`hq backup`) and report this.",
  });
}

async function refuseUsed(client: ClientBase, place: string): Promise<void> {
  const used = ["event", "stream", "outbox", "key", "blob", "memo", "member"];
  const { rows } = await client.query(
    `select ${used.map((name) => `exists (select from ${name}) as ${name}`).join(", ")}`,
  );
  const found = used.filter((name) => rows[0]?.[name] === true);
  if (found.length === 0) return;
  const what = found.includes("event") ? "holds a ledger already" : "was used by a supervisor already";
  throw new Refusal("invalid_input", `The database ${place} ${what}.`, {
    hint: "Name an empty one (createdb), or, when what it holds may go: stop its supervisor, and `drop schema hq cascade` there.",
  });
}

function openSource(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: 5000 });
    db.exec("pragma cache_size = -16000");
    refuseOther(versionIn(db), path);
    const said = db.prepare("pragma quick_check(1)").get()?.["quick_check"];
    if (said !== "ok") throw new Refusal("ledger_trouble", `The ledger ${path} is damaged: ${String(said)}`);
    return db;
  } catch (error) {
    db?.close();
    throw explainFile(error, path);
  }
}

async function inDatabase<T>(url: string, work: (client: Client, place: string) => Promise<T>): Promise<T> {
  const address = readAddress(url);
  const { place } = address;
  const { client } = await openFirst(address);
  try {
    const { rows } = await client.query("select current_setting('server_version_num') as version");
    refuseOld(Number(rows[0]?.version), place);
    return await work(client, place);
  } catch (error) {
    throw explain(error, place);
  } finally {
    await endSoon(client.end());
  }
}
