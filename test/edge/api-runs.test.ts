import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { RunListing, WorkflowListing } from "../../src/api/listings.ts";
import { planOut, runOut, runsOut, workflowOut, workflowsOut } from "../../src/api/run-outputs.ts";
import type { RunPlan } from "../../src/domain/run-plan.ts";
import type { RunView } from "../../src/domain/run-view.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import { agentToken, openDoor } from "./api-scripted.ts";

const START = { workflow: "design-review", inputs: { design: "M1 mount" } };
type Problem = { code: string; detail: string; problems?: { path: string; message: string }[] };

async function openRuns(t: TestContext) {
  const door = await openDoor();
  t.after(door.api.stop);
  const get = async <T>(path: string) => (await (await door.call(path)).json()) as T;
  type Sent<T> = { readonly status: number; readonly headers: Headers; readonly body: T };
  const send = async <T>(
    path: string,
    body: unknown = {},
    init: Parameters<typeof door.post>[2] = {},
  ): Promise<Sent<T>> => {
    const answer = await door.post(path, body, init);
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T };
  };
  const start = async () => (await send<RunView>("/runs", START)).body;
  return { ...door, get, send, start };
}

test("workflows are listed with their inputs, and those that cannot be run with the reason", async (t) => {
  const door = await openRuns(t);
  const list = await door.get<{ items: WorkflowListing[] }>("/workflows");
  workflowsOut.parse(list);
  assert.deepEqual(
    list.items.map(({ name, steps, problems }) => [name, steps, problems.length]),
    [
      ["design-review", 4, 0],
      ["broken", 0, 1],
    ],
  );
  const one = await door.get<{ definition: { steps: unknown[] } }>("/workflows/design-review");
  workflowOut.parse(one);
  assert.equal(one.definition.steps.length, 4);
  const broken = await door.get<{ definition?: unknown; problems: string[] }>("/workflows/broken");
  assert.match(broken.problems[0] ?? "", /broken\.yaml:3:5/);
  const none = await door.call("/workflows/desing-review");
  assert.deepEqual([none.status, ((await none.json()) as Problem).code], [404, "not_found"]);
});

test("a plan is made for the caller and starts nothing", async (t) => {
  const door = await openRuns(t);
  const { status, body } = await door.send<RunPlan>("/workflows/design-review/plan", {
    inputs: { design: "M1" },
    caller: "manager",
  });
  assert.equal(status, 200);
  planOut.parse(body);
  assert.deepEqual(
    body.waves.map((wave) => wave.map(({ id }) => id)),
    [["technical", "optimization"], ["sign-off"], ["end"]],
  );
  assert.deepEqual(door.runs.calls, [
    {
      verb: "planRun",
      actor: { kind: "operator", claims: "manager" },
      said: { workflow: "design-review", inputs: { design: "M1" } },
    },
  ]);
  const wrong = await door.send<Problem>("/workflows/design-review/plan", { inputs: { desing: "x" } });
  assert.deepEqual(
    [wrong.status, wrong.body.problems?.map(({ path }) => path)],
    [400, ["inputs.desing", "inputs.design"]],
  );
});

test("a run is created with its place, read back, and the same key answers it again", async (t) => {
  const door = await openRuns(t);
  const headers = { "idempotency-key": "k-1" };
  const body = { ...START, caller: "manager", deliver: false };
  const first = await door.send<RunView>("/runs", body, { headers });
  assert.deepEqual([first.status, first.headers.get("idempotent-replay")], [201, null]);
  assert.equal(first.headers.get("location"), `/api/v1/runs/${first.body.id}`);
  runOut.parse(first.body);
  assert.deepEqual(door.runs.calls[0], {
    verb: "startRun",
    actor: { kind: "operator", claims: "manager" },
    said: {
      workflow: "design-review",
      inputs: { design: "M1 mount" },
      deliver: false,
      key: { scope: "rest", key: "k-1" },
      origin: { door: "rest" },
    },
  });
  assert.deepEqual(await door.get(`/runs/${first.body.id}`), first.body);
  const again = await door.send<RunView>("/runs", body, { headers });
  assert.deepEqual([again.status, again.headers.get("idempotent-replay")], [200, "true"]);
  assert.equal(again.body.id, first.body.id);
  const other = await door.send<Problem>("/runs", { ...body, inputs: { design: "M2" } }, { headers });
  assert.deepEqual([other.status, other.body.code], [409, "key_reused"]);
});

