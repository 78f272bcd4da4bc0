import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Refusal } from "../../src/kernel/refusal.ts";
import { SHARES } from "./api-scripted-orchestrator.ts";
import { hq, openDesk, temporaryFolder } from "./cli-harness.ts";

const ok = SHARES.slice(0, 1);
const json = (text: string) => JSON.parse(text);
/** What is left of a limit when the request leaves. */
const isAbout = (ms: number | undefined, limit: number) =>
  ms !== undefined && ms <= limit && ms > limit - 1000;

test("route takes several values after one flag, and prints results and errors; what timed out is exit 4", async (t) => {
  const { door, hq } = await openDesk(t);
  const { code, out, err } = await hq(
    "route",
    "--instances",
    "A",
    "B",
    "--payload",
    '{"data": "task"}',
    "--timeout",
    "5s",
  );
  assert.equal(code, 4);
  assert.deepEqual(Object.keys(json(out).results), ["A"]);
  assert.equal(json(out).errors.B.code, "timeout");
  assert.match(err, /^B \(tech-lead\): timeout: It goes on\.$/m);
  const { request } = door.orchestrator.asked[0] ?? {};
  const { key, timeoutMs, ...asked } = request as { key: { key: string }; timeoutMs: number };
  assert.match(key.key, /^[\w-]{36}$/);
  assert.ok(isAbout(timeoutMs, 5000), `${timeoutMs} ms`);
  assert.deepEqual(asked, {
    instances: ["A", "B"],
    payload: { data: "task" },
    mode: "all",
    origin: { door: "rest" },
  });
});

test("every flag of route arrives; the same key is the caller's own", async (t) => {
  const { door, hq } = await openDesk(t);
  door.orchestrator.say.shares = ok;
  const flags = [
    "--mode",
    "balance",
    "--retry",
    "3",
    "--reroute",
    "--deliver",
    "--parent",
    "orch-1",
    "--key",
    "k1",
  ];
  const { code } = await hq(
    "route",
    "--instances",
    "A-H",
    "--payload",
    "{}",
    "--caller",
    "tech-lead",
    ...flags,
  );
  assert.equal(code, 0);
  const [{ actor, request } = {}] = door.orchestrator.asked;
  assert.deepEqual(actor, { kind: "operator", claims: "tech-lead" });
  const { timeoutMs: _, ...asked } = request as { timeoutMs: number };
  assert.deepEqual(asked, {
    instances: ["A-H"],
    payload: {},
    mode: "balance",
    retries: 3,
    reroute: true,
    deliver: true,
    parent: "orch-1",
    key: { scope: "rest", key: "k1" },
    origin: { door: "rest" },
  });
});

test("fanout prints one array, data only; --aggregate false hands over", async (t) => {
  const { door, hq } = await openDesk(t);
  const { code, out } = await hq("fanout", "--targets", "A-H", "--aggregate", "true", "--timeout", "10s");
  assert.equal(code, 4);
  assert.deepEqual(json(out), SHARES);
  const asked = door.orchestrator.asked[0]?.request;
  assert.deepEqual([asked.instances, asked.payload], [["A-H"], undefined]);
  assert.ok(isAbout(asked.timeoutMs, 10_000), `${asked.timeoutMs} ms`);
  door.orchestrator.say.shares = [
    { instance: "A", agent: "manager", status: "accepted", durationMs: 1, delegation: "d" },
  ];
  assert.equal((await hq("fanout", "--targets", "A", "--aggregate", "false")).code, 0);
  assert.equal(door.orchestrator.asked[1]?.request.timeoutMs, 0);
});

