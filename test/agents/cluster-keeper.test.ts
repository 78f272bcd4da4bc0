import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { huntFor } from "../../src/agents/cluster/gateway.ts";
import { look, startKeeper, stopInstance } from "../../src/agents/cluster/instance.ts";
import type { KeeperOrder } from "../../src/agents/cluster/keep.ts";
import { readRecord } from "../../src/agents/cluster/record.ts";
import { readBootId, readProcess } from "../../src/agents/workers/processes.ts";
import { orderFor, untilAnswers, untilStands } from "../support/cluster.ts";

const startsIn = (order: KeeperOrder) =>
  readFileSync(order.place.log, "utf8").match(/listening|it crashed/g)?.length ?? 0;
const isGone = ({ mark }: KeeperOrder) => huntFor(mark)().length === 0;

test("a keeper runs one gateway with its own environment, and stop leaves no process of it", async (t) => {
  const order = await orderFor(t);
  await startKeeper(order);
  await untilAnswers(order.port);
  const standing = look(order.place);
  assert.equal(standing.state, "running");
  const environment = await (await fetch(`http://127.0.0.1:${order.port}/environment`)).json();
  assert.deepEqual(environment, order.env);
  const stopped = await stopInstance(order.place, 5000);
  assert.deepEqual(stopped, { left: [], isKeptAgain: false });
  assert.ok(isGone(order));
  assert.equal(readProcess(standing.keeper ?? 0), undefined);
  assert.equal(look(order.place).state, "stopped");
});

test("a gateway that ended is started again, counted, and its earlier end is told", async (t) => {
  const order = await orderFor(t);
  await startKeeper(order);
  await untilAnswers(order.port);
  const { pid = 0 } = look(order.place);
  process.kill(pid, "SIGKILL");
  const next = await untilStands(order.place, ({ state, restarts }) => state === "running" && restarts === 1);
  assert.notEqual(next.pid, pid);
  await untilAnswers(order.port);
});

test("a gateway that ends each time is left alone after the limit, with pauses that grow, and the reason is kept", async (t) => {
  const order = await orderFor(t, { mode: "crash", restartMs: 100 });
  const startedAt = Date.now();
  await startKeeper(order);
  const { reason } = await untilStands(order.place, ({ state }) => state === "failed");
  assert.ok(Date.now() - startedAt >= 100 + 150);
  assert.match(reason ?? "", /^exit code 1; it was started 3 times within 60 s$/);
  assert.equal(startsIn(order), 3);
  await untilStands(order.place, ({ keeper }) => keeper === undefined);
  assert.equal(readRecord(order.place.record)?.lastExit?.code, 1);
});

test("starts that lie further back than the window do not count", async (t) => {
  const order = await orderFor(t, { mode: "crash", restartMs: 100, startLimit: 2, windowMs: 50 });
  await startKeeper(order);
  await untilStands(order.place, ({ restarts }) => restarts >= 4);
});

test("exit code 78 is final: the configuration is not tried again", async (t) => {
  const order = await orderFor(t, { mode: "config" });
  await startKeeper(order);
  const { reason, restarts } = await untilStands(order.place, ({ state }) => state === "failed");
  assert.match(reason ?? "", /exit code 78: its configuration is wrong/);
  assert.equal(restarts, 0);
});

test("a program that is not there is final, and named", async (t) => {
  const order = await orderFor(t, { command: ["no-such-openclaw", "gateway"] });
  await startKeeper(order);
  const { reason } = await untilStands(order.place, ({ state }) => state === "failed");
  assert.match(
    reason ?? "",
    /no-such-openclaw was not found: install it, or write its whole path into cluster\.command/,
  );
});

test("killed with -9, the keeper leaves its gateway running, and the next one keeps the same process", async (t) => {
  const order = await orderFor(t);
  await startKeeper(order);
  await untilAnswers(order.port);
  const { pid, keeper = 0 } = look(order.place);
  process.kill(keeper, "SIGKILL");
  const orphan = await untilStands(order.place, ({ state }) => state === "unwatched");
  assert.equal(orphan.pid, pid);
  await untilAnswers(order.port);
  await startKeeper(order);
  const kept = await untilStands(order.place, ({ state }) => state === "running");
  assert.equal(kept.pid, pid);
  assert.equal(startsIn(order), 1);
  // The adopted one is no child of its keeper, and is started again all the same.
  process.kill(pid ?? 0, "SIGKILL");
  const next = await untilStands(order.place, ({ state, restarts }) => state === "running" && restarts === 1);
  assert.notEqual(next.pid, pid);
});

