import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { clearedOut, taskOut, tasksOut, triggeredOut } from "../../src/api/task-outputs.ts";
import type { StoredEvent } from "../../src/engine/ports/ledger.ts";
import type { TaskView } from "../../src/engine/task-verbs.ts";
import { agentToken, openDoor } from "./api-scripted.ts";

type Problem = { code: string; detail: string; problems?: { path: string; message: string }[] };

async function openTasks(t: TestContext, more: Parameters<typeof openDoor>[0] = {}) {
  const door = await openDoor(more);
  t.after(door.api.stop);
  type Answer<T> = { readonly status: number; readonly headers: Headers; readonly body: T };
  const ask = async <T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> => {
    const answer = await door.call(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T };
  };
  return { ...door, ask };
}

test("a task is posted with what is said beside it, and the same key answers it again", async (t) => {
  const door = await openTasks(t);
  const body = { text: "Review code", model: "coder", thinking: "high", timeout: "5m" };
  const key = { "idempotency-key": "k-1" };
  const first = await door.ask<TaskView>("POST", "/tasks", body, key);
  assert.deepEqual([first.status, first.headers.get("idempotent-replay")], [201, null]);
  assert.equal(first.headers.get("location"), `/api/v1/tasks/${first.body.id}`);
  taskOut.parse(first.body);
  assert.equal(first.body.task.text, "Review code [model:coder] [thinking:high] [timeout:300]");
  assert.deepEqual(door.tasks.calls, [
    {
      verb: "submit",
      actor: { kind: "operator" },
      said: {
        text: "Review code",
        model: "coder",
        thinking: "high",
        timeoutMs: 300_000,
        key: { scope: "rest", key: "k-1" },
      },
    },
  ]);
  assert.deepEqual((await door.ask("GET", `/tasks/${first.body.id}`)).body, first.body);
  const again = await door.ask<TaskView>("POST", "/tasks", body, key);
  assert.deepEqual([again.status, again.headers.get("idempotent-replay")], [200, "true"]);
  assert.equal(again.body.id, first.body.id);
  const other = await door.ask<Problem>("POST", "/tasks", { ...body, text: "Review it" }, key);
  assert.deepEqual([other.status, other.body.code], [409, "key_reused"]);
});

test("a task that cannot be meant is refused with every place, and posted nowhere", async (t) => {
  const door = await openTasks(t);
  for (const [body, path] of [
    [{ text: "  " }, "text"],
    [{}, "text"],
    [{ text: "a", thinking: "hard" }, "thinking"],
    [{ text: "a", model: "x] [agent:manager" }, "model"],
    [{ text: "a", agent: "a\nb" }, "agent"],
    [{ text: "a", timeout: "soon" }, "timeout"],
    [{ text: "a", modle: "cheap" }, "modle"],
    [{ text: "a", model: "chaep" }, "model"],
    [{ text: "a [Model: coder ]", model: "cheap" }, "model"],
  ] as const) {
    const { status, body: said } = await door.ask<Problem>("POST", "/tasks", body);
    assert.deepEqual([status, said.problems?.[0]?.path], [400, path], JSON.stringify(body));
  }
  assert.deepEqual((await door.ask<{ items: unknown[] }>("GET", "/tasks")).body.items, []);
  door.tasks.state.discord = false;
  const { status, body } = await door.ask<Problem>("POST", "/tasks", { text: "a" });
  assert.deepEqual([status, body.code], [503, "no_discord"]);
});

test("tasks are listed newest first, by status, in pages", async (t) => {
  const door = await openTasks(t);
  const ids = ["a", "b", "c"].map((text) => door.tasks.add(text).id);
  door.tasks.change(ids[1] ?? "", { status: "done" });
  const idsOf = async (query: string) => {
    const { body } = await door.ask<{ items: TaskView[]; next?: string }>("GET", `/tasks?${query}`);
    tasksOut.parse(body);
    return { ids: body.items.map(({ id }) => id), next: body.next };
  };
  assert.deepEqual((await idsOf("")).ids, [...ids].reverse());
  assert.deepEqual((await idsOf("status=done,failed")).ids, [ids[1]]);
  assert.deepEqual((await idsOf("open=true")).ids, [ids[2], ids[0]]);
  const first = await idsOf("limit=2");
  assert.deepEqual((await idsOf(`limit=2&before=${first.next}`)).ids, [ids[0]]);
  assert.equal((await door.ask<Problem>("GET", "/tasks?status=finished")).status, 400);
  assert.equal((await door.ask<Problem>("GET", "/tasks/task-1")).status, 404);
});

test("waiting ends when the task is over, when its tags are refused, or with the span", async (t) => {
  const door = await openTasks(t);
  const { id } = door.tasks.add("a");
  const early = await door.ask<TaskView>("GET", `/tasks/${id}?wait=10ms`);
  assert.equal(early.body.status, "open");
  const waiting = door.ask<TaskView>("GET", `/tasks/${id}?wait=30s`);
  while (door.api.waiting() === 0) await new Promise(setImmediate);
  door.tasks.change(id, { status: "claimed" });
  door.tasks.change(id, { status: "done" });
  assert.equal((await waiting).body.status, "done");
  const wrong = door.tasks.add("b [model:x]", { refused: { at: 5, text: "There is no model x." } });
  const refused = await door.ask<TaskView>("GET", `/tasks/${wrong.id}?wait=30s`);
  assert.equal(refused.body.refused?.text, "There is no model x.");
  const history = await door.ask<{ items: StoredEvent[] }>("GET", `/tasks/${id}/history`);
  assert.deepEqual(
    history.body.items.map(({ type }) => type),
    ["task.seen", "task.changed", "task.changed"],
  );
});