test("a run may be given an id, and inputs may be text, numbers and booleans, nothing else", async (t) => {
  const door = await openRuns(t);
  const named = await door.send<RunView>("/runs", { ...START, runId: "wf-mine" });
  assert.equal(named.body.id, "wf-mine");
  for (const [body, path] of [
    [{ ...START, inputs: { design: ["a"] } }, "inputs.design"],
    [{ ...START, inputs: "design=M1" }, "inputs"],
    [{ ...START, runId: "../x" }, "runId"],
    [{ ...START, inputz: {} }, "inputz"],
    [{ inputs: {} }, "workflow"],
  ] as const) {
    const { status, body: said } = await door.send<Problem>("/runs", body);
    assert.deepEqual([status, said.problems?.[0]?.path], [400, path]);
  }
  const proto = await door.call("/runs", {
    method: "POST",
    body: '{"workflow":"design-review","inputs":{"__proto__":{"design":"x"}}}',
  });
  assert.equal(proto.status, 400);
});

test("an agent starts runs in its own name only, and never decides", async (t) => {
  const door = await openRuns(t);
  const key = agentToken("tech-lead");
  const own = await door.send<RunView>("/runs", START, { key });
  assert.equal(own.status, 201);
  assert.deepEqual(door.runs.calls[0]?.actor, { kind: "agent", id: "tech-lead" });
  const claimed = await door.send<Problem>("/runs", { ...START, caller: "manager" }, { key });
  assert.equal(claimed.status, 403);
  door.runs.openGate(own.body.id);
  for (const decision of ["approve", "reject"]) {
    const path = `/runs/${own.body.id}/steps/sign-off/${decision}`;
    const refused = await door.send<Problem>(path, {}, { key });
    assert.deepEqual([refused.status, refused.body.code], [403, "not_allowed"]);
    assert.deepEqual(door.runs.calls.at(-1)?.actor, { kind: "agent", id: "tech-lead" });
  }
  assert.equal((await door.get<RunView>(`/runs/${own.body.id}`)).waiting, "gate");
});

test("runs are listed by page and by what they are, without what their steps brought", async (t) => {
  const door = await openRuns(t);
  const ids = [await door.start(), await door.start(), await door.start()].map(({ id }) => id);
  door.runs.settle(ids[0] ?? "", { status: "succeeded", result: "long", output: { long: true } });
  door.runs.openGate(ids[2] ?? "");
  const first = await door.get<{ items: RunListing[]; next?: string }>("/runs?limit=2");
  runsOut.parse(first);
  assert.deepEqual(
    first.items.map(({ id, gates }) => [id, gates]),
    [
      [ids[2], ["sign-off"]],
      [ids[1], []],
    ],
  );
  const second = await door.get<{ items: object[]; next?: string }>(`/runs?limit=2&before=${first.next}`);
  assert.equal(second.next, undefined);
  assert.deepEqual(
    second.items.map((item) => ["id", "steps", "result", "output"].map((key) => key in item)),
    [[true, false, false, false]],
  );
  const open = await door.get<{ items: RunListing[] }>("/runs?open=true&workflow=design-review");
  assert.equal(open.items.length, 2);
  const done = await door.get<{ items: RunListing[] }>("/runs?status=succeeded,partial");
  assert.deepEqual(
    done.items.map(({ id }) => id),
    [ids[0]],
  );
  assert.equal((await door.call("/runs?status=queued")).status, 400);
  assert.equal((await door.call("/runs?workflow=other")).status, 200);
});

test("a long poll answers at the end, or at a gate when that is asked for", async (t) => {
  const door = await openRuns(t);
  const { id } = await door.start();
  const atGate = door.get<RunView>(`/runs/${id}?wait=30s&untilGate=true`);
  const atEnd = door.get<RunView>(`/runs/${id}?wait=30s`);
  while (door.api.waiting() < 2) await new Promise(setImmediate);
  door.runs.openGate(id);
  assert.equal((await atGate).waiting, "gate");
  assert.equal(door.api.waiting(), 1);
  door.runs.settle(id, { status: "failed", reason: "no" });
  assert.equal((await atEnd).status, "failed");
  const late = await door.get<RunView>(`/runs/${(await door.start()).id}?wait=10ms`);
  assert.equal(late.status, "running");
});

