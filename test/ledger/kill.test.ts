import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { claimOf } from "../contract/ledger-fixture.ts";
import { startChild } from "./processes.ts";

/** The last line may have been cut by the kill. */
function acknowledged(lines: readonly string[], versions: Map<string, number>): void {
  for (const line of lines) {
    const [, stream, version] = /^(run-\S+) (\d)$/.exec(line) ?? [];
    if (stream) versions.set(stream, Math.max(versions.get(stream) ?? 0, Number(version)));
  }
}

test("after SIGKILL in the middle of writing, everything acknowledged is there and the books agree", async () => {
  const dir = mkdtempSync(join(tmpdir(), "hq-kill-"));
  const path = join(dir, "ledger.db");
  const versions = new Map<string, number>();
  for (let round = 0; round < 3; round++) {
    const child = startChild("commit", path);
    const lines: string[] = [];
    for (let i = 0; i < 150 * (round + 1); i++) lines.push((await child.line()) ?? "");
    lines.push(...(await child.kill()));
    acknowledged(lines, versions);
  }
  assert.ok(versions.size > 100);

  const ledger = await openSqliteLedger({ path, ballastBytes: 0 });
  for (const [stream, version] of versions) {
    const loaded = await ledger.load(stream);
    assert.ok((loaded?.version ?? 0) >= version, `${stream} lost version ${version}`);
    assert.deepEqual(await ledger.keyOf("test", stream), { stream, digest: "d" });
    const events = await ledger.events({ stream, limit: 10 });
    assert.equal(events.length, loaded?.version);
  }
  const counts = await ledger.counts();
  const open = await ledger.backlog();
  await ledger.release(99);
  const rest = await claimOf(ledger, { limit: 100_000, capacity: () => 100_000 });
  assert.equal(
    rest.length,
    open.reduce((sum, { count }) => sum + count, 0),
    "every open effect can be claimed",
  );
  await ledger.close();

  const db = new DatabaseSync(path);
  assert.equal(db.prepare("pragma integrity_check").get()?.["integrity_check"], "ok");
  const real = db
    .prepare("select kind, status, count(*) as count from stream group by 1, 2 order by 1, 2")
    .all();
  db.close();
  assert.deepEqual(
    counts,
    real.map((row) => ({ ...row })),
  );
  rmSync(dir, { recursive: true });
});
