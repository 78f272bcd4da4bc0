import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { document, makeFolder, startInbox } from "./inbox-fixture.ts";

/**
 * Fills the kernel's queue of events (16,384 by default) with renames, then writes handoffs whose events find no room.
 * Another process does it, so that this one sleeps meanwhile.
 */
const OVERFLOW = `
  const { renameSync, writeFileSync } = require("node:fs");
  const [dir, count] = process.argv.slice(1);
  const place = (name, body) => {
    writeFileSync(dir + "/.tmp", body);
    renameSync(dir + "/.tmp", dir + "/" + name);
  };
  place(".noise-0", "");
  for (let i = 0; i < 9000; i++) renameSync(dir + "/.noise-" + (i % 2), dir + "/.noise-" + ((i + 1) % 2));
  for (let i = 0; i < Number(count); i++) {
    place("orch-" + i + ".json", JSON.stringify({ runId: "orch-" + i, agent: "webster", status: "complete", result: "Done." }));
  }`;

function overflow(dir: string, count: number): void {
  const written = spawnSync(process.execPath, ["-e", OVERFLOW, dir, String(count)]);
  assert.equal(written.status, 0, String(written.stderr));
}

test("a blocked loop overflows the watch; the next scans still find every one of 10,000 renames, none twice", async (t) => {
  const count = 10_000;
  const { dir, arrived, arrivals } = await startInbox(t, { settings: { scanMs: 1000, sweepMs: 600_000 } });
  overflow(dir, count);
  const begun = performance.now();
  await arrived(count);
  // The goal of 2 s is measured by the bench; here other tests share the machine.
  assert.ok(performance.now() - begun < 10_000);
  assert.equal(new Set(arrivals.map(({ runId }) => runId)).size, count);
  assert.equal(arrivals.length, count);
});

test("a burst is handed over with 64 documents in memory at most", async (t) => {
  const count = 3000;
  let open = 0;
  let most = 0;
  const { place, arrived, arrivals } = await startInbox(t, {
    sink: async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open--;
    },
  });
  for (let i = 0; i < count; i++) place(`orch-${i}.json`, document(`orch-${i}`));
  await arrived(count);
  assert.equal(new Set(arrivals.map(({ runId }) => runId)).size, count);
  assert.equal(most, 64);
});

test("in a folder too large to list often, what is expected is found by name when events are lost", async (t) => {
  const dir = makeFolder(t);
  for (let i = 0; i < 5_100; i++) writeFileSync(join(dir, `.old-${i}`), "");
  const { inbox, arrived } = await startInbox(t, { dir, settings: { sweepMs: 600_000 } });
  await inbox.sweep();
  inbox.expect("orch-1");
  overflow(dir, 2);
  assert.equal(
    (await arrived(1))[0]?.runId,
    "orch-1",
    "orch-0 is expected by nobody and waits for the sweep",
  );
  inbox.forget("orch-1");
  await inbox.sweep();
  assert.equal((await arrived(2))[1]?.runId, "orch-0");
});
