import assert from "node:assert/strict";
import test, { after, type TestContext } from "node:test";
import type { Commit, Ledger } from "../../src/engine/ports/ledger.ts";
import { openPostgresLedger } from "../../src/ledger/postgres/postgres.ts";
import {
  AT,
  claimOf,
  commitOf,
  dispatch,
  line,
  noted,
  streams,
  written,
} from "../contract/ledger-fixture.ts";
import { startPostgres } from "../support/postgres.ts";
import { query } from "./postgres-query.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

const over = { status: "succeeded", open: false } as const;

async function opened(t: TestContext) {
  const url = await postgres.createDatabase();
  const ledger = await openPostgresLedger({ url });
  t.after(ledger.close);
  return {
    ledger,
    /** How many rows of the stream, and of what is told of it, there are in each table. */
    rowsOf: async (stream: string) => {
      const [row = {}] = await query(
        url,
        `select ${[
          ["event", "stream"],
          ["outbox", "stream"],
          ["delivery_part", "delivery"],
          ["slot", "stream"],
          ["pruned", "stream"],
        ]
          .map(
            ([table, column]) =>
              `(select count(*)::int from hq.${table} where ${column} = $1 or ${column} like $1 || '/%') as ${table}`,
          )
          .join(", ")},
          (select count(*)::int from hq.blob where digest like 'upload/' || $1 || '/%') as blob`,
        [stream],
      );
      return row;
    },
    words: async () => (await query(url, "select seq from hq.search")).length,
  };
}

/** The newest rows are never taken out: something else has to come last. */
const last = (ledger: Ledger) =>
  written(ledger, commitOf("notice-last", { kind: "notice", open: false, effects: [line("last", AT)] }));

/** A file that was handed in, and a message that was posted. */
const told = (id: string): Partial<Commit> => ({
  receipts: [
    { delivery: id, part: 0, nonce: `${id}0`, channel: "1", message: `${id}0`, postedAt: AT },
    { delivery: `${id}/result`, part: 0, nonce: id, channel: "1", message: id, postedAt: AT },
  ],
  blobs: [{ digest: `upload/${id}/report.md`, body: "# Report" }],
});

test("pruning leaves what is open, young, of a lasting kind, to be done, or newest, whoever names it", async (t) => {
  const { ledger } = await opened(t);
  await written(ledger, commitOf("old", over));
  await written(ledger, commitOf("open", { status: "succeeded" }));
  await written(ledger, commitOf("young", { ...over, at: AT + 10 }));
  await written(ledger, commitOf("agent-webster", { kind: "agent", open: false }));
  await written(ledger, commitOf("to-do", { ...over, effects: [line("x", AT)] }));
  await written(ledger, commitOf("newest", over));
  await written(ledger, commitOf("newest/log", { kind: "delivery", ...over, effects: [line("y", AT)] }));
  await ledger.settle([{ id: "newest/log@1#0", outcome: "done" }]);
  const names = ["old", "open", "young", "agent-webster", "to-do", "newest"];
  assert.equal((await ledger.upkeep.prune(names, AT + 10)).streams, 1);
  const left = await Promise.all(names.map(async (id) => ((await ledger.load(id)) ? [id] : [])));
  assert.deepEqual(left.flat(), names.slice(1));
  assert.ok(await ledger.load("newest/log"));
});

test("what is pruned takes all that is told of it along, and nothing of what only begins like it", async (t) => {
  const { ledger, rowsOf, words } = await opened(t);
  for (const id of ["a", "a-b"]) {
    await written(ledger, commitOf(id, { effects: [dispatch(id, "webster")], ...told(id) }));
    await written(ledger, commitOf(`${id}/log`, { kind: "delivery", ...over, effects: [line(id, AT)] }));
  }
  const kind = "delegation";
  const entries = ["a", "a-b"].map(
    (stream) => ({ stream, kind, status: "queued", words: [stream] }) as const,
  );
  assert.ok(await ledger.search.put({ from: 0, to: 1, entries }));
  const capacity = (lane: string) => (lane === "agent:webster" ? 2 : 1);
  assert.equal((await claimOf(ledger, { capacity })).length, 4);
  for (const id of ["a", "a-b"]) {
    await written(ledger, commitOf(id, { ...over, expectedVersion: 1, cancels: ["dispatch"] }));
    await ledger.settle([{ id: `${id}/log@1#0`, outcome: "done" }]);
  }
  await last(ledger);
  const before = await rowsOf("a-b");
  assert.deepEqual(await rowsOf("a"), before);
  assert.deepEqual(before, { event: 3, outbox: 2, delivery_part: 2, slot: 1, pruned: 0, blob: 1 });
  const gone = await ledger.upkeep.prune(["a"], AT + 1);
  assert.deepEqual(gone, { streams: 1, events: 3, effects: 2, receipts: 2 });
  const none = { event: 0, outbox: 0, delivery_part: 0, slot: 0, pruned: 0, blob: 0 };
  assert.deepEqual(await rowsOf("a"), none);
  assert.equal(await ledger.load("a/log"), undefined);
  assert.equal(await words(), 1, "nobody finds it any more");
  assert.deepEqual(await rowsOf("a-b"), before);
  assert.ok((await ledger.load("a-b")) && (await ledger.load("a-b/log")));
  await written(ledger, commitOf("c", { effects: [dispatch("c", "webster")] }));
  assert.ok(streams(await claimOf(ledger, { capacity })).includes("c"), "its place is free");
});

test("what has more rows than one transaction takes out is pruned whole, and counted", async (t) => {
  const { ledger, rowsOf } = await opened(t);
  const many = Array.from({ length: 1200 }, (_, n) => `${n}`);
  for (const id of ["long", "longer"]) {
    const effects = many.map((n) => line(n, AT));
    await written(ledger, commitOf(id, { events: many.map(noted), effects }));
    await ledger.settle(many.map((n) => ({ id: `${id}@1200#${n}`, outcome: "done" })));
    await written(ledger, commitOf(id, { ...over, expectedVersion: 1200, ...told(id) }));
  }
  await last(ledger);
  assert.deepEqual(await ledger.upkeep.prune(["long", "longer"], AT + 1), {
    streams: 2,
    events: 2402,
    effects: 2400,
    receipts: 4,
  });
  const none = { event: 0, outbox: 0, delivery_part: 0, slot: 0, pruned: 0, blob: 0 };
  assert.deepEqual([await rowsOf("long"), await rowsOf("longer")], [none, none]);
});
