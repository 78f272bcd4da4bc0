import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import {
  folderOf,
  isAlive,
  markedIn,
  orderOf,
  script,
  startSupervisor,
  startWorkers,
  untilFile,
} from "./worker-fixture.ts";

/** Counts how often it was begun, then works until the file `go` is there. */
const COUNTING = script(`
  import { appendFileSync, existsSync, watch, writeFileSync } from "node:fs";
  appendFileSync("begun.txt", "once\\n");
  const watcher = watch(".");
  const look = () => {
    if (!existsSync("go")) return;
    watcher.close();
    writeFileSync("RESULT.txt", "done\\n");
  };
  watcher.on("change", look);
  look();`);

test("a worker that is late is asked, then killed with all it started, and its result does not count", async (t) => {
  const code = `
    import { spawn } from "node:child_process";
    import { writeFileSync } from "node:fs";
    process.on("SIGTERM", () => writeFileSync("asked", "yes"));
    const sleep = (...args) => spawn(args[0], args.slice(1), { stdio: "ignore", detached: args[0] === "setsid" });
    const children = [sleep("sleep", "600"), sleep("setsid", "sleep", "600"), spawn("sleep", ["600"], { env: {}, stdio: "ignore" })];
    writeFileSync("RESULT.txt", "half of it");
    writeFileSync("pids", [process.pid, ...children.map((child) => child.pid)].join(" "));
    setInterval(() => undefined, 1000);`;
  const { dir, workers } = startWorkers(t, { kind: script(code) });
  const order = orderOf("x", { timeoutMs: 1500 });
  const end = await workers.run(order);
  assert.equal(end.status, "timed_out");
  assert.equal(end.reason, "it took longer than 2 s");
  assert.equal(readFileSync(join(folderOf(dir, order), "asked"), "utf8"), "yes");
  const pids = readFileSync(join(folderOf(dir, order), "pids"), "utf8")
    .split(" ")
    .map(Number);
  assert.equal(pids.length, 4);
  assert.deepEqual(pids.filter(isAlive), []);
  assert.deepEqual(markedIn(dir), []);
});

test("what a worker leaves behind, twice forked and in a session of its own, ends with it", async (t) => {
  const { dir, workers } = startWorkers(t);
  const end = await workers.run(orderOf("x [fork]"));
  assert.equal(end.status, "succeeded");
  assert.deepEqual(markedIn(dir), []);
});

