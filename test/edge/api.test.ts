import assert from "node:assert/strict";
import { connect } from "node:net";
import test from "node:test";
import { gzipSync } from "node:zlib";
import {
  agentOut,
  agentsOut,
  delegationOut,
  delegationsOut,
  eventsOut,
  problemOut,
  uploadedOut,
} from "../../src/api/outputs.ts";
import { createApi } from "../../src/api/server.ts";
import { traceOut } from "../../src/api/trace-outputs.ts";
import type { DelegationView } from "../../src/domain/view.ts";
import { API_SETTINGS, agentToken, OPERATOR_KEY, openDoor, silentLog } from "./api-scripted.ts";

const WORK = { agent: "webster", objective: "Find the CTE of ULE" };
const json = async <T>(answer: Response) => (await answer.json()) as T;
type Problem = {
  code: string;
  detail: string;
  hint?: string;
  problems?: { path: string; message: string }[];
};

test("a delegation is created with its place, and read back", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const answer = await door.post("/delegations", {
    agent: "webster",
    objective: "Find the CTE of ULE",
    caller: "technical-lead",
    timeout: "2m",
    startWithin: 90,
    retries: 0,
    validate: true,
    format: "text",
    deliver: false,
    agentPosts: { channel: "channel:123456789012345678" },
    context: [{ name: "a.md", text: "A" }],
    channelContext: { channel: "technical", messages: 5 },
    workflow: { run: "wf-1", step: "research" },
    parent: "orch-parent",
    budget: { usd: 1 },
    ifDown: "refuse",
  });
  assert.equal(answer.status, 201);
  const view = await json<DelegationView>(answer);
  assert.equal(answer.headers.get("location"), `/api/v1/delegations/${view.id}`);
  assert.equal(answer.headers.get("idempotent-replay"), null);
  delegationOut.parse(view);
  assert.deepEqual(door.requests[0], {
    actor: { kind: "operator", claims: "tech-lead" },
    request: {
      agent: "webster",
      objective: "Find the CTE of ULE",
      timeoutMs: 120_000,
      startWithinMs: 90_000,
      retries: 0,
      validate: true,
      format: "text",
      deliver: false,
      agentPosts: { channel: "123456789012345678" },
      attachments: [{ name: "a.md", text: "A" }],
      channelContext: { channel: "technical", messages: 5 },
      workflow: { run: "wf-1", step: "research" },
      parent: "orch-parent",
      budget: { usd: 1 },
      ifDown: "refuse",
      origin: { door: "rest" },
    },
  });
  assert.deepEqual(await json(await door.call(`/delegations/${view.id}`)), view);
});

test("warnings of a delegation stand in the answer to whoever asked, and where it is read", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  door.state.warnings = ["The task has 501 words."];
  const view = await json<DelegationView>(await door.post("/delegations", WORK));
  assert.deepEqual(view.warnings, door.state.warnings);
  assert.deepEqual(await json(await door.call(`/delegations/${view.id}`)), view);
  assert.throws(() => delegationOut.parse({ ...view, warnings: "one" }));
});

test("the same key answers the same delegation, other content under it is refused", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const headers = { "idempotency-key": "k-1" };
  const first = await door.post("/delegations", WORK, { headers });
  const again = await door.post("/delegations", WORK, { headers });
  assert.deepEqual([first.status, again.status], [201, 200]);
  assert.equal(again.headers.get("idempotent-replay"), "true");
  assert.equal((await json<DelegationView>(again)).id, (await json<DelegationView>(first)).id);
  assert.deepEqual(door.requests[0]?.request.key, { scope: "rest", key: "k-1" });
  const other = await door.post("/delegations", { ...WORK, objective: "Other" }, { headers });
  assert.deepEqual([other.status, (await json<Problem>(other)).code], [409, "key_reused"]);
  const statusWith = async (key: string) =>
    (await door.post("/delegations", WORK, { headers: { "idempotency-key": key } })).status;
  assert.equal(await statusWith("k".repeat(200)), 201);
  for (const key of ["two words", "", "k".repeat(201), "clé"]) assert.equal(await statusWith(key), 400, key);
});

