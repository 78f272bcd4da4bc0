import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import type { RunPlan } from "../../src/domain/run-plan.ts";
import type { RunView } from "../../src/domain/run-view.ts";
import { goneWithin, newRoot, pidIn, runHq, startHq } from "./cli-process.ts";

const QUICK = ["workflow", "run", "quick-research", "--input"];
const FAST = "CTE of ULE [slow 10ms]";
const runIn = (out: string) => JSON.parse(out) as RunView;
const states = ({ steps }: RunView) => steps.map(({ id, status }) => `${id} ${status}`);

test("without a supervisor a workflow runs on a temporary one, which leaves by itself", async (t) => {
  const { root, home } = newRoot(t);
  mkdirSync(join(root, "config"));
  writeFileSync(join(root, "config", "hq.yaml"), "{}\n");
  const { code, out, err } = await runHq(t, [...QUICK, `query=${FAST}`, "--caller", "manager"], {
    cwd: root,
  });
  assert.equal(code, 0, err);
  const run = runIn(out);
  assert.deepEqual(states(run), ["research succeeded", "validation succeeded"]);
  assert.match(err, /✓ research +webster/);
  const folder = join(home, "handoffs", "workflows", run.id);
  const summary = JSON.parse(readFileSync(join(folder, "summary.json"), "utf8")) as { status: string };
  assert.ok(summary.status);
  assert.ok(existsSync(join(folder, "research.json")));
  const pid = pidIn(home);
  assert.ok(pid === undefined || (await goneWithin(pid, 15_000)), "it leaves when nothing is open");
  const again = await runHq(t, ["wait", run.id, "--format", "text"], { cwd: root });
  assert.equal(again.code, 0, again.err);
  assert.match(again.out, /0\.03|ppm/);
});

test("a gate is approved, or rejected, at another command line than the one that began the run", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const argv = ["workflow", "run", "design-review", "--input", "design=M1 mount [slow 10ms]"];
  const paused = await runHq(t, [...argv, "--non-interactive", "--run-id", "wf-one"], options);
  assert.equal(paused.code, 4, paused.err);
  assert.match(paused.err, /Paused at the gate sign-off: waits for role:Engineering/);
  assert.equal(runIn(paused.out).waiting, "gate");
  const waiting = startHq(t, ["wait", "wf-one"], options);
  await waiting.said(/hq workflow approve wf-one sign-off/);
  const early = await runHq(t, ["workflow", "rerun", "wf-one", "--from", "consolidate"], options);
  assert.equal(early.code, 3, early.out);
  assert.match(early.err, /consolidate of wf-one has not begun.*\n.*hq workflow status wf-one/);
  const approved = await runHq(t, ["workflow", "approve", "wf-one", "--reason", "fine"], options);
  assert.equal(approved.code, 0, approved.err);
  const { code, out, err } = await waiting.done;
  assert.equal(code, 0, err);
  assert.ok(states(runIn(out)).includes("consolidate succeeded"));
  const late = await runHq(t, ["workflow", "reject", "wf-one", "sign-off"], options);
  assert.equal(late.code, 3, late.err);
  const second = startHq(t, [...argv, "--run-id", "wf-two"], options);
  await second.said(/hq workflow reject wf-two sign-off/);
  const rejected = await runHq(t, ["workflow", "reject", "wf-two", "--reason", "mass budget"], options);
  assert.equal(rejected.code, 0, rejected.err);
  const ended = await second.done;
  assert.equal(ended.code, 1, ended.err);
  assert.match(ended.err, /mass budget/);
  assert.ok(states(runIn(ended.out)).includes("consolidate skipped"));
});

test("a failed run says what to type, and goes on from there with another task", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const failed = await runHq(t, [...QUICK, `query=${FAST} [fail]`, "--run-id", "wf-bad"], options);
  assert.equal(failed.code, 1, failed.err);
  assert.match(failed.err, /✗ research +webster/);
  assert.match(failed.err, /hq workflow retry wf-bad/);
  assert.deepEqual(states(runIn(failed.out)), ["research failed", "validation skipped"]);
  const retried = await runHq(t, ["workflow", "retry", "wf-bad", "research", "--task", FAST], options);
  assert.equal(retried.code, 0, retried.err);
  const waited = await runHq(t, ["wait", "wf-bad"], options);
  assert.ok(states(runIn(waited.out)).includes("research succeeded"), waited.err);
});

test("Ctrl-C ends the waiting with 130; status, graph, logs and cancel know the run", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const asked = startHq(t, [...QUICK, "query=CTE of ULE [slow 20s]", "--run-id", "wf-slow"], options);
  await asked.said(/▸ research/);
  asked.child.kill("SIGINT");
  const { code, out, err } = await asked.done;
  assert.deepEqual([code, out], [130, ""]);
  assert.match(err, /wf-slow goes on/);
  const status = await runHq(t, ["status", "wf-slow"], options);
  assert.match(status.out, /▸ research +webster/);
  assert.match((await runHq(t, ["workflow", "graph", "wf-slow"], options)).out, /class s0 running/);
  assert.match(
    (await runHq(t, ["logs", "wf-slow"], options)).out,
    /wf-slow {2}step\.started {2}step=research/,
  );
  const canceled = await runHq(t, ["cancel", "wf-slow", "--reason", "enough"], options);
  assert.equal(canceled.code, 0, canceled.err);
  const ended = await runHq(t, ["wait", "wf-slow"], options);
  assert.deepEqual([ended.code, runIn(ended.out).status], [1, "canceled"], ended.err);
});

test("a dry run asks the supervisor that runs, and leaves no run behind", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const supervisor = startHq(t, ["start", "--embedded", "--json", "--port", "0"], options);
  await supervisor.said(/"event":"ready"/);
  const { code, out, err } = await runHq(t, [...QUICK, "query=x", "--dry-run", "--json"], options);
  assert.equal(code, 0, err);
  assert.equal((JSON.parse(out) as RunPlan).waves.length, 2);
  const refused = await runHq(t, [...QUICK, "query=x", "--dry-run", "--caller", "webster"], options);
  assert.equal(refused.code, 3, refused.err);
  const status = await runHq(t, ["workflow", "status"], options);
  assert.equal(status.err, "No runs yet.\n");
  const folder = join(home, "handoffs", "workflows");
  assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
});