/** Where control groups (cgroup v2) are and may be made; read without the code under test. */
function hasGroups(): boolean {
  const mounted = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((line) => line.includes(" - cgroup2 "))
    ?.split(" ")[4];
  const own = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
  if (mounted === undefined || own === undefined) return false;
  const group = join(mounted, own, `hq-test-${process.pid}`);
  try {
    mkdirSync(group);
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}

test("what drops its mark, its session and its parent ends with the worker where control groups can be made, and is not found elsewhere", async (t) => {
  const slip = "sleep 600 & echo $! > pid";
  const code = `
    import { spawn } from "node:child_process";
    import { once } from "node:events";
    import { writeFileSync } from "node:fs";
    const child = spawn("/usr/bin/env", ["-i", "/usr/bin/setsid", "--wait", "/bin/sh", "-c", ${JSON.stringify(slip)}], { env: {}, stdio: "ignore" });
    await once(child, "exit");
    writeFileSync("RESULT.txt", "done");`;
  const { dir, workers } = startWorkers(t, { kind: script(code) });
  const order = orderOf("x");
  const end = await workers.run(order);
  assert.equal(end.status, "succeeded");
  const pid = Number(readFileSync(join(folderOf(dir, order), "pid"), "utf8"));
  assert.ok(pid > 0, "it was begun");
  const isLeft = isAlive(pid);
  if (isLeft) process.kill(pid, "SIGKILL");
  // The limit that docs/guide/queue.md tells of: nothing but its group leads to such a one.
  assert.equal(isLeft, !hasGroups(), `${pid} is ${isLeft ? "left" : "gone"}`);
  const groups = readFileSync("/proc/self/cgroup", "utf8");
  assert.doesNotMatch(groups, /hq-worker/, "we ourselves are in none");
});

test("kill ends a stubborn worker and what it forked, and says canceled", async (t) => {
  const { dir, workers } = startWorkers(t);
  const order = orderOf("x [fork] [stubborn] [slow 60s]");
  const end = workers.run(order);
  await untilFile(join(folderOf(dir, order), "agent-output.log"));
  await workers.kill(order.id);
  assert.deepEqual(markedIn(dir), []);
  assert.equal((await end).status, "canceled");
  await workers.kill("task-never-heard-of");
});

for (const point of ["worker:spawned", "worker:recorded", "worker:told"]) {
  test(`bug 19: killed at ${point}, the next supervisor finds the worker or starts it: it is done once`, async (t) => {
    const { home, dir, workers } = startWorkers(t, { kind: COUNTING });
    const order = orderOf("x");
    const supervisor = startSupervisor(home, order, { dieAt: point, command: COUNTING.command });
    await once(supervisor, "exit");
    assert.equal(supervisor.signalCode, "SIGKILL");
    const end = workers.run(order);
    await untilFile(join(folderOf(dir, order), "begun.txt"));
    appendFileSync(join(folderOf(dir, order), "go"), "go");
    assert.deepEqual([(await end).status, (await end).result], ["succeeded", "done"]);
    assert.equal(readFileSync(join(folderOf(dir, order), "begun.txt"), "utf8"), "once\n");
  });
}

test("bug 19: a worker outlives its supervisor; the next one takes its result, also when it ended meanwhile", async (t) => {
  const { home, dir, workers } = startWorkers(t, { kind: COUNTING });
  const [running, ended] = [orderOf("x"), orderOf("y")];
  const supervisors = [running, ended].map((order) =>
    startSupervisor(home, order, { command: COUNTING.command }),
  );
  for (const order of [running, ended]) await untilFile(join(folderOf(dir, order), "begun.txt"));
  for (const supervisor of supervisors) {
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
  }
  appendFileSync(join(folderOf(dir, ended), "go"), "go");
  await untilFile(join(dir, ended.agent, ".hq", `${ended.id.replace("/", "~")}.exit.json`));
  const first = await workers.run(ended);
  assert.deepEqual([first.status, first.result], ["succeeded", "done"]);
  const second = workers.run(running);
  appendFileSync(join(folderOf(dir, running), "go"), "go");
  assert.equal((await second).status, "succeeded");
  for (const order of [running, ended])
    assert.equal(readFileSync(join(folderOf(dir, order), "begun.txt"), "utf8"), "once\n");
  assert.deepEqual(markedIn(dir), []);
});

test("killed when the end is on disk, the next supervisor reads it and starts nothing", async (t) => {
  const { home, dir, workers } = startWorkers(t, { kind: COUNTING });
  const order = orderOf("x");
  const supervisor = startSupervisor(home, order, { dieAt: "worker:ended", command: COUNTING.command });
  await untilFile(join(folderOf(dir, order), "begun.txt"));
  appendFileSync(join(folderOf(dir, order), "go"), "go");
  await once(supervisor, "exit");
  assert.equal(supervisor.signalCode, "SIGKILL");
  assert.equal((await workers.run(order)).result, "done");
  assert.equal(readFileSync(join(folderOf(dir, order), "begun.txt"), "utf8"), "once\n");
});

test("a worker whose time ran out while no supervisor lived is killed by the next one", async (t) => {
  const { home, dir, workers } = startWorkers(t, { kind: COUNTING });
  const order = orderOf("x", { timeoutMs: 2000 });
  const supervisor = startSupervisor(home, order, { dieAt: "worker:told", command: COUNTING.command });
  await once(supervisor, "exit");
  await untilFile(join(folderOf(dir, order), "begun.txt"));
  assert.equal((await workers.run(order)).status, "timed_out");
  assert.deepEqual(markedIn(dir), []);
});

test("a worker of which nothing is left after the supervisor died is lost, and said to be", async (t) => {
  const { home, dir, workers } = startWorkers(t, { kind: COUNTING });
  const order = orderOf("x");
  const supervisor = startSupervisor(home, order, { dieAt: "worker:told", command: COUNTING.command });
  await once(supervisor, "exit");
  await untilFile(join(folderOf(dir, order), "begun.txt"));
  // As when the machine goes down: no process can say anything more.
  const pids = markedIn(dir);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  while (pids.some(isAlive)) await new Promise((resolve) => setImmediate(resolve));
  const end = await workers.run(order);
  assert.equal(end.status, "lost", end.reason);
});

test("when its keeper is killed under our eyes, the worker is ended too and has failed", async (t) => {
  const { dir, workers } = startWorkers(t, { kind: COUNTING });
  const order = orderOf("x");
  const end = workers.run(order);
  const begun = join(folderOf(dir, order), "begun.txt");
  await untilFile(begun);
  const record = join(dir, order.agent, ".hq", `${order.id.replace("/", "~")}.record.json`);
  const { keeper } = JSON.parse(readFileSync(record, "utf8")) as { keeper: { pid: number } };
  process.kill(keeper.pid, "SIGKILL");
  assert.equal((await end).status, "failed");
  assert.match((await end).reason ?? "", /killed from outside/);
  assert.deepEqual(markedIn(dir), []);
});

test("killAll needs no supervisor that started them: within 5 s none is left, and each end says canceled", async (t) => {
  const { home, dir, workers } = startWorkers(t);
  const orders = Array.from({ length: 3 }, () => orderOf("x [fork] [stubborn] [slow 60s]"));
  const supervisors = orders.map((order) => startSupervisor(home, order));
  for (const order of orders) await untilFile(join(folderOf(dir, order), "agent-output.log"));
  for (const supervisor of supervisors) {
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
  }
  const startedAt = performance.now();
  const killed = await workers.killAll();
  assert.ok(performance.now() - startedAt < 5000);
  assert.deepEqual(killed.toSorted(), orders.map(({ id }) => id).toSorted());
  assert.deepEqual(markedIn(dir), []);
  for (const order of orders) assert.equal((await workers.run(order)).status, "canceled");
  assert.deepEqual(await workers.killAll(), []);
});

test("killAll leaves the result of a worker that had ended by itself", async (t) => {
  const { home, dir, workers } = startWorkers(t, { kind: COUNTING });
  const order = orderOf("x");
  const supervisor = startSupervisor(home, order, { dieAt: "worker:told", command: COUNTING.command });
  await once(supervisor, "exit");
  await untilFile(join(folderOf(dir, order), "begun.txt"));
  appendFileSync(join(folderOf(dir, order), "go"), "go");
  const { pid } = (
    JSON.parse(
      readFileSync(join(dir, order.agent, ".hq", `${order.id.replace("/", "~")}.record.json`), "utf8"),
    ) as { keeper: { pid: number } }
  ).keeper;
  await untilFile(join(dir, order.agent, ".hq", `${order.id.replace("/", "~")}.exit.json`));
  while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await workers.killAll(), []);
  assert.equal((await workers.run(order)).status, "succeeded");
});

test("close lets go of the workers, and the next ones adopt them", async (t) => {
  const { dir, workers, open } = startWorkers(t, { kind: COUNTING });
  const order = orderOf("x");
  void workers.run(order);
  await untilFile(join(folderOf(dir, order), "begun.txt"));
  await workers.close();
  await workers.close();
  const end = open().run(order);
  appendFileSync(join(folderOf(dir, order), "go"), "go");
  assert.equal((await end).result, "done");
});
