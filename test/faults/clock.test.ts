import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { createSteadyClock } from "../../src/kernel/time.ts";
import { createWorld, handBack } from "./world.ts";

const HOUR_MS = 3_600_000;

/** The machine's clock as somebody sets it: everything in this process sees the jump. */
function settableClock(t: TestContext) {
  const real = Date.now;
  let ahead = 0;
  Date.now = () => real() + ahead;
  t.after(() => {
    Date.now = real;
  });
  return {
    jump(ms: number) {
      ahead += ms;
    },
  };
}

for (const [direction, ms] of [
  ["forwards", 3 * HOUR_MS],
  ["backwards", -3 * HOUR_MS],
] as const) {
  test(`a clock that jumps ${direction} by three hours fires no deadline early and leaves nothing stuck`, async (t) => {
    const clock = settableClock(t);
    const goOn = Promise.withResolvers<void>();
    const world = await createWorld(t, {
      async onRun(run) {
        await goOn.promise;
        handBack(run);
      },
    });
    const app = await world.start();
    const running = await app.ask({ timeout: "60s" });
    await app.until(running, ({ status }) => status === "dispatched");
    world.gateway.answerWith({ kind: "status", status: 500 }, { kind: "ok" });
    const putOff = await app.ask({ timeout: "60s" });
    await app.until(putOff, ({ attempts }) => attempts[0].deferrals > 0);
    clock.jump(ms);
    const silent = await app.ask({ timeout: "1s", retries: 0 });
    await app.settled(await app.ask({ agent: "tech-lead" }));
    assert.equal((await app.settled(silent)).status, "timed_out", "deadlines still come");
    assert.equal((await app.until(running, () => true)).status, "dispatched", "and none too early");
    goOn.resolve();
    for (const id of [running, putOff]) {
      const view = await app.settled(id);
      assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
    }
  });
}

test("a clock set back by three hours between two lives keeps nobody from starting, and nothing waits for them", async (t) => {
  const clock = settableClock(t);
  const goOn = Promise.withResolvers<void>();
  const world = await createWorld(t, {
    async onRun(run) {
      await goOn.promise;
      handBack(run);
    },
  });
  const before = await world.start();
  const running = await before.ask({ timeout: "60s" });
  await before.until(running, ({ status }) => status === "dispatched");
  world.gateway.answerWith({ kind: "status", status: 500 });
  const putOff = await before.ask({ timeout: "60s" });
  await before.until(putOff, ({ attempts }) => attempts[0].deferrals > 0);
  await before.stop();
  world.gateway.answerWith({ kind: "ok" });
  clock.jump(-3 * HOUR_MS);
  const after = await world.start();
  goOn.resolve();
  for (const id of [running, putOff]) {
    const view = await after.settled(id);
    assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
  }
});

test("a steady clock follows what passes and what the machine sleeps, not what somebody sets", () => {
  let wall = 1_000_000;
  let monotonic = 500;
  let uptime = 77;
  const now = createSteadyClock({ wall: () => wall, monotonic: () => monotonic, uptime: () => uptime });
  const pass = (ms: number) => {
    wall += ms;
    monotonic += ms;
    uptime += ms / 1000;
  };
  pass(2500);
  assert.equal(now(), 1_002_500);
  wall += HOUR_MS;
  pass(2500);
  assert.equal(now(), 1_005_000);
  wall -= 5 * HOUR_MS;
  pass(2500);
  assert.equal(now(), 1_007_500);
  uptime += HOUR_MS / 1000;
  pass(2500);
  assert.equal(now(), 1_010_000 + HOUR_MS);
  pass(100);
  assert.equal(now(), 1_010_100 + HOUR_MS);
});