test("everything that is wrong with a body is named with its place", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const answer = await door.post("/delegations", {
    agent: "webster",
    objective: "  ",
    timeut: 3,
    timeout: "soon",
    retries: 4,
    runId: "../etc",
    agentPosts: { channel: "C0AEJV13TEU" },
    channelContext: { channel: "technical", messages: 31, mesages: 1 },
  });
  assert.equal(answer.status, 400);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  const problem = await json<Problem>(answer);
  problemOut.parse(problem);
  const told = new Map(problem.problems?.map(({ path, message }) => [path, message]));
  assert.deepEqual([...told.keys()].sort(), [
    "agentPosts.channel",
    "channelContext.mesages",
    "channelContext.messages",
    "objective",
    "retries",
    "runId",
    "timeout",
    "timeut",
  ]);
  assert.match(told.get("timeut") ?? "", /did you mean timeout/);
  assert.match(told.get("agentPosts.channel") ?? "", /Slack/);
  assert.match(told.get("timeout") ?? "", /90s/);
  assert.equal(door.requests.length, 0);
});

test("a body that is not JSON, is no object or hides a prototype is refused", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const body of ["{", "[]", "null", '"x"', '{"__proto__":{"x":1},"agent":"webster","objective":"x"}']) {
    const answer = await door.call("/delegations", { method: "POST", body });
    const { code, detail } = await json<Problem>(answer);
    assert.deepEqual([answer.status, code], [400, "invalid_input"], body);
    const isJson = body !== "{";
    assert.equal(detail === "The body is not JSON.", !isJson, detail);
    assert.equal(detail.includes("__proto__"), body.includes("__proto__"), detail);
  }
});

test("a body in another encoding than UTF-8, or compressed, is refused: the agent would be asked something else", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const said = '{"agent":"webster","objective":"CTE between 20 and 40 °C"}';
  const send = (body: Uint8Array<ArrayBuffer>) =>
    door.call("/delegations", { method: "POST", body, headers: { "content-type": "application/json" } });
  for (const body of [Buffer.from(said, "latin1"), Buffer.from(said, "utf16le"), gzipSync(said)]) {
    const answer = await send(new Uint8Array(body));
    const { code, detail } = await json<Problem>(answer);
    assert.deepEqual([answer.status, code], [400, "invalid_input"], detail);
  }
  assert.equal(door.requests.length, 0);
  assert.equal((await send(new TextEncoder().encode(said))).status, 201);
  assert.equal(door.requests[0]?.request.objective, "CTE between 20 and 40 °C");
});

test("what does not fit is told in plain words, whichever part of a request it is", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const told = async (answer: Promise<Response>) =>
    (await json<Problem>(await answer)).problems?.map(({ path, message }) => `${path}: ${message}`);
  assert.deepEqual(
    await told(
      door.post("/delegations", {
        agent: "",
        objective: 7,
        format: "xml",
        retries: "1",
        fallback: "yes",
        context: [{ name: "x".repeat(201) }],
      }),
    ),
    [
      "agent: must not be empty",
      "fallback: must be true or false, or a list",
      "objective: must be text, not a number",
      "retries: must be a number, not text",
      "format: must be one of json, text",
      "context.0.name: must have at most 200 characters",
      "context.0.text: is missing",
    ],
  );
  assert.deepEqual(await told(door.call("/delegations?limit=many&open=perhaps")), [
    "open: must be one of true, false",
    "limit: must be a number, not text",
  ]);
  assert.deepEqual(await told(door.call("/delegations?limit=0")), ["limit: must be at least 1"]);
  assert.deepEqual(await told(door.call("/delegations/orch-1?wait=0")), [
    "wait: a span like 90 (seconds), 90s, 5m or 2h, above 0 and at most 30 days",
  ]);
  assert.deepEqual(await told(door.call("/export?after=x")), [
    "after: must be the cursor of a line, a number",
  ]);
});

