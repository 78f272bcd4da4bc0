import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { commitOf, written } from "../contract/ledger-fixture.ts";
import { needing } from "../support/tools.ts";

const NOBODY = 65_534;
const child = join(import.meta.dirname, "full-child.ts");

function newDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-disk-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** Runs the child under a shell that made the folder small. */
function runChild(dir: string, limit: string, ...unshare: readonly string[]): Record<string, unknown> {
  const [command, ...args] = [...unshare, "sh", "-c", `${limit} && exec "$1" "$2" "$0"`] as const;
  const { stdout, stderr, status } = spawnSync(command, [...args, dir, process.execPath, child]);
  assert.equal(status, 0, String(stderr));
  return JSON.parse(String(stdout)) as Record<string, unknown>;
}

test(
  "on a full disk writes reject and say what to do, reading goes on, and with space so does writing",
  needing("unshare", (t) => {
    const dir = newDir(t);
    const seen = runChild(dir, 'mount -t tmpfs -o size=3m tmpfs "$0"', "unshare", "-rm");
    assert.match(String(seen["message"]), /is full\. Free some space there/);
    assert.ok(String(seen["message"]).includes(join(dir, "ledger.db")));
    assert.deepEqual([seen["isFilled"], seen["hadBallast"], seen["hasBallast"]], [true, true, false]);
    assert.equal(seen["readable"], seen["done"]);
    assert.equal(seen["afterBallast"], true, "the reserve gives room for small writes");
    assert.deepEqual([seen["free"], seen["kept"], seen["first"]], [true, seen["done"], 1]);
  }),
);

test("when the system refuses to write, the commit rejects with the path, and what was acknowledged stays", (t) => {
  const dir = newDir(t);
  const seen = runChild(dir, "ulimit -f 2000");
  assert.match(String(seen["message"]), /reported an error\. Check the disk|is full/);
  assert.ok(String(seen["message"]).includes(join(dir, "ledger.db")));
  assert.ok(Number(seen["done"]) > 10);
  assert.deepEqual([seen["readable"], seen["kept"], seen["first"]], [seen["done"], seen["done"], 1]);
});

test("a new ledger is for its user alone, whoever may look into the folder", async (t) => {
  const dir = newDir(t);
  chmodSync(dir, 0o755);
  const path = join(dir, "ledger.db");
  const ledger = await openSqliteLedger({ path });
  await ledger.commit(commitOf("run-1"));
  const modes = readdirSync(dir).map((name) => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]);
  await ledger.close();
  assert.deepEqual(Object.fromEntries(modes), {
    "ledger.db": "600",
    "ledger.db-shm": "600",
    "ledger.db-wal": "600",
    "ledger.db.ballast": "600",
  });
});

test("a ledger that this user may not write is read, and writes say what to do", async (t) => {
  const dir = newDir(t);
  const path = join(dir, "ledger.db");
  const before = await openSqliteLedger({ path, ballastBytes: 0 });
  await written(before, commitOf("run-1"));
  await before.close();
  chmodSync(dir, 0o777);
  chmodSync(path, 0o444);
  // Root may write everything, so that it opens the file as somebody else.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  const opening = openSqliteLedger({ path, ballastBytes: 0 });
  if (isRoot) process.seteuid?.(0);
  const ledger = await opening;
  for (const write of [ledger.commit(commitOf("run-2")), ledger.remember("a", "b")]) {
    await assert.rejects(write, (error: Error) => {
      assert.ok(error.message.includes(path));
      return /cannot be written\. Make the file.*writable/.test(error.message);
    });
  }
  assert.equal((await ledger.load("run-1"))?.version, 1);
  assert.equal(await ledger.load("run-2"), undefined);
  await ledger.close();
});
