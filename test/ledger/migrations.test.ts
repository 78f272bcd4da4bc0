import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { digestOf } from "../../src/kernel/id.ts";
import { MIGRATIONS, migrate } from "../../src/ledger/migrations.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOf, commitOf, deadline, written } from "../contract/ledger-fixture.ts";

function newPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-migrations-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "ledger.db");
}

const open = (path: string) => openSqliteLedger({ path, ballastBytes: 0 });

/** Opens the file as a later program would, whose ledger has one more step. */
function upgrade(path: string, step: string): void {
  const db = new DatabaseSync(path);
  try {
    migrate(db, path, [...MIGRATIONS, step]);
  } finally {
    db.close();
  }
}

test("an upgrade keeps everything that was written before", async (t) => {
  const path = newPath(t);
  const before = await open(path);
  const key = { scope: "rest", key: "k", digest: "d" };
  await written(before, commitOf("run-1", { key, effects: [deadline("run-1", 1)] }));
  const loaded = await before.load("run-1");
  await before.close();

  upgrade(path, "alter table stream add column colour text; update stream set colour = 'red'");

  const db = new DatabaseSync(path);
  assert.deepEqual({ ...db.prepare("pragma user_version").get() }, { user_version: MIGRATIONS.length + 1 });
  assert.equal(db.prepare("select colour from stream").get()?.["colour"], "red");
  db.exec(`pragma user_version = ${MIGRATIONS.length}`);
  db.close();
  const after = await open(path);
  assert.deepEqual(await after.load("run-1"), loaded);
  assert.deepEqual(await after.keyOf("rest", "k"), { stream: "run-1", digest: "d" });
  assert.equal((await claimOf(after)).length, 1);
  await after.close();
});

test("a step that fails changes nothing, and the ledger opens as before", async (t) => {
  const path = newPath(t);
  const before = await open(path);
  await written(before, commitOf("run-1"));
  await before.close();
  assert.throws(() => upgrade(path, "delete from stream; insert into nowhere values (1)"), /nowhere/);
  const after = await open(path);
  assert.equal((await after.load("run-1"))?.version, 1);
  await after.close();
});

test("a ledger of a newer program is refused with what to do, and left as it is", async (t) => {
  const path = newPath(t);
  await (await open(path)).close();
  upgrade(path, "create table later (x integer)");
  await assert.rejects(
    open(path),
    (error: Error) => error.message.includes(path) && /newer program/.test(error.message),
  );
  const db = new DatabaseSync(path);
  assert.deepEqual(db.prepare("select * from later").all(), []);
  db.close();
});

test("a file that is no ledger is refused with what to do", async (t) => {
  const path = newPath(t);
  writeFileSync(path, "this is a letter, not a ledger\n".repeat(200));
  await assert.rejects(open(path), /damaged or is no ledger.*restore a backup/);
});

test("a folder that is not there is named", async (t) => {
  const path = join(newPath(t), "nowhere", "ledger.db");
  await assert.rejects(open(path), (error: Error) => error.message.includes(path));
});

test("released steps are never edited; add a new one and its digest here", () => {
  assert.deepEqual(
    MIGRATIONS.map((step) => digestOf(step.replace(/\s+/g, " ")).slice(0, 16)),
    ["75a42f1459842621"],
  );
});
