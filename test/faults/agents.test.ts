import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { movableClock } from "../edge/discord-fixture.ts";
import { createWorld, handBack, readPrompt, type World } from "./world.ts";

type App = Awaited<ReturnType<World["start"]>>;
const shown = (message: unknown) => textsOf(message as never).join("\n");
const QUICK = { dispatchMs: 300 };

/** Nobody rings when a test moves the clock: a commit of another agent's work does. */
async function wake(app: App): Promise<void> {
  await app.settled(await app.ask({ agent: "tech-lead", deliver: false }));
}

/** Time passes only when a test says so: nothing comes due because the machine is slow. */
function stillClock() {
  let at = Date.now();
  return {
    now: () => at,
    pass(ms: number) {
      at += ms;
    },
  };
}

async function begin(t: TestContext, given: Parameters<typeof createWorld>[1] = {}) {
  const clock = given.guild ? movableClock() : stillClock();
  const overrides = { now: clock.now, agentTimeouts: QUICK };
  const world = await createWorld(t, { overrides, now: clock.now, ...given });
  return { clock, world, app: await world.start() };
}

test("401 stops that agent at once: many wait, one request was sent, it is said once, and a reload lets them all through", async (t) => {
  const { clock, world, app } = await begin(t, { guild: true });
  const { gateway } = world;
  gateway.answerWith({ kind: "status", status: 401, body: "Unauthorized" });
  const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => app.ask({ objective: `job ${n}` })));
  for (const id of ids) {
    const view = await app.until(id, ({ waiting }) => waiting !== undefined);
    assert.equal(view.waiting.reason, "agent_unauthorized");
  }
  clock.pass(31_000);
  await wake(app);
  assert.equal(gateway.requests.length, 1);
  const isTold = (text: string) => text.includes("webster is stopped");
  await world.seen("it-ops", (messages) => messages.some((message) => isTold(shown(message))));

  gateway.answerWith({ kind: "ok" });
  // It was the gateway that was wrong: the file is saved as it is.
  writeFileSync(join(world.config, "agents.yaml"), world.agents);
  const log = join(world.home, "logs", "supervisor.log");
  await app.poll("/health/live", () => readFileSync(log, "utf8").includes("was read again"));
  clock.pass(31_000);
  await wake(app);
  for (const id of ids) assert.equal((await app.settled(id)).status, "succeeded");
  assert.equal(gateway.requests.length, 13);
  const isWell = (text: string) => text.includes("webster takes work again");
  const logs = await world.seen("it-ops", (messages) => messages.some((message) => isWell(shown(message))));
  assert.equal(logs.filter((message) => isTold(shown(message))).length, 1);
  assert.equal(logs.filter((message) => isWell(shown(message))).length, 1);
});

test("500 and 429 put the work off and say why; Retry-After is waited for to the second, and it is sent once more", async (t) => {
  const { clock, world, app } = await begin(t);
  const { gateway } = world;
  for (const [status, headers, reason, waitMs] of [
    [500, {}, "agent_busy", 1000],
    [429, { "retry-after": "7" }, "rate_limited", 7000],
  ] as const) {
    const before = gateway.requests.length;
    gateway.answerWith({ kind: "status", status, headers }, { kind: "ok" });
    const id = await app.ask();
    const { waiting, attempts } = await app.until(id, (view) => view.waiting !== undefined);
    assert.equal(waiting.reason, reason);
    assert.match(waiting.text, new RegExp(`it answered ${status}`));
    assert.equal(waiting.untilAt, clock.now() + waitMs);
    assert.equal(attempts[0].sends, 0);
    clock.pass(waitMs - 1);
    await wake(app);
    assert.equal(gateway.requests.length, before + 1, `${status}: not before its time`);
    clock.pass(1);
    await wake(app);
    const view = await app.settled(id);
    assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
    assert.equal(gateway.requests.length, before + 2);
  }
});

for (const kind of ["hang", "slow-head", "reset-after-receipt", "commit-then-drop"] as const) {
  test(`an agent that answers with ${kind} is in doubt: looked into, sent again under the same key, marked, done once`, async (t) => {
    const { world, app } = await begin(t);
    const { gateway } = world;
    gateway.answerWith({ kind }, { kind: "ok" });
    const id = await app.ask();
    const view = await app.settled(id);
    assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
    assert.equal(gateway.runs.length, 1);
    const keys = gateway.requests.map(({ headers }) => headers["idempotency-key"]);
    assert.ok(keys.length <= 2 && keys.every((key) => key === `${id}#1`), keys.join());
    // A handoff that is quicker than the doubt leaves none.
    assert.ok(view.attempts[0].ambiguous || keys.length === 1);
    const types = await app.typesOf(id);
    assert.equal(types.filter((type) => type === "delegation.settled").length, 1);
  });
}

for (const kind of ["slow-body", "endless-body"] as const) {
  test(`an answer with ${kind} counts by its status: accepted at once, sent once, nothing fills up`, async (t) => {
    const { world, app } = await begin(t);
    world.gateway.answerWith({ kind });
    const id = await app.ask();
    const view = await app.settled(id);
    assert.deepEqual([view.status, view.attempts[0].ambiguous], ["succeeded", false]);
    assert.deepEqual([world.gateway.requests.length, world.gateway.runs.length], [1, 1]);
  });
}

test("an agent that is down keeps no one waiting for ever: the work waits, goes when it is back, and others go on", async (t) => {
  const { clock, world, app } = await begin(t);
  await world.gateway.stop();
  const id = await app.ask({ ifDown: "wait" });
  const { waiting } = await app.until(id, (view) => view.waiting !== undefined);
  assert.equal(waiting.reason, "agent_down");
  await wake(app);
  await world.gateway.start();
  clock.pass(31_000);
  await wake(app);
  assert.equal((await app.settled(id)).status, "succeeded");
  assert.equal(world.gateway.requests.length, 1);
});

test("a gateway that restarted forgot its run: the next look finds out, and the same attempt is done again", async (t) => {
  let isDeaf = true;
  const { clock, world, app } = await begin(t, {
    onRun: (run) => (isDeaf ? undefined : handBack(run)),
  });
  const id = await app.ask();
  await app.until(id, ({ status }) => status === "dispatched");
  clock.pass(5000);
  await world.gateway.restart();
  isDeaf = false;
  await app.stop();
  const again = await world.start();
  const view = await again.settled(id);
  assert.deepEqual([view.status, view.attempt, view.attempts[0].sends], ["succeeded", 1, 2]);
  assert.ok((await again.typesOf(id)).includes("attempt.lost"));
  assert.deepEqual(
    world.gateway.requests.map(({ body }) => readPrompt(String(body.message)).attempt),
    [1, 1],
  );
});
