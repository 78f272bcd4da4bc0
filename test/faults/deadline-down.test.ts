import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { handoffOf } from "../support/core.ts";
import { createWorld, readPrompt } from "./world.ts";

/** Files of nobody that lie in the folder too, as in one that was used for long. */
const OTHERS = 3000;

const WORKFLOW = `name: note
limits: { timeout: 60s }
steps:
  look: { agent: webster, task: "Look it up.", timeout: 10m }
`;

async function begin(t: TestContext, concurrency: number) {
  let at = Date.now();
  const now = () => at;
  let path = "";
  const world = await createWorld(t, {
    overrides: { now },
    now,
    concurrency,
    hq: "workflows: { dir: FOLDER/workflows }\n",
    onRun: (run) => {
      path = readPrompt(run.message).path;
    },
  });
  mkdirSync(join(world.folder, "workflows"));
  writeFileSync(join(world.folder, "workflows", "note.yaml"), WORKFLOW);
  return {
    world,
    pass(ms: number) {
      at += ms;
    },
    /** What its agent hands in last of all that lies there. */
    handIn(id: string) {
      for (let n = 0; n < OTHERS; n++) writeFileSync(join(path, "..", `orch-${n}.json`), "{}");
      writeFileSync(path, JSON.stringify(handoffOf(id)));
    },
  };
}

for (const retries of [0, 1]) {
  test(`a handoff that came while the supervisor was away counts after its deadline too, with ${retries} retries left`, async (t) => {
    const { world, pass, handIn } = await begin(t, 8);
    const app = await world.start();
    const id = await app.ask({ timeout: "60s", retries });
    await app.until(id, ({ status }) => status === "dispatched");
    await app.stop();
    handIn(id);
    pass(120_000);
    const again = await world.start();
    const view = await again.settled(id);
    assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
    assert.equal(world.gateway.requests.length, 1);
  });
}

test("a handoff that came while the supervisor was away keeps the next attempt, which waited for a place, from being sent", async (t) => {
  const { world, pass, handIn } = await begin(t, 1);
  const app = await world.start();
  const id = await app.ask({ timeout: "60s", retries: 1 });
  await app.until(id, ({ status }) => status === "dispatched");
  pass(61_000);
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
  assert.equal((await app.until(id, ({ attempt }) => attempt === 2)).status, "queued");
  await app.stop();
  handIn(id);
  pass(120_000);
  const again = await world.start();
  assert.equal((await again.settled(id)).status, "succeeded");
  assert.equal(world.gateway.requests.length, 1);
});

test("a step's handoff that came while the supervisor was away is its result, though the run's time is over", async (t) => {
  const { world, pass, handIn } = await begin(t, 8);
  const app = await world.start();
  const { body: run } = await app.call("POST", "/runs", { workflow: "note" });
  assert.equal(run.workflow, "note", JSON.stringify(run));
  const { steps } = await app.poll(`/runs/${run.id}`, (view) => view.steps?.[0]?.child);
  const { child } = steps[0];
  await app.until(child, ({ status }) => status === "dispatched");
  await app.stop();
  handIn(child);
  pass(120_000);
  const again = await world.start();
  assert.equal((await again.settled(child)).status, "succeeded");
  const over = await again.poll(`/runs/${run.id}`, ({ settledAt }) => settledAt);
  assert.deepEqual([over.steps[0].status, over.steps[0].result], ["succeeded", "0 ± 0.02 ppm/K"]);
});
