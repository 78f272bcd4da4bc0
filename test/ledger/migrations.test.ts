import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { digestOf } from "../../src/kernel/id.ts";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { MIGRATIONS, migrate } from "../../src/ledger/migrations.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOf, commitOf, line, written } from "../contract/ledger-fixture.ts";
import { startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

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
  await written(before, commitOf("run-1", { key, effects: [line("run-1", 1)] }));
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
    (error) =>
      isRefusal(error) &&
      error.code === "ledger_trouble" &&
      error.message.includes(path) &&
      /newer program/.test(error.message) &&
      /hq restore/.test(error.hint ?? ""),
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

/** Makes the ledger of today one of version 1: timers were effects, and no state said when an attempt was to begin. */
function makeOld(path: string, timers: readonly { type: string; stream: string; at: number }[]): void {
  const db = new DatabaseSync(path);
  const stateOf = db.prepare("select state from stream where id = ?");
  const setState = db.prepare("update stream set state = ? where id = ?");
  const addEffect = db.prepare(
    "insert into outbox (id, stream, type, body, lane, created_at, due_at, ready_at) values (?, ?, ?, ?, 'any', 1, ?, ?)",
  );
  for (const { type, stream, at } of timers) {
    const state = String(stateOf.get(stream)?.["state"]);
    assert.match(state, /"startBy"/);
    setState.run(state.replace(/"startBy":\d+,/g, ""), stream);
    addEffect.run(`${stream}@1#9`, stream, type, JSON.stringify({ type, run: stream, attempt: 1 }), at, at);
  }
  dropNewer(db);
  db.exec("alter table stream drop column wake_at; pragma user_version = 1");
  db.close();
}

/** Takes away what the first version did not have: virtual tables take theirs with them. */
function dropNewer(db: DatabaseSync): void {
  const first = new DatabaseSync(":memory:");
  migrate(first, ":memory:", MIGRATIONS.slice(0, 1));
  const all = "select type, name, sql from sqlite_master where sql is not null";
  const known = new Set(
    first
      .prepare(all)
      .all()
      .map(({ name }) => name),
  );
  first.close();
  const isVirtual = (sql: unknown) => /^create virtual/i.test(String(sql));
  const rank = ({ type, sql }: Record<string, unknown>) =>
    type === "trigger" ? 0 : isVirtual(sql) ? 1 : type === "index" ? 2 : 3;
  const newer = db
    .prepare(all)
    .all()
    .filter(({ name }) => !known.has(name));
  for (const { type, name } of newer.toSorted((a, b) => rank(a) - rank(b)))
    db.exec(`drop ${String(type)} if exists ${String(name)}`);
}

test("timers of an old ledger become instants of their streams, and go off", async () => {
  using folder = temporaryFolder();
  const before = await startCore(folder.path);
  const ask = async () => {
    const request = { agent: "webster", objective: "o", retries: 0, origin: { door: "rest" } } as const;
    return (await before.verbs.delegate({ kind: "operator" }, request)).delegation.id;
  };
  const [given, waiting] = [await ask(), await ask()];
  await before.until(given, "attempt.dispatched");
  const { timeoutMs, startWithinMs } = before.config.settings.delegation;
  const [deadlineAt, startBy] = [before.now() + timeoutMs, before.now() + startWithinMs];
  await before.stop();
  makeOld(join(folder.path, "ledger.db"), [
    { type: "deadline", stream: given, at: deadlineAt },
    { type: "start-limit", stream: waiting, at: startBy },
  ]);

  const after = await startCore(folder.path, { at: before.now() + 1000 });
  const types = (await after.ledger.backlog()).map(({ type }) => type);
  assert.ok(types.includes("dispatch") && !types.includes("deadline") && !types.includes("start-limit"));
  assert.equal(await after.ledger.nextWake(), deadlineAt);
  after.pass(deadlineAt - after.now());
  assert.equal((await after.verbs.wait(given, {})).status, "timed_out");
  assert.equal(await after.ledger.nextWake(), startBy);
  assert.equal((await after.engine.read("delegation", waiting))?.attempts[0]?.startBy, startBy);
  await after.stop();
  assert.deepEqual(after.broken, []);
});

test("filings of an old ledger that are open are filings still, and what is over stays as it was", async (t) => {
  const path = newPath(t);
  const db = new DatabaseSync(path);
  migrate(db, path, MIGRATIONS.slice(0, 1));
  const move = {
    run: "orch-1",
    path: "/h/1.json",
    digest: "d",
    inode: "7",
    to: "rejected",
    problems: [{ path: "a", message: "b" }],
  };
  const add = db.prepare(
    "insert into outbox (id, stream, type, body, lane, created_at, due_at, ready_at, begun_at, settled_at) values (?, 's', ?, ?, 'host', 1, 1, 1, ?, ?)",
  );
  const append = JSON.stringify({ type: "append", file: "project", line: 'said "ü"' });
  add.run("s@1#0", "archive", JSON.stringify({ type: "archive", ...move }), 5, null);
  add.run("s@1#1", "append", append, null, null);
  add.run("s@1#2", "append", append, null, 9);
  db.close();
  const ledger = await open(path);
  const claimed = await claimOf(ledger, { lanes: ["host"] });
  assert.deepEqual(
    claimed.map(({ id, body, begunBefore }) => [id, body, begunBefore]),
    [
      ["s@1#0", { type: "filing", moves: [move], lines: [] }, 5],
      ["s@1#1", { type: "filing", moves: [], lines: [{ file: "project", line: 'said "ü"' }] }, undefined],
    ],
  );
  await ledger.close();
  const after = new DatabaseSync(path);
  assert.equal(after.prepare("select body from outbox where id = 's@1#2'").get()?.["body"], append);
  after.close();
});

test("released steps are never edited; add a new one and its digest here", () => {
  assert.deepEqual(
    MIGRATIONS.map((step) => digestOf(step.replace(/\s+/g, " ")).slice(0, 16)),
    [
      "75a42f1459842621",
      "4cb34c13bcdd3d3e",
      "10473c64b42382fa",
      "3224006ea05d8b03",
      "ad8c3b7c368c5ab2",
      "44a3554f38d4eb6f",
    ],
  );
});
