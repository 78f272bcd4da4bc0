import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { readProcess } from "../../src/agents/workers/processes.ts";
import { freeze, needing, thaw } from "../support/tools.ts";
import { newRoot, runHq, startHq } from "./cli-process.ts";

/** A process that leaves its parent and its session, tells its number, and hears no SIGTERM. */
const STUBBORN = `
const { spawn } = require("node:child_process");
const code = 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6); console.log(process.pid)';
const child = spawn(process.execPath, ["-e", code], { detached: true, stdio: ["ignore", "inherit", "ignore"] });
child.unref();
console.log(process.pid);
setInterval(() => {}, 1e6);
`;

/** What is left of a process until its parent asks for it does not live. */
const lives = (pid: number) => readProcess(pid) !== undefined;

/** Nothing signals the end of a process that is not our child. */
async function endedWithin(pid: number, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (lives(pid) && Date.now() < deadline) await pause(20);
  return !lives(pid);
}

/** Two processes of a worker: one of its group, and one that left it. */
async function startWorker(t: TestContext, folder: string): Promise<readonly number[]> {
  mkdirSync(folder, { recursive: true });
  const child = spawn(process.execPath, ["-e", STUBBORN], {
    env: { PATH: process.env["PATH"], HQ_WORKER: folder },
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const pids: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    pids.push(Number(line));
    if (pids.length === 2) break;
  }
  t.after(() => {
    for (const pid of pids) if (lives(pid)) process.kill(pid, "SIGKILL");
  });
  return pids;
}

type Stopped = {
  readonly stopped: boolean;
  readonly workers: {
    readonly killed: readonly number[];
    readonly left: readonly number[];
    readonly isProven: boolean;
  };
};

test("an emergency stop kills what is left of workers when no supervisor runs, and nobody else's", async (t) => {
  const { home } = newRoot(t);
  const other = newRoot(t);
  const folder = (of: string) => join(of, "workers", "agent-1-2", "tasks", "task-1.w1");
  const mine = await startWorker(t, folder(home));
  const theirs = await startWorker(t, folder(other.home));
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const { code, out, err } = await runHq(t, ["stop", "--now", "--json"], options);
  assert.equal(code, 0, err);
  const { stopped, workers } = JSON.parse(out) as Stopped;
  assert.equal(stopped, false);
  assert.deepEqual(workers.killed.toSorted(), mine.toSorted());
  assert.deepEqual([workers.left, workers.isProven], [[], true]);
  for (const pid of mine) assert.ok(await endedWithin(pid, 10_000), String(pid));
  for (const pid of theirs) assert.ok(lives(pid), "another folder's worker lives");
  assert.match(err, /No process of a worker is left\. Nothing begins before `hq start`\./);
  const again = await runHq(t, ["stop", "--now"], options);
  assert.equal(again.code, 0);
  assert.match(again.err, /No supervisor runs/);
});

/** What a pause of some milliseconds is where many others want the processor. */
const LONG_PAUSES = `data:text/javascript,${encodeURIComponent(`
  import { syncBuiltinESMExports } from "node:module";
  import timers from "node:timers/promises";
  const pause = timers.setTimeout;
  timers.setTimeout = (ms, ...rest) => pause(ms < 100 ? 10 * ms : ms, ...rest);
  syncBuiltinESMExports();
`)}`;

test("a supervisor that hears nothing is killed with its workers' processes within 5 s, also where each pause takes long; start lets go again", async (t) => {
  const { home } = newRoot(t);
  const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
  const stop = (of: string) =>
    startHq(t, ["stop", "--now"], {
      env: { HQ_HOME: of },
      cwd: tmpdir(),
      nodeFlags: ["--import", LONG_PAUSES],
    });
  // How fast a process begins here is no part of the promise.
  const began = performance.now();
  await stop(newRoot(t).home).done;
  const beginsWithinMs = performance.now() - began;
  const start = () => startHq(t, ["start", "--json", "--port", "0", "--guild-port", "0"], options);
  const deaf = start();
  await deaf.said(/"event":"ready"/);
  deaf.child.kill("SIGSTOP");
  const mine = await startWorker(t, join(home, "workers", "agent-1-2", "tasks", "task-1.w1"));
  const stopping = stop(home);
  await Promise.all(mine.map((pid) => endedWithin(pid, beginsWithinMs + 5000)));
  assert.deepEqual(mine.filter(lives), []);
  const { code, err } = await stopping.done;
  assert.equal(code, 0, err);
  assert.equal((await deaf.done).signal, "SIGKILL");
  assert.match(err, /did not answer: its delegations and runs were not canceled/);
  assert.ok(existsSync(join(home, "held")));
  const next = start();
  await next.said(/"event":"ready"/);
  assert.equal(existsSync(join(home, "held")), false);
  next.child.kill("SIGTERM");
  await once(next.child, "exit");
});

test(
  "an emergency stop ends what there is also where the disk takes no file, and says that work may begin again",
  needing("chattr", async (t) => {
    const { home } = newRoot(t);
    const mine = await startWorker(t, join(home, "workers", "agent-1-2", "tasks", "task-1.w1"));
    const options = { env: { HQ_HOME: home }, cwd: tmpdir() };
    freeze(home);
    try {
      const { code, out, err } = await runHq(t, ["stop", "--now", "--json"], options);
      assert.equal(code, 1, err);
      const said = JSON.parse(out) as Stopped & { readonly unheld: string };
      assert.deepEqual([said.workers.left, said.workers.isProven], [[], true]);
      for (const pid of mine) assert.ok(await endedWithin(pid, 10_000), String(pid));
      assert.match(said.unheld, /held cannot be used: this user may not/);
      assert.match(err, /Work may begin again: .*held cannot be used/);
      assert.doesNotMatch(err, /Nothing begins/);
    } finally {
      thaw(home);
    }
  }),
);