test("an agent asks as itself, never as another", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const key = agentToken("tech-lead");
  assert.equal((await door.post("/delegations", WORK, { key })).status, 201);
  assert.equal((await door.post("/delegations", { ...WORK, caller: "technical-lead" }, { key })).status, 201);
  const other = await door.post("/delegations", { ...WORK, caller: "manager" }, { key });
  assert.deepEqual([other.status, (await json<Problem>(other)).code], [403, "not_allowed"]);
  const refused = await door.post("/delegations", { ...WORK, agent: "manager" }, { key });
  assert.equal(refused.status, 403);
  assert.equal((await json<Problem>(refused)).hint, "Ask manager or tech-lead.");
  assert.deepEqual(door.requests[0]?.actor, { kind: "agent", id: "tech-lead" });
  const asOther = await door.post("/delegations", { ...WORK, caller: "operator" }, { key });
  assert.equal((await json<Problem>(asOther)).code, "unknown_agent");
  const unknown = await door.post("/delegations", { ...WORK, caller: "nobody" });
  assert.equal((await json<Problem>(unknown)).code, "unknown_agent");
  const asOperator = await door.post("/delegations", { ...WORK, caller: "operator" });
  assert.equal(asOperator.status, 201);
});

test("what only the operator may do is refused to an agent", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const key = agentToken("manager");
  for (const path of ["/stop", "/agents/webster/key"]) {
    const answer = await door.call(path, { method: "POST", key });
    assert.deepEqual([answer.status, (await json<Problem>(answer)).code], [403, "not_allowed"]);
  }
  const given = await door.call("/agents/B/key", { method: "POST" });
  assert.deepEqual(await json(given), { agent: "tech-lead", token: agentToken("tech-lead") });
});

test("lists go page by page, newest first, and are filtered", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (let i = 1; i <= 5; i++)
    await door.post("/delegations", {
      ...WORK,
      objective: `task ${i}`,
      agent: i === 3 ? "tech-lead" : "webster",
    });
  door.settle("orch-0001", "failed");
  const ids = async (query: string) => {
    const page = delegationsOut.parse(await json(await door.call(`/delegations${query}`)));
    return [page.items.map(({ id }) => Number(id.slice(-1))), page.next];
  };
  assert.deepEqual(await ids("?limit=2"), [[5, 4], "orch-0004"]);
  assert.deepEqual(await ids("?limit=2&before=orch-0004"), [[3, 2], "orch-0002"]);
  assert.deepEqual(await ids("?before=orch-0002"), [[1], undefined]);
  assert.deepEqual(await ids("?agent=tech-lead"), [[3], undefined]);
  assert.deepEqual(await ids("?status=failed,blocked"), [[1], undefined]);
  assert.deepEqual(await ids("?status=failed&status=queued&limit=1"), [[5], "orch-0005"]);
  assert.deepEqual(await ids("?open=true"), [[5, 4, 3, 2], undefined]);
  for (const query of ["?status=lost", "?limit=0", "?limit=x", "?opn=true"]) {
    assert.equal((await door.call(`/delegations${query}`)).status, 400, query);
  }
});

test("a long poll answers when the work is settled, or when its span is over", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const early = await json<DelegationView>(await door.call(`/delegations/${id}?wait=20ms`));
  assert.equal(early.status, "queued");
  const waiting = door.call(`/delegations/${id}?wait=30s`);
  while (door.api.waiting() === 0) await new Promise(setImmediate);
  door.settle(id, "succeeded", "0.03 ppm/K");
  const settled = await json<DelegationView>(await waiting);
  assert.equal(settled.handoff?.result, "0.03 ppm/K");
  assert.equal(door.api.waiting(), 0);
  assert.equal((await door.call("/delegations/orch-none?wait=1s")).status, 404);
});

test("a long poll that is given up frees its place", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const going = new AbortController();
  const waiting = door.call(`/delegations/${id}?wait=30s`, { signal: going.signal });
  while (door.api.waiting() === 0) await new Promise(setImmediate);
  going.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  while (door.api.waiting() > 0) await new Promise(setImmediate);
  assert.equal(door.watchers(), 0);
});

test("cancel settles once, with who and why; a second time is refused", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const done = await json<DelegationView>(
    await door.post(`/delegations/${id}/cancel`, { reason: "not needed" }),
  );
  assert.deepEqual([done.status, done.reason], ["canceled", "not needed (by operator)"]);
  const again = await door.call(`/delegations/${id}/cancel`, { method: "POST" });
  assert.deepEqual([again.status, (await json<Problem>(again)).code], [409, "already_settled"]);
});

