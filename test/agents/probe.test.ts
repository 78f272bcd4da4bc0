import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { createAgents } from "../../src/agents/agents.ts";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import type { Log } from "../../src/engine/ports/log.ts";
import { startFakeGateway } from "../support/fake-gateway.ts";

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

function cardFor(url: string): AgentCard {
  return {
    id: "optimizer",
    name: "Optimizer",
    aliases: [],
    url,
    hooksPath: "/hooks/agent",
    capabilities: [],
    skills: [],
    role: "Parameter studies.",
    handoffVia: "file",
    concurrency: 1,
    sample: false,
  };
}

function agentsAt(t: TestContext, now: () => number) {
  const timeouts = { probeMs: 300, connectMs: 300 };
  const agents = createAgents({ now, secret: () => undefined, log: silent, version: "0.1.0", timeouts });
  t.after(() => agents.close());
  return agents;
}

async function listen(t: TestContext, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("a newer gateway tells its version and how long it has run, and remembers keys", async (t) => {
  let nowMs = 1_000_000;
  await using gateway = await startFakeGateway({ version: "now", now: () => nowMs });
  nowMs += 65_000;
  const agents = agentsAt(t, () => nowMs);
  assert.equal(agents.health("optimizer"), undefined);
  const health = await agents.probe(cardFor(gateway.url));
  assert.deepEqual(health, {
    state: "up",
    text: "OpenClaw 2026.9.6, running for 1m 05s",
    version: "2026.9.6",
    uptimeMs: 65_000,
    idempotent: true,
    checkedAt: nowMs,
    since: nowMs,
  });
  assert.deepEqual(agents.health("optimizer"), health);
  assert.equal(agents.health("webster"), undefined);
});

/** A gateway that answers each path with a status and a body; what is asked is kept. */
async function answering(t: TestContext, answers: Record<string, readonly [number, unknown]>) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    const [status, body] = answers[request.url ?? ""] ?? [404, "Not Found"];
    if (status === 0) return void response.destroy();
    response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  return { url: await listen(t, server), answers, asked };
}

test("a look is a GET without a token, and says who asks for what", async (t) => {
  const { url, asked } = await answering(t, {});
  const agents = createAgents({ now: () => 5, secret: () => "hook-token", log: silent, version: "0.1.0" });
  t.after(() => agents.close());
  await agents.probe({ ...cardFor(url), tokenEnv: "OPTIMIZER_TOKEN" });
  assert.equal(asked.length, 2);
  for (const { method, headers } of asked)
    assert.deepEqual(
      [method, headers.accept, headers["user-agent"], headers.authorization],
      ["GET", "application/json", "atomizer-hq/0.1.0", undefined],
    );
});

test("only a gateway that tells its start, or is starting, is said to know keys again", async (t) => {
  const { url, answers } = await answering(t, {});
  const agents = agentsAt(t, () => 5);
  const healthWith = async (startup: readonly [number, unknown], health: readonly [number, unknown]) => {
    Object.assign(answers, { "/startupz": startup, "/health": health });
    const { state, text, idempotent } = await agents.probe(cardFor(url));
    return [state, idempotent, text];
  };
  const live = { ok: true, status: "live" };
  const something = "something answers there, as a gateway of early 2026 does; it does not say how it is";
  const isLive = ["up", false, "the gateway is live; it does not say since when"];
  assert.deepEqual(await healthWith([503, { status: "starting" }], [200, live]), [
    "up",
    true,
    "the gateway is starting",
  ]);
  assert.deepEqual(await healthWith([200, { uptimeMs: 5000 }], [200, live]), [
    "up",
    true,
    "the gateway, running for 5s",
  ]);
  assert.deepEqual(await healthWith([200, live], [200, live]), isLive);
  assert.deepEqual(await healthWith([503, "<h1>no</h1>"], [200, live]), isLive, "a proxy's page");
  assert.deepEqual(await healthWith([404, { error: "no" }], [200, live]), isLive);
  assert.deepEqual(await healthWith([404, "no"], [200, { ok: true }]), ["up", false, something]);
  assert.deepEqual(
    await healthWith([404, "no"], [0, ""]),
    ["up", false, something],
    "the first one answered",
  );
});

test("what a gateway says now counts, and what it does not say is kept", async (t) => {
  const started = (version: string) => [200, { version, uptimeMs: 1000 }] as const;
  const { url, answers } = await answering(t, { "/startupz": started("2026.9.6") });
  const agents = agentsAt(t, () => 5);
  const known = async () => {
    const { version, idempotent, uptimeMs } = await agents.probe(cardFor(url));
    return [version, idempotent, uptimeMs];
  };
  assert.deepEqual(await known(), ["2026.9.6", true, 1000]);
  answers["/startupz"] = started("2026.10.1");
  assert.deepEqual(await known(), ["2026.10.1", true, 1000]);
  answers["/startupz"] = [404, "Not Found"];
  assert.deepEqual(await known(), ["2026.10.1", false, undefined]);
});

test("a gateway of February has no health paths, and is up because it answers", async (t) => {
  await using gateway = await startFakeGateway({ version: "feb" });
  const agents = agentsAt(t, () => 5);
  const health = await agents.probe(cardFor(gateway.url));
  assert.equal(health.state, "up");
  assert.equal(health.idempotent, false);
  assert.equal(health.uptimeMs, undefined);
  assert.deepEqual(gateway.asked, ["/startupz", "/health"]);
});

