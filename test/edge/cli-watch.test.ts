import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { changesOf, frameOf } from "../../src/cli/watch-frame.ts";
import type { NowView } from "../../src/engine/now.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { runHq, startHq } from "./cli-process.ts";

const AT = Date.UTC(2026, 10, 21, 11, 30);
const delegation = (n: number, more: object = {}) => ({
  id: `orch-${n}`,
  agent: "webster",
  status: "dispatched" as const,
  objective: `Look \u001b[31m${n}`,
  asker: "@ada",
  queuedAt: AT - 5000,
  since: AT - 4000,
  attempt: 1,
  maxAttempts: 2,
  late: false,
  ...more,
});
const agent = (id: string, state: "up" | "down" = "up") => ({
  id,
  name: id,
  state,
  since: AT - 60_000,
  text: state === "up" ? "answers" : "refused the connection",
  queued: 0,
  running: 0,
  concurrency: 1,
});

function viewOf(more: Partial<NowView> = {}): NowView {
  return {
    at: AT,
    position: 1,
    version: "1.0.0",
    mode: "local",
    ready: true,
    checks: [{ name: "discord", ok: true, text: "connected" }],
    counts: {},
    runs: [],
    delegations: [],
    tasks: [],
    gates: [],
    agents: [agent("webster")],
    more: { runs: false, delegations: false, tasks: false },
    ...more,
  };
}

const gate = {
  run: "wf-1",
  workflow: "design-review",
  step: "sign-off",
  prompt: "Consolidate now?",
  results: [],
  digest: "d",
  openedAt: AT - 90_000,
  expiresAt: AT,
  asker: "@ada",
  approvers: ["role:engineering"],
  min: 2,
  approvals: [{ who: "@bob", at: AT }],
  escalated: false,
  late: true,
};

test("the screen shows what waits for people first, says what is late, and never more than it has room for", () => {
  const delegations = Array.from({ length: 40 }, (_, n) =>
    delegation(n, n === 0 ? { late: true, lateWhy: "past its deadline" } : {}),
  );
  const view = viewOf({ delegations, gates: [gate], more: { runs: false, delegations: true, tasks: false } });
  for (const size of [
    { columns: 100, rows: 24 },
    { columns: 40, rows: 12 },
    { columns: 200, rows: 80 },
    { columns: 20, rows: 4 },
  ]) {
    const lines = frameOf(view, AT, size);
    assert.ok(lines.length < size.rows, `${lines.length} lines in ${size.rows}`);
    for (const line of lines) assert.ok(line.length < size.columns && !line.includes("\u001b"), line);
  }
  const lines = frameOf(view, AT, { columns: 120, rows: 24 });
  assert.match(lines[0] ?? "", /^Atomizer HQ 1\.0\.0 · local · ready · 11:30:00Z/);
  assert.equal(lines[1], "0 runs · 40+ delegations · 0 tasks · 1 gate for people · 1 late");
  const text = lines.join("\n");
  assert.match(text, /FOR PEOPLE\n\? {2}1m 30s {2}wf-1 sign-off {2}1\/2 {2}Consolidate now\? {2}LATE\n/);
  assert.match(
    text,
    /DELEGATIONS · \d+\+ more not shown\n▸ {6}4s {2}webster {8}orch-0 {2}LATE: past its deadline/,
  );
  assert.ok(text.indexOf("FOR PEOPLE") < text.indexOf("DELEGATIONS"));
  assert.match(text, /AGENTS\n✓/);
});

test("the screen says what is wrong, and what to do when nothing is open", () => {
  const size = { columns: 120, rows: 24 };
  const quiet = frameOf(viewOf(), AT, size).join("\n");
  assert.match(quiet, /Nothing is open\. Hand work over: hq delegate webster "/);
  const saidTo = (ids: readonly string[]) =>
    /hq delegate \S+/.exec(frameOf(viewOf({ agents: ids.map((id) => agent(id)) }), AT, size).join("\n"))?.[0];
  assert.equal(saidTo(["main", "scout"]), "hq delegate main", "an agent that is there");
  assert.equal(saidTo([]), "hq delegate AGENT");
  const checks = [{ name: "discord", ok: false, text: "not connected" }];
  const broken = frameOf(
    viewOf({ ready: false, checks, agents: [agent("webster", "down")] }),
    AT,
    size,
    "The supervisor went away",
  ).join("\n");
  assert.match(broken, /local · The supervisor went away · /);
  assert.match(broken, /! discord: not connected/);
  assert.match(broken, /! {2}1m 00s {2}webster {8}down .* refused the connection/);
});

test("a line is written for what began, changed and ended, and none for what stayed", () => {
  const before = viewOf({ delegations: [delegation(1), delegation(2), delegation(3)] });
  assert.equal(changesOf(undefined, before).length, 1 + 3 + 1);
  const after = viewOf({
    delegations: [delegation(1), delegation(2, { attempt: 2 }), delegation(4)],
    gates: [gate],
  });
  const stamp = "2026-11-21T11:30:00.000Z";
  assert.deepEqual(changesOf(before, after), [
    `${stamp}  gate wf-1 sign-off: waits for people, 1 of 2 approve`,
    `${stamp}  delegation orch-2: webster, dispatched, attempt 2`,
    `${stamp}  delegation orch-4: webster, dispatched, attempt 1`,
    `${stamp}  delegation orch-3: no longer open`,
  ]);
  assert.deepEqual(changesOf(after, after), []);
});

async function started(t: TestContext) {
  const folder = temporaryFolder("hq-watch-");
  t.after(folder.remove);
  const home = join(folder.path, "home");
  const supervisor = await startSupervisor(home);
  t.after(supervisor.stop);
  return { home, supervisor };
}

test("hq status --watch tells what happens as it does, goes on across a restart, and leaves with 130", async (t) => {
  const { home, supervisor } = await started(t);
  const options = { env: { HQ_HOME: home }, cwd: home };
  const [watch, json] = [
    startHq(t, ["status", "--watch"], options),
    startHq(t, ["status", "--watch", "--json"], options),
  ];
  await Promise.all([watch.said(/agent webster: up/), json.said(/"position"/)]);
  const { body } = await supervisor.call("POST", "/delegations", {
    agent: "webster",
    objective: "The CTE of ULE [slow 1500ms]",
  });
  await watch.said(new RegExp(`delegation ${body.id}: webster, dispatched, attempt 1`));
  await watch.said(new RegExp(`delegation ${body.id}: no longer open`));
  await json.said(new RegExp(`"id":"${body.id}"`));
  await supervisor.stop();
  await watch.said(/The supervisor went away/);
  const second = await startSupervisor(home);
  t.after(second.stop);
  await watch.said(/The supervisor is back; watching again/);
  const { body: later } = await second.call("POST", "/delegations", {
    agent: "webster",
    objective: "The CTE of Zerodur [slow 1500ms]",
  });
  await watch.said(new RegExp(`delegation ${later.id}: webster`));
  for (const { child } of [watch, json]) child.kill("SIGINT");
  const [ended, endedJson] = await Promise.all([watch.done, json.done]);
  assert.deepEqual([ended.code, endedJson.code], [130, 130]);
  const views = endedJson.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as NowView);
  assert.ok(views.some(({ delegations }) => delegations.some(({ id }) => id === body.id)));
});