test("the story of an id can be read; what is not there is a 404", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const trace = traceOut.parse(await json(await door.call(`/trace/${id}`)));
  assert.deepEqual([trace.id, trace.kind, trace.lines[0]?.what], [id, "delegation", "asked"]);
  const missing = await door.call("/trace/nothing");
  assert.equal(missing.status, 404);
  assert.equal((await json<Problem>(missing)).code, "not_found");
});

test("history and receipts are lists; what is not there is a 404 with a hint", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const history = eventsOut.parse(await json(await door.call(`/delegations/${id}/history`)));
  assert.deepEqual(
    history.items.map(({ type }) => type),
    ["delegation.queued"],
  );
  const receipts = await json<{ items: unknown[] }>(await door.call(`/delegations/${id}/receipts`));
  assert.equal(receipts.items.length, 1);
  const missing = await door.call("/delegations/orch-none");
  const problem = await json<Problem>(missing);
  assert.deepEqual([missing.status, problem.code, problem.hint], [404, "not_found", "hq status lists them."]);
  const route = await door.call("/delegatoins");
  assert.deepEqual([route.status, (await json<Problem>(route)).code], [404, "not_found"]);
});

test("a handoff is handed in with its run's token; the same again is fine, another one is not", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const hand = (body: unknown, key = `token-of-${id}`) => door.post(`/handoffs/${id}`, body, { key });
  assert.equal((await hand({ result: "x" }, OPERATOR_KEY)).status, 401);
  const bad = await hand({ result: 3 });
  assert.deepEqual(
    [bad.status, (await json<Problem>(bad)).problems],
    [400, [{ path: "result", message: "must be text" }]],
  );
  const first = await hand({ result: "0.03" });
  assert.deepEqual(
    [first.status, await json(first)],
    [200, { runId: id, status: "succeeded", repeated: false }],
  );
  const again = await hand({ result: "0.03" });
  assert.deepEqual(
    [again.status, await json(again)],
    [200, { runId: id, status: "succeeded", repeated: true }],
  );
  const changed = await hand({ result: "0.04" });
  assert.deepEqual([changed.status, (await json<Problem>(changed)).code], [409, "handoff_changed"]);
  const seen = await json<{ items: { run: string }[] }>(await door.call(`/handoffs?run=${id}`));
  assert.equal(seen.items[0]?.run, id);
});

test("a file is sent with its run's token as it is, of any type and of none; a foreign page sends none", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const send = (method: string, headers: Record<string, string>, key = `token-of-${id}`) =>
    door.call(`/handoffs/${id}/artifacts/a%20b.csv`, { method, body: "a,b\n", headers, key });
  for (const type of ["text/csv", "application/json", "application/x-www-form-urlencoded"]) {
    const answer = await send(type === "text/csv" ? "PUT" : "POST", { "content-type": type });
    const { name, bytes, artifact } = uploadedOut.parse(await json(answer));
    assert.deepEqual([answer.status, name, bytes, artifact], [201, "a b.csv", 4, `${id}/1/a b.csv`], type);
  }
  assert.equal((await send("PUT", {}, OPERATOR_KEY)).status, 401);
  const foreign = await send("PUT", { origin: "https://evil.example" });
  assert.deepEqual([foreign.status, (await json<Problem>(foreign)).code], [403, "foreign_origin"]);
});

test("an agent is drained and resumed by those who may, with a reason of a length that fits", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const drained = await door.post("/agents/C/drain", { reason: "new disk" });
  const status = agentOut.parse(await json(drained));
  assert.deepEqual([drained.status, status.state, status.draining?.reason], [200, "draining", "new disk"]);
  const listed = agentsOut.parse(await json(await door.call("/agents")));
  assert.deepEqual(
    listed.items.map(({ state }) => state),
    ["up", "up", "draining"],
  );
  const resumed = await door.call("/agents/webster/resume", { method: "POST" });
  assert.deepEqual([resumed.status, agentOut.parse(await json(resumed)).state], [200, "up"]);
  const key = agentToken("manager");
  for (const path of ["/agents/webster/drain", "/agents/webster/resume"]) {
    const answer = await door.call(path, { method: "POST", key });
    assert.deepEqual([answer.status, (await json<Problem>(answer)).code], [403, "not_allowed"]);
  }
  assert.equal((await door.post("/agents/webster/drain", { why: "new disk" })).status, 400);
  assert.equal((await door.post("/agents/webster/drain", { reason: "x".repeat(501) })).status, 400);
  assert.equal((await door.call("/agents/nobody/drain", { method: "POST" })).status, 404);
});

