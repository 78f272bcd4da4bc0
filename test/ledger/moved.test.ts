import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { putAside, readMoved, refuseMoved, writeMoved } from "../../src/ledger/moved.ts";

const NOTE = { id: "m-1", to: "postgres://db/hq", at: "2026-02-17T12:00:00.000Z" } as const;

function newHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "hq-moved-"));
  t.after(() => rmSync(home, { recursive: true }));
  return home;
}

test("a note of a move takes the place of the one before it, whole, and is for its owner alone", (t) => {
  const home = newHome(t);
  assert.equal(readMoved(home), undefined);
  for (const state of ["moving", "moved"] as const) {
    writeMoved(home, { ...NOTE, state });
    assert.deepEqual(readMoved(home), { ...NOTE, state });
  }
  assert.deepEqual(readdirSync(home), ["ledger.moved.json"]);
  assert.equal(statSync(join(home, "ledger.moved.json")).mode & 0o777, 0o600);
});

test("a ledger that was moved, or whose move was cut off, is not begun anew: it is said how to go on", (t) => {
  const home = newHome(t);
  refuseMoved(home);
  writeMoved(home, { ...NOTE, state: "moving" });
  assert.throws(() => refuseMoved(home), { code: "invalid_input", hint: /hq store migrate/ });
  writeMoved(home, { ...NOTE, state: "moved" });
  assert.throws(() => refuseMoved(home), { code: "invalid_input", hint: /Set DATABASE_URL/ });
});

test("a moved ledger is put aside with its log, and its reserve is given up", (t) => {
  const home = newHome(t);
  const ledger = join(home, "ledger.db");
  for (const end of ["", "-wal", ".ballast"]) writeFileSync(`${ledger}${end}`, `of ${end}`);
  assert.equal(putAside(ledger), `${ledger}.moved`);
  assert.deepEqual(readdirSync(home).sort(), ["ledger.db.moved", "ledger.db.moved-wal"]);
  assert.equal(readFileSync(`${ledger}.moved-wal`, "utf8"), "of -wal");
  // Cut off in between and begun again: what is aside already stays.
  writeFileSync(ledger, "again");
  putAside(ledger);
  assert.equal(readFileSync(`${ledger}.moved-wal`, "utf8"), "of -wal");
});

test("putting a ledger aside that breaks off in between leaves the ledger in its place, to be put aside again", (t) => {
  const home = newHome(t);
  const ledger = join(home, "ledger.db");
  for (const end of ["", "-wal", "-shm"]) writeFileSync(`${ledger}${end}`, `of ${end}`);
  // A folder is in the way of the log's new name.
  const inTheWay = `${ledger}.moved-wal`;
  mkdirSync(join(inTheWay, "x"), { recursive: true });
  assert.throws(() => putAside(ledger));
  assert.ok(existsSync(ledger));
  rmSync(inTheWay, { recursive: true });
  putAside(ledger);
  assert.deepEqual(readdirSync(home).sort(), [
    "ledger.db.moved",
    "ledger.db.moved-shm",
    "ledger.db.moved-wal",
  ]);
});

test("a note of a move that is damaged is named, and nothing is begun or moved beside it", (t) => {
  const home = newHome(t);
  for (const text of ["", "{", "null", '{"state":"gone","id":"1","to":"x"}']) {
    writeFileSync(join(home, "ledger.moved.json"), text);
    for (const look of [readMoved, refuseMoved])
      assert.throws(() => look(home), {
        code: "invalid_input",
        message: `${home}/ledger.moved.json, which says where the ledger was moved to, is damaged.`,
      });
  }
});
