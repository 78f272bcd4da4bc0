import assert from "node:assert/strict";
import { createServer } from "node:net";
import test, { type TestContext } from "node:test";
import { Pool } from "undici";
import { type AgentTimeouts, createAgents } from "../../src/agents/agents.ts";
import { exchange } from "../../src/agents/exchange.ts";
import type { AgentCard } from "../../src/domain/agent-card.ts";
import type { DispatchAnswer, DispatchRequest } from "../../src/engine/ports/agents.ts";
import type { Log } from "../../src/engine/ports/log.ts";
import { type FakeAnswer, startFakeGateway } from "../support/fake-gateway.ts";

const TOKEN = "hook-token-4f1c9d";

function cardFor(url: string, more: Partial<AgentCard> = {}): AgentCard {
  return {
    id: "webster",
    name: "Webster",
    aliases: [],
    url,
    hooksPath: "/hooks/agent",
    tokenEnv: "WEBSTER_TOKEN",
    capabilities: [],
    skills: [],
    role: "Research.",
    handoffVia: "file",
    concurrency: 1,
    sample: false,
    ...more,
  };
}

function requestTo(agent: AgentCard, more: Partial<DispatchRequest> = {}): DispatchRequest {
  return {
    agent,
    message: "Find the CTE of Zerodur.",
    name: "HQ orch-1",
    idempotencyKey: "orch-1#1",
    timeoutMs: 300_000,
    ...more,
  };
}

/** Agents that are closed with the test; everything they log is kept. */
function agentsIn(
  t: TestContext,
  given: {
    secret?: (name: string) => string | undefined;
    timeouts?: Partial<AgentTimeouts>;
    now?: () => number;
  } = {},
) {
  const logged: string[] = [];
  const write = (fields: object, message: string) => logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const agents = createAgents({
    now: given.now ?? Date.now,
    secret: given.secret ?? (() => TOKEN),
    log,
    version: "0.1.0",
    timeouts: { connectMs: 500, dispatchMs: 400, probeMs: 300, ...given.timeouts },
  });
  t.after(() => agents.close());
  return { agents, logged };
}

async function answerTo(t: TestContext, behaviour: FakeAnswer): Promise<DispatchAnswer> {
  await using gateway = await startFakeGateway({ behaviour, token: TOKEN });
  const { agents } = agentsIn(t);
  return await agents.dispatch(requestTo(cardFor(gateway.url)));
}

test("the newer gateway gets exactly the fields both versions know, and its run id comes back", async (t) => {
  await using gateway = await startFakeGateway({ version: "now", token: TOKEN });
  const { agents } = agentsIn(t);
  const answer = await agents.dispatch(requestTo(cardFor(gateway.url)));
  assert.deepEqual(answer, { kind: "accepted", agentRunId: gateway.runs[0]?.runId });
  const [request] = gateway.requests;
  assert.deepEqual(request?.body, {
    message: "Find the CTE of Zerodur.",
    name: "HQ orch-1",
    wakeMode: "next-heartbeat",
    timeoutSeconds: 300,
    deliver: false,
  });
  assert.equal(request?.headers.authorization, `Bearer ${TOKEN}`);
  assert.equal(request?.headers["idempotency-key"], "orch-1#1");
  assert.equal(request?.headers["content-type"], "application/json");
});

test("the gateway of February accepts with 202", async (t) => {
  await using gateway = await startFakeGateway({ version: "feb", token: TOKEN });
  const { agents } = agentsIn(t);
  const answer = await agents.dispatch(requestTo(cardFor(gateway.url)));
  assert.deepEqual(answer, { kind: "accepted", agentRunId: gateway.runs[0]?.runId });
});

test("an agent that posts itself gets channel and recipient together, the id with its prefix", async (t) => {
  await using gateway = await startFakeGateway();
  const { agents } = agentsIn(t);
  const agentPosts = { channel: "123456789012345678" };
  await agents.dispatch(requestTo(cardFor(gateway.url), { agentPosts }));
  const { deliver, channel, to } = gateway.requests[0]?.body ?? {};
  assert.deepEqual(
    { deliver, channel, to },
    { deliver: true, channel: "discord", to: "channel:123456789012345678" },
  );
});

test("a mapped hook is called on its own path", async (t) => {
  await using gateway = await startFakeGateway({ hooksPath: "/hooks/delegate" });
  const { agents } = agentsIn(t);
  const answer = await agents.dispatch(requestTo(cardFor(gateway.url, { hooksPath: "/hooks/delegate" })));
  assert.equal(answer.kind, "accepted");
  assert.equal(gateway.requests[0]?.path, "/hooks/delegate");
});

