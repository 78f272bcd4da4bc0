import assert from "node:assert/strict";
import test from "node:test";
import type { Supervised } from "../../src/domain/supervise.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { writtenWorkflow } from "../support/written-workflow.ts";

const BUILD = `name: led
defaults: { retry: { max_attempts: 1 } }
limits: { max_failures: 9 }
steps:
  build:
    supervise:
      goal: "Model the \${{ inputs.part }} and plan its study."
      supervisor: manager
      workers: [nx-expert, study-builder]
      max_rounds: ROUNDS
  tell:
    needs: [build]
    agent: secretary
    task: "Tell \${{ steps.build.result }}"
inputs: { part: { required: true } }
`;

async function led(home: string, rounds: number) {
  const core = await startCore(home, {
    workflows: [writtenWorkflow(home, "led", BUILD.replace("ROUNDS", String(rounds)))],
  });
  const { run } = await core.verbs.runs.startRun(
    { kind: "operator" },
    { workflow: "led", inputs: { part: "bracket" }, origin: { door: "cli" } },
  );
  async function answer(step: string, agent: string, more: object) {
    const child = `${run.id}.${step}`;
    await core.until(child, "attempt.dispatched");
    await core.hand(child, handoffOf(child, { agent, ...more }));
  }
  const say = (round: number, value: object) =>
    answer(`build-ask-${round}`, "manager", { result: JSON.stringify(value) });
  const state = () => core.verbs.runs.run(run.id);
  const step = async (id: string) => {
    const found = (await state()).steps.find((one) => one.id === id);
    assert.ok(found);
    return found;
  };
  const promptOf = (child: string) =>
    core.sent.find(({ message }) => message.includes(`Run id: ${run.id}.${child}\n`))?.message ?? "";
  return { core, run, answer, say, state, step, promptOf };
}

const give = (agent: string, task: string) => ({ agent, task });

test("a piece that failed goes to another worker, and the card shows both", async () => {
  using folder = temporaryFolder();
  const { core, run, answer, say, state, step, promptOf } = await led(folder.path, 4);
  await using _ = core;
  await say(1, { done: false, next: [give("nx-expert", "Mesh it."), give("study-builder", "Plan it.")] });
  await answer("build-work-1_0", "nx-expert", { status: "failed", result: "no licence" });
  await answer("build-work-1_1", "study-builder", { result: "8 runs" });
  await say(2, { done: false, next: [give("study-builder", "Mesh it, coarsely.")] });
  await answer("build-work-2_0", "study-builder", { result: "meshed" });
  await say(3, { done: true, result: "Meshed and planned." });
  await answer("tell", "secretary", { result: "told" });
  await core.until(run.id, "run.settled");

  assert.match(promptOf("build-ask-1"), /Goal: Model the bracket and plan its study\./);
  assert.match(promptOf("build-ask-2"), /"nx-expert","task":"Mesh it\."\}: \(failed\) .*no licence/);
  assert.match(promptOf("build-ask-2"), /"study-builder","task":"Plan it\."\}: 8 runs/);
  assert.equal((await step("build-work-1")).workers, "nx-expert failed, study-builder");
  assert.equal((await step("build-work-2")).workers, "study-builder");
  const built = await step("build");
  const output = built.output as Supervised;
  assert.deepEqual([built.status, output.done, output.rounds], ["succeeded", true, 3]);
  assert.deepEqual(
    output.pieces.map(({ round, agent, task, status }) => `${round} ${agent} ${task} ${status}`),
    [
      "1 nx-expert Mesh it. failed",
      "1 study-builder Plan it. succeeded",
      "2 study-builder Mesh it, coarsely. succeeded",
    ],
  );
  assert.deepEqual(
    output.failed.map(({ task }) => task),
    ["Mesh it."],
  );
  assert.match(built.result ?? "", /^Meshed and planned\.\nCame to nothing: round 1, nx-expert/);
  // The rounds that were not needed are skipped, and a piece that failed keeps the run from being called a success.
  assert.equal((await step("build-ask-4")).status, "skipped");
  assert.equal((await state()).status, "partial");
});

test("a supervisor that never ends is stopped by max_rounds, with what there is", async () => {
  using folder = temporaryFolder();
  const { core, run, answer, say, state, step, promptOf } = await led(folder.path, 2);
  await using _ = core;
  for (const round of [1, 2]) {
    await say(round, { done: false, next: [give("nx-expert", `Once more, ${round}.`)] });
    await answer(`build-work-${round}_0`, "nx-expert", { result: `piece ${round}` });
  }
  await answer("tell", "secretary", { result: "told" });
  await core.until(run.id, "run.settled");
  const built = await step("build");
  assert.equal(built.status, "partial");
  assert.match(built.reason ?? "", /max_rounds \(2\) is reached/);
  assert.match(
    built.result ?? "",
    /^Not finished: .*\n## Once more, 1\.\nnx-expert: piece 1\n## Once more, 2\./,
  );
  assert.equal((built.output as Supervised).done, false);
  assert.match(promptOf("build-ask-2"), /This is round 2 of 2\. It is the last one/);
  assert.match(promptOf("tell"), /the result of the step build is partial/);
  assert.equal((await state()).status, "partial");
  assert.equal(core.sent.length, 5);
});

test("a piece for somebody who is no worker is refused, and without a leader the work fails", async () => {
  using folder = temporaryFolder();
  const { core, run, say, state, step } = await led(folder.path, 3);
  await using _ = core;
  await say(1, { done: false, next: [give("webster", "Look it up.")] });
  await core.until(run.id, "run.settled");
  assert.equal((await step("build-ask-1")).status, "failed");
  assert.equal((await step("build-work-1")).status, "skipped");
  const built = await step("build");
  assert.equal(built.status, "failed");
  assert.match(built.reason ?? "", /nobody led round 1: .*next\.0\.agent/);
  assert.equal((await step("tell")).status, "skipped");
  assert.equal((await state()).status, "failed");
  assert.equal(core.sent.length, 1);
});

test("neither an answer without pieces nor one without a result is taken", async () => {
  for (const value of [{ done: false }, { done: false, next: [] }, { done: true }]) {
    using folder = temporaryFolder();
    const { core, run, say, step } = await led(folder.path, 1);
    await say(1, value);
    await core.until(run.id, "run.settled");
    assert.equal((await step("build-ask-1")).status, "failed", JSON.stringify(value));
    await core.stop();
  }
});

test("a worker sees its piece as data behind a fence, and the goal", async () => {
  using folder = temporaryFolder();
  const { core, run, say, promptOf } = await led(folder.path, 1);
  await using _ = core;
  await say(1, { done: false, next: [give("nx-expert", "Mesh it.")] });
  await core.until(`${run.id}.build-work-1_0`, "attempt.dispatched");
  const prompt = promptOf("build-work-1_0");
  assert.match(prompt, /It is a part of this: Model the bracket and plan its study\./);
  assert.match(prompt, /<<<data-[\w-]+\nMesh it\.\ndata-[\w-]+>>>/);
});

test("whoever may not ask one of the workers starts nothing", async () => {
  using folder = temporaryFolder();
  await using core = await startCore(folder.path, {
    workflows: [writtenWorkflow(folder.path, "led", BUILD.replace("ROUNDS", "2"))],
  });
  const asked = { workflow: "led", inputs: { part: "x" }, origin: { door: "cli" } } as const;
  await assert.rejects(
    core.verbs.runs.startRun({ kind: "operator", claims: "webster" }, asked),
    (error: unknown) => /build-work-1.*/.test(JSON.stringify(error)),
  );
  assert.equal(core.sent.length, 0);
});
