import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { AT, claimOf, commitOf, dispatch, written } from "../contract/ledger-fixture.ts";

async function open(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "hq-earliest-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, "ledger.db");
  const ledger = await openSqliteLedger({ path, ballastBytes: 0, now: () => AT });
  t.after(() => ledger.close());
  return { path, ledger };
}

test("what was taken for over in a transaction that failed is claimed afterwards", async (t) => {
  const { path, ledger } = await open(t);
  await written(ledger, commitOf("run-1", { effects: [dispatch("run-1", "a")] }));

  // The last words of a transaction fail.
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec(
    "create trigger refuse before insert on counter begin select raise(abort, 'not a single number more'); end",
  );
  const tick = await Promise.allSettled([
    ledger.settle([{ id: "run-1@1#0", outcome: "done" }]),
    claimOf(ledger, { now: AT }),
    ledger.commit(commitOf("run-2")),
  ]);
  assert.deepEqual(
    tick.map(({ status }) => status),
    ["rejected", "rejected", "rejected"],
  );
  other.exec("drop trigger refuse");
  assert.deepEqual(
    (await claimOf(ledger, { now: AT })).map(({ id }) => id),
    ["run-1@1#0"],
  );
});

test("a wake that is moved to an earlier instant, still to come, is told", async (t) => {
  const { ledger } = await open(t);
  await written(ledger, commitOf("run-1", { wakeAt: AT + 100 }));
  assert.equal(await ledger.nextWake(), AT + 100);
  await ledger.putOff({ stream: "run-1", kind: "delegation", wakeAt: AT + 100 }, AT + 50);
  assert.equal(await ledger.nextWake(), AT + 50);
});
