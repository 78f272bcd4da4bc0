import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { AT, claimOf, commitOf, line, written } from "../contract/ledger-fixture.ts";

test("a lease is over at its instant: nothing is claimed under it any more, and another may take it", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "hq-lease-"));
  t.after(() => rmSync(dir, { recursive: true }));
  let now = AT;
  const ledger = await openSqliteLedger({ path: join(dir, "ledger.db"), ballastBytes: 0, now: () => now });
  t.after(() => ledger.close());
  await written(ledger, commitOf("run-1", { effects: [line("a", AT), line("b", AT)] }));
  const lease = await ledger.lease("leader", "a", 100);
  assert.equal(lease?.epoch, 1);
  const claim = async () =>
    (await claimOf(ledger, { limit: 1, fence: { lease: "leader", epoch: 1 } })).length;
  now = AT + 99;
  assert.equal(await ledger.lease("leader", "b", 100), undefined);
  assert.equal(await claim(), 1);
  now = AT + 100;
  assert.equal(await claim(), 0);
  assert.equal((await ledger.lease("leader", "b", 100))?.epoch, 2);
});