test("an attempt shorter than a second is sent as one second, never as zero", async (t) => {
  await using gateway = await startFakeGateway();
  const { agents } = agentsIn(t);
  await agents.dispatch(requestTo(cardFor(gateway.url), { timeoutMs: 1 }));
  assert.equal(gateway.requests[0]?.body.timeoutSeconds, 1);
});

for (const status of [400, 403, 404, 405, 413, 415, 422]) {
  test(`${status} is final`, async (t) => {
    const body = JSON.stringify({ ok: false, error: "session mode is not known" });
    const answer = await answerTo(t, { kind: "status", status, body });
    assert.equal(answer.kind, "final");
    assert.match(
      answer.text,
      new RegExp(`webster at 127\\.0\\.0\\.1:\\d+: it answered ${status}: session mode`),
    );
  });
}

test("a redirect is not followed and is final", async (t) => {
  await using elsewhere = await startFakeGateway();
  const headers = { location: `${elsewhere.url}/hooks/agent` };
  const answer = await answerTo(t, { kind: "status", status: 307, headers });
  assert.equal(answer.kind, "final");
  assert.equal(elsewhere.requests.length, 0);
});

for (const status of [408, 409, 500, 502, 503, 504, 529]) {
  test(`${status} with an answer of the gateway may be sent again`, async (t) => {
    const body = JSON.stringify({ ok: false, error: "not now" });
    const answer = await answerTo(t, { kind: "status", status, body });
    assert.equal(answer.kind, "again");
    assert.equal(answer.kind === "again" && answer.reason, "agent_busy");
  });
}

for (const status of [502, 504]) {
  test(`${status} from a proxy is ambiguous: the gateway behind it may have the work`, async (t) => {
    const answer = await answerTo(t, { kind: "status", status, body: "<html><h1>Bad Gateway</h1></html>" });
    assert.equal(answer.kind, "ambiguous");
  });
}

test("a gateway whose eight places are taken is busy", async (t) => {
  const answer = await answerTo(t, { kind: "busy" });
  assert.equal(answer.kind === "again" && answer.reason, "agent_busy");
});

test("a gateway that is restarting counts as down for now", async (t) => {
  const answer = await answerTo(t, { kind: "draining" });
  assert.equal(answer.kind === "again" && answer.reason, "agent_down");
});

test("Retry-After in seconds is kept", async (t) => {
  const answer = await answerTo(t, { kind: "status", status: 429, headers: { "retry-after": "60" } });
  assert.deepEqual(answer.kind === "again" && [answer.reason, answer.afterMs], ["rate_limited", 60_000]);
});

test("Retry-After as a date is counted from now", async (t) => {
  const nowMs = Date.parse("2026-02-17T10:00:00Z");
  const headers = { "retry-after": "Tue, 17 Feb 2026 10:00:45 GMT" };
  await using gateway = await startFakeGateway({ behaviour: { kind: "status", status: 503, headers } });
  const { agents } = agentsIn(t, { now: () => nowMs });
  const answer = await agents.dispatch(requestTo(cardFor(gateway.url)));
  assert.equal(answer.kind === "again" && answer.afterMs, 45_000);
});

test("a Retry-After that nobody can read is left out", async (t) => {
  const answer = await answerTo(t, { kind: "status", status: 429, headers: { "retry-after": "soon" } });
  assert.equal(answer.kind, "again");
  assert.equal("afterMs" in answer, false);
});

test("a gateway that is not running was certainly not reached, and the words help", async (t) => {
  const gateway = await startFakeGateway();
  await gateway.close();
  const { agents } = agentsIn(t);
  const card = cardFor(gateway.url);
  const answer = await agents.dispatch(requestTo(card));
  assert.equal(answer.kind === "again" && answer.reason, "agent_down");
  assert.match(
    answer.kind === "again" ? answer.text : "",
    /webster at 127\.0\.0\.1:\d+: nothing listens there/,
  );
  assert.equal(answer.kind === "again" && answer.isRefused, true);
  assert.equal(agents.health("webster")?.state, "down");
});

test("a host that has no name was certainly not reached", async (t) => {
  const { agents } = agentsIn(t, { timeouts: { dispatchMs: 5000 } });
  const answer = await agents.dispatch(requestTo(cardFor("http://no-such-host.invalid:18800")));
  assert.equal(answer.kind === "again" && answer.reason, "agent_down");
  assert.equal("isRefused" in answer, false, "its name may be found again in a moment");
});

const AMBIGUOUS: readonly FakeAnswer["kind"][] = [
  "hang",
  "slow-head",
  "garbage",
  "reset-before-reading",
  "reset-after-receipt",
  "commit-then-drop",
];
for (const kind of AMBIGUOUS) {
  test(`${kind}: whether it arrived is not known`, async (t) => {
    const answer = await answerTo(t, { kind } as FakeAnswer);
    assert.equal(answer.kind, "ambiguous");
  });
}

