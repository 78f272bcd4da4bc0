import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import { MIGRATIONS } from "../../src/ledger/migrations.ts";
import { type CountingGateway, startCountingGateway } from "../chaos/agents.ts";
import { countOf } from "../chaos/verdict.ts";
import { person } from "../support/guild.ts";
import { supervisedFolder } from "../support/supervised-folder.ts";
import { ROOT, type Supervisor } from "../support/supervisor.ts";
import { runHq } from "./cli-process.ts";

const HOMES = join(ROOT, "test/fixtures/old-homes");
const AGENTS = ["webster", "optimizer", "auditor", "tech-lead"] as const;
type Agent = (typeof AGENTS)[number];

/** What was written down when the old supervisor was killed; `{HOME}` stands for its folder. */
type OldHome = {
  readonly ids: Readonly<Record<string, string>>;
  /** The instant of its last event. */
  readonly at: number;
  readonly files: Readonly<Record<string, string>>;
};

/** The folder of a supervisor of an older version as it was left, with its instants moved to a moment ago. */
function layOut(schema: number, home: string): OldHome["ids"] {
  const from = join(HOMES, `schema-${schema}`);
  const old = JSON.parse(readFileSync(join(from, "home.json"), "utf8")) as OldHome;
  for (const [name, text] of Object.entries(old.files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text.replaceAll("{HOME}", home));
  }
  const later = Date.now() - 1000 - old.at;
  const sql = readFileSync(join(from, "ledger.sql"), "utf8")
    .replaceAll("{HOME}", home)
    .replace(/\b1[78]\d{11}\b/g, (instant) => String(Number(instant) + later));
  const db = new DatabaseSync(join(home, "ledger.db"));
  db.exec("pragma journal_mode = wal");
  db.exec(sql);
  assert.equal(versionOf(db), schema);
  db.close();
  return old.ids;
}

const versionOf = (db: DatabaseSync) => db.prepare("pragma user_version").get()?.["user_version"];

/** Today's supervisor in that folder; the agents still have what they were given, and their gateways went on. */
async function startHere(
  t: TestContext,
  home: string,
  start: (env: Record<string, string>) => Promise<Supervisor>,
) {
  const gateways = new Map<Agent, CountingGateway>();
  for (const agent of AGENTS) {
    const gateway = await startCountingGateway(agent, "feb");
    t.after(() => gateway.stop());
    gateways.set(agent, gateway);
  }
  const config = join(home, "config");
  mkdirSync(config);
  const lines = [...gateways].map(
    ([agent, { url }]) => `  ${agent}: { url: "${url}", concurrency: 1, browser_ports: false }`,
  );
  writeFileSync(join(config, "agents.yaml"), `agents:\n${lines.join("\n")}\n`);
  const supervisor = await start({
    HQ_CONFIG: config,
    HQ_AGENTS: "config",
    OPENCLAW_GATEWAY_TOKEN: "hooks-token",
  });
  const sends = () => countOf([...gateways.values()].flatMap(({ posts }) => posts));
  return { supervisor, sends };
}

function handIn(home: string, run: string, agent: Agent): void {
  const path = join(home, "handoffs", `${run}.json`);
  const handoff = {
    schemaVersion: "1.0",
    runId: run,
    agent,
    status: "complete",
    result: `result of ${run}`,
    artifacts: [],
    confidence: "high",
    notes: "",
    timestamp: new Date().toISOString(),
  };
  writeFileSync(`${path}.tmp`, JSON.stringify(handoff));
  renameSync(`${path}.tmp`, path);
}

async function isDone({ call }: Supervisor, path: string): Promise<void> {
  const { body } = await call("GET", `${path}?wait=60s`);
  assert.ok(["succeeded", "done"].includes(body.status), JSON.stringify(body));
}

const statusOf = async ({ call }: Supervisor, path: string) => (await call("GET", path)).body.status;

