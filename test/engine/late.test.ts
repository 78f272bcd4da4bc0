import assert from "node:assert/strict";
import test from "node:test";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";

/** An agent whose work has always taken so long, and a new delegation that it has begun. */
async function atWork(home: string, usualMs: number) {
  const core = await startCore(home);
  const ask = async () => {
    const { delegation } = await core.verbs.delegate(
      { kind: "operator" },
      { agent: "webster", objective: "Look", origin: { door: "cli" }, timeoutMs: 3_600_000 },
    );
    await core.until(delegation.id, "attempt.dispatched");
    return delegation.id;
  };
  const before = await ask();
  core.pass(usualMs);
  await core.hand(before, handoffOf(before, { agent: "webster" }));
  await core.until(before, "delegation.settled");
  const id = await ask();
  const lateness = async () => {
    const { delegations } = await core.verbs.views.now();
    const found = delegations.find((one) => one.id === id);
    return [found?.late, found?.lateWhy];
  };
  return { core, lateness };
}

test("an agent that is quick is late after a minute, not after twice of nearly nothing", async () => {
  using folder = temporaryFolder();
  const { core, lateness } = await atWork(folder.path, 2000);
  core.pass(59_999);
  assert.deepEqual(await lateness(), [false, undefined]);
  core.pass(1);
  assert.deepEqual(await lateness(), [true, "webster usually takes 2s"]);
  await core.stop();
});

test("an agent that takes its time is late after twice of it", async () => {
  using folder = temporaryFolder();
  const { core, lateness } = await atWork(folder.path, 300_000);
  core.pass(599_999);
  assert.deepEqual(await lateness(), [false, undefined]);
  core.pass(1);
  assert.deepEqual(await lateness(), [true, "webster usually takes 5m 00s"]);
  await core.stop();
});
