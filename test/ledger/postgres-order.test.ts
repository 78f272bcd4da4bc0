import assert from "node:assert/strict";
import type { Socket } from "node:net";
import test, { after } from "node:test";
import { Client } from "pg";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import { commitOf, noted, written } from "../contract/ledger-fixture.ts";
import { startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const WRITERS = 3;
const COMMITS = 150;

/** Follows the events by their position alone, from the beginning until it has seen so many. */
async function follow(ledger: Ledger, count: number): Promise<readonly number[]> {
  const seen: number[] = [];
  while (seen.length < count) {
    const page = await ledger.events({ after: seen.at(-1) ?? 0, limit: 7 });
    seen.push(...page.map(({ position }) => position));
  }
  return seen;
}

test("a reader who goes by position alone misses nothing of three writers, and sees no gap", async (t) => {
  const url = await postgres.createDatabase();
  const ledgers = await Promise.all(Array.from({ length: WRITERS + 1 }, () => openPostgresLedger({ url })));
  const [reader, ...writers] = ledgers;
  assert.ok(reader);
  t.after(() => Promise.all(ledgers.map((ledger) => ledger.close())));
  const total = WRITERS * COMMITS * 2;
  const followed = follow(reader, total);
  const write = async (ledger: Ledger, writer: number) => {
    for (let n = 0; n < COMMITS; n++) {
      const commit = commitOf(`run-${writer}-${n}`, { events: [noted("1"), noted("2")] });
      // Now alone, now with others in one transaction.
      if (n % 3 === 0) await written(ledger, commit);
      else
        await Promise.all([
          written(ledger, commit),
          ledger.commit(commitOf(`run-${writer}-0`, { expectedVersion: 99 })),
        ]);
    }
  };
  await Promise.all(writers.map(write));
  assert.deepEqual(
    await followed,
    Array.from({ length: total }, (_, n) => n + 1),
  );
});

test("of coordinators that write one stream at once, one wins each version", async (t) => {
  const url = await postgres.createDatabase();
  const ledgers = await Promise.all(Array.from({ length: WRITERS }, () => openPostgresLedger({ url })));
  t.after(() => Promise.all(ledgers.map((ledger) => ledger.close())));
  for (let expectedVersion = 0; expectedVersion < 20; expectedVersion++) {
    const results = await Promise.all(
      ledgers.map((ledger) => ledger.commit(commitOf("run-1", { expectedVersion }))),
    );
    assert.deepEqual(results.filter(({ ok }) => ok).length, 1);
  }
  assert.equal((await ledgers[0]?.events({ stream: "run-1", limit: 99 }))?.length, 20);
  assert.deepEqual(await ledgers[0]?.counts(), [{ kind: "delegation", status: "queued", count: 1 }]);
});

test("a coordinator that stands still in the middle of a write holds nobody up", async (t) => {
  const url = await postgres.createDatabase();
  const ledger = await openPostgresLedger({ url });
  t.after(ledger.close);
  const frozen = new Client({ connectionString: url, options: "-c search_path=hq" });
  await frozen.connect();
  t.after(() => frozen.end());
  // It has sent its write and reads nothing of what comes back.
  const { stream } = (frozen as unknown as { connection: { stream: Socket } }).connection;
  const asked = frozen.query("select write_1('frozen', 1, '[]', null)");
  stream.pause();
  for (let n = 0; n < 20; n++) await written(ledger, commitOf(`run-${n}`));
  assert.deepEqual(await query(url, "select batch from hq.answer where writer = 'frozen'"), [{ batch: "1" }]);
  stream.resume();
  await asked;
});
