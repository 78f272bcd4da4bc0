import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { metricsOut } from "../../src/api/metrics-outputs.ts";
import type { DelegationRoll, MetricsView } from "../../src/domain/metrics-types.ts";
import { cleanEnv, ROOT, type Supervisor, temporaryFolder } from "../support/supervisor.ts";
import { openDoor } from "./api-scripted.ts";
import { personAt, startFor } from "./discord-person.ts";

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

function runIn(home: string, command: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, args, { env: cleanEnv({ HQ_HOME: home }), cwd: home }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}
const hq = (home: string, ...args: readonly string[]) =>
  runIn(home, process.execPath, [join(ROOT, "bin/hq.js"), ...args]);

async function figures(supervisor: Supervisor, query = ""): Promise<MetricsView> {
  const { body } = await supervisor.call("GET", `/metrics${query}`);
  return body as MetricsView;
}

/** Without what may still be posted while we look. */
function settledPart(roll: DelegationRoll): object {
  return { ...roll, posting: undefined };
}

/** Width and height of a PNG. */
function sizeOf(png: Uint8Array): readonly [number, number] {
  const bytes = Buffer.from(png);
  assert.equal(bytes.subarray(0, 8).toString("hex"), "89504e470d0a1a0a");
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}

test("REST: a span, an agent and a workflow are understood; what makes no sense is refused", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  const answer = await door.call("/metrics?since=7d&agent=webster&workflow=quick-research");
  assert.equal(answer.status, 200);
  metricsOut.parse(await answer.json());
  assert.deepEqual(door.figures.queries, [
    { sinceMs: 7 * 86_400_000, agent: "webster", workflow: "quick-research" },
  ]);
  for (const query of ["?since=soon", "?since=0", "?agnt=webster"]) {
    assert.equal((await door.call(`/metrics${query}`)).status, 400, query);
  }
  assert.equal((await door.call("/metrics/chart.png?kind=pie")).status, 400);
});

test("REST: Prometheus reads sums, histograms and how it stands, and needs a key", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const url of [`${door.url}/metrics`, `${door.url}/api/v1/metrics/prom`]) {
    assert.equal((await fetch(url)).status, 401);
  }
  const answer = await door.call("/metrics/prom");
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split("\n");
  for (const line of [
    'hq_delegations_total{agent="webster",workflow="quick-research",status="succeeded"} 3',
    'hq_delegation_retries_total{agent="webster"} 1',
    'hq_cost_unknown_total{agent="webster"} 3',
    'hq_delegation_working_seconds_count{agent="webster"} 3',
    'hq_delegation_working_seconds_sum{agent="webster"} 15',
    'hq_delegation_working_seconds_bucket{agent="webster",le="+Inf"} 3',
    'hq_open{kind="delegations",status="queued"} 1',
    'hq_queue_age_seconds{kind="delegations"} 90',
    'hq_agent_state{agent="webster",state="up"} 1',
    "# TYPE hq_delegation_working_seconds histogram",
  ])
    assert.ok(lines.includes(line), line);
});

test("REST: pictures of each kind, dark and light, as wide as a phone is sharp", async (t) => {
  const door = await openDoor();
  t.after(door.api.stop);
  for (const query of ["", "?kind=hours", "?kind=agents&theme=light", "?kind=latency"]) {
    const answer = await door.call(`/metrics/chart.png${query}`);
    assert.equal(answer.headers.get("content-type"), "image/png", query);
    const [width, height] = sizeOf(new Uint8Array(await answer.arrayBuffer()));
    assert.equal(width, 1100, query);
    assert.ok(height > 300 && height < 2000, `${query}: ${height}`);
  }
});