test("a gate is decided with reason and digest; afterwards who decided is told", async (t) => {
  const door = await openRuns(t);
  const { id } = await door.start();
  door.runs.openGate(id);
  const stale = await door.send<Problem>(`/runs/${id}/steps/sign-off/approve`, { digest: "older" });
  assert.deepEqual([stale.status, stale.body.code], [409, "already_settled"]);
  const { status, body } = await door.send<RunView>(`/runs/${id}/steps/sign-off/reject`, {
    reason: "too heavy",
    digest: "0123456789ab",
  });
  assert.equal(status, 200);
  runOut.parse(body);
  assert.equal(body.steps.find((step) => step.id === "sign-off")?.reason, "too heavy");
  assert.deepEqual(door.runs.calls.at(-1), {
    verb: "decideGate",
    actor: { kind: "operator" },
    said: { run: id, step: "sign-off", decision: "reject", reason: "too heavy", digest: "0123456789ab" },
  });
  const second = await door.send<Problem>(`/runs/${id}/steps/sign-off/approve`);
  assert.deepEqual([second.status, second.body.detail], [409, "sign-off was rejected by operator."]);
  const unknown = await door.send<Problem>(`/runs/${id}/steps/sign-off/approve`, { resaon: "x" });
  assert.match(unknown.body.detail, /did you mean reason/);
});

test("every act on a run reaches its verb, with and without a body", async (t) => {
  const door = await openRuns(t);
  const { id } = await door.start();
  const cases: readonly (readonly [path: string, body: object | undefined, verb: string, said: object])[] = [
    ["retry", undefined, "retryRun", { id }],
    ["retry", { tasks: { end: "Once more" } }, "retryRun", { id, tasks: { end: "Once more" } }],
    ["rerun", { from: "technical" }, "rerun", { id, from: "technical" }],
    ["rerun", { from: "technical", resumes: 0 }, "rerun", { id, from: "technical", resumes: 0 }],
    ["retry", { resumes: 2 }, "retryRun", { id, resumes: 2 }],
    ["steps/end/retry", { resumes: 1 }, "retryRun", { id, step: "end", resumes: 1 }],
    ["steps/end/retry", undefined, "retryRun", { id, step: "end" }],
    ["steps/end/retry", { task: "Other" }, "retryRun", { id, step: "end", tasks: { end: "Other" } }],
    ["steps/end/skip", undefined, "skipStep", { id, step: "end" }],
    ["cancel", { reason: "wrong part" }, "cancelRun", { id, reason: "wrong part" }],
    ["accept-partial", undefined, "acceptPartial", { id }],
  ];
  for (const [path, body, verb, said] of cases) {
    const answer = await door.call(`/runs/${id}/${path}`, {
      method: "POST",
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    assert.equal(answer.status, 200, path);
    runOut.parse(await answer.json());
    assert.deepEqual(door.runs.calls.at(-1), { verb, actor: { kind: "operator" }, said }, path);
  }
  const empty = await door.send<Problem>(`/runs/${id}/steps/end/retry`, { task: " " });
  assert.equal(empty.status, 400);
  assert.equal((await door.send(`/runs/${id}/rerun`)).status, 400);
  assert.equal((await door.send("/runs/wf-none/cancel")).status, 404);
});

test("history, receipts and graph of a run can be read; what is not there is a 404", async (t) => {
  const door = await openRuns(t);
  const { id } = await door.start();
  door.runs.openGate(id);
  const { items } = await door.get<{ items: StoredEvent[] }>(`/runs/${id}/history`);
  assert.equal(items[0]?.type, "run.started");
  assert.equal((await door.get<{ items: unknown[] }>(`/runs/${id}/receipts`)).items.length, 1);
  const graph = await door.call(`/runs/${id}/graph`);
  assert.equal(graph.headers.get("content-type"), "text/plain; charset=utf-8");
  const text = await graph.text();
  assert.match(text, /^flowchart TD\n/);
  assert.match(text, /class s2 waiting/);
  const plain = await (await door.call("/workflows/design-review/graph")).text();
  assert.match(plain, /s2 --> s3/);
  assert.doesNotMatch(plain, /class /);
  for (const part of ["", "/history", "/receipts", "/graph"])
    assert.equal((await door.call(`/runs/wf-none${part}`)).status, 404, part);
});

test("the event stream shows runs, all of them or one from its first event on", async (t) => {
  const door = await openRuns(t);
  const { id } = await door.start();
  const other = await door.start();
  const leaving = new AbortController();
  const answer = await door.call(`/events?run=${id}`, { signal: leaving.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const until = async (wanted: string) => {
    while (!text.includes(wanted)) text += (await reader?.read())?.value ?? assert.fail(text);
  };
  await until("event: run.started");
  door.runs.settle(other.id, { status: "succeeded" });
  door.record(`${id}/result`, "delivery.queued", {});
  door.runs.settle(id, { status: "succeeded" });
  await until("event: run.settled");
  assert.equal(text.includes(other.id), false);
  assert.ok(text.includes("event: delivery.queued"));
  leaving.abort();
  const both = await door.call(`/events?run=${id}&delegation=${id}`);
  assert.equal(both.status, 400);
});
