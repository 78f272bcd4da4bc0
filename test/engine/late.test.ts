import assert from "node:assert/strict";
import test from "node:test";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

/** A core, asking its webster, and whether that is late. */
async function begin(home: string) {
  const core = await startCore(home);
  return {
    core,
    /** A new delegation that it has begun. */
    async ask(timeoutMs = 3_600_000): Promise<string> {
      const { delegation } = await core.verbs.delegate(
        { kind: "operator" },
        { agent: "webster", objective: "Look", origin: { door: "cli" }, timeoutMs },
      );
      await core.until(delegation.id, "attempt.dispatched");
      return delegation.id;
    },
    async lateness(id: string) {
      const { delegations } = await core.verbs.views.now();
      const found = delegations.find((one) => one.id === id);
      return [found?.late, found?.lateWhy];
    },
  };
}

/** An agent whose work has always taken so long, and a new delegation that it has begun. */
async function atWork(home: string, usualMs: number) {
  const { core, ask, lateness } = await begin(home);
  const before = await ask();
  core.pass(usualMs);
  await core.hand(before, handoffOf(before, { agent: "webster" }));
  await core.until(before, "delegation.settled");
  const id = await ask();
  return { core, lateness: () => lateness(id) };
}

test("an agent that is quick is late after a minute, not after twice of nearly nothing", async () => {
  using folder = temporaryFolder();
  const { core, lateness } = await atWork(folder.path, 2000);
  await using _ = core;
  core.pass(59_999);
  assert.deepEqual(await lateness(), [false, undefined]);
  core.pass(1);
  assert.deepEqual(await lateness(), [true, "webster usually takes 2s"]);
});

test("an agent that takes its time is late after twice of it", async () => {
  using folder = temporaryFolder();
  const { core, lateness } = await atWork(folder.path, 300_000);
  await using _ = core;
  core.pass(599_999);
  assert.deepEqual(await lateness(), [false, undefined]);
  core.pass(1);
  assert.deepEqual(await lateness(), [true, "webster usually takes 5m 00s"]);
});

test("work that came from an earlier attempt took as long as that attempt did", async () => {
  using folder = temporaryFolder();
  const { core, ask, lateness } = await begin(folder.path);
  await using _ = core;
  const slow = await ask(300_000);
  core.pass(300_000);
  await core.until(slow, "attempt.failed");
  core.pass(30_000);
  await core.until(slow, "attempt.dispatched", 2);
  core.pass(10_000);
  await core.hand(slow, handoffOf(slow));
  await core.until(slow, "delegation.settled");
  // The second attempt's place is kept until its deadline and grace.
  core.pass(330_000);
  const id = await ask();
  core.pass(679_999);
  assert.deepEqual(await lateness(id), [false, undefined]);
  core.pass(1);
  assert.deepEqual(await lateness(id), [true, "webster usually takes 5m 40s"]);
});

test("a failure that was handed in before does not count into the time of the result", async () => {
  using folder = temporaryFolder();
  const { core, ask, lateness } = await begin(folder.path);
  await using _ = core;
  const again = await ask();
  core.pass(400_000);
  await core.hand(again, handoffOf(again, { status: "failed" }));
  await core.until(again, "attempt.dispatched", 2);
  core.pass(40_000);
  await core.hand(again, handoffOf(again), { attempt: 2, inode: "2" });
  await core.until(again, "delegation.settled");
  const id = await ask();
  core.pass(80_000);
  assert.equal((await lateness(id))[1], "webster usually takes 40s");
});
