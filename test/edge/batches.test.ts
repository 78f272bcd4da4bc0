import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { batchesOut, batchOut, cleanupOut, importOut, resultsOut } from "../../src/api/batch-outputs.ts";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { read, shellsFor } from "./batch-shells.ts";

const folder = temporaryFolder();
let supervisor: Supervisor;
before(async () => {
  supervisor = await startSupervisor(folder.path);
});
after(async () => {
  await supervisor.stop();
  folder.remove();
});

const { hq, old } = shellsFor(folder.path);
const SEED =
  '[{"id":"t1","label":"Review auth"},{"id":"t2","label":"Review API"},{"id":"t3","label":"Review data"}]';
const THREE = JSON.parse(SEED) as object[];

async function post(path: string, body: object, headers?: Record<string, string>) {
  return supervisor.call("POST", `/batches${path}`, body, headers);
}
const register = async (subtasks: readonly object[] = THREE) =>
  (await post("", { type: "fan_out", subtasks })).body.workflow_id as string;

test("every command line of the playbook works under its old name", async () => {
  const created = read(await old(["create", "--type", "fan_out", "--subtasks", SEED]));
  const id = created.workflow_id as string;
  assert.match(id, /^wf_[0-9a-f]{8}$/);
  assert.deepEqual(
    [created.outcome, created.status, created.progress],
    ["created", "pending", "0/3 complete"],
  );
  assert.deepEqual(
    created.subtasks.map(({ spawn_label }: { spawn_label: string }) => spawn_label),
    [`${id}_t1_review_auth`, `${id}_t2_review_api`, `${id}_t3_review_data`],
  );
  const update = ["update", "--id", id, "--task-id"];
  const begun = read(
    await old([...update, "t1", "--status", "in_progress", "--session-key", "agent:main:7"]),
  );
  assert.deepEqual(
    [begun.outcome, begun.status, begun.subtasks[0].session_key],
    ["updated", "in_progress", "agent:main:7"],
  );
  read(await old([...update, "t1", "--status", "completed", "--result", '<result>{"issues": []}</result>']));
  read(await old([...update, "t2", "--status", "failed", "--result", "timed out"]));
  read(await old([...update, "t3", "--status", "cancelled"]));
  const status = read(await old(["status", "--id", id]));
  assert.deepEqual(
    [status.status, status.progress, status.completed, status.failed, status.cancelled, status.total],
    ["partial", "1/3 complete", 1, 1, 1, 3],
  );
  assert.equal(status.subtasks[1].retry_context, "timed out");
  const results = read(await old(["aggregate", "--id", id]));
  assert.deepEqual(results.completed_results, [
    { task_id: "t1", label: "Review auth", result: '<result>{"issues": []}</result>' },
  ]);
  assert.deepEqual([results.success_count, results.failure_count, results.total_tasks], [1, 1, 3]);
  const listed = read(await old(["list"]));
  assert.equal(listed.workflows[0].workflow_id, id);
  const active = read(await old(["list", "--active"]));
  assert.ok(!active.workflows.some((one: { workflow_id: string }) => one.workflow_id === id));
  assert.deepEqual(read(await old(["cleanup", "--days", "7"])).removed, 0);
  assert.deepEqual(read(await old(["cleanup"])).outcome, "cleaned");
});

test("errors are JSON on stderr, with the old exit code under the old name and ours under hq", async () => {
  for (const [args, code, exit] of [
    [["status", "--id", "wf_none"], "NOT_FOUND", 2],
    [["create", "--type", "fan_out", "--subtasks", '[{"id": "t1"'], "BAD_JSON", 2],
    [["create", "--type", "fan_out", "--subtasks", '[{"id": "t1", "lable": "x"}]'], "INVALID_INPUT", 2],
    [["import", "nowhere.json"], "IO_ERROR", 2],
    [["--ledger", "memory/workflows.json", "list"], "INVALID_INPUT", 2],
  ] as const) {
    const [ours, theirs] = await Promise.all([hq(args), old(args)]);
    assert.deepEqual([ours.code, theirs.code], [exit, 1], ours.stderr);
    assert.deepEqual([ours.stdout, theirs.stdout], ["", ""]);
    const said = JSON.parse(ours.stderr) as { status: string; code: string; message: string };
    assert.deepEqual([said.status, said.code], ["error", code]);
    assert.deepEqual(JSON.parse(theirs.stderr), said);
  }
  const bad = JSON.parse((await hq(["create", "--type", "fan_out", "--subtasks", '[{"id": "t1"'])).stderr);
  assert.match(bad.message, /^--subtasks:1:13: not JSON/);
  const missing = await hq(["create", "--type", "fan_out"]);
  assert.equal(missing.code, 2);
});