test("what was done in the whole product is told alike by REST, the command line, its old name and Discord, also after a restart", async (t) => {
  using home = temporaryFolder();
  const first = await startFor(t, home.path);
  const asked = ["delegate", "webster", "Find the CTE of Zerodur Class 0", "--caller", "manager"];
  const input = ["workflow", "run", "quick-research", "--input", "query=CTE of ULE", "--caller", "manager"];
  for (const args of [asked, input]) {
    const { code, stderr } = await hq(home.path, ...args);
    assert.equal(code, 0, stderr);
  }
  const { code, stderr } = await hq(home.path, "submit", "[agent:auditor] Check 0.02 ppm/K ± 1 %", "--wait");
  assert.equal(code, 0, stderr);
  await personAt(first).until("results", (messages) => messages.length >= 3);
  const before = await figures(first);
  assert.equal(before.delegations.total, 4);
  assert.equal(before.delegations.working.count, 4);
  assert.equal(before.tasks.total, 1);
  assert.deepEqual(
    before.runs.map(({ workflow, byStatus }) => [workflow, byStatus]),
    [["quick-research", { succeeded: 1 }]],
  );
  assert.deepEqual(
    before.workflows.map(({ workflow, total }) => [workflow, total]),
    [["quick-research", 2]],
  );
  assert.equal((await figures(first, "?agent=auditor")).delegations.total, 1);

  const text = await hq(home.path, "metrics");
  assert.match(text.stdout, /^4 delegations settled since the beginning, 100 % success/);
  assert.match(text.stdout, /\nquick-research +2 +100 %/);
  const json = JSON.parse((await hq(home.path, "metrics", "json", "--since", "24h")).stdout) as MetricsView;
  assert.deepEqual(settledPart(json.delegations), settledPart(before.delegations));
  const old = await runIn(home.path, "python3", [join(ROOT, "compat/metrics.py"), "json"]);
  assert.deepEqual(
    (JSON.parse(old.stdout) as MetricsView).agents.map(settledPart),
    before.agents.map(settledPart),
  );
  const wrapped = await runIn(home.path, join(ROOT, "compat/metrics.sh"), ["text"]);
  assert.match(wrapped.stdout, /^4 delegations settled/);
  const prom = await hq(home.path, "metrics", "prom");
  assert.match(prom.stdout, /^hq_runs_total\{workflow="quick-research",status="succeeded"\} 1$/m);

  const answer = await personAt(first).command("metrics", { since: "24h" });
  assert.match(answer.message?.content ?? "", /^\*\*4 settled\*\* · \*\*100 %\*\* success · last 24 hours\n/);
  const { attachments = [] } = (answer.message ?? {}) as {
    attachments?: { filename: string; url: string }[];
  };
  assert.deepEqual(
    attachments.map(({ filename }) => filename),
    ["metrics.png"],
  );
  const picture = await fetch(attachments[0]?.url ?? "");
  assert.ok(sizeOf(new Uint8Array(await picture.arrayBuffer())).every((pixels) => pixels > 100));
  const last = await figures(first);
  assert.deepEqual(settledPart(last.delegations), settledPart(before.delegations), "asking changes nothing");
  await first.stop();

  const second = await startFor(t, home.path);
  assert.deepEqual(settledPart((await figures(second)).delegations), settledPart(before.delegations));
});

test("hq metrics --handoffs reads a folder of the old tools without a supervisor, and names what it cannot count", async () => {
  using home = temporaryFolder();
  const put = (path: string, content: object | string) => {
    const place = join(home.path, "handoffs", path);
    mkdirSync(join(place, ".."), { recursive: true });
    writeFileSync(place, typeof content === "string" ? content : JSON.stringify(content));
  };
  const at = "2026-02-15T10:00:00Z";
  const handoff = { agent: "webster", status: "complete", result: "x", confidence: "high", timestamp: at };
  put("orch-1.json", { ...handoff, runId: "orch-1" });
  put("orch-2.json", { ...handoff, runId: "orch-2", status: "failed", agent: "auditor" });
  put("broken.json", "{");
  put("workflows/wf-quick-research-20260215-100000-ab12/summary.json", { status: "complete", timestamp: at });
  const json = await hq(home.path, "metrics", "json", "--handoffs", "handoffs");
  assert.equal(json.code, 0, json.stderr);
  const told = JSON.parse(json.stdout) as MetricsView & { skipped: { path: string }[] };
  assert.deepEqual(told.delegations.byStatus, { succeeded: 1, failed: 1 });
  assert.deepEqual(
    told.runs.map(({ workflow, total }) => [workflow, total]),
    [["quick-research", 1]],
  );
  assert.deepEqual(
    told.skipped.map(({ path }) => path),
    ["broken.json"],
  );
  const text = await hq(home.path, "metrics", "--handoffs", "handoffs");
  assert.match(text.stdout, /^2 delegations settled since the beginning, 50 % success/);
  assert.match(text.stderr, /1 not counted:\n {2}broken\.json: it is no JSON/);
  const nowhere = await hq(home.path, "metrics", "--handoffs", "nowhere");
  assert.deepEqual([nowhere.code, /nowhere/.test(nowhere.stderr)], [2, true]);
  assert.equal((await hq(home.path, "metrics", "prom", "--handoffs", "handoffs")).code, 2);
  assert.equal((await hq(home.path, "metrics", "--logs", "x")).code, 2);
});
