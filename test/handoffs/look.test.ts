import assert from "node:assert/strict";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { ArrivedHandoff } from "../../src/engine/ports/handoffs.ts";
import { createFolder } from "../../src/handoffs/folder.ts";
import { createLooks } from "../../src/handoffs/look.ts";
import { settingsOf } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const QUIET = 1000;

/** Looks at one unfinished file by a clock that is moved by hand. `ahead` = how far our clock is before the files'. */
function lookAtOne(t: TestContext, { polling = false, ahead = 0 } = {}) {
  const home = temporaryFolder();
  t.after(home.remove);
  const log = { debug: noted, info: noted, warn: noted, error: noted };
  const now = () => Date.now() + ahead;
  const folder = createFolder({ path: home.path, isPolled: () => true, onName: noted, now, log });
  t.after(folder.close);
  const settings = { ...settingsOf(home.path).handoffs, quietMs: QUIET, polling };
  const arrivals: ArrivedHandoff[] = [];
  let clock = 5000;
  const looks = createLooks({
    settings: () => settings,
    folderOf: () => folder,
    isOwn: () => true,
    isExpected: () => false,
    isOwnLink: () => false,
    sink: async (arrived) => void arrivals.push(arrived),
    now,
    clock: () => clock,
    onWait: noted,
    log,
  });
  const path = join(home.path, "orch-1.json");
  writeFileSync(path, '{"schemaVersion": "1.0", ');
  return {
    path,
    /** How many were handed over when it was looked at after so long. */
    async after(ms: number) {
      clock += ms;
      await looks.look(path);
      return arrivals.length;
    },
  };
}

function noted(): void {}

test("a file that was written to since the last look is not quiet, however long ago that was", async (t) => {
  const { path, after } = lookAtOne(t);
  assert.equal(await after(0), 0);
  appendFileSync(path, '"runId": "orch-1", ');
  assert.equal(await after(3 * QUIET), 0, "it is still being written");
  assert.equal(await after(QUIET - 1), 0);
  assert.equal(await after(1), 1);
});

test("the quiet time is counted from the last change, not from the last look", async (t) => {
  const { after } = lookAtOne(t);
  assert.equal(await after(0), 0);
  assert.equal(await after(0.6 * QUIET), 0);
  assert.equal(await after(0.6 * QUIET), 1);
});

test("the clock of a network file system says nothing of how long a file lies there", async (t) => {
  const hour = 3_600_000;
  const near = lookAtOne(t, { ahead: hour });
  assert.equal(await near.after(0), 1, "on a local one it is old");
  const far = lookAtOne(t, { ahead: hour, polling: true });
  assert.equal(await far.after(0), 0);
  assert.equal(await far.after(QUIET), 1);
});