test("metadata that is no JSON is kept as it was said", async () => {
  const args = ["create", "--type", "supervisor", "--subtasks", "[{}]"];
  assert.deepEqual(read(await hq([...args, "--metadata", "from Ada"])).metadata, { raw: "from Ada" });
  const timed = read(await hq([...args, "--metadata", '{"expected_minutes": 10}']));
  assert.deepEqual([timed.metadata, timed.subtasks[0].label], [{ expected_minutes: 10 }, "Subtask 1"]);
  const wrong = await hq([...args, "--metadata", '{"expected_minutes": "soon"}']);
  assert.match(wrong.stderr, /expected_minutes/);
});

test("a heartbeat reads one line, and the old name `hq ledger` means the same", async () => {
  const id = await register();
  const brief = await hq(["status", "--id", id, "--brief"]);
  assert.equal(brief.stdout, `${id} fan_out pending: 0/3 complete, 0 min\n`);
  const alias = await hq(["status", "--id", id, "--brief"], { name: "ledger" });
  assert.equal(alias.stdout, brief.stdout);
});

test("three failures stop it, the refusal says what to choose, and each choice works", async () => {
  const stopped = async () => {
    const id = await register([...THREE, { id: "t4", label: "Review docs" }]);
    for (const task of ["t1", "t2", "t3"])
      await post(`/${id}/tasks/${task}`, { status: "failed", result: `${task} broke` });
    return id;
  };
  const [first, second, third] = await Promise.all([stopped(), stopped(), stopped()]);
  const begun = await hq(["update", "--id", first, "--task-id", "t4", "--status", "in_progress"]);
  assert.equal(begun.code, 3);
  const said = JSON.parse(begun.stderr) as { code: string; message: string; hint: string };
  assert.equal(said.code, "BATCH_STOPPED");
  assert.match(said.message, /0 of 4 tasks completed\. Failed tasks: \[t1 \(Review auth\), t2/);
  assert.match(said.hint, /--choice retry .* --choice adjust .* accept/);
  const resume = ["resume", "--choice"];
  const retried = read(await hq([...resume, "retry", "--id", first, "--reason", "the network is back"]));
  assert.deepEqual([retried.outcome, retried.stopped, retried.pending], ["resumed", false, 4]);
  const parts = '[{"id": "t1a", "label": "Half of it"}]';
  const adjusted = read(await hq([...resume, "adjust", "--id", second, "--subtasks", "-"], { input: parts }));
  assert.deepEqual([adjusted.failed, adjusted.total, adjusted.stopped], [3, 5, false]);
  const accepted = read(await hq(["accept", "--id", third]));
  assert.deepEqual([accepted.outcome, accepted.status, accepted.cancelled], ["accepted", "failed", 1]);
});

test("fifty updates at the same moment are all kept", async () => {
  const subtasks = Array.from({ length: 50 }, (_, i) => ({ id: `t${i}`, label: `Part ${i}` }));
  const id = await register(subtasks);
  const answers = await Promise.all(
    subtasks.map((task, i) =>
      post(`/${id}/tasks/${task.id}`, { status: "completed", result: `result ${i}` }),
    ),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const results = (await supervisor.call("GET", `/batches/${id}/results`)).body;
  assert.deepEqual([results.status, results.success_count], ["completed", 50]);
  assert.deepEqual(
    results.completed_results.map(({ result }: { result: string }) => result),
    subtasks.map((_, i) => `result ${i}`),
  );
});

test("updates from several shells at the same moment are all kept", async () => {
  const id = await register();
  const done = await Promise.all(
    ["t1", "t2", "t3"].map((task) =>
      hq(["update", "--id", id, "--task-id", task, "--status", "completed", "--result", "-"], {
        input: task,
      }),
    ),
  );
  assert.deepEqual(
    done.map(({ code }) => code),
    [0, 0, 0],
  );
  const results = read(await hq(["aggregate", "--id", id]));
  assert.deepEqual(
    results.completed_results.map(({ result }: { result: string }) => result),
    ["t1", "t2", "t3"],
  );
});

test("an agent's own token sees its own batches alone", async () => {
  const { body } = await supervisor.call("POST", "/agents/webster/key");
  const env = { HQ_AGENT_TOKEN: body.token as string };
  const foreign = await register();
  const created = read(await hq(["create", "--type", "map_reduce", "--subtasks", "[{}]"], { env }));
  const listed = read(await hq(["list"], { env }));
  assert.deepEqual(
    listed.workflows.map((one: { workflow_id: string }) => one.workflow_id),
    [created.workflow_id],
  );
  const refused = await hq(["status", "--id", foreign], { env });
  assert.deepEqual([refused.code, JSON.parse(refused.stderr).code], [3, "NOT_ALLOWED"]);
});

test("the routes answer what the document says, and name what is wrong with its place", async () => {
  const headers = { "idempotency-key": "batch-1" };
  const body = { type: "pipeline", subtasks: THREE };
  const created = await post("", body, headers);
  batchOut.parse(created.body);
  const { workflow_id: id } = created.body;
  assert.deepEqual([created.status, created.headers.get("location")], [201, `/api/v1/batches/${id}`]);
  const again = await post("", body, headers);
  assert.deepEqual(
    [again.status, again.headers.get("idempotent-replay"), again.body.workflow_id],
    [200, "true", id],
  );
  batchOut.parse((await post(`/${id}/tasks/t1`, { status: "canceled" })).body);
  resultsOut.parse((await supervisor.call("GET", `/batches/${id}/results`)).body);
  batchesOut.parse((await supervisor.call("GET", "/batches?active=true")).body);
  cleanupOut.parse((await post("/cleanup", { dry_run: true })).body);
  importOut.parse((await post("/import", { workflows: {} })).body);
  const paths = async (path: string, wrong: object) =>
    ((await post(path, wrong)).body.problems as { path: string }[]).map((problem) => problem.path);
  assert.deepEqual(await paths("", { type: "swarm", subtasks: [], metdata: {} }), [
    "type",
    "subtasks",
    "metdata",
  ]);
  assert.deepEqual(await paths("", { type: "fan_out", subtasks: [{ id: "a" }, { id: "a" }] }), [
    "subtasks.1.id",
  ]);
  assert.deepEqual(await paths(`/${id}/resume`, { choice: "retry", subtasks: [{ id: "x" }] }), ["subtasks"]);
  const unknown = await post(`/${id}/tasks/t9`, { status: "completed" });
  assert.deepEqual([unknown.status, unknown.body.hint], [404, "Its tasks are t1, t2, t3."]);
  const late = await post(`/${id}/resume`, { choice: "retry" });
  assert.deepEqual([late.status, late.body.code], [409, "already_settled"]);
});

test("retries are counted, and the third is refused with what the last try said", async () => {
  const id = await register();
  const say = (status: string, result?: string) =>
    post(`/${id}/tasks/t1`, { status, ...(result ? { result } : {}) });
  for (const attempt of [1, 2, 3]) {
    assert.equal((await say("in_progress")).body.subtasks[0].retries, attempt - 1);
    await say("failed", `error ${attempt}`);
  }
  const refused = await say("in_progress");
  assert.deepEqual([refused.status, refused.body.code], [409, "retries_used"]);
  assert.match(refused.body.detail, /tried 3 times.*error 3/);
});