/** Waits until people see the result and the line of each. */
async function arePosted({ call }: Supervisor, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    for (;;) {
      const { body } = await call("GET", `/delegations/${id}/receipts`);
      const seen = new Set((body.items ?? body).map(({ delivery }: { delivery: string }) => delivery));
      if (seen.has(`${id}/result`) && seen.has(`${id}/log`)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Everything that was asked of an old supervisor and its like: seen by people once, and nothing is wrong with the whole. */
async function isWhole(supervisor: Supervisor, ids: readonly string[]): Promise<void> {
  await arePosted(supervisor, ids);
  const { guild = "", guildKey = "" } = supervisor.ready;
  const you = person({ url: guild }, "you", guildKey);
  for (const [channel, what] of [
    ["results", "result"],
    ["agent-logs", "log"],
  ] as const) {
    const messages = await you.get<readonly object[]>(`/local/channels/${channel}/messages?limit=100`);
    const texts = messages.map((message) => JSON.stringify(message));
    for (const id of ids)
      assert.equal(texts.filter((text) => text.includes(`${id}/${what}`)).length, 1, `${id}/${what}`);
  }
  const { api, home } = supervisor.ready;
  const answer = await fetch(`${api}/api/v1/audit`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${readFileSync(join(home, "api.key"), "utf8").trim()}`,
      "content-type": "application/json",
    },
    body: "{}",
  });
  const { report } = JSON.parse((await answer.text()).trim().split("\n").at(-1) ?? "");
  assert.deepEqual([report.findings, report.notLooked], [[], undefined]);
}

/** The ledger is one of today, nothing is left to do in it, and the project's log has one line for each. */
async function isOver(supervisor: Supervisor, ids: readonly string[]): Promise<void> {
  await supervisor.stop();
  const { home } = supervisor.ready;
  const db = new DatabaseSync(join(home, "ledger.db"));
  assert.equal(versionOf(db), MIGRATIONS.length);
  const open = "select stream, type, reason from outbox where settled_at is null";
  assert.deepEqual(db.prepare(open).all(), []);
  db.close();
  const lines = readFileSync(join(home, "project_log.md"), "utf8").split("\n");
  for (const id of ids) assert.equal(lines.filter((line) => line.includes(`[${id}]`)).length, 1, id);
}

test("the folder of the first supervisor that ran whole opens, and its work goes on", async (t) => {
  const folder = supervisedFolder(t, "hq-old-");
  const home = folder.path;
  const { posted = "", held = "", waiting = "", unposted = "" } = layOut(1, home);
  const { supervisor, sends } = await startHere(t, home, folder.start);
  assert.deepEqual(
    await Promise.all(
      [posted, unposted, held, waiting].map((id) => statusOf(supervisor, `/delegations/${id}`)),
    ),
    ["succeeded", "succeeded", "dispatched", "queued"],
  );
  const request = { agent: "webster", objective: "Please hold this." };
  const again = await supervisor.call("POST", "/delegations", request, { "idempotency-key": "key-held" });
  assert.deepEqual([again.status, again.body.id], [200, held]);
  handIn(home, held, "webster");
  for (const id of [held, waiting]) await isDone(supervisor, `/delegations/${id}`);
  await isWhole(supervisor, [posted, unposted, held, waiting]);
  assert.deepEqual(sends(), new Map([[`${waiting}#1`, 1]]));
  const { body } = await supervisor.call("GET", "/delegations?limit=10");
  assert.equal(body.items.length, 4);
  await isOver(supervisor, [posted, unposted, held, waiting]);
});

test("a folder from before metrics, search and pruning opens: a gate that waits, tasks, and delegations", async (t) => {
  const folder = supervisedFolder(t, "hq-old-");
  const home = folder.path;
  const ids = layOut(2, home);
  const { posted = "", held = "", waiting = "", unposted = "", run = "", taskDone = "", taskHeld = "" } = ids;
  const { supervisor, sends } = await startHere(t, home, folder.start);
  const { call } = supervisor;
  assert.deepEqual(
    await Promise.all(
      [
        `/delegations/${unposted}`,
        `/delegations/${held}`,
        `/runs/${run}`,
        `/tasks/${taskDone}`,
        `/tasks/${taskHeld}`,
      ].map((path) => statusOf(supervisor, path)),
    ),
    ["succeeded", "dispatched", "running", "done", "claimed"],
  );
  assert.equal((await call("POST", `/runs/${run}/steps/sign-off/approve`, {})).status, 200);
  handIn(home, held, "webster");
  handIn(home, `${taskHeld}.d1`, "tech-lead");
  for (const id of [held, waiting]) await isDone(supervisor, `/delegations/${id}`);
  await isDone(supervisor, `/runs/${run}`);
  await isDone(supervisor, `/tasks/${taskHeld}`);
  await isWhole(supervisor, [posted, unposted, held, waiting, `${taskDone}.d1`, `${taskHeld}.d1`]);
  assert.deepEqual(
    sends(),
    new Map([
      [`${waiting}#1`, 1],
      [`${run}.bottom#1`, 1],
    ]),
  );
  const { body: tasks } = await call("GET", "/tasks?limit=10");
  assert.deepEqual(
    tasks.items.map(({ status, tries }: { status: string; tries: unknown[] }) => [status, tries.length]),
    [
      ["done", 1],
      ["done", 1],
    ],
  );
  const found = (await call("GET", "/search?q=hold")).body;
  assert.ok(JSON.stringify(found).includes(held), JSON.stringify(found));
  await isOver(supervisor, [posted, unposted, held, waiting, `${taskDone}.d1`, `${taskHeld}.d1`]);
});

test("what reads a ledger says that another program wrote it, and leaves it as it is", async (t) => {
  const { path: home } = supervisedFolder(t, "hq-old-");
  layOut(2, home);
  const path = join(home, "ledger.db");
  const env = { HQ_HOME: home };
  const asked = [
    ["audit"],
    ["export", "events"],
    ["store", "migrate", "--to", "postgres://nobody@127.0.0.1:1/hq"],
  ];
  async function areRefused(said: RegExp): Promise<void> {
    for (const args of asked) {
      const { code, err } = await runHq(t, args, { env, cwd: home });
      assert.equal(code, 1, err);
      assert.match(err, said);
      assert.doesNotMatch(err, /^ +at /m);
    }
  }
  await areRefused(/has version 2, .* older program wrote it\.\nStart it once with this program/);
  assert.match(
    (await runHq(t, ["doctor"], { env, cwd: home })).out,
    /! ledger +version 2: .*\n +→ hq backup first/,
  );
  const db = new DatabaseSync(path);
  assert.equal(versionOf(db), 2);
  db.exec(`pragma user_version = ${MIGRATIONS.length + 1}`);
  db.close();
  asked.push(["start"]);
  await areRefused(/newer program wrote it\.\nStart that program again, or restore a backup/);
  const { out, code } = await runHq(t, ["doctor"], { env, cwd: home });
  assert.match(out, /✗ ledger +.*newer program wrote it/);
  assert.equal(code, 1);
});
