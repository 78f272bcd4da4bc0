import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { goneWithin, newRoot, pidIn, runHq, startHq } from "./cli-process.ts";

test("whoever waits for a delegation or a run that an emergency stop left behind is told that it is held, and does not wait", {
  timeout: 120_000,
}, async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const hq = (...argv: string[]) => runHq(t, argv, options);
  const start = async () => {
    const supervisor = startHq(t, ["start", "--json", "--port", "0", "--guild-port", "0"], options);
    await supervisor.said(/"event":"ready"/);
    return supervisor;
  };
  const supervisor = await start();
  for (const agent of ["webster", "auditor"]) assert.equal((await hq("agents", "drain", agent)).code, 0);
  const asked = await hq("delegate", "webster", "The CTE of ULE", "--no-wait");
  assert.equal(asked.code, 0, asked.err);
  const { runId: id } = JSON.parse(asked.out) as { runId: string };
  const begun = await hq("workflow", "run", "quick-research", "--input", "query=ULE", "--no-wait", "--json");
  assert.equal(begun.code, 0, begun.err);
  const { id: run } = JSON.parse(begun.out) as { id: string };
  // Nobody hears the stop: what is open stays open.
  const pid = pidIn(home);
  assert.ok(pid !== undefined);
  process.kill(pid, "SIGKILL");
  await supervisor.done;
  assert.equal((await hq("stop", "--now")).code, 0);

  for (const one of [id, run]) {
    const told = await hq("wait", one);
    assert.equal(told.code, 3, told.err);
    assert.match(told.err, /waits: Everything was stopped with `hq stop --now`.*`hq start`/);
    assert.ok(told.err.includes(`${one} waits`) && told.err.includes(`\`hq wait ${one}\``), told.err);
  }
  const temporary = pidIn(home);
  if (temporary !== undefined)
    assert.ok(await goneWithin(temporary, 15_000), "the temporary supervisor leaves");

  await start();
  for (const agent of ["webster", "auditor"]) assert.equal((await hq("agents", "resume", agent)).code, 0);
  for (const one of [id, run]) {
    const done = await hq("wait", one);
    assert.equal(done.code, 0, done.err);
  }
  assert.match(readFileSync(join(home, "logs", "supervisor.log"), "utf8"), /"ready"/);
});
