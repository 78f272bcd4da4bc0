import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { ChannelReader } from "../../src/engine/ports/channels.ts";
import { Refusal, type RefusalCode } from "../../src/kernel/refusal.ts";
import { readHello, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const TRY_AGAIN_MS = 5000;
const channelContext = { channel: "technical" };
const listening = (more = {}) => taskOf("webster", "Look.", { channelContext, ...more });

/** A core without Discord, in which a run of this workflow waits for it. */
async function openWaiting(
  t: TestContext,
  definition = workflowOf("listen", [stepOf("look", listening())]),
  code: RefusalCode = "no_discord",
) {
  const folder = temporaryFolder();
  let isThere = false;
  let reads = 0;
  const readChannel: ChannelReader = async (channel, messages) => {
    reads++;
    if (isThere) return readHello(channel, messages);
    throw new Refusal(code, "There is no connection to Discord.");
  };
  const core = await startCore(folder.path, { workflows: [definition], readChannel });
  t.after(async () => {
    await core.stop();
    folder[Symbol.dispose]();
  });
  const request = { workflow: definition.name, inputs: {}, origin: { door: "cli" } } as const;
  const { run } = await core.verbs.runs.startRun(OPERATOR, request);
  await core.settled();
  const look = async () => {
    const { status, reason = "", steps } = await core.verbs.runs.run(run.id);
    return { status, reason, steps: steps.map((step) => [step.id, step.status, step.reason ?? ""]) };
  };
  return {
    ...core,
    id: run.id,
    look,
    reads: () => reads,
    connect: () => (isThere = true),
    async passOn(ms: number) {
      core.pass(ms);
      await core.settled();
    },
  };
}

test("a canceled run does not wait for the Discord that a step was to read", async (t) => {
  const core = await openWaiting(t);
  assert.deepEqual((await core.look()).steps, [["look", "running", ""]]);
  await core.verbs.runs.cancelRun(OPERATOR, core.id, "not needed");
  await core.passOn(TRY_AGAIN_MS);
  const { status, steps } = await core.look();
  assert.deepEqual([status, steps], ["canceled", [["look", "canceled", "not needed"]]]);
  assert.equal(core.reads(), 1);
});

test("items of a canceled fan-out that wait for Discord end as well", async (t) => {
  const forEach = { expression: "split('a,b,c', ',')", maxParallel: 2 };
  const core = await openWaiting(t, workflowOf("many", [stepOf("look", listening(), { forEach })]));
  assert.equal(core.reads(), 2);
  await core.verbs.runs.cancelRun(OPERATOR, core.id, "not needed");
  await core.passOn(TRY_AGAIN_MS);
  const { status, steps } = await core.look();
  assert.deepEqual([status, steps[0]?.[1], core.reads()], ["canceled", "canceled", 2]);
});

test("the end of a run's time ends a step that waits for Discord", async (t) => {
  const limits = { maxParallel: 1, timeoutMs: TRY_AGAIN_MS + 2000, maxFailures: 3 };
  const core = await openWaiting(t, workflowOf("listen", [stepOf("look", listening())], { limits }));
  await core.passOn(TRY_AGAIN_MS);
  await core.passOn(2000);
  await core.passOn(TRY_AGAIN_MS);
  const { status, steps } = await core.look();
  assert.deepEqual([status, steps], ["failed", [["look", "failed", "the run's time is over"]]]);
  assert.equal(core.reads(), 2);
});

test("start_within bounds the wait for Discord, and the step says what it waited for", async (t) => {
  const startWithinMs = 2 * TRY_AGAIN_MS + 1000;
  const core = await openWaiting(t, workflowOf("listen", [stepOf("look", listening({ startWithinMs }))]));
  await core.passOn(TRY_AGAIN_MS);
  await core.passOn(TRY_AGAIN_MS);
  assert.equal((await core.look()).status, "running");
  await core.passOn(1000);
  const { status, steps } = await core.look();
  assert.equal(status, "failed");
  assert.deepEqual(steps[0]?.slice(0, 2), ["look", "failed"]);
  assert.match(steps[0]?.[2] ?? "", /There is no connection to Discord\..*within 11s/);
});

test("what cleans up after a cancel waits for Discord and is done", async (t) => {
  const tidy = stepOf("tidy", listening(), { cleanup: true });
  const core = await openWaiting(t, workflowOf("tidied", [stepOf("sign-off", approvalOf()), tidy]));
  await core.verbs.runs.cancelRun(OPERATOR, core.id, "not needed");
  await core.settled();
  await core.passOn(TRY_AGAIN_MS);
  assert.equal(core.reads(), 2);
  core.connect();
  core.pass(TRY_AGAIN_MS);
  await core.until(`${core.id}.tidy`, "attempt.dispatched");
  assert.match(core.sent[0]?.message ?? "", /ada \(Engineering\): hello/);
});

test("whatever passes by itself is waited for, and what is outside no longer than start_within", async (t) => {
  const startWithinMs = TRY_AGAIN_MS + 1000;
  for (const [code, end] of [
    ["no_discord", "failed"],
    ["rate_limited", "failed"],
    ["ledger_trouble", "running"],
    ["stopping", "running"],
    ["not_found", "failed"],
  ] as const) {
    const definition = workflowOf("listen", [stepOf("look", listening({ startWithinMs }))]);
    const core = await openWaiting(t, definition, code);
    await core.passOn(TRY_AGAIN_MS);
    assert.equal((await core.look()).status, code === "not_found" ? "failed" : "running", code);
    await core.passOn(TRY_AGAIN_MS);
    assert.equal((await core.look()).status, end, code);
    core.connect();
    core.pass(TRY_AGAIN_MS);
    if (end === "running") await core.until(`${core.id}.look`, "attempt.dispatched");
  }
});