test("agents, the matrix and a channel's history can be read", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const agents = await json<{ items: { card: { id: string } }[] }>(await door.call("/agents"));
  assert.deepEqual(
    agents.items.map(({ card }) => card.id),
    ["manager", "tech-lead", "webster"],
  );
  const one = await json<{ card: { id: string } }>(await door.call("/agents/C?probe=true"));
  assert.equal(one.card.id, "webster");
  const acl = await json<{ allowed: boolean }>(await door.call("/acl/explain?caller=webster&target=manager"));
  assert.equal(acl.allowed, false);
  const context = await json<{ messages: number }>(await door.call("/channels/technical/context"));
  assert.equal(context.messages, 20);
  assert.equal((await door.call("/channels/technical/context?messages=31")).status, 400);
  assert.equal((await door.call("/channels/none/context")).status, 404);
});

test("ready says 503 until the supervisor is", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  door.state.ready = false;
  assert.equal((await door.call("/health/ready")).status, 503);
  door.state.ready = true;
  assert.equal((await door.call("/health/ready")).status, 200);
});

test("a bug answers with an id; what went wrong stands in the log only", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  door.state.broken = true;
  const answer = await door.post("/delegations", WORK);
  const text = await answer.text();
  assert.equal(answer.status, 500);
  assert.doesNotMatch(text, /secret-detail/);
  const { id } = JSON.parse(text) as { id: string };
  const fields = door.lines.map((line) => line.fields as { bug?: string; err?: Error });
  assert.match(String(fields.find(({ bug }) => bug === id)?.err), /secret-detail/);
});

test("stop is answered before the supervisor hears of it", async (t) => {
  const asked = Promise.withResolvers<string>();
  const door = await openDoor({ onStop: asked.resolve });
  t.after(door.api.stop);
  const answer = await door.post("/stop", { mode: "now" });
  assert.deepEqual([answer.status, await json(answer)], [202, { stopping: true, mode: "now" }]);
  assert.equal(await asked.promise, "now");
});

test("stopping lets those who wait have an answer, then closes; twice is once", async () => {
  const door = await openDoor();
  const { id } = await json<DelegationView>(await door.post("/delegations", WORK));
  const waiting = door.call(`/delegations/${id}?wait=30s`);
  const idle = connect(door.port, "127.0.0.1");
  while (door.api.waiting() === 0) await new Promise(setImmediate);
  await Promise.all([door.api.stop(), door.api.stop()]);
  assert.equal((await json<DelegationView>(await waiting)).status, "queued");
  idle.destroy();
  await assert.rejects(door.call("/agents"), TypeError);
});

test("a port that is taken is an error; the door that never opened can be closed", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const api = createApi({
    verbs: door.verbs,
    actorFor: () => undefined,
    settings: () => API_SETTINGS,
    log: silentLog(),
    now: () => 0,
    version: "0.0.0",
  });
  await assert.rejects(api.listen(door.port), { code: "EADDRINUSE" });
  await api.stop();
  await createApi({
    ...door,
    actorFor: () => undefined,
    settings: () => API_SETTINGS,
    log: silentLog(),
    now: () => 0,
    version: "",
  }).stop();
});

