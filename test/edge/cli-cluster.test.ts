import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { markOf } from "../../src/agents/cluster/environment.ts";
import { huntFor } from "../../src/agents/cluster/gateway.ts";
import { look } from "../../src/agents/cluster/instance.ts";
import { untilAnswers, untilStands } from "../support/cluster.ts";
import { runHq } from "./cli-process.ts";
import { newCluster } from "./cluster-fixture.ts";

type Shown = {
  readonly id: string;
  readonly state: string;
  readonly answers: boolean;
  readonly pid?: number;
  readonly by: string;
  readonly reason?: string;
};
const shownIn = (out: string) => JSON.parse(out) as readonly Shown[];
const setMode = (place: { readonly env: string }, mode: string) =>
  writeFileSync(place.env, `${readFileSync(place.env, "utf8")}HQ_TEST_MODE=${mode}\n`);

test("start waits until the gateways answer with their own tokens, status says so, stop ends them; each twice is once", async (t) => {
  const { run, ports, place } = await newCluster(t);
  const none = await run(["cluster", "status"]);
  assert.deepEqual([none.code, /No instance is made yet: hq cluster init/.test(none.err)], [5, true]);
  await run(["cluster", "init"]);
  const started = await run(["cluster", "start", "--json"]);
  assert.equal(started.code, 0, started.err);
  const shown = shownIn(started.out);
  assert.deepEqual(
    shown.map(({ id, state, answers, by }) => [id, state, answers, by]),
    [
      ["manager", "running", true, "keeper"],
      ["webster", "running", true, "keeper"],
    ],
  );
  assert.match(started.err, /webster: answers on port \d+ after /);
  const hook = (token: string) =>
    fetch(`http://127.0.0.1:${ports[1]}/hooks/delegate`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
  assert.equal((await hook("hooks-of-webster")).status, 200);
  assert.equal((await hook("hooks-of-manager")).status, 401);
  const again = await run(["cluster", "start", "--json"]);
  assert.deepEqual(
    shownIn(again.out).map(({ pid }) => pid),
    shown.map(({ pid }) => pid),
  );
  const status = await run(["cluster", "status"]);
  assert.equal(status.code, 0);
  assert.match(status.out, /^ID +LETTER +PORT[^]*webster +H +\d+ +running +yes/);
  const stopped = await run(["cluster", "stop"]);
  assert.deepEqual([stopped.code, stopped.out], [0, "manager  stopped\nwebster  stopped\n"]);
  assert.deepEqual(huntFor(markOf("keeper", place("webster").folder))(), []);
  const stoppedAgain = await run(["cluster", "stop", "webster"]);
  assert.deepEqual([stoppedAgain.code, stoppedAgain.out], [0, "webster  was not running\n"]);
  assert.equal((await run(["cluster", "status", "A"])).code, 5);
});

test("two starts at the same time from two processes make one gateway", async (t) => {
  const { run, exec, place } = await newCluster(t);
  await run(["cluster", "init", "webster"]);
  const both = await Promise.all([1, 2].map(() => exec(["cluster", "start", "webster", "--json"])));
  const pids = both.map(({ code, out, err }) => {
    assert.equal(code, 0, err);
    return shownIn(out)[0]?.pid;
  });
  assert.equal(pids[0], pids[1]);
  assert.equal(readFileSync(place("webster").log, "utf8").match(/listening/g)?.length, 1);
});

test("after kill -9 of a keeper status says that nobody watches, start keeps the same process, restart makes another", async (t) => {
  const { run, place } = await newCluster(t);
  await run(["cluster", "init", "webster"]);
  await run(["cluster", "start", "webster"]);
  const { pid, keeper = 0 } = look(place("webster"));
  process.kill(keeper, "SIGKILL");
  await untilStands(place("webster"), ({ state }) => state === "unwatched");
  const status = await run(["cluster", "status", "webster", "--json"]);
  assert.deepEqual(
    shownIn(status.out).map((one) => [one.state, one.answers, one.pid]),
    [["unwatched", true, pid]],
  );
  assert.match(shownIn(status.out)[0]?.reason ?? "", /hq cluster start/);
  const started = await run(["cluster", "start", "webster", "--json"]);
  assert.deepEqual([started.code, shownIn(started.out)[0]?.pid], [0, pid]);
  assert.match(started.err, /runs \(process \d+\) and is kept again/);
  const restarted = await run(["cluster", "restart", "webster", "--json"]);
  assert.equal(restarted.code, 0, restarted.err);
  assert.notEqual(shownIn(restarted.out)[0]?.pid, pid);
});

test("`hq` itself killed with -9 while it starts leaves a gateway that is kept, and the next start finds it", async (t) => {
  const { run, spawn, place, ports } = await newCluster(t);
  await run(["cluster", "init", "webster"]);
  const starting = spawn(["cluster", "start", "webster"]);
  await starting.said(/webster: starts/);
  await untilStands(place("webster"), ({ keeper }) => keeper !== undefined);
  starting.child.kill("SIGKILL");
  await starting.done;
  await untilAnswers(ports[1] ?? 0);
  const { pid } = look(place("webster"));
  const again = await run(["cluster", "start", "webster", "--json"]);
  assert.deepEqual([again.code, shownIn(again.out)[0]?.pid], [0, pid]);
});

test("start ends with 1 for a gateway that gives up and says why, the others run on", async (t) => {
  const { run, place } = await newCluster(t, { cluster: { start_limit: 2 } });
  await run(["cluster", "init"]);
  setMode(place("webster"), "crash");
  const { code, err, out } = await run(["cluster", "start", "--json"]);
  assert.equal(code, 1);
  assert.match(err, /webster: exit code 1; it was started 2 times within 60 s/);
  assert.deepEqual(
    shownIn(out).map(({ id, state }) => [id, state]),
    [
      ["manager", "running"],
      ["webster", "failed"],
    ],
  );
  const { out: logs } = await run(["cluster", "logs", "webster"]);
  assert.equal(logs, "it crashed\nit crashed\n");
});

test("start ends with 4 for one that does not answer in time and names it, and it goes on", async (t) => {
  const command = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
  const { run, place } = await newCluster(t, { cluster: { command } });
  await run(["cluster", "init", "webster"]);
  const { code, err } = await run(["cluster", "start", "webster", "--timeout", "1s"]);
  assert.equal(code, 4);
  assert.match(err, /No answer within 1s: webster\. They go on starting; see hq cluster logs webster/);
  assert.equal(look(place("webster")).state, "running");
});

test("Ctrl-C while it waits ends with 130, and the gateway goes on starting", async (t) => {
  const command = [process.execPath, "-e", "setInterval(() => {}, 1000)"];
  const { run, spawn, place } = await newCluster(t, { cluster: { command } });
  await run(["cluster", "init", "webster"]);
  const starting = spawn(["cluster", "start", "webster"]);
  await untilStands(place("webster"), ({ state }) => state === "running");
  starting.child.kill("SIGINT");
  const { code, err } = await starting.done;
  assert.deepEqual([code, /Interrupted: they go on starting/.test(err)], [130, true]);
  assert.equal(look(place("webster")).state, "running");
});

test("an instance that was not made is refused with the way to make it; without words only those that are made start", async (t) => {
  const { run } = await newCluster(t);
  const { code, err } = await run(["cluster", "start", "webster"]);
  assert.equal(code, 2);
  assert.match(err, /There is no instance of webster[^]*hq cluster init webster/);
  await run(["cluster", "init", "manager"]);
  const started = await run(["cluster", "start", "--json"]);
  assert.deepEqual(
    shownIn(started.out).map(({ id }) => id),
    ["manager"],
  );
  const status = await run(["cluster", "status", "--json"]);
  assert.deepEqual([status.code, shownIn(status.out)[1]?.state], [0, "not made"]);
});

test("stop with a time limit kills a turn that takes longer, and leaves nothing", async (t) => {
  const { run, place } = await newCluster(t, { cluster: { stop_grace: "5m" } });
  await run(["cluster", "init", "webster"]);
  setMode(place("webster"), "stubborn");
  await run(["cluster", "start", "webster"]);
  const { code, out } = await run(["cluster", "stop", "webster", "--timeout", "500ms"]);
  assert.deepEqual([code, out], [0, "webster  stopped\n"]);
  assert.deepEqual(huntFor(markOf("keeper", place("webster").folder))(), []);
});

test("logs come by agent, so many lines of each, as JSON too, and --follow goes on over a log that was set aside", async (t) => {
  const { run, spawn, ports, place } = await newCluster(t);
  await run(["cluster", "init"]);
  const nothing = await run(["cluster", "logs", "webster"]);
  assert.deepEqual([nothing.code, nothing.out], [0, ""]);
  assert.match(nothing.err, /webster has said nothing yet/);
  await run(["cluster", "start"]);
  const { out } = await run(["cluster", "logs", "--lines", "1"]);
  assert.match(out, /^manager \| GET \/startupz\nwebster \| GET \/startupz\n$/);
  const json = await run(["cluster", "logs", "H", "-n", "1", "--json"]);
  assert.deepEqual(JSON.parse(json.out), { agent: "webster", line: "GET /startupz" });
  const following = spawn(["cluster", "logs", "webster", "--follow", "--lines", "9"]);
  await following.said(/listening/);
  await fetch(`http://127.0.0.1:${ports[1]}/one`);
  await following.said(/GET \/one/);
  writeFileSync(place("webster").log, "");
  await fetch(`http://127.0.0.1:${ports[1]}/two`);
  await following.said(/GET \/two/);
  following.child.kill("SIGINT");
  assert.equal((await following.done).code, 130);
});

test("a port that another process has is told with that process, and counts as no answer", async (t) => {
  const { run, place, root, ports } = await newCluster(t);
  await run(["cluster", "init"]);
  await run(["cluster", "start", "manager"]);
  const { pid } = look(place("manager"));
  const text = readFileSync(place("webster").config, "utf8");
  // Webster is told to be where manager is.
  writeFileSync(place("webster").config, text.replace(`"port": ${ports[1]}`, `"port": ${ports[0]}`));
  const agents = { agents: { webster: { port: ports[0], token_env: "WEBSTER_HOOKS_TOKEN" } } };
  writeFileSync(join(root, "config", "agents.yaml"), JSON.stringify(agents));
  const { code, err, out } = await run(["cluster", "start", "webster", "--json"]);
  assert.equal(code, 1);
  assert.match(err, new RegExp(`port ${ports[0]} is held by process ${pid}`));
  assert.equal(shownIn(out)[0]?.answers, false);
});

test("a gateway that systemd runs is not started a second time where systemd cannot be asked", async (t) => {
  const { run, place } = await newCluster(t);
  await run(["cluster", "init", "webster"]);
  const env = { HQ_INSTANCE: markOf("systemd", place("webster").folder) };
  const running = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
  });
  t.after(() => running.kill("SIGKILL"));
  await once(running, "spawn");
  const { code, err } = await run(["cluster", "start", "webster"]);
  assert.equal(code, 2);
  assert.match(err, new RegExp(`webster runs under systemd \\(process ${running.pid}\\)[^]*XDG_RUNTIME_DIR`));
});

test("`hq` inside an instance means the user's home by ~, not the gateway's own", async (t) => {
  const { root, env } = await newCluster(t, { agents: { webster: { workspace: "~/ws" } } });
  const inside = { ...env, HQ_INSTANCE: "keeper:/x", HOME: join(root, "other"), HQ_USER_HOME: root };
  const argv = ["cluster", "init", "--dry-run", "--json"];
  const { code, out, err } = await runHq(t, argv, { env: inside, cwd: root });
  assert.equal(code, 0, err);
  assert.equal(
    (JSON.parse(out) as { instances: { workspace: string }[] }).instances[0]?.workspace,
    join(root, "ws"),
  );
});
