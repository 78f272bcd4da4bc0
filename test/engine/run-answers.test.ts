import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const OPERATOR = { kind: "operator" } as const;
const ADA = { kind: "person", id: "7", name: "ada", rights: ["operate"] } as const;
const DAY = 86_400_000;

const HALVES = workflowOf("halves", [
  stepOf("left", taskOf("webster", "The left half.")),
  stepOf("right", taskOf("optimizer", "The right half.")),
  stepOf("end", taskOf("auditor", "Both."), { needs: ["left", "right"] }),
]);
const GATED = workflowOf(
  "gated",
  [
    stepOf("look", taskOf("webster", "Look.")),
    stepOf("sign-off", approvalOf({ timeoutMs: 7 * DAY, remindEveryMs: DAY }), { needs: ["look"] }),
    stepOf("other", taskOf("optimizer", "Beside it.")),
    stepOf("end", taskOf("auditor", "Go on."), { needs: ["sign-off"] }),
  ],
  { limits: { maxParallel: 4, timeoutMs: 14 * DAY, maxFailures: 3 } },
);

async function begin(home: string, workflow = HALVES, more: Parameters<typeof startCore>[1] = {}) {
  const core = await startCore(home, { workflows: [workflow], ...more });
  const start = async () =>
    (
      await core.verbs.runs.startRun(OPERATOR, {
        workflow: workflow.name,
        inputs: {},
        origin: { door: "cli" },
      })
    ).run.id;
  const answer = async (child: string, agent: string, given: object = {}) => {
    await core.until(child, "attempt.dispatched");
    await core.hand(child, handoffOf(child, { agent, ...given }));
  };
  const statusOf = async (run: string) =>
    Object.fromEntries((await core.verbs.runs.run(run)).steps.map(({ id, status }) => [id, status]));
  return { core, start, answer, statusOf, runs: core.verbs.runs, [Symbol.asyncDispose]: core.stop };
}

test("while a run goes on a step is skipped: its agent is told to stop, and what needs it begins", async () => {
  using folder = temporaryFolder();
  const { core, start, answer, statusOf, runs } = await begin(folder.path);
  await using _ = core;
  const run = await start();
  await answer(`${run}.left`, "webster");
  await core.until(`${run}.right`, "attempt.dispatched");
  await runs.skipStep(OPERATOR, run, "right");
  await core.until(`${run}.right`, "delegation.settled");
  assert.equal((await core.verbs.delegation(`${run}.right`)).status, "canceled");
  await answer(`${run}.end`, "auditor");
  await core.until(run, "run.settled");
  assert.deepEqual(await statusOf(run), { left: "succeeded", right: "skipped", end: "succeeded" });
  assert.equal((await runs.run(run)).status, "partial");
});

test("while a run goes on a step is done anew from there, and what beside it was done is not repeated", async () => {
  using folder = temporaryFolder();
  const { core, start, answer, statusOf, runs } = await begin(folder.path);
  await using _ = core;
  const run = await start();
  await answer(`${run}.right`, "optimizer");
  await answer(`${run}.left`, "webster");
  await core.until(`${run}.end`, "attempt.dispatched");
  await runs.rerun(OPERATOR, run, "left");
  await answer(`${run}.left~2`, "webster");
  await core.until(`${run}.end~2`, "delegation.queued");
  // Whoever was told to stop may still work: its place is free after its deadline and the grace.
  core.pass(331_000);
  await answer(`${run}.end~2`, "auditor");
  await core.until(run, "run.settled");
  assert.deepEqual(await statusOf(run), { left: "succeeded", right: "succeeded", end: "succeeded" });
  const asked = core.sent.map(({ message }) => /^Run id: (\S+)$/m.exec(message)?.[1]).toSorted();
  assert.deepEqual(
    asked,
    ["left", "right", "end", "left~2", "end~2"].map((step) => `${run}.${step}`).toSorted(),
  );
  assert.equal((await core.verbs.delegation(`${run}.end`)).status, "canceled");
});

test("of two people who retry a failed run at once one begins it, and its step is done once more", async () => {
  using folder = temporaryFolder();
  const { core, start, answer, runs } = await begin(folder.path);
  await using _ = core;
  const run = await start();
  await answer(`${run}.left`, "webster", { status: "blocked", result: "no licence" });
  await answer(`${run}.right`, "optimizer");
  await core.until(run, "run.settled");
  const retried = await Promise.allSettled([runs.retryRun(OPERATOR, run), runs.retryRun(ADA, run)]);
  assert.ok(retried.every((one) => one.status === "fulfilled" || isRefusal(one.reason)));
  await answer(`${run}.left~2`, "webster");
  await core.until(run, "child.started", 4);
  const end = (await runs.run(run)).steps.find(({ id }) => id === "end")?.child ?? "";
  await answer(end, "auditor");
  await core.until(run, "run.settled", 2);
  assert.equal(core.sent.filter(({ message }) => message.includes(`${run}.left`)).length, 2);
  assert.equal((await core.verbs.history(run)).filter(({ type }) => type === "run.resumed").length, 1);
});

