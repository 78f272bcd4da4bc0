import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { createWorld, handBack } from "./world.ts";

/** A world whose clock stands until a test moves it, and how agents.yaml is saved under way. */
async function begin(t: TestContext, given: Parameters<typeof createWorld>[1] = {}) {
  let at = Date.now();
  const now = () => at;
  const world = await createWorld(t, { overrides: { now }, now, ...given });
  // No rule names who may be taken out.
  writeFileSync(join(world.config, "acl.yaml"), "matrix: { tech-lead: [] }\n");
  const app = await world.start();
  const log = () => readFileSync(join(world.home, "logs", "supervisor.log"), "utf8");
  const reads = () => log().split("was read again").length - 1;
  return {
    world,
    app,
    pass(ms: number) {
      at += ms;
    },
    /** Nobody rings when a test moves the clock: a commit of another agent's work does. */
    async wake() {
      await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
    },
    /** Resolves when the supervisor has read it. */
    async save(agents: string) {
      const before = reads();
      writeFileSync(join(world.config, "agents.yaml"), agents);
      await app.poll("/health/live", () => reads() > before);
    },
  };
}

const without = (agents: string) => agents.replace(/^ {2}webster: .*\n/m, "");

test("in doubt, its agent taken out of the file: said at once, sent no more, and what it hands in counts", async (t) => {
  let handIn = () => {};
  const { world, app, save, wake, pass } = await begin(t, {
    onRun(run) {
      handIn = () => handBack(run);
    },
  });
  world.gateway.answerWith({ kind: "commit-then-hang" });
  const id = await app.ask();
  await world.gateway.runsReach(1);
  await save(without(world.agents));
  world.gateway.breakOff();
  const isSaid = ({ waiting }: any) => /no longer in config/.test(waiting?.text);
  const { waiting } = await app.until(id, isSaid);
  assert.equal(
    waiting.text,
    "webster is no longer in config/agents.yaml, so nobody can ask it whether it got the work; it may still hand it in",
  );
  pass(250_000);
  await wake();
  handIn();
  assert.equal((await app.settled(id)).status, "succeeded");
  assert.equal(world.gateway.requests.length, 1);
  const doubts = (await app.typesOf(id)).filter((type) => type === "attempt.uncertain");
  assert.equal(doubts.length, 2, "the doubt, and why it lasts");
});

test("in doubt, its agent taken out of the file and silent: it has failed when its time is over, and says why", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "hang" });
  const id = await app.ask({ timeout: "60s" });
  await world.gateway.requestsReach(1);
  await save(without(world.agents));
  world.gateway.breakOff();
  await app.until(id, ({ waiting }) => /no longer in config/.test(waiting?.text));
  pass(61_000);
  await wake();
  const view = await app.settled(id);
  assert.equal(view.status, "failed");
  assert.equal(
    view.reason,
    "webster is no longer in config/agents.yaml; it may have had the work, and gave nothing back",
  );
  assert.equal(world.gateway.requests.length, 1);
});

test("in doubt, its agent taken out of the file and put back: it is asked again, and does it once", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "hang" }, { kind: "ok" });
  const id = await app.ask();
  await world.gateway.requestsReach(1);
  await save(without(world.agents));
  world.gateway.breakOff();
  await app.until(id, ({ waiting }) => /no longer in config/.test(waiting?.text));
  await save(world.agents);
  pass(5000);
  await wake();
  assert.equal((await app.settled(id)).status, "succeeded");
  assert.deepEqual([world.gateway.requests.length, world.gateway.runs.length], [2, 1]);
});

test("work that waits for an agent that is taken out of the file goes to another one where that is allowed", async (t) => {
  const { world, app, save, wake, pass } = await begin(t);
  world.gateway.answerWith({ kind: "busy" });
  const [moved, kept] = [await app.ask({ fallback: ["tech-lead"] }), await app.ask()];
  for (const id of [moved, kept]) await app.until(id, ({ waiting }) => waiting?.reason === "agent_busy");
  await save(without(world.agents));
  pass(31_000);
  await wake();
  const [there, here] = [await app.settled(moved), await app.settled(kept)];
  assert.deepEqual([there.status, there.agent], ["succeeded", "tech-lead"]);
  const [rerouted] = (await app.history(moved)).filter(({ type }) => type === "delegation.rerouted");
  assert.equal(rerouted?.body.why, "webster is no longer in config/agents.yaml; tech-lead is free");
  assert.deepEqual([here.status, here.reason], ["failed", "webster is no longer in config/agents.yaml"]);
});
