import assert from "node:assert/strict";
import test from "node:test";
import { startHq } from "../edge/cli-process.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { firstLife } from "./kill.ts";
import { read } from "./load.ts";
import { runRound, summary } from "./rounds.ts";
import { addWorkflow, runDiamonds } from "./run-rounds.ts";
import { createWorld } from "./world.ts";

const SINGLE = `name: single
description: One step.
steps:
  top: { agent: webster, task: "Begin." }
`;

test("killed between the commit and its answer: the same key finds what was committed, and nothing is there twice", {
  timeout: 120_000,
}, async (t) => {
  const round = await runRound({ points: ["accept:committed"], perKill: 6, nth: () => 1, isQuiet: true });
  const { text, isClean } = summary(round);
  t.diagnostic(text);
  assert.equal(round.kills, 1);
  assert.ok(round.repeated > 0, "somebody asked, and was not answered");
  assert.equal(round.asked, 6);
  assert.ok(isClean, text);
});

test("killed between a run's commit and its answer: the same key finds the run, and there is no second one", {
  timeout: 120_000,
}, async (t) => {
  const round = await runDiamonds({ points: ["accept:committed"], perKill: 2, nth: () => 1 });
  const { lost, doubled, unseen } = round.findings;
  t.diagnostic(`runs ${round.runs} · kills ${round.kills} · answers lost ${round.repeated}`);
  assert.deepEqual([...lost, ...doubled, ...unseen], []);
  assert.deepEqual([round.kills, round.runs, round.repeated], [1, 2, 1]);
});

test("killed between a rerun's commit and its answer: the command asks again, and the step is done once more, once", {
  timeout: 120_000,
}, async (t) => {
  using folder = temporaryFolder("hq-chaos-rerun-");
  const world = await createWorld(folder.path);
  t.after(world.stop);
  addWorkflow(world, folder.path, "single", SINGLE);
  await firstLife(world);
  const first = await world.start();
  t.after(() => first.child.kill("SIGKILL"));
  const { id } = (await first.call("POST", "/runs", { workflow: "single" })).body;
  assert.equal((await read(first, `/runs/${id}?wait=60s`)).status, "succeeded");
  await first.stop();

  const second = await world.start("accept:committed#1");
  t.after(() => second.child.kill("SIGKILL"));
  const given = { env: { ...world.env, HQ_HOME: world.home }, cwd: folder.path };
  const rerun = startHq(t, ["workflow", "rerun", id, "--from", "top", "--json"], given);
  assert.deepEqual(await second.exited, [null, "SIGKILL"]);
  // Nobody starts another one: the command does, for as long as it is needed.
  const { code, out, err } = await rerun.done;
  assert.equal(code, 0, err);
  assert.equal(JSON.parse(out).resumes, 1);
  const waited = await startHq(t, ["wait", id], given).done;
  assert.equal(waited.code, 0, waited.err);
  const run = JSON.parse(waited.out);
  assert.deepEqual([run.resumes, run.round, run.steps[0].generation], [1, 2, 2]);
  const sent = world.gateways.flatMap(({ posts }) => posts.map(({ run, attempt }) => `${run}#${attempt}`));
  assert.deepEqual(sent.toSorted(), [`${id}.top#1`, `${id}.top~2#1`]);
  assert.equal((await startHq(t, ["stop"], given).done).code, 0);
});
