import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { AT, claimOf, commitOf, dispatch, line, one, written } from "../contract/ledger-fixture.ts";

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

test("a commit that was undone with all of its tick is counted once when it is made again", async (t) => {
  const { path, ledger } = await open(t);
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec(
    "create trigger refuse before insert on counter begin select raise(abort, 'no numbers now'); end",
  );
  await assert.rejects(ledger.commit(commitOf("run-1")), /no numbers now/);
  other.exec("drop trigger refuse");
  await written(ledger, commitOf("run-1"));
  assert.deepEqual(await ledger.counts(), [{ kind: "delegation", status: "queued", count: 1 }]);
});

test("a wake that is moved to an earlier instant, still to come, is told", async (t) => {
  const { ledger } = await open(t);
  await written(ledger, commitOf("run-1", { wakeAt: AT + 100 }));
  assert.equal(await ledger.nextWake(), AT + 100);
  await ledger.putOff({ stream: "run-1", kind: "delegation", wakeAt: AT + 100 }, AT + 50);
  assert.equal(await ledger.nextWake(), AT + 50);
});

test("a stream that is to be woken before all that are known is woken in time", async (t) => {
  const { ledger } = await open(t);
  await written(ledger, commitOf("run-1", { wakeAt: AT + 100 }));
  assert.equal(await ledger.nextWake(), AT + 100);
  await written(ledger, commitOf("run-2", { wakeAt: AT + 50 }));
  assert.equal(await ledger.nextWake(), AT + 50);
  const woken = (await ledger.wakes(AT + 50, 10)).map(({ stream }) => stream);
  assert.deepEqual(woken, ["run-2"]);
});

test("an effect whose hold ended is claimed again, though others of its lane are due much later", async (t) => {
  const { ledger } = await open(t);
  await written(ledger, commitOf("run-1", { effects: [line("now", AT), line("later", AT + 60_000)] }));
  const claimAt = async (now: number) =>
    (await claimOf(ledger, { now, holdMs: 100 })).map(({ id }) => id.slice(-2));
  assert.deepEqual(await claimAt(AT), ["#0"]);
  assert.equal(await ledger.nextDue(["any"], one), AT + 100);
  assert.deepEqual(await claimAt(AT + 99), []);
  assert.deepEqual(await claimAt(AT + 100), ["#0"]);
});

test("more than a claim may take is not forgotten by the next one", async (t) => {
  const { ledger } = await open(t);
  const lines = ["a", "b", "c"].map((text) => line(text, AT));
  await written(ledger, commitOf("run-1", { effects: lines }));
  const claimed = [];
  for (let n = 0; n < 3; n++) claimed.push(...(await claimOf(ledger, { limit: 1 })));
  assert.equal(claimed.length, 3);
});

test("a claim that failed among writes that did not is made again at once", async (t) => {
  const { path, ledger } = await open(t);
  await written(ledger, commitOf("run-1", { effects: [line("a", AT)] }));
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  const { body } = other.prepare("select body from outbox").get() as { body: string };
  other.exec("update outbox set body = '{'");
  const tick = await Promise.allSettled([claimOf(ledger), ledger.commit(commitOf("run-2"))]);
  assert.deepEqual(
    tick.map(({ status }) => status),
    ["rejected", "fulfilled"],
  );
  other.prepare("update outbox set body = ?").run(body);
  assert.equal((await claimOf(ledger)).length, 1);
});