test("a connection that is closed without a word after the request is ambiguous", async (t) => {
  const server = createServer((socket) => socket.once("data", () => socket.end()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address && typeof address === "object");
  const { agents } = agentsIn(t);
  const answer = await agents.dispatch(requestTo(cardFor(`http://127.0.0.1:${address.port}`)));
  assert.equal(answer.kind, "ambiguous");
});

test("a request that waits for a connection until its deadline was certainly not sent, and never is", async () => {
  await using gateway = await startFakeGateway({ behaviour: { kind: "hang" } });
  const pool = new Pool(gateway.url, { connections: 1 });
  const outgoing = { method: "POST", path: "/hooks/agent", headers: {} } as const;
  const first = exchange(pool, { ...outgoing, deadlineMs: 60_000 });
  await gateway.requestsReach(1);
  const second = await exchange(pool, { ...outgoing, deadlineMs: 50 });
  assert.equal(second.kind, "unsent");
  gateway.breakOff();
  assert.equal((await first).kind, "broken");
  gateway.answerWith({ kind: "ok" });
  const third = await exchange(pool, {
    ...outgoing,
    body: Buffer.from('{"message":"x"}'),
    deadlineMs: 60_000,
  });
  assert.equal(third.kind === "answered" && third.status, 200);
  assert.equal(gateway.requests.length, 2);
  await pool.destroy();
});

for (const kind of ["slow-body", "endless-body"] as const) {
  test(`${kind}: the status alone says that it was accepted, and the body is not waited for`, async (t) => {
    const startedAt = Date.now();
    const answer = await answerTo(t, { kind });
    assert.deepEqual(answer, { kind: "accepted" });
    assert.ok(Date.now() - startedAt < 4000);
  });
}

test("a prompt above 256 KiB is refused before anything is sent", async (t) => {
  await using gateway = await startFakeGateway();
  const { agents } = agentsIn(t);
  const answer = await agents.dispatch(requestTo(cardFor(gateway.url), { message: "ö".repeat(140_000) }));
  assert.equal(answer.kind, "final");
  assert.match(answer.text, /274 KiB.*256 KiB.*name its path/);
  assert.equal(gateway.requests.length, 0);
});

test("after one 401 nothing is sent until it is forgiven, so that twenty never add up", async (t) => {
  await using gateway = await startFakeGateway({ token: "another one" });
  const { agents } = agentsIn(t);
  const card = cardFor(gateway.url);
  for (let n = 0; n < 25; n++) {
    const answer = await agents.dispatch(requestTo(card));
    assert.equal(answer.kind, "unauthorized");
    assert.match(answer.text, /refused our token \(401\).*corrected/);
  }
  assert.equal(gateway.requests.length, 1);
  assert.equal(agents.health("webster")?.state, "unauthorized");
  assert.equal((await agents.probe(card)).state, "unauthorized");
  agents.forgive("optimizer");
  await agents.dispatch(requestTo(card));
  assert.equal(gateway.requests.length, 1);
  agents.forgive("webster");
  await agents.dispatch(requestTo(card));
  assert.equal(gateway.requests.length, 2);
});

test("of many at once with a token that nobody has taken yet, one goes first", async (t) => {
  await using gateway = await startFakeGateway({ token: "another one" });
  const { agents } = agentsIn(t);
  const card = cardFor(gateway.url);
  const answers = await Promise.all(Array.from({ length: 25 }, () => agents.dispatch(requestTo(card))));
  assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(["unauthorized"]));
  assert.equal(gateway.requests.length, 1);
});

test("what a gateway says of a token holds for that gateway, and not for the one to which its agent is moved meanwhile", async (t) => {
  await using former = await startFakeGateway({ token: "another one" });
  await using next = await startFakeGateway({ token: TOKEN });
  await using third = await startFakeGateway({ token: "another one" });
  const { agents } = agentsIn(t);
  const refused = agents.dispatch(requestTo(cardFor(former.url)));
  // Read again and forgiven while the answer is on its way.
  agents.forgive();
  assert.equal((await refused).kind, "unauthorized");
  const moved = cardFor(next.url);
  assert.equal((await agents.dispatch(requestTo(moved))).kind, "accepted");
  const again = requestTo(cardFor(third.url));
  const answers = await Promise.all(Array.from({ length: 25 }, () => agents.dispatch(again)));
  assert.deepEqual(new Set(answers.map(({ kind }) => kind)), new Set(["unauthorized"]));
  assert.equal(third.requests.length, 1, "with a token that it has not taken yet, one goes first");
});

