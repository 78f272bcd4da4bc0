import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import { Client } from "pg";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { AT, claimOf, commitOf, dispatch, line, noted, written } from "../contract/ledger-fixture.ts";
import { startDeafWay } from "../support/deaf-way.ts";
import { PASSWORD, startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

async function open(t: TestContext, url: string, rideOutMs?: number): Promise<Ledger> {
  const ledger = await openPostgresLedger({ url, ...(rideOutMs === undefined ? {} : { rideOutMs }) });
  t.after(ledger.close);
  return ledger;
}

/** A refusal in words for people, which name no password. */
function isPlain(words: RegExp) {
  return (error: unknown) => {
    assert.ok(isRefusal(error), String(error));
    assert.match(`${error.message} ${error.hint ?? ""}`, words);
    assert.ok(
      !JSON.stringify([error.message, error.hint, error.stack, String(error.cause)]).includes(PASSWORD),
    );
    return true;
  };
}

test("what was acknowledged is there after crashes of the database, and writers ride out a short one", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await open(t, url);
  const acknowledged: string[] = [];
  let isOver = false;
  const writer = async (name: number) => {
    for (let n = 0; !isOver; n++) {
      const stream = `run-${name}-${n}`;
      await written(ledger, commitOf(stream, { effects: [line(stream, AT)] }));
      acknowledged.push(stream);
    }
  };
  const writers = [0, 1, 2, 3].map(writer);
  for (let crash = 1; crash <= 3; crash++) {
    const enough = acknowledged.length + 40;
    while (acknowledged.length < enough) await ledger.now();
    await postgres.crash();
  }
  const before = acknowledged.length;
  while (acknowledged.length < before + 10) await ledger.now();
  isOver = true;
  await Promise.all(writers);
  for (const stream of acknowledged) assert.equal((await ledger.load(stream))?.version, 1, stream);
  const [counted] = await ledger.counts();
  const [real] = await query(
    url,
    "select count(*)::int as streams, (select max(position)::int from hq.event) as last from hq.stream",
  );
  assert.deepEqual([counted?.count, real?.["last"]], [real?.["streams"], real?.["streams"]]);
  assert.equal(counted?.count, acknowledged.length, "none was written twice or without being told");
});

test("while the database is away, reads and writes say so, and afterwards the same ledger works again", async (t) => {
  const ledger = await open(t, await postgres.createDatabase(), 200);
  await written(ledger, commitOf("run-1"));
  await postgres.crash(false);
  const isAway = isPlain(/does not answer\. Start it/);
  await assert.rejects(ledger.load("run-1"), isAway);
  await assert.rejects(ledger.commit(commitOf("run-2")), isAway);
  await assert.rejects(claimOf(ledger), isAway);
  await postgres.start();
  assert.equal((await ledger.load("run-1"))?.version, 1);
  await written(ledger, commitOf("run-2"));
});

test("a write whose answer was lost with the connection is done once, and answered by what it came to", async (t) => {
  const url = await postgres.createDatabase();
  const way = await startDeafWay(t, postgres.port);
  const ledger = await open(t, url.replace(`:${postgres.port}/`, `:${way.port}/`));
  await written(ledger, commitOf("run-1", { effects: [dispatch("run-1", "webster")] }));
  const isDone = async (batch: number) => {
    while ((await query(url, "select 1 from hq.answer where batch = $1", [batch])).length === 0);
  };
  way.set("deaf");
  const commit = ledger.commit(commitOf("run-1", { expectedVersion: 1, events: [noted("once")] }));
  await isDone(2);
  way.set("open");
  way.cut();
  const { length } = JSON.stringify({ stream: "run-1" });
  assert.deepEqual(await commit, { ok: true, version: 2, position: 2, length });
  way.set("deaf");
  const claim = claimOf(ledger);
  await isDone(3);
  way.set("open");
  way.cut();
  assert.deepEqual(
    (await claim).map(({ id, tries }) => [id, tries]),
    [["run-1@1#0", 1]],
  );
});

test("a claim that was never heard of is given back as not begun, with its slot", async (t) => {
  const url = await postgres.createDatabase();
  const way = await startDeafWay(t, postgres.port);
  const ledger = await open(t, url.replace(`:${postgres.port}/`, `:${way.port}/`), 100);
  await written(ledger, commitOf("run-1", { effects: [dispatch("run-1", "webster"), line("x", AT)] }));
  way.set("deaf");
  const claim = claimOf(ledger);
  while ((await query(url, "select 1 from hq.answer where batch = 2")).length === 0);
  way.set("shut");
  way.cut();
  await assert.rejects(claim, isPlain(/does not answer/));
  await assert.rejects(ledger.commit(commitOf("run-2")), isPlain(/does not answer/));
  assert.equal((await query(url, "select 1 from hq.slot")).length, 1);
  way.set("open");
  await written(ledger, commitOf("run-2"));
  assert.equal((await query(url, "select 1 from hq.slot")).length, 0);
  const again = await claimOf(ledger);
  assert.deepEqual(again.map(({ id, begunBefore }) => [id, begunBefore]).sort(), [
    ["run-1@1#0", undefined],
    ["run-1@1#1", undefined],
  ]);
});