test("the OpenAPI document describes every route with its bodies and refusals", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  type Operation = { requestBody?: unknown; responses: Record<string, unknown>; security?: unknown[] };
  const document = await json<{ openapi: string; paths: Record<string, Record<string, Operation>> }>(
    await door.call("/openapi.json"),
  );
  assert.match(document.openapi, /^3\.1/);
  // Those of the orchestrator's contract have a test of their own.
  const own = Object.entries(document.paths).filter(([path]) => path.startsWith("/api/v1/"));
  const routes = own.flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path.replace("/api/v1", "")}`),
  );
  assert.deepEqual(routes.sort(), [
    "delete /page/session",
    "delete /tasks",
    "get /acl/explain",
    "get /acl/table",
    "get /agents",
    "get /agents/{id}",
    "get /agents/{id}/history",
    "get /batches",
    "get /batches/{id}",
    "get /batches/{id}/results",
    "get /channels/{name}/context",
    "get /delegations",
    "get /delegations/{id}",
    "get /delegations/{id}/history",
    "get /delegations/{id}/receipts",
    "get /delegations/{id}/story",
    "get /events",
    "get /evolve/log",
    "get /evolve/scan",
    "get /evolve/status",
    "get /export",
    "get /handoffs",
    "get /health/live",
    "get /health/ready",
    "get /metrics",
    "get /metrics/chart.png",
    "get /metrics/prom",
    "get /page/now",
    "get /page/session",
    "get /pipelines",
    "get /pipelines/{id}",
    "get /pipelines/{id}/stages/{stage}/post-hooks",
    "get /runs",
    "get /runs/{id}",
    "get /runs/{id}/graph",
    "get /runs/{id}/history",
    "get /runs/{id}/receipts",
    "get /search",
    "get /skills",
    "get /skills/{name}",
    "get /tasks",
    "get /tasks/export",
    "get /tasks/{id}",
    "get /tasks/{id}/history",
    "get /tasks/{id}/receipts",
    "get /templates",
    "get /trace/{id}",
    "get /work",
    "get /work/graph",
    "get /work/hooks/{event}",
    "get /work/items/{slug}",
    "get /work/stats",
    "get /workers/{id}",
    "get /workflows",
    "get /workflows/{name}",
    "get /workflows/{name}/graph",
    "post /agents/{id}/drain",
    "post /agents/{id}/key",
    "post /agents/{id}/resume",
    "post /audit",
    "post /audit/accept",
    "post /batches",
    "post /batches/cleanup",
    "post /batches/import",
    "post /batches/{id}/accept",
    "post /batches/{id}/resume",
    "post /batches/{id}/tasks/{task}",
    "post /delegations",
    "post /delegations/{id}/cancel",
    "post /evolve",
    "post /evolve/items/{slug}/accept",
    "post /evolve/items/{slug}/dismiss",
    "post /handoffs/{runId}",
    "post /handoffs/{runId}/artifacts/{name}",
    "post /page/link",
    "post /page/session",
    "post /pipelines",
    "post /pipelines/{id}/advance",
    "post /pipelines/{id}/cancel",
    "post /pipelines/{id}/stages/{stage}/complete",
    "post /pipelines/{id}/stages/{stage}/fail",
    "post /pipelines/{id}/stages/{stage}/override",
    "post /pipelines/{id}/stages/{stage}/post-hooks",
    "post /prune",
    "post /runs",
    "post /runs/{id}/accept-partial",
    "post /runs/{id}/cancel",
    "post /runs/{id}/rerun",
    "post /runs/{id}/retry",
    "post /runs/{id}/steps/{step}/approve",
    "post /runs/{id}/steps/{step}/reject",
    "post /runs/{id}/steps/{step}/retry",
    "post /runs/{id}/steps/{step}/skip",
    "post /stop",
    "post /tasks",
    "post /tasks/trigger",
    "post /tasks/{id}/run-again",
    "post /tasks/{id}/withdraw",
    "post /work",
    "post /work/items/{slug}/block",
    "post /work/items/{slug}/complete",
    "post /work/items/{slug}/fail",
    "post /work/items/{slug}/handoff",
    "post /work/items/{slug}/notes",
    "post /work/items/{slug}/review",
    "post /work/items/{slug}/start",
    "post /workflows/{name}/plan",
    "put /handoffs/{runId}/artifacts/{name}",
  ]);
  const create = document.paths["/api/v1/delegations"]?.post;
  const text = JSON.stringify(create);
  for (const word of [
    "objective",
    "channelContext",
    "additionalProperties",
    "idempotency-key",
    "201",
    "4xx",
  ]) {
    assert.ok(text.toLowerCase().includes(word.toLowerCase()), word);
  }
  assert.deepEqual(document.paths["/api/v1/health/live"]?.get?.security, []);
});