test("a token that was taken once and is refused since is tried by one alone when all agents are forgiven", async (t) => {
  await using gateway = await startFakeGateway({ token: TOKEN });
  const { agents } = agentsIn(t);
  const request = requestTo(cardFor(gateway.url));
  assert.equal((await agents.dispatch(request)).kind, "accepted");
  gateway.answerWith({ kind: "status", status: 401 });
  assert.equal((await agents.dispatch(request)).kind, "unauthorized");
  await agents.dispatch(request);
  assert.equal(gateway.requests.length, 2, "nothing is sent while it is held");
  agents.forgive();
  await Promise.all(Array.from({ length: 25 }, () => agents.dispatch(request)));
  assert.equal(gateway.requests.length, 3, "one goes first");
});

test("a new token is tried by itself after a 401", async (t) => {
  await using gateway = await startFakeGateway({ token: TOKEN });
  let token = "the old one";
  const { agents } = agentsIn(t, { secret: () => token });
  const card = cardFor(gateway.url);
  assert.equal((await agents.dispatch(requestTo(card))).kind, "unauthorized");
  token = TOKEN;
  assert.equal((await agents.dispatch(requestTo(card))).kind, "accepted");
  assert.equal(agents.health("webster")?.state, "up");
});

test("a token variable that is not set is named, and nothing is sent", async (t) => {
  await using gateway = await startFakeGateway({ token: TOKEN });
  const { agents } = agentsIn(t, { secret: () => undefined });
  const card = cardFor(gateway.url);
  const answer = await agents.dispatch(requestTo(card));
  assert.equal(answer.kind, "unauthorized");
  assert.match(answer.text, /WEBSTER_TOKEN is not set/);
  assert.equal(gateway.requests.length, 0);
  const health = await agents.probe(card);
  assert.equal(health.state, "unauthorized");
  assert.match(health.text, /WEBSTER_TOKEN is not set/);
});

test("a token that no header can carry is said, not shown", async (t) => {
  await using gateway = await startFakeGateway();
  const { agents } = agentsIn(t, { secret: () => "two words\nand a line" });
  const answer = await agents.dispatch(requestTo(cardFor(gateway.url)));
  assert.equal(answer.kind, "unauthorized");
  assert.doesNotMatch(answer.text, /two words/);
  assert.equal(gateway.requests.length, 0);
});

test("an agent without a token variable is called without one", async (t) => {
  await using gateway = await startFakeGateway();
  const { agents } = agentsIn(t);
  const { tokenEnv: _, ...card } = cardFor(gateway.url);
  assert.equal((await agents.dispatch(requestTo(card))).kind, "accepted");
  assert.equal(gateway.requests[0]?.headers.authorization, undefined);
});

test("a gateway that repeats our token does not get it into texts or logs", async (t) => {
  const seen: string[] = [];
  for (const status of [400, 401, 429, 500]) {
    const body = JSON.stringify({ ok: false, error: `no: authorization was Bearer ${TOKEN} or ${TOKEN}` });
    await using gateway = await startFakeGateway({ behaviour: { kind: "status", status, body } });
    const { agents, logged } = agentsIn(t);
    const answer = await agents.dispatch(requestTo(cardFor(gateway.url)));
    seen.push(JSON.stringify(answer), JSON.stringify(agents.health("webster")), ...logged);
  }
  assert.ok(seen.some((text) => text.includes("[hidden]")));
  assert.deepEqual(
    seen.filter((text) => text.includes(TOKEN)),
    [],
  );
});

test("an address that is none is final and says where to mend it", async (t) => {
  const { agents } = agentsIn(t);
  const answer = await agents.dispatch(requestTo(cardFor("not an address")));
  assert.equal(answer.kind, "final");
  assert.match(answer.text, /config\/agents\.yaml/);
});

test("closing ends what is under way as ambiguous, twice is the same, and nothing is sent later", async (t) => {
  await using gateway = await startFakeGateway({ behaviour: { kind: "hang" } });
  const { agents } = agentsIn(t, { timeouts: { dispatchMs: 60_000 } });
  const open = agents.dispatch(requestTo(cardFor(gateway.url)));
  await gateway.requestsReach(1);
  await Promise.all([agents.close(), agents.close()]);
  assert.equal((await open).kind, "ambiguous");
  const later = await agents.dispatch(requestTo(cardFor(gateway.url)));
  assert.equal(later.kind === "again" && later.reason, "agent_down");
  await using other = await startFakeGateway();
  const elsewhere = await agents.dispatch(requestTo(cardFor(other.url, { id: "herald" })));
  assert.equal(elsewhere.kind === "again" && elsewhere.reason, "agent_down");
  assert.deepEqual([gateway.requests.length, other.requests.length], [1, 0]);
});
