import assert from "node:assert/strict";
import test from "node:test";
import {
  coordinatorOut,
  fanoutOut,
  instancesOut,
  registeredOut,
  routeOut,
  sentOut,
  sessionOut,
  sessionsOut,
  skillsOut,
  spawnedOut,
} from "../../src/api/orchestrator-outputs.ts";
import { codeOfSeed, SEED_CODES, type SeedError } from "../../src/api/seed-codes.ts";
import { seedErrorOut } from "../../src/api/seed-errors.ts";
import { REFUSALS, Refusal, type RefusalCode } from "../../src/kernel/refusal.ts";
import { createRedact } from "../../src/telemetry/redact.ts";
import { agentToken, OPERATOR_KEY, openDoor } from "./api-scripted.ts";
import { SHARES } from "./api-scripted-orchestrator.ts";

/** A door, and how to ask it under a path of its own. */
async function openContract(
  t: { after: (close: () => Promise<void>) => void },
  more: Parameters<typeof openDoor>[0] = {},
) {
  const door = await openDoor(more);
  t.after(door.api.stop);
  const origin = new URL(door.url).origin;
  const ask = async (
    path: string,
    body?: unknown,
    more: { key?: string | undefined; headers?: Record<string, string>; raw?: string } = {},
  ) => {
    const key = "key" in more ? more.key : OPERATOR_KEY;
    const text = more.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const answer = await fetch(`${origin}${path}`, {
      method: text === undefined ? "GET" : "POST",
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(text === undefined ? {} : { "content-type": "application/json" }),
        ...more.headers,
      },
      ...(text === undefined ? {} : { body: text }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as any };
  };
  return { ...door, ask, last: () => door.orchestrator.asked.at(-1) };
}

const WORK = { instances: ["A", "B"], payload: { data: "task" } };

test("route answers results and errors by the words asked for, with what it was asked", async (t) => {
  const door = await openContract(t);
  const { status, body } = await door.ask("/api/orchestrator/route", WORK);
  assert.equal(status, 200);
  routeOut.parse(body);
  assert.deepEqual(Object.keys(body.results), ["A"]);
  assert.equal(body.results.A.result, "done");
  const { timestamp, ...failed } = body.errors.B;
  assert.match(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(failed, {
    code: "timeout",
    message: "It goes on.",
    instance: "B",
    agent: "tech-lead",
    status: "timeout",
    open: true,
    durationMs: 10_000,
    delegation: "call-1.i2",
  });
  assert.deepEqual(door.last(), {
    actor: { kind: "operator" },
    verb: "call",
    request: {
      instances: ["A", "B"],
      payload: { data: "task" },
      mode: "all",
      timeoutMs: 60_000,
      origin: { door: "rest" },
    },
  });
});

test("every wish of a route and a fan-out arrives, under both paths", async (t) => {
  const door = await openContract(t);
  const wishes = { timeout: "5s", retries: 3, reroute: true, deliver: true, parent: "orch-1" };
  const headers = { "idempotency-key": "k1" };
  for (const base of ["/api/orchestrator", "/orchestrator"]) {
    await door.ask(
      `${base}/route`,
      { ...WORK, ...wishes, mode: "balance", caller: "technical-lead" },
      { headers },
    );
    const { actor, request } = door.last() ?? {};
    assert.deepEqual(actor, { kind: "operator", claims: "tech-lead" });
    assert.deepEqual(request, {
      instances: ["A", "B"],
      payload: { data: "task" },
      mode: "balance",
      timeoutMs: 5000,
      retries: 3,
      reroute: true,
      deliver: true,
      parent: "orch-1",
      key: { scope: "rest", key: "k1" },
      origin: { door: "rest" },
    });
  }
});

test("fanout answers one array in the order asked for; without aggregate it only hands over", async (t) => {
  const door = await openContract(t);
  const { status, body } = await door.ask("/api/orchestrator/fanout", {
    targets: "A-C",
    aggregate: true,
    timeout: 5,
  });
  assert.equal(status, 200);
  fanoutOut.parse(body);
  assert.deepEqual(body, SHARES);
  assert.deepEqual(door.last()?.request, {
    instances: ["A-C"],
    mode: "all",
    timeoutMs: 5000,
    origin: { door: "rest" },
  });
  const over = await door.ask("/api/orchestrator/fanout", { targets: ["A"], aggregate: false, timeout: 5 });
  assert.equal(over.status, 202);
  assert.equal(door.last()?.request.timeoutMs, 0);
  assert.equal((await door.ask("/api/orchestrator/route", { ...WORK, timeout: 0 })).status, 202);
});

test("a repeat says that it is one", async (t) => {
  const door = await openContract(t);
  door.orchestrator.say.repeated = true;
  for (const [path, body] of [
    ["route", WORK],
    ["fanout", { targets: ["A"] }],
    ["sessions/spawn", { sessionId: "s1" }],
  ] as const) {
    const { status, headers } = await door.ask(`/api/orchestrator/${path}`, body);
    assert.deepEqual([status, headers.get("idempotent-replay")], [200, "true"], path);
  }
});

test("sessions: spawn answers the token, send the reply; list, show and close tell no token", async (t) => {
  const door = await openContract(t);
  const spawned = await door.ask("/api/orchestrator/sessions/spawn", { sessionId: "s1", instance: "A" });
  assert.equal(spawned.status, 201);
  spawnedOut.parse(spawned.body);
  assert.deepEqual(spawned.body, { sessionId: "s1", token: "hqs.t", instance: "A", agent: "manager" });
  const turn = { sessionId: "s1", token: "hqs.t", data: { key: "value" }, timeout: "5s" };
  const sent = await door.ask("/api/orchestrator/sessions/send", turn, {
    headers: { "idempotency-key": "k" },
  });
  assert.equal(sent.status, 200);
  sentOut.parse(sent.body);
  assert.deepEqual([sent.body.ok, sent.body.reply, sent.body.turn], [true, "hello", 1]);
  assert.deepEqual(door.last()?.request, {
    sessionId: "s1",
    token: "hqs.t",
    data: { key: "value" },
    timeoutMs: 5000,
    key: "k",
    origin: { door: "rest" },
  });
  const list = await door.ask("/api/orchestrator/sessions?open=true&limit=5");
  sessionsOut.parse(list.body);
  assert.deepEqual(door.last()?.request, { open: true, limit: 5 });
  const shown = await door.ask("/api/orchestrator/sessions/s1");
  sessionOut.parse(shown.body);
  const closed = await door.ask("/api/orchestrator/sessions/s1/close", { token: "hqs.t" });
  assert.deepEqual(
    [closed.body.status, door.last()?.request],
    ["closed", { sessionId: "s1", token: "hqs.t" }],
  );
  assert.doesNotMatch(JSON.stringify([list.body, shown.body]), /hqs/);
});

test("health has a word for each instance under the name asked for, with detail its reason", async (t) => {
  const door = await openContract(t);
  const words = await door.ask("/api/orchestrator/health?instances=A-B");
  instancesOut.parse(words.body);
  assert.deepEqual([words.status, words.body], [200, { A: "healthy", B: "down" }]);
  assert.deepEqual(door.last()?.request, { words: ["A-B"] });
  const detail = await door.ask("/api/orchestrator/health?instances=A&instances=B&detail=true");
  assert.deepEqual(detail.body.B, {
    instance: "B",
    agent: "tech-lead",
    status: "down",
    state: "down",
    text: "connection refused",
  });
  assert.deepEqual(door.last()?.request, { words: ["A", "B"] });
});

test("the coordinator's own health needs no key, and is 503 while it is not ready", async (t) => {
  const door = await openContract(t);
  const well = await door.ask("/api/health/check", undefined, { key: undefined });
  coordinatorOut.parse(well.body);
  assert.deepEqual([well.status, well.body.status], [200, "healthy"]);
  door.state.ready = false;
  const ill = await door.ask("/api/health/check", undefined, { key: undefined });
  assert.deepEqual([ill.status, ill.body.status], [503, "down"]);
});

test("skills are registered and listed; an address is no part of that", async (t) => {
  const door = await openContract(t);
  const known = await door.ask("/api/cluster/register", { skillId: "orchestrator", instance: "A" });
  assert.equal(known.status, 200);
  registeredOut.parse(known.body);
  assert.deepEqual(door.last()?.request, { skillId: "orchestrator", instance: "A" });
  const list = await door.ask("/api/cluster/register");
  skillsOut.parse(list.body);
  assert.equal(list.body.items[0].skillId, "orchestrator");
  for (const more of [{ url: "http://127.0.0.1:1" }, { port: 1 }, { hooksPath: "/x" }]) {
    const { status, body } = await door.ask("/api/cluster/register", { skillId: "x", ...more });
    assert.deepEqual([status, body.error.code], [400, "bad_request"]);
  }
});

const ROUTES = [
  ["/api/orchestrator/route", WORK],
  ["/api/orchestrator/fanout", { targets: ["A"] }],
  ["/api/orchestrator/sessions/spawn", { sessionId: "s1" }],
  ["/api/orchestrator/sessions/send", { sessionId: "s1", token: "t", data: {} }],
  ["/api/orchestrator/sessions", undefined],
  ["/api/orchestrator/health?instances=A", undefined],
  ["/api/cluster/register", { skillId: "x" }],
  ["/orchestrator/route", WORK],
] as const;

test("without a key, or with a wrong one, every route is 401 in the contract's own form", async (t) => {
  const door = await openContract(t);
  for (const [path, body] of ROUTES) {
    for (const key of [undefined, "wrong"]) {
      const answer = await door.ask(path, body, { key });
      seedErrorOut.parse(answer.body);
      assert.deepEqual([answer.status, answer.body.error.code], [401, "unauthorized"], path);
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
      assert.deepEqual(Object.keys(answer.body), ["error"]);
    }
  }
  assert.equal(door.orchestrator.asked.length, 0);
  await door.ask("/api/orchestrator/route", WORK, { key: agentToken("webster") });
  assert.deepEqual(door.last()?.actor, { kind: "agent", id: "webster" }, "an agent asks as itself");
});

test("what is wrong with a body is named with its place; a body that is no JSON is refused", async (t) => {
  const door = await openContract(t);
  const bad = await door.ask("/api/orchestrator/fanout", {
    targets: [],
    agregate: true,
    timeout: "soon",
    retries: 4,
    payload: "x",
  });
  assert.deepEqual([bad.status, bad.body.error.code], [400, "bad_request"]);
  for (const place of [
    "agregate: unknown key, did you mean aggregate?",
    "timeout",
    "retries",
    "payload",
    "targets",
  ])
    assert.match(bad.body.error.message, new RegExp(place.replace("?", "\\?")), place);
  assert.equal(bad.body.error.message.split("; ").length, 5, bad.body.error.message);
  const bare = await door.ask("/api/orchestrator/route", {});
  assert.equal(bare.body.error.message, "instances: is missing; payload: is missing");
  for (const raw of ["{", "[]", "null", '"x"']) {
    const { status, body } = await door.ask("/api/orchestrator/route", undefined, { raw });
    assert.deepEqual([status, body.error.code], [400, "bad_request"], raw);
  }
  const long = await door.ask("/api/orchestrator/route", { ...WORK, timeout: "11m" });
  assert.match(long.body.error.message, /10 minutes/);
  const form = await door.ask("/api/orchestrator/route", undefined, {
    raw: "a=b",
    headers: { "content-type": "text/plain" },
  });
  assert.deepEqual([form.status, form.body.error.code], [415, "bad_request"]);
  assert.equal(door.orchestrator.asked.length, 0);
});

test("refusals have the contract's codes, the instance and an instant, and are logged with both", async (t) => {
  const door = await openContract(t);
  const cases: readonly (readonly [RefusalCode, number, string])[] = [
    ["agent_down", 503, "instance_down"],
    ["agent_unauthorized", 503, "unauthorized"],
    ["agent_draining", 503, "instance_draining"],
    ["timed_out", 504, "timeout"],
    ["unknown_agent", 404, "not_found"],
    ["session_exists", 409, "session_exists"],
    ["session_busy", 409, "session_busy"],
    ["not_allowed", 403, "not_allowed"],
  ];
  for (const [refusal, status, code] of cases) {
    door.orchestrator.say.refusal = new Refusal(refusal, "B says no.", { hint: "Try A.", instance: "B" });
    const answer = await door.ask("/api/orchestrator/route", WORK);
    seedErrorOut.parse(answer.body);
    const { timestamp, ...error } = (answer.body as SeedError).error;
    assert.deepEqual([answer.status, error], [status, { code, message: "B says no. Try A.", instance: "B" }]);
    assert.ok(!Number.isNaN(Date.parse(timestamp)));
    const line = door.lines.at(-1)?.fields as { instance?: string; timestamp?: string; code?: string };
    assert.deepEqual([line.instance, line.code, line.timestamp], ["B", code, timestamp]);
  }
});

test("a bug shows an id and nothing else", async (t) => {
  const door = await openContract(t);
  door.orchestrator.say.refusal = new Error("the disk said secret-detail") as Refusal;
  const { status, body } = await door.ask("/api/orchestrator/route", WORK);
  assert.deepEqual([status, body.error.code], [500, "bug"]);
  assert.match(body.error.message, /bug-/);
  assert.doesNotMatch(JSON.stringify(body), /secret-detail/);
});

test("the command line reads every code back as one with the same status and exit code", () => {
  for (const code of Object.keys(REFUSALS) as RefusalCode[]) {
    const [status, exit] = REFUSALS[code];
    const heard = REFUSALS[codeOfSeed(SEED_CODES[code] ?? code, status) as RefusalCode];
    assert.deepEqual([heard[0], heard[1]], [status, exit], code);
  }
});

test("a run's token asks several and holds sessions, and nothing beside that", async (t) => {
  const actor = { kind: "agent", id: "manager", run: "orch-1" } as const;
  const door = await openContract(t, { actorFor: () => actor });
  for (const [path, body] of [
    ["/api/orchestrator/route", WORK],
    ["/orchestrator/fanout", { targets: ["A"] }],
    ["/api/orchestrator/sessions/spawn", { sessionId: "s1" }],
    ["/api/orchestrator/sessions/send", { sessionId: "s1", token: "t", data: {} }],
    ["/api/orchestrator/sessions/s1/close", {}],
  ] as const) {
    const { status } = await door.ask(path, body);
    assert.ok(status < 300, path);
    assert.deepEqual(door.last()?.actor, actor);
  }
  assert.equal((await door.ask("/api/orchestrator/health?instances=A")).status, 200);
  for (const [path, body] of [
    ["/api/orchestrator/sessions", undefined],
    ["/api/orchestrator/sessions/s1", undefined],
    ["/api/cluster/register", { skillId: "x" }],
  ] as const) {
    const refused = await door.ask(path, body);
    assert.deepEqual([refused.status, refused.body.error.code], [403, "not_allowed"], path);
  }
});

test("the token of a session stands in no log", () => {
  const token = `hqs.${"x".repeat(43)}`;
  assert.equal(createRedact(() => [])(`it sent ${token}, see`), "it sent hqs.[secret], see");
});

test("the OpenAPI document has every route of the contract, once, with its own form of errors", async (t) => {
  const door = await openContract(t);
  type Document = { paths: Record<string, Record<string, { responses: Record<string, any> }>> };
  const { paths } = (await (await door.call("/openapi.json")).json()) as Document;
  const wanted = [
    "post /api/orchestrator/route",
    "post /api/orchestrator/fanout",
    "get /api/orchestrator/health",
    "post /api/orchestrator/sessions/spawn",
    "post /api/orchestrator/sessions/send",
    "get /api/orchestrator/sessions",
    "get /api/orchestrator/sessions/{id}",
    "post /api/orchestrator/sessions/{id}/close",
    "post /api/cluster/register",
    "get /api/cluster/register",
    "get /api/health/check",
  ];
  for (const line of wanted) {
    const [method = "", path = ""] = line.split(" ");
    const route = paths[path]?.[method];
    assert.ok(route, line);
    if (path === "/api/health/check") continue;
    const refused = route.responses["4XX"] ?? route.responses["4xx"];
    assert.ok(refused.content["application/json"].schema.properties.error, line);
  }
  assert.ok(
    !Object.keys(paths).some((path) => path.startsWith("/orchestrator")),
    "the alias is not said twice",
  );
});
