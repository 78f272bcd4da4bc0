import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { createGroupCommit } from "../../src/ledger/group-commit.ts";
import { explain, isFull } from "../../src/ledger/trouble.ts";

/** `note` refuses x = 0; a `pledge` is only refused at COMMIT, when its note is not there. */
const SCHEMA = `
  pragma journal_mode = wal;
  create table note (x integer primary key check (x <> 0), body text);
  create table pledge (x integer references note (x) deferrable initially deferred);
`;

function openNotes(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "hq-group-"));
  const path = join(dir, "notes.db");
  const db = new DatabaseSync(path, { timeout: 0 });
  db.exec(SCHEMA);
  t.after(() => {
    db.close();
    rmSync(dir, { recursive: true });
  });
  const seen: string[] = [];
  const group = createGroupCommit({
    db,
    finish: () => seen.push("finish"),
    undone: () => seen.push("undone"),
    committed: () => seen.push("committed"),
    failed: (error) => explain(error, path),
  });
  const insert = db.prepare("insert into note (x, body) values (?, ?)");
  const add = (x: number, body = "") => group.write(() => insert.run(x, body).changes);
  const notes = () =>
    db
      .prepare("select x from note order by x")
      .all()
      .map(({ x }) => x);
  return { db, path, group, add, notes, seen };
}

test("writes of one tick share one transaction, in their order, and are told after it", async (t) => {
  const { group, add, notes, seen } = openNotes(t);
  const told: number[] = [];
  const writes = [3, 1, 2].map((x) => add(x).then(() => told.push(x)));
  const count = group.write(() => notes().length);
  await Promise.resolve();
  assert.deepEqual([notes(), told], [[], []]);
  await Promise.all(writes);
  assert.deepEqual([told, notes(), await count], [[3, 1, 2], [1, 2, 3], 3]);
  assert.deepEqual(seen, ["finish", "committed"]);
});

/** What SQLite throws when there is no room for a page. */
const full = () => Object.assign(new Error("database or disk is full"), { errcode: 13 });

test("a trouble of the machine that one write meets is told to all of its transaction, and nothing is tried again", async (t) => {
  const { group, add, notes, seen } = openNotes(t);
  let runs = 0;
  const writes = [
    add(1),
    group.write(() => {
      runs++;
      throw full();
    }),
    add(2),
  ];
  for (const result of await Promise.allSettled(writes)) {
    assert.ok(result.status === "rejected");
    assert.match(String(result.reason), /The disk that holds the ledger .* is full\. Free some space/);
  }
  assert.deepEqual([runs, notes(), seen], [1, [], ["undone"]]);
});

test("it is told to all too when it comes while each write is tried alone", async (t) => {
  const { group, add, notes, seen } = openNotes(t);
  let runs = 0;
  const writes = [
    group.write(() => {
      if (runs++ > 0) throw full();
    }),
    add(0),
    add(2),
  ];
  const results = await Promise.allSettled(writes);
  for (const result of results) {
    assert.ok(result.status === "rejected");
    assert.match(String(result.reason), /is full\. Free some space/);
  }
  assert.deepEqual([runs, notes(), seen], [2, [], ["undone", "undone"]]);
});

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

test("while many write, a transaction waits a few turns for those who are about to; one alone waits for nobody", async (t) => {
  const { add, notes, seen } = openNotes(t);
  const few = [add(1), add(2), add(3)];
  await turns(1);
  assert.deepEqual(seen, ["finish", "committed"], "three are written at the next turn");
  const many = [4, 5, 6, 7].map((x) => add(x));
  await turns(1);
  assert.deepEqual(notes(), [1, 2, 3], "four wait");
  const late = add(8);
  await turns(8);
  assert.deepEqual([notes().length, seen.length], [8, 4], "and share one with what came meanwhile");
  await Promise.all([...few, ...many, late]);
});

test("a unit that fails is undone alone, and its neighbours are written", async (t) => {
  const { db, group, add, notes } = openNotes(t);
  const half = group.write(() => {
    db.exec("insert into note (x) values (7)");
    throw new TypeError("half-way");
  });
  const results = await Promise.allSettled([add(1), half, add(0), add(2)]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "fulfilled"],
  );
  assert.deepEqual(notes(), [1, 2]);
  assert.match(String(results[1]?.status === "rejected" && results[1].reason), /half-way/);
});

test("a unit that fails with no neighbours leaves nothing behind", async (t) => {
  const { db, group, add, notes } = openNotes(t);
  const half = group.write(() => {
    db.exec("insert into note (x) values (7)");
    throw new TypeError("half-way");
  });
  await assert.rejects(half, /half-way/);
  await add(1);
  assert.deepEqual(notes(), [1]);
});

test("when COMMIT fails, every write of the tick rejects with its error, and the next tick works", async (t) => {
  const { db, group, add, notes, seen } = openNotes(t);
  const pledge = group.write(() => db.exec("insert into pledge (x) values (99)"));
  const results = await Promise.allSettled([add(1), pledge, add(2)]);
  const reasons = results.map((result) => result.status === "rejected" && String(result.reason));
  assert.equal(new Set(reasons).size, 1);
  assert.match(String(reasons[0]), /FOREIGN KEY/);
  assert.deepEqual([notes(), db.isTransaction, seen], [[], false, ["finish", "undone"]]);
  await add(3);
  assert.deepEqual(notes(), [3]);
});

test("when another program holds the file, all reject and are told so; afterwards writing goes on", async (t) => {
  const { path, add, notes } = openNotes(t);
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  const results = await Promise.allSettled([add(1), add(2)]);
  assert.ok(
    results.every(
      (result) => result.status === "rejected" && /locked by another program/.test(String(result.reason)),
    ),
  );
  other.exec("rollback");
  other.close();
  await add(3);
  assert.deepEqual(notes(), [3]);
});

test("when the file cannot grow, all reject, reading goes on, and with room writing goes on", async (t) => {
  const { db, path, add, notes } = openNotes(t);
  await add(1);
  db.exec("pragma max_page_count = 8");
  const results = await Promise.allSettled([add(2), add(3, "x".repeat(100_000)), add(4)]);
  for (const result of results) {
    assert.ok(result.status === "rejected" && result.reason instanceof Error);
    assert.ok(result.reason.message.includes(path), "the message names the path");
    assert.match(result.reason.message, /full.*Free some space/);
    assert.ok(isFull(result.reason.cause));
  }
  assert.deepEqual(notes(), [1]);
  db.exec("pragma max_page_count = 100000");
  await add(3, "x".repeat(100_000));
  assert.deepEqual(notes(), [1, 3]);
});

test("when the file cannot grow while units are tried apart, all reject with that, and none is written", async (t) => {
  const { db, add, notes } = openNotes(t);
  await add(1);
  db.exec("pragma max_page_count = 8");
  const results = await Promise.allSettled([add(0), add(2), add(3, "x".repeat(100_000)), add(4)]);
  for (const result of results)
    assert.match(String(result.status === "rejected" && result.reason), /full.*Free some space/);
  assert.deepEqual([notes(), db.isTransaction], [[1], false]);
});
