import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Share } from "../../src/domain/share.ts";
import { HOOKS_TOKEN, handBack } from "../faults/world.ts";
import { AGENT_IDS } from "../support/core.ts";
import { type FakeGateway, type FakeRun, startFakeGateway } from "../support/fake-gateway.ts";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";

type Answer = { readonly status: number; readonly body: any; readonly tookMs: number };

/** Asks the contract's routes with the operator's key. */
function contractOf({ ready }: Supervisor) {
  const key = readFileSync(join(ready.home, "api.key"), "utf8").trim();
  return async (path: string, body?: object, idempotencyKey?: string): Promise<Answer> => {
    const startedAt = performance.now();
    const answer = await fetch(`${ready.api}${path}`, {
      method: body ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${key}`,
        ...(body ? { "content-type": "application/json" } : {}),
        ...(idempotencyKey ? { "idempotency-key": idempotencyKey } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const read: unknown = await answer.json();
    return { status: answer.status, body: read, tookMs: performance.now() - startedAt };
  };
}

/** Eight gateways on real sockets, which outlive the supervisor, and the configuration that names them A to H. */
async function createCluster(t: TestContext, onRun?: (agent: string, run: FakeRun) => Promise<void> | void) {
  const folder = temporaryFolder("hq-cluster-");
  t.after(folder.remove);
  const gateways = new Map<string, FakeGateway>();
  for (const agent of AGENT_IDS) {
    const gateway = await startFakeGateway({
      token: HOOKS_TOKEN,
      onRun: (run) => (onRun ? onRun(agent, run) : handBack(run, { agent })),
    });
    gateways.set(agent, gateway);
    t.after(gateway.close);
  }
  const gatewayOf = (agent: string): FakeGateway => {
    const gateway = gateways.get(agent);
    if (!gateway) throw new Error(`no gateway of ${agent}`);
    return gateway;
  };
  const config = join(folder.path, "config");
  mkdirSync(config);
  const agents = Object.fromEntries(
    AGENT_IDS.map((id, index) => [
      id,
      {
        letter: String.fromCharCode(65 + index),
        url: gatewayOf(id).url,
        browser_ports: false,
        capabilities: [index < 4 ? "planning" : "research"],
        ...(id === "webster" ? { sessions: true } : {}),
      },
    ]),
  );
  // JSON is YAML too.
  writeFileSync(join(config, "agents.yaml"), JSON.stringify({ agents }));
  const home = join(folder.path, "home");
  const start = async (more: Record<string, string> = {}) => {
    const env = { HQ_CONFIG: config, HQ_AGENTS: "config", OPENCLAW_GATEWAY_TOKEN: HOOKS_TOKEN, ...more };
    const supervisor = await startSupervisor(home, env);
    t.after(() => supervisor.child.kill("SIGKILL"));
    return supervisor;
  };
  return { gatewayOf, start };
}

const HONEST = ["ok", "ok", "timeout", "not_taken", "unauthorized", "timeout", "ok", "ok"];

test("a fan-out to eight gateways, of which one hangs, one answers 500, one 401 and one late, is in time and honest", {
  timeout: 60_000,
}, async (t) => {
  let release = () => undefined as void;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { gatewayOf, start } = await createCluster(t, async (agent, run) => {
    if (agent === "study-builder") await released;
    handBack(run, { agent });
  });
  gatewayOf("secretary").answerWith({ kind: "hang" });
  gatewayOf("auditor").answerWith({ kind: "status", status: 500, body: "boom" });
  gatewayOf("optimizer").answerWith({ kind: "status", status: 401, body: "Unauthorized" });
  const supervisor = await start();
  const ask = contractOf(supervisor);
  const body = { targets: ["A-H"], aggregate: true, timeout: "3s", payload: { task: "Say who you are" } };
  const { status, body: shares, tookMs } = await ask("/api/orchestrator/fanout", body, "fan-1");
  assert.equal(status, 200);
  assert.ok(tookMs < 5000, `it took ${tookMs} ms`);
  const said = shares as readonly Share[];
  assert.deepEqual(
    said.map(({ instance }) => instance),
    "ABCDEFGH".split(""),
  );
  assert.deepEqual(
    said.map((share) => share.status),
    HONEST,
  );
  assert.match(said[3]?.error?.message ?? "", /it answered 500: boom/);
  assert.match(said[4]?.error?.message ?? "", /401/);
  release();
  const late = await supervisor.call("GET", `/delegations/${said[5]?.delegation}?wait=20s`);
  assert.equal(late.body.status, "succeeded", "what was late went on and is read by its id");
  const again = await ask("/api/orchestrator/fanout", { ...body, timeout: "1s" }, "fan-1");
  assert.equal((again.body as Share[])[5]?.status, "ok", "the same key reads it too");
  assert.equal(gatewayOf("webster").runs.length, 1);
  const { body: words } = await ask("/api/orchestrator/health?instances=A-H");
  assert.equal(words.E, "down", "it refuses our token");
  // One of its requests hangs: it would wait for it.
  supervisor.child.kill("SIGKILL");
  await supervisor.exited;
});

test("killed in the middle of a fan-out, the same request afterwards brings all eight, and nobody worked twice", {
  timeout: 90_000,
}, async (t) => {
  const { gatewayOf, start } = await createCluster(t);
  const first = await start({ HQ_CRASH_AT: "dispatch:sent#3" });
  const body = { targets: ["A-H"], timeout: "40s", payload: { task: "Say who you are" } };
  await assert.rejects(contractOf(first)("/api/orchestrator/fanout", body, "fan-2"));
  assert.deepEqual(await first.exited, [null, "SIGKILL"]);
  const second = await start();
  const { body: shares } = await contractOf(second)("/api/orchestrator/fanout", body, "fan-2");
  assert.deepEqual(
    (shares as readonly Share[]).map(({ status }) => status),
    Array.from({ length: 8 }, () => "ok"),
  );
  for (const agent of AGENT_IDS) assert.equal(gatewayOf(agent).runs.length, 1, agent);
  const { body: all } = await second.call("GET", "/delegations?limit=200");
  assert.equal(all.items.length, 8);
  await second.stop();
});

test("a single gateway that is not running is 503 with instance_down, with reroute another one does it", {
  timeout: 60_000,
}, async (t) => {
  const { gatewayOf, start } = await createCluster(t);
  await gatewayOf("webster").stop();
  const supervisor = await start();
  const ask = contractOf(supervisor);
  const work = { instances: ["H"], payload: { task: "x" } };
  const down = await ask("/api/orchestrator/route", work);
  assert.deepEqual(
    [down.status, down.body.error.code, down.body.error.instance],
    [503, "instance_down", "H"],
  );
  const other = await ask("/api/orchestrator/route", { ...work, reroute: true });
  const { agent, rerouted, status } = other.body.results.H as Share;
  assert.deepEqual([other.status, status, rerouted?.from], [200, "ok", "webster"]);
  assert.ok(["optimizer", "study-builder", "nx-expert"].includes(agent), "it can do the same");
  const one = await ask("/api/orchestrator/route", { ...work, instances: ["H", "D"], mode: "one" });
  assert.deepEqual([one.status, one.body.results.D?.agent], [200, "auditor"]);
  const words = await ask("/api/orchestrator/health?instances=A,H");
  assert.deepEqual(words.body, { A: "healthy", H: "down" });
  await supervisor.stop();
});

test("a gateway that keeps sessions is sent the session's key, and the turn alone; any other gets the earlier turns", {
  timeout: 60_000,
}, async (t) => {
  const { gatewayOf, start } = await createCluster(t);
  const supervisor = await start();
  const ask = contractOf(supervisor);
  for (const [sessionId, instance] of [
    ["kept", "webster"],
    ["brought", "auditor"],
  ]) {
    const { body } = await ask("/api/orchestrator/sessions/spawn", { sessionId, instance });
    for (const task of ["Find the CTE of ULE", "And its density?"]) {
      const sent = await ask("/api/orchestrator/sessions/send", {
        sessionId,
        token: body.token,
        data: { task },
      });
      assert.equal(sent.body.ok, true);
    }
  }
  const bodies = (agent: string) => gatewayOf(agent).requests.map(({ body }) => body);
  for (const body of bodies("webster")) {
    const { sessionMode, sessionKey, source } = body;
    assert.deepEqual([sessionMode, sessionKey, source], ["persistent", "hook:kept", "hq-session"]);
  }
  assert.doesNotMatch(String(bodies("webster")[1]?.message), /CTE of ULE/);
  assert.match(
    String(bodies("auditor")[1]?.message),
    /earlier turns of this session[^]*Asked: Find the CTE of ULE/,
  );
  assert.deepEqual(
    bodies("auditor").map(({ sessionKey }) => sessionKey),
    [undefined, undefined],
  );
  await supervisor.stop();
});

test("a session's second answer depends on its first, before and after a kill", {
  timeout: 90_000,
}, async (t) => {
  using folder = temporaryFolder();
  const first = await startSupervisor(folder.path);
  t.after(() => first.child.kill("SIGKILL"));
  const ask = contractOf(first);
  const spawned = await ask("/api/orchestrator/sessions/spawn", { sessionId: "s1", instance: "webster" });
  assert.equal(spawned.status, 201);
  const { token } = spawned.body as { readonly token: string };
  const say = (asking: typeof ask, task: string) =>
    asking("/api/orchestrator/sessions/send", { sessionId: "s1", token, data: { task } });
  const one = await say(ask, "Find the CTE of Zerodur Class 0");
  assert.match(one.body.reply, /0 ± 0\.02 ppm\/K/);
  const two = await say(ask, "And its density?");
  assert.match(two.body.reply, /Zerodur[^]*density 2\.53/, "nobody said Zerodur this time");
  first.child.kill("SIGKILL");
  await first.exited;
  const second = await startSupervisor(folder.path);
  t.after(() => second.child.kill("SIGKILL"));
  const three = await say(contractOf(second), "And its stiffness?");
  assert.deepEqual([three.body.turn, three.body.ok], [3, true]);
  assert.match(three.body.reply, /In turn 2 I was asked: And its density\?[^]*Zerodur[^]*GPa/);
  const wrong = await contractOf(second)("/api/orchestrator/sessions/send", {
    sessionId: "s1",
    token: `${token}x`,
    data: {},
  });
  assert.equal(wrong.status, 403);
  await second.stop();
});
