import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { createWorld, handBack, type World } from "../faults/world.ts";
import { runHq } from "./cli-process.ts";

const OFTEN = "agents: { health_every: 5s }\napi: { rate_per_minute: 100000 }\n";
const shown = (message: unknown) => textsOf(message as never).join("\n");
const toldIn = (world: World) => world.guild?.inspect.messages("it-ops").map(shown) ?? [];

/** Resolves as soon as #it-ops has a message that says so. */
async function told(world: World, pattern: RegExp): Promise<void> {
  await world.seen("it-ops", (messages) => messages.some((message) => pattern.test(shown(message))));
}

test("an outage is posted in #it-ops within a turn and once, over a restart too; that it is over, as soon as work proves it", async (t) => {
  const world = await createWorld(t, { guild: true, hq: OFTEN });
  const first = await world.start();
  const up = await first.poll("/agents/webster", ({ state }) => state === "up");
  assert.equal(up.health.state, "up");
  assert.deepEqual(toldIn(world), []);
  const begunAt = performance.now();
  await world.gateway.stop();
  await told(world, /🔴 webster is down: .*connection refused/);
  assert.ok(performance.now() - begunAt < 10_000);
  const down = await first.poll("/agents/webster", ({ state }) => state === "down");
  assert.ok(down.since >= up.since);
  await first.stop();

  const second = await world.start();
  const still = await second.poll("/agents/webster", ({ health }) => health.state === "down");
  assert.deepEqual([still.state, still.since], ["down", down.since]);
  assert.equal(toldIn(world).length, 1);
  await world.gateway.start();
  await second.settled(await second.ask());
  await told(world, /🟢 webster is up again, after/);
  const back = await second.poll("/agents/webster", ({ state }) => state === "up");
  assert.ok(back.lastHandoffAt >= back.since);
  assert.equal(toldIn(world).length, 2);
});

test("a gateway that takes connections and says nothing is down only when it is asked twice in vain", async (t) => {
  const world = await createWorld(t, {
    guild: true,
    hq: OFTEN,
    overrides: { agentTimeouts: { probeMs: 150 } },
  });
  const { createServer } = await import("node:net");
  let connections = 0;
  const mute = createServer((socket) => {
    connections += 1;
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => void mute.listen(0, "127.0.0.1", resolve));
  t.after(() => mute.close());
  const { port } = mute.address() as { port: number };
  const mutes = `  mute: { url: "http://127.0.0.1:${port}", browser_ports: false }\n`;
  writeFileSync(join(world.config, "agents.yaml"), `${world.agents}${mutes}`);
  await world.start();
  await told(world, /🔴 mute is down: .*no answer within/);
  assert.ok(connections >= 2, `asked ${connections} times`);
  assert.equal(toldIn(world).length, 1);
});

test("hq agents drain and resume: work waits and says why, the table shows it, and it goes on within a second", async (t) => {
  const work: (() => void)[] = [];
  const world = await createWorld(t, {
    guild: true,
    hq: OFTEN,
    concurrency: 1,
    onRun: async (run) => {
      await new Promise<void>((resolve) => work.push(resolve));
      handBack(run);
    },
  });
  const app = await world.start();
  const env = { HQ_HOME: world.home, HQ_CONFIG: world.config };
  const hq = (...argv: string[]) => runHq(t, argv, { env, cwd: world.folder });
  const running = await app.ask({ objective: "the first" });
  await app.until(running, ({ status }) => status === "dispatched");
  const drained = await hq("agents", "drain", "webster", "--reason", "new disk");
  assert.deepEqual([drained.code, drained.err], [0, ""]);
  assert.match(
    drained.out,
    /webster gets no new work until `hq agents resume webster`; 1 running goes on, 0 waiting/,
  );
  await told(world, /⏸️ webster is drained by operator: new disk\./);
  const waiting = await app.ask({ objective: "the second" });
  const held = await app.until(waiting, (view) => view.waiting !== undefined);
  assert.equal(held.waiting.reason, "agent_draining");
  work[0]?.();
  assert.equal((await app.settled(running)).status, "succeeded");
  assert.match((await hq("agents", "list")).out, /webster +– +draining +\d{4}-.* 0 +1 +\d{4}-/);
  assert.match((await hq("status", waiting)).out, /waiting +webster is drained.*given up at/);
  assert.match((await hq("agents", "show", "webster")).out, /drained +\d{4}-.* by operator: new disk\n/);
  const refused = await app.call("POST", "/delegations", {
    agent: "webster",
    objective: "now or never",
    ifDown: "refuse",
  });
  assert.deepEqual([refused.status, refused.body.code], [503, "agent_draining"]);
  assert.equal(world.gateway.requests.length, 1);

  // In the next life it is still drained.
  await app.stop();
  const next = await world.start();
  assert.equal((await next.poll("/agents/webster", ({ health }) => health.state === "up")).state, "draining");
  const resumedAt = performance.now();
  const resumed = await next.call("POST", "/agents/webster/resume");
  assert.deepEqual([resumed.status, resumed.body.draining], [200, undefined]);
  await world.gateway.requestsReach(2);
  assert.ok(performance.now() - resumedAt < 4000, "not only when it is looked at again, after 5 s");
  await next.until(waiting, ({ status }) => status === "dispatched");
  work[1]?.();
  assert.equal((await next.settled(waiting)).status, "succeeded");
  await told(world, /▶️ webster gets new work again \(operator\)/);
  const json = JSON.parse((await hq("agents", "list", "--json")).out) as { state: string }[];
  assert.deepEqual(
    json.map(({ state }) => state),
    ["up", "up"],
  );
});

test("an agent's own token drains nobody", async (t) => {
  const world = await createWorld(t);
  const app = await world.start();
  const { body } = await app.call("POST", "/agents/tech-lead/key");
  const answer = await fetch(`${app.api}/api/v1/agents/webster/drain`, {
    method: "POST",
    headers: { authorization: `Bearer ${body.token}` },
  });
  assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [403, "not_allowed"]);
});
