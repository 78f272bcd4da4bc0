import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { checkLedger, copyLedger, doubtOpenWork, refuseNewerCopy } from "../../src/ledger/backup.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { AT, claimOf, commitOf, dispatch, line, noted, written } from "../contract/ledger-fixture.ts";
import { needing } from "../support/tools.ts";

function newDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "hq-backup-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

async function open(t: TestContext, path: string) {
  const ledger = await openSqliteLedger({ path, ballastBytes: 0 });
  t.after(() => ledger.close());
  return ledger;
}

test("a copy of a ledger that is written to is whole, says what it holds, and is for its owner alone", async (t) => {
  const dir = newDir(t);
  const ledger = await open(t, join(dir, "ledger.db"));
  await written(ledger, commitOf("run-1", { events: [noted("a"), noted("b")] }));
  await written(ledger, commitOf("run-2"));
  const target = join(dir, "copy.db");
  const [copied] = await Promise.all([
    copyLedger(join(dir, "ledger.db"), target),
    written(ledger, commitOf("run-1", { expectedVersion: 2 })),
  ]);
  const { size, mode } = statSync(target);
  assert.deepEqual(copied, checkLedger(target));
  assert.equal(copied.streams, 2);
  assert.ok(copied.position === 3 || copied.position === 4, "before or after what was written meanwhile");
  assert.deepEqual([copied.bytes, mode & 0o777], [size, 0o600]);
});

test("a copy is of one instant, and comes to its end however much is written meanwhile", async (t) => {
  const dir = newDir(t);
  const path = join(dir, "ledger.db");
  const ledger = await open(t, path);
  const blobs = [{ digest: "large", body: "x".repeat(4 << 20) }];
  await written(ledger, commitOf("run-0", { blobs }));
  let isDone = false;
  const copying = copyLedger(path, join(dir, "copy.db")).finally(() => {
    isDone = true;
  });
  let count = 0;
  while (!isDone && count < 1000) await written(ledger, commitOf(`run-${++count}`));
  assert.ok(isDone, "nobody who writes makes it begin anew");
  const { position, streams } = await copying;
  assert.equal(position, streams);
});

test("what is damaged inside is refused, when it can be read all the same", async (t) => {
  const path = join(newDir(t), "ledger.db");
  const ledger = await openSqliteLedger({ path, ballastBytes: 0 });
  await written(ledger, commitOf("run-marked"));
  await ledger.close();
  const bytes = readFileSync(path);
  // In one of the places that hold it, so that a table and its index differ.
  bytes[bytes.indexOf("run-marked")] = "s".charCodeAt(0);
  writeFileSync(path, bytes);
  assert.throws(() => checkLedger(path), { code: "ledger_trouble", message: /is damaged: .*index/ });
});

test("what is no ledger, or an empty one, is refused and named", async (t) => {
  const dir = newDir(t);
  const path = join(dir, "ledger.db");
  writeFileSync(path, "");
  const refused = { code: "ledger_trouble", message: `The ledger ${path} is damaged: it is empty` };
  assert.throws(() => checkLedger(path), refused);
  writeFileSync(path, "words ".repeat(1000));
  assert.throws(() => checkLedger(path), /is damaged or is no ledger/);
  await assert.rejects(copyLedger(path, join(dir, "copy.db")), (error: Error) =>
    error.message.includes(path),
  );
});

test("after a restore what is open and may have reached others is in doubt since the backup, and nobody holds it", async (t) => {
  const path = join(newDir(t), "ledger.db");
  const before = await openSqliteLedger({ path, ballastBytes: 0 });
  const to = { channel: "1" };
  const delivery = { id: "n/notice", kind: "notice", to, text: "hello" } as const;
  const card = { body: { type: "card", run: "run-1", to }, lane: "any", dueAt: AT } as const;
  const post = { body: { type: "post", delivery }, lane: "any", dueAt: AT } as const;
  const effects = [dispatch("run-1", "webster"), card, post, line("a line", AT)];
  await written(before, commitOf("run-1", { effects }));
  await written(before, commitOf("run-2", { effects: [dispatch("run-2", "nx", AT - 7)] }));
  await claimOf(before, { now: AT - 7 });
  await written(before, commitOf("run-3", { effects: [dispatch("run-3", "webster")] }));
  await before.settle([{ id: "run-3@1#0", outcome: "over" }]);
  await before.close();
  assert.equal(doubtOpenWork(path, AT + 100), 4);
  const ledger = await open(t, path);
  const claimed = await claimOf(ledger);
  assert.deepEqual(claimed.map(({ stream, body, begunBefore }) => [stream, body.type, begunBefore]).sort(), [
    ["run-1", "card", AT + 100],
    ["run-1", "dispatch", AT + 100],
    ["run-1", "filing", undefined],
    ["run-1", "post", AT + 100],
    ["run-2", "dispatch", AT - 7],
  ]);
});

test(
  "what is open is in doubt, all of it, or a disk without room for that says so",
  needing("unshare", async (t) => {
    const dir = newDir(t);
    const ledger = await open(t, join(dir, "ledger.db"));
    for (let run = 0; run < 400; run++)
      await written(ledger, commitOf(`run-${run}`, { effects: [dispatch(`run-${run}`, "webster")] }));
    await copyLedger(join(dir, "ledger.db"), join(dir, "copy.db"));
    const small = join(dir, "small");
    mkdirSync(small);
    const child = join(import.meta.dirname, "doubt-child.ts");
    const script =
      'mount -t tmpfs tmpfs "$1" && exec "$2" --disable-warning=ExperimentalWarning "$3" "$4" "$1"';
    const { stdout, stderr } = spawnSync(
      "unshare",
      ["-rm", "sh", "-c", script, "sh", small, process.execPath, child, join(dir, "copy.db")],
      { encoding: "utf8" },
    );
    assert.equal(stderr, "");
    const { refused, doubted, left } = JSON.parse(stdout);
    assert.ok(refused.length > 5, "the disk was too small at first");
    for (const why of refused) assert.match(why, /^ledger_trouble .*half/);
    assert.deepEqual([doubted, left], [400, 0]);
  }),
);

test("a copy is read where nothing can be written, and nothing is made beside it", async (t) => {
  const dir = newDir(t);
  const ledger = await open(t, join(dir, "ledger.db"));
  await written(ledger, commitOf("run-1"));
  const kept = join(dir, "kept? #1 100%20 ü");
  mkdirSync(kept);
  const copied = await copyLedger(join(dir, "ledger.db"), join(kept, "ledger.db"));
  const seen: string[] = [];
  const watching = watch(kept, (_, name) => seen.push(String(name)));
  t.after(() => watching.close());
  assert.deepEqual(checkLedger(join(kept, "ledger.db")), copied);
  refuseNewerCopy(join(kept, "ledger.db"));
  writeFileSync(join(kept, "mark"), "");
  while (!seen.includes("mark")) await new Promise((resolve) => watching.once("change", resolve));
  assert.deepEqual([...new Set(seen)], ["mark"]);
  assert.deepEqual(readdirSync(kept).sort(), ["ledger.db", "mark"]);
});