test("a gateway without a keeper is stopped too", async (t) => {
  const order = await orderFor(t);
  await startKeeper(order);
  await untilAnswers(order.port);
  process.kill(look(order.place).keeper ?? 0, "SIGKILL");
  await untilStands(order.place, ({ state }) => state === "unwatched");
  assert.deepEqual(await stopInstance(order.place, 5000), { left: [], isKeptAgain: false });
  assert.ok(isGone(order));
});

test("of many keepers at once one keeps the gateway, and there is one gateway", async (t) => {
  const order = await orderFor(t);
  await Promise.all(Array.from({ length: 6 }, () => startKeeper(order)));
  await untilAnswers(order.port);
  const leaders = huntFor(order.mark)().filter(({ parent }) => parent === look(order.place).keeper);
  assert.equal(leaders.length, 1);
  assert.equal(startsIn(order), 1);
});

test("a tool that left the gateway's session and group ends with it", async (t) => {
  const order = await orderFor(t, { mode: "tool" });
  await startKeeper(order);
  await untilAnswers(order.port);
  const before = await untilStands(order.place, ({ pids }) => pids.length >= 2);
  await stopInstance(order.place, 5000);
  for (const pid of before.pids) assert.equal(readProcess(pid), undefined);
});

test("a gateway that does not end is killed when its grace is over", async (t) => {
  const order = await orderFor(t, { mode: "stubborn" });
  await startKeeper(order);
  await untilAnswers(order.port);
  assert.deepEqual(await stopInstance(order.place, 300), { left: [], isKeptAgain: false });
  assert.match(readFileSync(order.place.log, "utf8"), /I am at my turn/);
  assert.ok(isGone(order));
});

test("a port that somebody else holds is named with the process", async (t) => {
  const order = await orderFor(t, { startLimit: 1 });
  const code = `require("node:net").createServer().listen(${order.port}, "127.0.0.1", () => console.log("up"))`;
  const stranger = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => stranger.kill("SIGKILL"));
  await once(stranger.stdout, "data");
  await startKeeper(order);
  const { reason } = await untilStands(order.place, ({ state }) => state === "failed");
  assert.match(reason ?? "", new RegExp(`port ${order.port} is held by process ${stranger.pid}\\b`));
});

test("what an earlier boot wrote down names no living process", async (t) => {
  const order = await orderFor(t);
  const self = readProcess(process.pid);
  const earlier = { pid: process.pid, startTime: self?.startTime ?? "", boot: "another boot" };
  writeFileSync(join(order.place.folder, "keeper-7.claim"), JSON.stringify(earlier));
  const record = { state: "running", since: 1, keeper: earlier, gateway: earlier, restarts: 4 };
  writeFileSync(order.place.record, JSON.stringify(record));
  const standing = look(order.place);
  assert.deepEqual([standing.state, standing.pid, standing.pids], ["stopped", undefined, []]);
  assert.match(standing.reason ?? "", /ended unasked/);
  await startKeeper(order);
  await untilAnswers(order.port);
  assert.notEqual(readBootId(), "another boot");
});

test("a log that is too long is set aside while the gateway goes on writing", async (t) => {
  const order = await orderFor(t, { logMax: 2000 });
  writeFileSync(order.place.log, "");
  await startKeeper(order);
  await untilAnswers(order.port);
  appendFileSync(order.place.log, "an old line\n".repeat(400));
  const aside = `${order.place.log}.1`;
  await untilStands(order.place, () => existsSync(aside));
  assert.match(readFileSync(aside, "utf8"), /listening[^]*an old line\n$/);
  await fetch(`http://127.0.0.1:${order.port}/after`);
  await untilStands(order.place, () => readFileSync(order.place.log, "utf8").includes("GET /after"));
  assert.ok(statSync(order.place.log).size < 2000);
});
