import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { startSupervisor } from "../support/supervisor.ts";
import { createWorld, doors, handBack, type World } from "./world.ts";

/** The supervisor as a process of its own, ended after the test. */
async function spawnIn(t: TestContext, world: World) {
  const supervisor = await startSupervisor(world.home, world.env, ["--embedded"]);
  t.after(() => supervisor.child.kill("SIGKILL"));
  return { ...supervisor, ...doors(supervisor.call) };
}

test("of two supervisors in one folder the second leaves with 3, names the first one's pid, and disturbs nothing", async (t) => {
  const world = await createWorld(t);
  const first = await spawnIn(t, world);
  const refused = await startSupervisor(world.home, world.env, ["--embedded"]).then(
    () => assert.fail("a second one started"),
    (error: { exit: readonly unknown[]; stderr: string }) => error,
  );
  assert.deepEqual(refused.exit, [3, null]);
  assert.match(refused.stderr, new RegExp(`pid ${first.child.pid}\\b`));
  assert.match(refused.stderr, /hq stop/);
  assert.equal((await first.settled(await first.ask())).status, "succeeded");
});

test("SIGTERM in the middle of a run leaves with 0, and the next start goes on without asking the agent again", async (t) => {
  const goOn = Promise.withResolvers<void>();
  const world = await createWorld(t, {
    async onRun(run) {
      await goOn.promise;
      handBack(run);
    },
  });
  const first = await spawnIn(t, world);
  const id = await first.ask();
  await first.until(id, ({ status }) => status === "dispatched");
  first.child.kill("SIGTERM");
  assert.deepEqual(await first.exited, [0, null]);
  goOn.resolve();
  const second = await spawnIn(t, world);
  const view = await second.settled(id);
  assert.deepEqual([view.status, view.attempt], ["succeeded", 1]);
  assert.equal(world.gateway.requests.length, 1);
  await second.stop();
});

test("a bad change of any configuration file keeps the last good one and says where; a good one holds at once", async (t) => {
  const world = await createWorld(t);
  const app = await world.start();
  const change = (name: string, text: string) => writeFileSync(join(world.config, name), text);
  const logged = () => readFileSync(join(world.home, "logs", "supervisor.log"), "utf8");
  const complaints = () => logged().match(/the last good one stays/g)?.length ?? 0;
  const good = {
    "acl.yaml": "matrix: { tech-lead: [webster] }\n",
    "hq.yaml": "delegation: { retries: 1 }\n",
  };
  for (const [index, [name, bad]] of [
    ["agents.yaml", "agents: { webster: { port: 1, prt: 2 } }\n"],
    ["agents.yaml", "agents: { webster: [\n"],
    ["acl.yaml", "matrix: { tech-lead: [webstr] }\n"],
    ["hq.yaml", "delegation: { retries: 99 }\n"],
  ].entries()) {
    change(name as string, bad as string);
    await app.poll("/health/live", () => complaints() === index + 1);
    assert.match(logged(), new RegExp(`${name}:\\d+`));
    assert.equal((await app.settled(await app.ask())).status, "succeeded", name);
    change(name as string, name === "agents.yaml" ? world.agents : good[name as "acl.yaml"]);
    await app.poll("/health/live", () => logged().split("was read again").length - 1 === index + 1);
  }
  change("agents.yaml", world.agents.replace("webster: {", "webster: { name: Renamed,"));
  await app.agent("webster", ({ name }) => name === "Renamed");
});

test("without a key everything but liveness is answered 401, and nothing is written or sent", async (t) => {
  const world = await createWorld(t);
  const app = await world.start();
  for (const authorization of [undefined, "Bearer wrong-key", "Basic d2Vic3Rlcjp4"]) {
    for (const [method, path] of [
      ["POST", "/delegations"],
      ["GET", "/delegations"],
      ["GET", "/health/ready"],
      ["POST", "/supervisor/stop"],
    ] as const) {
      const response = await fetch(`${app.api}/api/v1${path}`, {
        method,
        headers: { "content-type": "application/json", ...(authorization ? { authorization } : {}) },
        ...(method === "POST" ? { body: JSON.stringify({ agent: "webster", objective: "x" }) } : {}),
      });
      assert.equal(response.status, 401, `${method} ${path} with ${authorization}`);
      assert.match(response.headers.get("content-type") ?? "", /problem\+json/);
    }
  }
  assert.deepEqual((await app.call("GET", "/delegations")).body.items, []);
  assert.deepEqual(world.gateway.requests, []);
});