test("on a terminal it is a screen of its own that is taken away at the end", async (t) => {
  const { home, supervisor } = await started(t);
  let interrupt: () => void = () => undefined;
  let out = "";
  let drawn: () => void = () => undefined;
  const isDrawn = (pattern: RegExp) =>
    new Promise<void>((resolve) => {
      drawn = () => (pattern.test(out) ? resolve() : undefined);
      drawn();
    });
  const ran = hq(["status", "--watch"], {
    env: { HQ_HOME: home },
    outSize: () => ({ columns: 80, rows: 24 }),
    out(text) {
      out += text;
      drawn();
    },
    onInterrupt(listener) {
      interrupt = listener;
      return () => undefined;
    },
  });
  await isDrawn(/AGENTS/);
  const { body } = await supervisor.call("POST", "/delegations", {
    agent: "webster",
    objective: "The CTE of ULE [slow 1500ms]",
  });
  await isDrawn(new RegExp(body.id));
  interrupt();
  assert.equal((await ran).code, 130);
  assert.ok(out.startsWith("\u001b[?1049h\u001b[?25l") && out.endsWith("\u001b[?25h\u001b[?1049l"));
});

test("without a supervisor, and with filters, it says what to do", async (t) => {
  const folder = temporaryFolder("hq-watch-");
  t.after(folder.remove);
  const given = { env: { HQ_HOME: folder.path } };
  assert.equal((await hq(["status", "--watch"], given)).code, 5);
  const filtered = await hq(["status", "--watch", "--agent", "webster"], given);
  assert.deepEqual([filtered.code, /nothing else goes with it/.test(filtered.err)], [2, true]);
  const one = await hq(["status", "orch-1", "--watch"], given);
  assert.match(one.err, /hq logs orch-1 --follow, or hq wait orch-1/);
});

test("hq trace prints the story of what was done, and --json the same for programs", async (t) => {
  const { home, supervisor } = await started(t);
  const { body } = await supervisor.call("POST", "/delegations", {
    agent: "webster",
    objective: "The CTE of ULE [slow 500ms]",
  });
  await supervisor.call("GET", `/delegations/${body.id}?wait=30s`);
  const options = { env: { HQ_HOME: home }, cwd: home };
  const traced = async (id: string) => runHq(t, ["trace", id, "--json"], options);
  let told = JSON.parse((await traced(body.id)).out);
  while (told.totals.messages < 2 || told.lines.some(({ what }: { what: string }) => what === "open"))
    told = JSON.parse((await traced(body.id)).out);
  const whats = told.lines.map(({ what }: { what: string }) => what);
  const order = ["asked", "queued", "claimed", "acknowledged", "handoff", "settled", "posted"];
  assert.deepEqual(
    order.map((what) => whats.indexOf(what)),
    order.map((what) => whats.indexOf(what)).toSorted((a, b) => a - b),
  );
  assert.ok(order.every((what) => whats.includes(what)) && whats.includes("filed"));
  const posted = told.lines.find(({ what }: { what: string }) => what === "posted");
  assert.equal(JSON.parse((await traced(posted.message.id)).out).id, body.id);

  const text = await runHq(t, ["trace", body.id], options);
  assert.equal(text.code, 0, text.err);
  assert.match(text.out, new RegExp(`^${body.id} · webster: The CTE of ULE`));
  assert.match(text.out, /\+0ms +asked: operator over REST, key rest:|\+0ms +asked: operator over REST\n/);
  assert.match(text.out, /posted: result {2}\[message \d+ in \d+\]/);
  assert.match(text.out, /WAITING +WORKING +PEOPLE +POSTING +ATTEMPTS +MESSAGES\nin all +succeeded/);
  const missing = await runHq(t, ["trace", "orch-nobody"], options);
  assert.deepEqual([missing.code, /Nothing here is named orch-nobody/.test(missing.err)], [2, true]);
});