test("the exit code is that of what weighs most", async (t) => {
  const { door, hq } = await openDesk(t);
  const share = (
    status: "failed" | "timeout" | "instance_down" | "refused" | "partial" | "unauthorized",
  ) => ({
    instance: "A",
    agent: "manager",
    status,
    durationMs: 1,
    ...(status === "partial"
      ? { result: "half", notes: "half of it" }
      : { error: { code: status, message: "so" } }),
  });
  for (const [statuses, exit] of [
    [["partial"], 0],
    [["refused", "partial"], 3],
    [["refused", "instance_down"], 5],
    [["unauthorized"], 5],
    [["instance_down", "timeout"], 4],
    [["timeout", "failed", "instance_down"], 1],
  ] as const) {
    door.orchestrator.say.shares = statuses.map(share);
    const { code, err } = await hq("fanout", "--targets", "A", "--timeout", "1s");
    assert.equal(code, exit, statuses.join());
    if (exit === 0) assert.match(err, /^Warning: A \(manager\) did a part of it: half of it$/m);
  }
});

test("a time limit longer than one request is waited for in slices, under the same key", async (t) => {
  const { door, home } = await openDesk(t);
  let at = 0;
  door.orchestrator.say.shares = SHARES;
  const ran = await hq(["fanout", "--targets", "A-B", "--timeout", "100s"], {
    env: { HQ_HOME: home },
    // Each look at the clock is 5 seconds later.
    now: () => (at += 5000),
  });
  assert.equal(ran.code, 4);
  const asked = door.orchestrator.asked.map(({ request }) => request as { key: object; timeoutMs: number });
  assert.ok(asked.length > 1);
  assert.equal(new Set(asked.map(({ key }) => JSON.stringify(key))).size, 1);
  assert.ok(asked.every(({ timeoutMs }) => timeoutMs <= 45_000));
});

test("--config gives what no flag says; what it does not know is refused", async (t) => {
  const { door, hq, home } = await openDesk(t);
  door.orchestrator.say.shares = ok;
  const file = join(home, "config.json");
  writeFileSync(file, '{"instances": ["A"], "timeout": 5}');
  assert.equal((await hq("route", "--config", file, "--payload", "{}")).code, 0);
  const first = door.orchestrator.asked[0]?.request;
  assert.deepEqual(first.instances, ["A"]);
  assert.ok(isAbout(first.timeoutMs, 5000), `${first.timeoutMs} ms`);
  await hq("fanout", "--config", file, "--targets", "B", "--timeout", "7");
  const second = door.orchestrator.asked[1]?.request;
  assert.deepEqual(second.instances, ["B"]);
  assert.ok(isAbout(second.timeoutMs, 7000), `${second.timeoutMs} ms`);
  for (const [text, what] of [
    ['{"instances": ["A"]', /is not JSON/],
    ['{"timeut": 5}', /did you mean timeout/],
    ['{"timeout": "soon"}', /timeout: a span/],
    ["[]", /must be a map of keys, not a list/],
  ] as const) {
    writeFileSync(file, text);
    const { code, err } = await hq("route", "--config", file, "--payload", "{}");
    assert.equal(code, 2, text);
    assert.match(err, what);
  }
  const gone = await hq("route", "--config", join(home, "none.json"), "--payload", "{}");
  assert.deepEqual([gone.code, /ENOENT/.test(gone.err)], [2, true]);
});

test("a payload that is no JSON object is wrong input, and nothing is asked", async (t) => {
  const { door, hq } = await openDesk(t);
  for (const payload of ["{data: task}", "", "[1]", '"text"', "null"]) {
    const { code, out, err } = await hq("route", "--instances", "A", "--payload", payload);
    assert.deepEqual([code, out], [2, ""], payload);
    assert.match(err, /--payload is/);
  }
  const sent = await hq("sessions", "send", "--id", "s1", "--data", "{");
  assert.equal(sent.code, 2);
  const none = await hq("route", "--instances", "A");
  assert.equal(none.code, 2, "route says what is to be done");
  assert.equal((await hq("fanout", "--targets", "A", "--retry", "4")).code, 2);
  assert.equal((await hq("fanout", "--targets", "A", "--aggregate", "maybe")).code, 2);
  assert.equal((await hq("fanout")).code, 2, "nobody is named");
  assert.equal(door.orchestrator.asked.length, 0);
});

