import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { handoffOf } from "../support/core.ts";
import { createWorld, readPrompt } from "./world.ts";

/** Files of nobody that lie in the folder too, as in one that was used for long. */
const OTHERS = 3000;

for (const retries of [0, 1]) {
  test(`a handoff that came while the supervisor was away counts after its deadline too, with ${retries} retries left`, async (t) => {
    let at = Date.now();
    const now = () => at;
    let path = "";
    const world = await createWorld(t, {
      overrides: { now },
      now,
      onRun: (run) => {
        path = readPrompt(run.message).path;
      },
    });
    const app = await world.start();
    const id = await app.ask({ timeout: "60s", retries });
    await app.until(id, ({ status }) => status === "dispatched");
    await app.stop();
    const folder = join(path, "..");
    for (let n = 0; n < OTHERS; n++) writeFileSync(join(folder, `orch-${n}.json`), "{}");
    writeFileSync(path, JSON.stringify(handoffOf(id)));
    at += 120_000;
    const again = await world.start();
    const view = await again.settled(id);
    assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
    assert.equal(world.gateway.requests.length, 1);
  });
}