test("a step that is blocked is not tried again: its branch ends with the reason, the other one goes on", async () => {
  using folder = temporaryFolder();
  const { core, start, answer, statusOf, runs } = await begin(folder.path);
  await using _ = core;
  const run = await start();
  await answer(`${run}.left`, "webster", {
    status: "blocked",
    notes: "the licence server is away",
  });
  await core.until(run, "step.settled");
  assert.equal((await statusOf(run))["right"], "running");
  await answer(`${run}.right`, "optimizer");
  await core.until(run, "run.settled");
  assert.deepEqual(await statusOf(run), { left: "failed", right: "succeeded", end: "skipped" });
  const view = await runs.run(run);
  assert.equal(view.status, "failed");
  assert.match(view.steps[0]?.reason ?? "", /the licence server is away/);
  assert.match(view.missing.join(" "), /left|end/);
  assert.equal(core.sent.filter(({ message }) => message.includes(`${run}.left`)).length, 1);
});

test("a part of what was asked is passed on, and the run is never called a success", async () => {
  using folder = temporaryFolder();
  const { core, start, answer, statusOf, runs } = await begin(folder.path);
  await using _ = core;
  const run = await start();
  await answer(`${run}.left`, "webster", { status: "partial", result: "only the first half" });
  await answer(`${run}.right`, "optimizer");
  await answer(`${run}.end`, "auditor");
  await core.until(run, "run.settled");
  assert.deepEqual(await statusOf(run), { left: "partial", right: "succeeded", end: "succeeded" });
  assert.equal((await runs.run(run)).status, "partial");
});

test("a gate that is open for days outlives restarts: it reminds each day, others go on, and it is decided once", async () => {
  using folder = temporaryFolder();
  await using first = await begin(folder.path, GATED);
  const run = await first.start();
  await first.answer(`${run}.look`, "webster");
  await first.core.until(run, "gate.opened");
  await first.answer(`${run}.other`, "optimizer");
  await first.core.until(`${run}.other`, "delegation.settled");
  await first.core.stop();

  let at = first.core.now();
  for (const day of [1, 2, 3]) {
    at += DAY;
    const { core, statusOf } = await begin(folder.path, GATED, { at });
    await using _ = core;
    await core.until(run, "gate.reminded", day);
    assert.deepEqual(await statusOf(run), {
      look: "succeeded",
      "sign-off": "waiting",
      other: "succeeded",
      end: "pending",
    });
    assert.deepEqual(core.sent, []);
  }
  await using last = await begin(folder.path, GATED, { at: at + DAY / 2 });
  await last.runs.decideGate(ADA, { run, step: "sign-off", decision: "approve" });
  await assert.rejects(
    last.runs.decideGate(OPERATOR, { run, step: "sign-off", decision: "reject" }),
    (error) => isRefusal(error) && /approved by @ada/.test(error.message),
  );
  await last.answer(`${run}.end`, "auditor");
  await last.core.until(run, "run.settled");
  assert.equal((await last.runs.run(run)).status, "succeeded");
  assert.equal((await last.core.verbs.history(run)).filter(({ type }) => type === "gate.decided").length, 1);
});

test("a plan's time is that of the agents' latest work, and says whose is not known", async () => {
  using folder = temporaryFolder();
  const { core, runs } = await begin(folder.path);
  await using _ = core;
  const plan = () => runs.planRun(OPERATOR, { workflow: "halves", inputs: {} });
  const before = await plan();
  assert.equal(before.estimatedMs, undefined);
  for (const [agent, ms] of [
    ["webster", 4000],
    ["optimizer", 9000],
    ["auditor", 1000],
  ] as const) {
    for (const each of [ms / 2, ms, ms * 10]) {
      const { delegation } = await core.verbs.delegate(OPERATOR, {
        agent,
        objective: `o ${each}`,
        origin: { door: "cli" },
      });
      await core.until(delegation.id, "attempt.dispatched");
      core.pass(each);
      await core.hand(delegation.id, handoffOf(delegation.id, { agent }));
      await core.until(delegation.id, "delegation.settled");
    }
  }
  // What was not known is asked for again after a while.
  core.pass(61_000);
  const asked = core.sent.length;
  const after = await plan();
  assert.equal(after.estimatedMs, 9000 + 1000);
  assert.equal(core.sent.length, asked);
  assert.equal((await core.ledger.list({ kind: "run", limit: 1 })).items.length, 0);
});

test("of a silent agent that does not even answer it is said that it has the work and is away", async () => {
  using folder = temporaryFolder();
  const { core, start, runs } = await begin(folder.path);
  await using _ = core;
  const run = await start();
  await core.until(`${run}.left`, "attempt.dispatched");
  core.setHealth("down");
  core.pass(200_000);
  await core.until(run, "work.stalled");
  const said = (await runs.run(run)).steps.map(({ stalled }) => stalled ?? "");
  assert.ok(
    said.some((text) => /has had it since .* and does not answer now/.test(text)),
    said.join(" | "),
  );
});

test("a plan counts the time of a nested workflow by the agents that would do it", async () => {
  using folder = temporaryFolder();
  const inner = workflowOf("inner", [stepOf("look", taskOf("webster", "Look."))]);
  const outer = workflowOf("outer", [stepOf("in", { kind: "workflow", workflow: "inner", with: {} })]);
  await using core = await startCore(folder.path, { workflows: [inner, outer] });
  const request = { agent: "webster", objective: "x", origin: { door: "cli" } } as const;
  const { delegation } = await core.verbs.delegate(OPERATOR, request);
  await core.until(delegation.id, "attempt.dispatched");
  core.pass(4000);
  await core.hand(delegation.id, handoffOf(delegation.id));
  await core.until(delegation.id, "delegation.settled");
  const plan = await core.verbs.runs.planRun(OPERATOR, { workflow: "outer", inputs: {} });
  assert.deepEqual([plan.waves[0]?.[0]?.estimatedMs, plan.estimatedMs], [4000, 4000]);
});