test("whoever names nobody is told how, and nothing is asked", async (t) => {
  const { door, hq } = await openDesk(t);
  for (const [command, flag] of [
    ["route", "--instances"],
    ["fanout", "--targets"],
  ] as const) {
    const { code, err } = await hq(command, "--payload", "{}");
    assert.equal(code, 2);
    assert.equal(
      err,
      `hq: Nobody is named with ${flag}.\nSay who is asked: ${flag} A B, ${flag} A-H or ${flag} webster.\n`,
    );
  }
  assert.deepEqual(door.orchestrator.asked, []);
});

test("a payload is read from standard input too", async (t) => {
  const { door, home } = await openDesk(t);
  door.orchestrator.say.shares = ok;
  const given = { env: { HQ_HOME: home }, input: '{"task": "x"}' };
  assert.equal((await hq(["route", "--instances", "A", "--payload", "-"], given)).code, 0);
  assert.deepEqual(door.orchestrator.asked[0]?.request.payload, { task: "x" });
});

test("refusals of the contract have the exit codes of every other command", async (t) => {
  const { door, hq } = await openDesk(t);
  for (const [refusal, exit] of [
    ["agent_down", 5],
    ["agent_unauthorized", 5],
    ["unknown_agent", 2],
    ["not_allowed", 3],
    ["session_busy", 3],
    ["session_exists", 2],
  ] as const) {
    door.orchestrator.say.refusal = new Refusal(refusal, "B says no.", { hint: "Try A." });
    const { code, err } = await hq("route", "--instances", "A", "--payload", "{}");
    assert.deepEqual([code, err], [exit, "hq: B says no. Try A.\n"], refusal);
  }
});

test("spawn prints the token and keeps it for its user alone; send finds it, close forgets it", async (t) => {
  const { door, hq, home } = await openDesk(t);
  const spawned = await hq("sessions", "spawn", "--id", "s1", "--instance", "A");
  assert.deepEqual(json(spawned.out), { sessionId: "s1", token: "hqs.t", instance: "A", agent: "manager" });
  const kept = join(home, "sessions", "s1.token");
  assert.equal(readFileSync(kept, "utf8"), "hqs.t\n");
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  const sent = await hq("sessions", "send", "--id", "s1", "--data", '{"key": "value"}');
  assert.equal(sent.code, 0);
  assert.deepEqual([json(sent.out).ok, json(sent.out).reply], [true, "hello"]);
  const asked = door.orchestrator.asked[1]?.request;
  assert.deepEqual([asked.token, asked.data], ["hqs.t", { key: "value" }]);
  const text = await hq("sessions", "send", "--id", "s1", "--data", "{}", "--format", "text");
  assert.equal(text.out, "hello\n");
  const closed = await hq("sessions", "close", "--id", "s1");
  assert.equal(closed.out, "s1 is closed.\n");
  await hq("sessions", "send", "--id", "s1", "--data", "{}");
  assert.equal(door.orchestrator.asked.at(-1)?.request.token, undefined);
});

test("the token of a session comes from the flag, else from HQ_SESSION_TOKEN, else from the file", async (t) => {
  const { door, home } = await openDesk(t);
  const send = (...more: string[]) => ["sessions", "send", "--id", "s1", "--data", "{}", ...more];
  const env = { HQ_HOME: home, HQ_SESSION_TOKEN: "from-env" };
  await hq(["sessions", "spawn", "--id", "s1"], { env: { HQ_HOME: home } });
  await hq(send("--token", "from-flag"), { env });
  await hq(send(), { env });
  const tokens = door.orchestrator.asked.slice(1).map(({ request }) => (request as { token: string }).token);
  assert.deepEqual(tokens, ["from-flag", "from-env"]);
  const outside = await hq(["sessions", "spawn", "--id", "../../x"], { env: { HQ_HOME: home } });
  assert.equal(outside.code, 2);
});

