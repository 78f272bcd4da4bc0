import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { Client } from "pg";
import { digestOf } from "../../src/kernel/id.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { MIGRATIONS, migrate } from "../../src/ledger/postgres/migrations.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { claimOf, commitOf, line, written } from "../contract/ledger-fixture.ts";
import { startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

async function connect(t: TestContext, url: string): Promise<Client> {
  const client = new Client({ connectionString: url, options: "-c search_path=hq" });
  await client.connect();
  t.after(() => client.end());
  return client;
}

test("coordinators that start at once on an empty database make the ledger once, and all work", async () => {
  const url = await postgres.createDatabase();
  const ledgers = await Promise.all(Array.from({ length: 5 }, () => openPostgresLedger({ url })));
  await Promise.all(ledgers.map((ledger, n) => written(ledger, commitOf(`run-${n}`))));
  const steps = await query(url, "select version from hq.migration order by version");
  assert.deepEqual(
    steps,
    MIGRATIONS.map((_, index) => ({ version: index + 1 })),
  );
  await Promise.all(ledgers.map((ledger) => ledger.close()));
});

test("a program works beside one that is one step newer, and refuses a ledger that is two steps ahead", async (t) => {
  const url = await postgres.createDatabase();
  const old = await openPostgresLedger({ url });
  await written(old, commitOf("run-1", { effects: [line("run-1", 1)] }));
  const reads = () =>
    Promise.all([1, 2, 3, 4].flatMap(() => [old.load("run-1"), old.list({ kind: "delegation", limit: 1 })]));
  // Each connection knows the statements by now, and what they returned then.
  const before = await reads();
  const client = await connect(t, url);
  const newer = [...MIGRATIONS, "alter table stream add column colour text"];
  assert.equal(await migrate(client, "here", newer), newer.length);
  assert.deepEqual(await reads(), before);
  await written(old, commitOf("run-1", { expectedVersion: 1 }));
  await old.close();
  const again = await openPostgresLedger({ url });
  assert.equal((await claimOf(again)).length, 1);
  await again.close();
  await migrate(client, "here", [...newer, "create table later (n integer)"]);
  const twoAhead = `version ${newer.length + 1}, and this program works with versions up to ${newer.length}`;
  await assert.rejects(
    openPostgresLedger({ url }),
    (error) => isRefusal(error) && error.message.includes(twoAhead),
  );
});

test("a step that fails changes nothing, and the ledger opens as before", async (t) => {
  const url = await postgres.createDatabase();
  const before = await openPostgresLedger({ url });
  await written(before, commitOf("run-1"));
  await before.close();
  const client = await connect(t, url);
  await assert.rejects(
    migrate(client, "here", [...MIGRATIONS, "delete from stream; insert into nowhere values (1)"]),
    /nowhere/,
  );
  const again = await openPostgresLedger({ url });
  assert.equal((await again.load("run-1"))?.version, 1);
  await again.close();
});

test("steps after the first only add, so that the program before them goes on working", () => {
  const takesAway =
    /\b(drop|rename|truncate)\b|\balter column\b|\bcreate or replace\b|\badd column [^,;]*\bnot null\b(?![^,;]*\bdefault\b)/i;
  assert.deepEqual(
    MIGRATIONS.slice(1).filter((step) => takesAway.test(step)),
    [],
  );
  for (const bad of [
    "alter table stream drop column agent",
    "alter table stream rename to streams",
    "create or replace function now_ms() returns bigint language sql as 'select 1'",
    "alter table stream add column colour text not null",
  ])
    assert.match(bad, takesAway);
  assert.doesNotMatch("alter table stream add column colour text not null default 'red'", takesAway);
});

test("released steps are never edited; add a new one and its digest here", () => {
  assert.deepEqual(
    MIGRATIONS.map((step) => digestOf(step.replace(/\s+/g, " ")).slice(0, 16)),
    ["1b7d19df612da91a", "9e861b5d95512ca9", "32db6e458be9a42d", "7044f827f09cb2fe"],
  );
});