test("a task is run again or withdrawn in the name of who asks", async (t) => {
  const door = await openTasks(t);
  const { id } = door.tasks.add("a", { status: "done" });
  const key = agentToken("webster");
  assert.equal((await door.post(`/tasks/${id}/run-again`, undefined, { key })).status, 200);
  const twice = await door.ask<Problem>("POST", `/tasks/${id}/run-again`);
  assert.deepEqual([twice.status, twice.body.code], [409, "already_settled"]);
  const gone = await door.ask<TaskView>("POST", `/tasks/${id}/withdraw`, { reason: "done by hand" });
  assert.equal(gone.body.status, "withdrawn");
  assert.deepEqual(
    door.tasks.calls.map(({ verb, actor, said }) => [verb, actor, said]),
    [
      ["runAgain", { kind: "agent", id: "webster" }, { id }],
      ["runAgain", { kind: "operator" }, { id }],
      ["withdraw", { kind: "operator" }, { id, reason: "done by hand" }],
    ],
  );
});

test("a trigger is one pass and tells what there is to do", async (t) => {
  const door = await openTasks(t);
  door.tasks.add("a");
  door.tasks.add("b", { status: "claimed" });
  const { status, body } = await door.ask("POST", "/tasks/trigger");
  assert.equal(status, 200);
  assert.deepEqual(triggeredOut.parse(body), { messages: 2, open: 1, claimed: 1 });
});

test("messages are removed by status or by channel, a page at a time, by the operator alone", async (t) => {
  const door = await openTasks(t);
  door.tasks.state.pages = 2;
  door.tasks.state.kept = [{ reason: "the bot lacks Manage Messages", count: 3 }];
  const first = await door.ask("DELETE", "/tasks?status=done,failed");
  assert.equal(first.status, 200);
  assert.deepEqual(clearedOut.parse(first.body), {
    removed: 100,
    kept: [{ reason: "the bot lacks Manage Messages", count: 3 }],
    next: "2",
  });
  const second = await door.ask("DELETE", "/tasks?channel=worker-pool&before=2");
  assert.deepEqual(clearedOut.parse(second.body), { removed: 100, kept: [] });
  assert.deepEqual(
    door.tasks.calls.map(({ said }) => said),
    [{ statuses: ["done", "failed"] }, { channel: "worker-pool", before: "2" }],
  );
  for (const query of ["", "?status=done&channel=results", "?channel=general", "?status="]) {
    assert.equal((await door.ask("DELETE", `/tasks${query}`)).status, 400, query);
  }
  const agent = await door.call("/tasks?status=done", { method: "DELETE", key: agentToken("webster") });
  assert.equal(agent.status, 403);
  assert.equal(door.tasks.calls.length, 2);
});

test("a foreign page can neither post nor remove tasks", async (t) => {
  const door = await openTasks(t);
  const headers = { origin: "https://example.org" };
  assert.equal((await door.ask("DELETE", "/tasks?status=done", undefined, headers)).status, 403);
  assert.equal((await door.ask("POST", "/tasks", { text: "a" }, headers)).status, 403);
  assert.deepEqual(door.tasks.calls, []);
});

test("an export has a line for each task, and no cell that a spreadsheet would calculate", async (t) => {
  const door = await openTasks(t);
  door.tasks.add('=HYPERLINK("http://x") [model:cheap]', {
    status: "done",
    tries: [
      {
        number: 1,
        claimedAt: 2000,
        executor: { kind: "worker", worker: "standard", model: "m/x", alias: "cheap", thinking: "low" },
        child: "task-1/w1",
        outcome: { at: 3000, status: "done", childStatus: "succeeded", summary: "two\nlines, and a comma" },
      },
    ],
  });
  door.tasks.add("b");
  const lines = await door.call("/tasks/export");
  assert.match(lines.headers.get("content-type") ?? "", /^application\/x-ndjson/);
  const read = (await lines.text())
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as TaskView).objective);
  assert.deepEqual(read, ["b", '=HYPERLINK("http://x")']);
  const csv = await (await door.call("/tasks/export?format=csv")).text();
  const [head, second, first] = csv.split("\r\n");
  assert.match(head ?? "", /^id,status,posted_at,author,task,executor,model,thinking/);
  assert.match(second ?? "", /,open,.*,ada,b,,,,0,,,,$/);
  assert.match(first ?? "", /,"'=HYPERLINK\(""http:\/\/x""\)",worker standard,m\/x,low,1,/);
  assert.match(csv, /"two\nlines, and a comma"\r\n$/);
});

test("an emergency stop ends the work first, tells what it ended, and then the supervisor stops", async (t) => {
  const asked: string[] = [];
  const door = await openTasks(t, { onStop: (mode) => void asked.push(mode) });
  door.tasks.state.stopped = {
    canceled: ["orch-1"],
    notCancelable: [{ id: "orch-2", agent: "webster", reason: "its gateway cannot be told" }],
    killed: ["task-1/w1"],
    held: 4,
  };
  const agent = await door.post("/stop", { now: true }, { key: agentToken("webster") });
  assert.equal(agent.status, 403);
  const both = await door.ask<Problem>("POST", "/stop", { now: true, mode: "graceful" });
  assert.deepEqual([both.status, both.body.problems?.[0]?.path], [400, "now"]);
  assert.deepEqual(door.tasks.calls, []);
  const { status, body } = await door.ask("POST", "/stop", { now: true });
  assert.deepEqual([status, body], [202, { stopping: true, mode: "now", ended: door.tasks.state.stopped }]);
  assert.deepEqual(
    door.tasks.calls.map(({ verb }) => verb),
    ["stopNow"],
  );
  while (asked.length === 0) await new Promise(setImmediate);
  assert.deepEqual(asked, ["now"]);
});