test("a turn without a reply has the exit code of its reason", async (t) => {
  const { door, hq } = await openDesk(t);
  door.orchestrator.say.sent = { ok: false, error: { code: "timeout", message: "It goes on." } };
  const late = await hq("sessions", "send", "--id", "s1", "--data", "{}", "--timeout", "1s");
  assert.deepEqual([late.code, late.err], [4, "manager: timeout: It goes on.\n"]);
  door.orchestrator.say.sent = { ok: false, error: { code: "blocked", message: "no" } };
  assert.equal((await hq("sessions", "send", "--id", "s1", "--data", "{}")).code, 1);
});

test("a turn waits for the one before it as long as its own time limit says, and no longer", async (t) => {
  const { door, home } = await openDesk(t);
  door.orchestrator.say.refusal = new Refusal("session_busy", "Turn 1 of s1 still runs.");
  let at = 0;
  const now = () => (at += 30_000);
  const turn = ["sessions", "send", "--id", "s1", "--data", "{}", "--key", "k", "--timeout", "5m"];
  const busy = await hq(turn, { env: { HQ_HOME: home }, now });
  assert.equal(busy.code, 3);
  assert.match(busy.err, /^hq: Turn 1 of s1 still runs\.\n$/);
  const limits = door.orchestrator.asked.map(({ request }) => (request as { timeoutMs: number }).timeoutMs);
  assert.ok(limits.length > 2, `asked again until the time is over: ${limits.join(", ")}`);
  at = 0;
  door.orchestrator.asked.length = 0;
  door.orchestrator.say.refusal = new Refusal("session_closed", "The session s1 is closed.");
  assert.equal((await hq(turn, { env: { HQ_HOME: home }, now })).code, 3);
  assert.equal(door.orchestrator.asked.length, 1, "what waiting does not mend is said at once");
});

test("sessions are listed and shown, as tables and as JSON", async (t) => {
  const { door, hq } = await openDesk(t);
  const list = await hq("sessions", "list", "--open");
  assert.match(list.out, /^SESSION +AGENT +STATUS +TURNS[^]*s1 +manager +open +1/);
  assert.equal(json((await hq("sessions", "list", "--json")).out)[0].sessionId, "s1");
  door.orchestrator.say.sessions = [];
  assert.equal((await hq("sessions", "list", "--open")).err, "No session is open.\n");
  assert.equal((await hq("sessions", "list")).err, "There are no sessions yet.\n");
  const shown = await hq("sessions", "show", "--id", "s1");
  assert.match(shown.out, /^s1: with manager, open[^]*1 .*succeeded +session-s1\.t1/);
  assert.equal(json((await hq("sessions", "show", "--id", "s1", "--json")).out).turns[0].turn, 1);
});

test("health is a table with reasons, or JSON with a word for each instance", async (t) => {
  const { door, hq } = await openDesk(t);
  const table = await hq("health");
  assert.match(table.out, /^INSTANCE +AGENT +HEALTH[^]*B +tech-lead +down +down +connection refused/);
  const words = await hq("health", "--instances", "A-H", "--output", "json");
  assert.deepEqual([words.code, json(words.out)], [0, { A: "healthy", B: "down" }]);
  assert.deepEqual(door.orchestrator.asked[1]?.request, { words: ["A-H"] });
  const none = await hq("health", "--instances", "A", "B", "--json");
  assert.deepEqual(json(none.out), { A: "healthy", B: "down" });
});

test("without a supervisor health says so with exit 5", async (t) => {
  const { code, err } = await hq(["health"], { env: { HQ_HOME: temporaryFolder(t) } });
  assert.equal(code, 5);
  assert.match(err, /No supervisor/);
});
