import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createBallast } from "../../src/ledger/ballast.ts";

const BYTES = (1 << 20) + 5;

function newPath(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-ballast-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return join(dir, "ledger.db.ballast");
}

test("a reserve has its whole size, also after it was cut off half-way, and is given up as often as asked", (t) => {
  const path = newPath(t);
  const ballast = createBallast({ path, bytes: BYTES });
  writeFileSync(path, "half");
  assert.equal(ballast.lay(), true);
  assert.equal(statSync(path).size, BYTES);
  assert.equal(ballast.lay(), true);
  for (let n = 0; n < 2; n++) assert.equal(ballast.giveUp(), true);
  assert.equal(existsSync(path), false);
});

test("without the room for it nothing is laid up and half a reserve goes; a size of nothing is none", (t) => {
  const path = newPath(t);
  writeFileSync(path, "half");
  assert.equal(createBallast({ path, bytes: 2 ** 60 }).lay(), false);
  assert.equal(existsSync(path), false);
  assert.equal(createBallast({ path, bytes: 0 }).lay(), true);
  assert.equal(existsSync(path), false);
});

test("a reserve that the file system refuses is no error", (t) => {
  const ballast = createBallast({ path: join(newPath(t), "nowhere", "x"), bytes: BYTES });
  assert.equal(ballast.lay(), false);
});
