import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { Routes } from "discord.js";
import { createRest } from "../../src/discord/rest.ts";
import { untilQuiet } from "../chaos/load.ts";
import { judge } from "../chaos/verdict.ts";
import { createWorld } from "../chaos/world.ts";
import { createCuttable } from "../support/cuttable.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { until } from "./leader-fixture.ts";

const TOKEN = "a-bot-token-of-a-test";
const LOG = { debug() {}, info() {}, warn() {}, error() {} };

test("requests without an answer are noticed, looked after until there is one, and never say the token; a failure is an answer", async (t) => {
  const asked: string[] = [];
  let status = 200;
  const server = createServer(({ url = "" }, response) => {
    asked.push(url);
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const way = await createCuttable();
  way.leadTo((server.address() as AddressInfo).port);
  const now = () => 1_800_000_000_000;
  const rest = createRest({ token: TOKEN, api: `http://127.0.0.1:${way.port}/api`, log: LOG, now });
  t.after(async () => {
    rest.stop();
    await way.stop();
    server.closeAllConnections();
    server.close();
  });
  const post = () => rest.raw.post(Routes.channelMessages("1"), { body: {} });

  status = 500;
  await assert.rejects(post());
  assert.equal(rest.unanswered(), undefined);

  status = 200;
  way.cut();
  await assert.rejects(post());
  const { since, text } = rest.unanswered() ?? assert.fail("nothing was noticed");
  assert.equal(since, now());
  assert.match(text, /./);
  assert.ok(!text.includes(TOKEN));

  way.mend();
  asked.length = 0;
  await until(() => rest.unanswered() === undefined);
  assert.deepEqual(asked, ["/api/v10/gateway"]);
});

test("the gateway is connected and requests are not answered: status says so and since when, and what waited is posted once when they are", async (t) => {
  const folder = temporaryFolder("hq-unanswered-");
  const world = await createWorld(folder.path, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 50 },
    concurrency: 4,
  });
  const way = await createCuttable({ isNamed: "there" });
  const api = new URL(world.env.DISCORD_API);
  way.leadTo(Number(api.port));
  api.port = `${way.port}`;
  const home = `${folder.path}/home`;
  const supervisor = await startSupervisor(home, { ...world.env, DISCORD_API: api.href });
  t.after(async () => {
    supervisor.child.kill("SIGKILL");
    await supervisor.exited;
    await way.stop();
    await world.stop();
    folder.remove();
  });
  const ask = async (objective: string): Promise<string> =>
    (await supervisor.call("POST", "/delegations", { agent: "webster", objective })).body.id;
  const discord = async () => {
    const { body } = await supervisor.call("GET", "/health/ready");
    return body.checks.find(({ name }: { name: string }) => name === "discord");
  };

  const before = await ask("before the cut");
  await untilQuiet(supervisor, [before]);
  way.cut();
  const waits = await ask("waits for an answer");
  await until(async () => !(await discord()).ok);
  assert.match(
    (await discord()).text,
    /^connected, but Discord has answered no request since \d{4}-\S+Z: .+; results wait and are posted when it answers$/,
  );
  assert.ok(world.guild.inspect.sessions().some(({ isConnected }) => isConnected));
  way.mend();
  await until(async () => (await discord()).ok);
  await untilQuiet(supervisor, [waits]);
  assert.deepEqual(await judge(world, supervisor, [before, waits]), {
    asked: 2,
    lost: [],
    doubled: [],
    unseen: [],
    seenTwice: [],
    ambiguous: 0,
  });
});

test("Discord refuses the token while the gateway is connected: status says so, and what to do", async (t) => {
  const folder = temporaryFolder("hq-refused-");
  const world = await createWorld(folder.path, {
    behaviour: { answer: () => ({ kind: "ok" }), handIn: () => "good", worksMs: () => 50 },
    concurrency: 4,
  });
  const home = `${folder.path}/home`;
  const supervisor = await startSupervisor(home, world.env);
  t.after(async () => {
    supervisor.child.kill("SIGKILL");
    await supervisor.exited;
    await world.stop();
    folder.remove();
  });
  const ask = async (objective: string): Promise<string> =>
    (await supervisor.call("POST", "/delegations", { agent: "webster", objective })).body.id;
  const discord = async () => {
    const { body } = await supervisor.call("GET", "/health/ready");
    return body.checks.find(({ name }: { name: string }) => name === "discord");
  };
  const before = await ask("before");
  await untilQuiet(supervisor, [before]);
  const body = { code: 0, message: "401: Unauthorized" };
  const path = `/channels/${world.guild.inspect.channelId("results")}/messages`;
  world.guild.faults.add({ kind: "status", status: 401, body, method: "POST", path });
  await ask("waits for a token");
  await until(async () => !(await discord()).ok);
  assert.match(
    (await discord()).text,
    /^connected, but Discord refuses the bot token: [^]*DISCORD_TOKEN[^]*restart[^]*; results wait/,
  );
  assert.ok(world.guild.inspect.sessions().some(({ isConnected }) => isConnected));
  assert.equal(world.guild.inspect.messages("results").length, 1, "nothing came of it but the wait");
});