test("a write that fails by itself leaves its neighbours alone", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await open(t, url);
  await query(url, "alter table hq.stream add constraint no_seven check (id <> 'run-7')");
  const results = await Promise.allSettled(
    ["run-6", "run-7", "run-8"].map((stream) => ledger.commit(commitOf(stream))),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(
    (await ledger.events({ limit: 9 })).map(({ position }) => position),
    [1, 2],
  );
});

test("a text that PostgreSQL cannot keep is refused alone; what people only read is kept without it", async (t) => {
  const ledger = await open(t, await postgres.createDatabase());
  const results = await Promise.allSettled([
    ledger.commit(commitOf("run-1", { effects: [line("x", AT)], state: { text: "a\0b\ud800" } })),
    ledger.commit(commitOf("run-\0")),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  assert.deepEqual((await ledger.load("run-1"))?.state, { text: "a\0b\ud800" });
  await ledger.postpone("run-1@1#0", AT, "why\0not \ud800");
  await ledger.settle([{ id: "run-1@1#0", outcome: "an answer\0of bytes \ud800" }]);
  const [told] = await ledger.trail.effectsOf("run-1", 9);
  assert.deepEqual([told?.reason, told?.outcome], ["why\ufffdnot \ufffd", "an answer\ufffdof bytes \ufffd"]);
  await written(ledger, commitOf("run-2", { key: { scope: "s", key: "half \ud800", digest: "d" } }));
});

test("a lock that others hold makes writes wait, and after some time say so; then they work again", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await openPostgresLedger({ url, writeMs: 500 });
  t.after(ledger.close);
  const other = new Client({ connectionString: url });
  await other.connect();
  await other.query("select pg_advisory_lock(1213289554, 1)");
  await assert.rejects(ledger.commit(commitOf("run-1")), isPlain(/took too long and was stopped/));
  assert.equal(await ledger.load("run-1"), undefined, "reading goes on");
  await other.end();
  await written(ledger, commitOf("run-1"));
});

test("a database that only reads says so to whoever writes, and writing goes on when it writes again", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await open(t, url, 100);
  await written(ledger, commitOf("run-1"));
  const setting = `alter database ${new URL(url).pathname.slice(1)}`;
  await query(url, `${setting} set default_transaction_read_only = on`);
  await query(
    url,
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%write_1%' and pid <> pg_backend_pid()",
  );
  await assert.rejects(ledger.commit(commitOf("run-2")), isPlain(/only reads/));
  assert.equal((await ledger.load("run-1"))?.version, 1, "reading goes on");
  await query(url, `set transaction_read_only = off; ${setting} reset default_transaction_read_only`);
  await written(ledger, commitOf("run-2"));
});

test("a database that is closed to connections says so to whoever asks, and work goes on when it is opened", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await open(t, url, 100);
  await written(ledger, commitOf("run-1"));
  const name = new URL(url).pathname.slice(1);
  const server = postgres.urlOf("postgres");
  await query(server, `alter database ${name} allow_connections false`);
  await query(server, "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
  const closed = isPlain(/takes no connections now\. As its owner: alter database … allow_connections true/);
  await assert.rejects(ledger.commit(commitOf("run-2")), closed);
  await assert.rejects(ledger.load("run-1"), closed);
  await query(server, `alter database ${name} allow_connections true`);
  await written(ledger, commitOf("run-3"));
  assert.equal((await ledger.load("run-1"))?.version, 1);
});

test("what is wrong with the address is said with what to do, and without the password", async () => {
  const url = await postgres.createDatabase();
  const cases: readonly (readonly [string, RegExp])[] = [
    [url.replace("postgres://", "mysql://"), /no address of a PostgreSQL database.*postgres:\/\/user/],
    [url.replace(/\/hq_[^/]*$/, "/"), /names no database/],
    [url.replace(/\/hq_[^/]*$/, "/nowhere"), /no such database: nowhere at 127\.0\.0\.1.*createdb/],
    [url.replace(PASSWORD, "wrong-password"), /refuses the user or the password/],
    [url.replace(PASSWORD, `${PASSWORD}%zz`), /Write % as %25/],
    [`${url}?sslmode=sure`, /sslmode "sure".*verify-full/],
    [`${url}?sslmode=require`, /TLS that was asked for/],
    [`${url}?pool=4`, /settings that nobody knows: pool/],
    [url.replace(/:\d+\//, ":1/"), /does not answer/],
  ];
  for (const [address, words] of cases)
    await assert.rejects(openPostgresLedger({ url: address }), isPlain(words), address);
});

test("connections carry our name, so that they are found in pg_stat_activity", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await open(t, url);
  await Promise.all([ledger.now(), written(ledger, commitOf("run-1"))]);
  const rows = await query(
    url,
    "select distinct application_name as name from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
  );
  assert.deepEqual(rows, [{ name: "atomizer-hq" }]);
});
