import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { createPrune } from "../../src/ledger/prune.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { AT, claimOf, commitOf, dispatch, line, noted, written } from "../contract/ledger-fixture.ts";

async function opened(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "hq-prune-"));
  const path = join(dir, "ledger.db");
  const open = () => openSqliteLedger({ path, ballastBytes: 0 });
  const ledger = await open();
  const db = new DatabaseSync(path, { timeout: 5000 });
  t.after(async () => {
    db.close();
    await ledger.close();
    rmSync(dir, { recursive: true });
  });
  return { ledger, db, open };
}

test("work of an id whose earlier work is just being pruned begins anew, and the pruning takes nothing of it", async (t) => {
  const { ledger: first, db, open } = await opened(t);
  const receipt = { delivery: "a/card", part: 0, nonce: "1", channel: "1", message: "1", postedAt: AT };
  const [effects, receipts] = [[dispatch("a", "webster"), line("old", AT)], [receipt]];
  await written(first, commitOf("a", { events: [noted("old"), noted("older")], effects, receipts }));
  await written(first, commitOf("b", { kind: "notice", effects: [line("b", AT)] }));
  await claimOf(first, { holdMs: 1 });
  // As a pruning leaves it that is killed.
  db.exec("insert into pruned (stream) values ('a'); delete from stream where id = 'a'");
  await first.close();
  const ledger = await open();
  t.after(ledger.close);
  const later = { effects: [line("new", AT)], receipts: [{ ...receipt, delivery: "a/result" }] };
  await written(ledger, commitOf("a", { events: [noted("new")], ...later }));
  for (const when of ["before", "after"]) {
    if (when === "after") await ledger.upkeep.prune([], AT + 1);
    const events = await ledger.events({ stream: "a", after: 0, limit: 9 });
    assert.deepEqual(
      events.map(({ version, body }) => [version, body]),
      [[1, { text: "new" }]],
      when,
    );
    assert.deepEqual(
      (await ledger.trail.effectsOf("a", 9)).map(({ body }) => body.type),
      ["filing"],
      when,
    );
    const told = await ledger.receiptsOf("a");
    assert.deepEqual(
      told.map(({ delivery }) => delivery),
      ["a/result"],
      when,
    );
  }
  assert.equal((await ledger.load("a"))?.version, 1);
  await written(ledger, commitOf("c", { effects: [dispatch("c", "webster")] }));
  assert.ok(
    (await claimOf(ledger)).some(({ stream }) => stream === "c"),
    "its place at the agent is free",
  );
});

test("a key whose work begins anew while the pruning looks for keys of nobody's stays", async (t) => {
  const { ledger, db } = await opened(t);
  const key = { scope: "s", key: "k", digest: "d" };
  const scanner = {
    async ask() {
      await written(ledger, commitOf("a", { key }));
      return { items: [{ scope: "s", key: "k" }] };
    },
  };
  const write = async <T>(unit: () => T) => unit();
  const { pruneKeys } = createPrune({ db, write, scanner } as unknown as Parameters<typeof createPrune>[0]);
  assert.equal(await pruneKeys(), 0);
  assert.equal((await ledger.keyOf("s", "k"))?.stream, "a");
});