test("a page for every path is no health answer", async (t) => {
  const url = await listen(
    t,
    createServer((_, response) => response.end("<html>control</html>")),
  );
  const health = await agentsAt(t, () => 5).probe(cardFor(url));
  assert.deepEqual([health.state, health.idempotent], ["up", false]);
});

test("a gateway that is still starting is up and says so", async (t) => {
  const url = await listen(
    t,
    createServer((_, response) => {
      response.writeHead(503, { "content-type": "application/json" });
      response.end(JSON.stringify({ ok: false, status: "starting" }));
    }),
  );
  const health = await agentsAt(t, () => 5).probe(cardFor(url));
  assert.deepEqual([health.state, health.text], ["up", "the gateway is starting"]);
});

test("a gateway that is not there is down, with words that help", async (t) => {
  const gateway = await startFakeGateway();
  await gateway.close();
  const health = await agentsAt(t, () => 5).probe(cardFor(gateway.url));
  assert.equal(health.state, "down");
  assert.match(health.text, /optimizer at 127\.0\.0\.1:\d+: nothing listens there .*start its gateway/);
  assert.equal("isDoubtful" in health, false, "nothing listens there: that is sure");
});

test("a gateway that takes the connection and says nothing is down after the probe's deadline", async (t) => {
  const url = await listen(
    t,
    createServer(() => undefined),
  );
  const health = await agentsAt(t, () => 5).probe(cardFor(url));
  assert.equal(health.state, "down");
  assert.match(health.text, /no answer within 1 s/);
  assert.equal(health.isDoubtful, true, "it is asked again before it counts");
});

test("`since` stays while the state stays, and a restart shows in the uptime", async (t) => {
  let nowMs = 1000;
  await using gateway = await startFakeGateway({ now: () => nowMs });
  const agents = agentsAt(t, () => nowMs);
  const card = cardFor(gateway.url);
  await agents.probe(card);
  nowMs = 9000;
  const second = await agents.probe(card);
  assert.deepEqual([second.since, second.checkedAt, second.uptimeMs], [1000, 9000, 8000]);
  await gateway.stop();
  nowMs = 10_000;
  assert.deepEqual([(await agents.probe(card)).state, agents.health("optimizer")?.since], ["down", 10_000]);
  await gateway.start();
  nowMs = 12_000;
  const back = await agents.probe(card);
  assert.deepEqual([back.state, back.since, back.uptimeMs], ["up", 12_000, 2000]);
});

test("what is asked at another address is not noted of the agent", async (t) => {
  await using gateway = await startFakeGateway();
  await using former = await startFakeGateway();
  const agents = agentsAt(t, Date.now);
  const card = cardFor(gateway.url);
  const before = await agents.probe(card);
  const there = await agents.askAt(card, former.url);
  assert.equal(typeof there.uptimeMs, "number");
  assert.equal(former.asked.length, 1);
  await former.stop();
  const gone = await agents.askAt(card, former.url);
  assert.deepEqual([gone.state, gone.isDoubtful], ["down", undefined]);
  assert.equal((await agents.askAt(card, "nowhere")).state, "unknown");
  assert.equal(agents.health(card.id), before);
});

test("a dispatch is evidence: what took the work is up, and what was known of its kind is kept", async (t) => {
  let nowMs = 1000;
  await using gateway = await startFakeGateway({ now: () => nowMs });
  const agents = agentsAt(t, () => nowMs);
  const card = cardFor(gateway.url);
  await agents.probe(card);
  nowMs = 2000;
  await agents.dispatch({ agent: card, message: "Go.", name: "HQ", idempotencyKey: "a#1", timeoutMs: 1000 });
  const health = agents.health("optimizer");
  assert.deepEqual(
    [health?.state, health?.checkedAt, health?.since, health?.version, health?.idempotent, health?.uptimeMs],
    ["up", 2000, 1000, "2026.9.6", true, undefined],
  );
});

test("what is known of a gateway's kind is not said of the one to which its agent is moved, be it silent", async (t) => {
  await using gateway = await startFakeGateway();
  const silent = await listen(
    t,
    createServer(() => undefined),
  );
  const agents = agentsAt(t, Date.now);
  assert.equal((await agents.probe(cardFor(gateway.url))).idempotent, true);
  const there = await agents.probe(cardFor(silent));
  assert.deepEqual(
    [there.state, there.isDoubtful, there.version, there.idempotent],
    ["down", true, undefined, undefined],
  );
});

test("once closed, nobody is asked any more, and nothing is said of them", async (t) => {
  await using gateway = await startFakeGateway();
  const agents = agentsAt(t, () => 5);
  await agents.close();
  assert.equal((await agents.probe(cardFor(gateway.url))).state, "unknown");
  assert.deepEqual(gateway.asked, []);
});

test("a look that our own stop breaks off says nothing of its agent", async (t) => {
  const asked = Promise.withResolvers<void>();
  const url = await listen(
    t,
    createServer(() => asked.resolve()),
  );
  const timeouts = { probeMs: 60_000, connectMs: 60_000 };
  const agents = createAgents({
    now: () => 1,
    secret: () => undefined,
    log: silent,
    version: "0.1.0",
    timeouts,
  });
  const looking = agents.probe(cardFor(url));
  await asked.promise;
  await agents.close();
  assert.equal((await looking).state, "unknown");
});
