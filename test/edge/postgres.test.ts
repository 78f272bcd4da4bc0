import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { query } from "../ledger/postgres-query.ts";
import { PASSWORD, startPostgres } from "../support/postgres.ts";
import { beginWork, supervisedFolder, workDone } from "../support/supervised-folder.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { refusedPort } from "./cli-process.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** A supervisor with the local guild and the sample agents, whose ledger is a database. */
async function newHome(t: TestContext) {
  const { path, start } = supervisedFolder(t, "hq-postgres-home-");
  const url = await postgres.createDatabase();
  return {
    home: path,
    url,
    start: (env: Record<string, string> = {}, home = path) => start({ DATABASE_URL: url, ...env }, home),
  };
}

const DELEGATION = { agent: "webster", objective: "Find the CTE of Zerodur" };
const RUN = { workflow: "quick-research", inputs: { query: "CTE of ULE" } };
const TASK = { text: "Summarise what is known about ULE" };

const CLEAN = /lost 0 · doubled 0 · stuck 0 · orphaned 0 · unseen 0/;

/** Everything that the folder holds, the log among it. */
function filesOf(home: string): readonly string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

test("with DATABASE_URL a delegation, a workflow and a task are done, also across kill -9, and no file is the ledger", async (t) => {
  const { home, url, start } = await newHome(t);
  const first = await start();
  await workDone(first, await beginWork(first, "/delegations", DELEGATION));
  await workDone(first, await beginWork(first, "/runs", RUN));
  await workDone(first, await beginWork(first, "/tasks", TASK));

  const open = [
    await beginWork(first, "/delegations", { ...DELEGATION, objective: "Find the CTE of Invar" }),
    await beginWork(first, "/runs", { ...RUN, inputs: { query: "CTE of Invar" } }),
    await beginWork(first, "/tasks", { text: "Summarise what is known about Invar" }),
  ];
  first.child.kill("SIGKILL");
  await first.exited;
  const second = await start();
  for (const path of open) await workDone(second, path);
  const again = await beginWork(second, "/delegations", DELEGATION);
  const { body } = await second.call("GET", `${again}/history`);
  assert.equal(
    body.items.filter(({ type }: { type: string }) => type === "delegation.settled").length,
    1,
    "the key is known",
  );

  const env = { HQ_HOME: home, DATABASE_URL: url };
  const prove = async () => (await hq(["audit", "--prove"], { env })).out;
  // What is still on its way to Discord is seen a moment later.
  while (!CLEAN.test(await prove()));

  const members = await query(url, "select version from hq.member");
  assert.equal(members.length, 1);
  await second.stop();
  assert.deepEqual(await query(url, "select 1 from hq.member"), []);
  assert.match(await prove(), CLEAN, "also without a supervisor");
  const exported = await hq(["export", "delegations"], { env });
  assert.ok(exported.out.trim().split("\n").length >= 6, exported.err);
  const files = filesOf(home);
  assert.ok(!files.some((file) => /ledger\.db/.test(file)), "the database is the ledger");
  for (const file of files)
    assert.ok(!readFileSync(file, "utf8").includes(PASSWORD), `${file} holds the password`);
  assert.ok(!(first.stderr() + second.stderr()).includes(PASSWORD));
});

test("a crash of the database in the middle of work delays it, and loses and doubles nothing", async (t) => {
  const { start } = await newHome(t);
  const supervisor = await start();
  const asked: string[] = [];
  for (let n = 0; n < 8; n++) {
    asked.push(
      await beginWork(supervisor, "/delegations", {
        agent: "webster",
        objective: `Find the CTE of Zerodur, ${n}`,
      }),
    );
    if (n % 4 === 3) await postgres.crash();
  }
  for (const path of asked) {
    await workDone(supervisor, path);
    const { body } = await supervisor.call("GET", `${path}/history`);
    const types = body.items.map(({ type }: { type: string }) => type);
    assert.equal(types.filter((type: string) => type === "delegation.settled").length, 1);
  }
});

test("while the database is away a request is refused with what to do, and later ones work without a restart", async (t) => {
  const { start } = await newHome(t);
  const supervisor = await start();
  await postgres.crash(false);
  const refused = await supervisor.call("POST", "/delegations", DELEGATION);
  assert.equal(refused.status, 503);
  assert.equal(refused.body.code, "ledger_trouble");
  assert.match(refused.body.detail, /does not answer\. Start it/);
  assert.ok(!JSON.stringify(refused.body).includes(PASSWORD));
  await postgres.start();
  await workDone(supervisor, await beginWork(supervisor, "/delegations", DELEGATION));
});

test("a second supervisor works beside the first one, which may leave: nothing is configured and nothing waits", async (t) => {
  const { url, home, start } = await newHome(t);
  const first = await start();
  const other = temporaryFolder("hq-postgres-other-");
  t.after(other.remove);
  const second = await start({}, other.path);
  const asked = await beginWork(first, "/delegations", DELEGATION);
  await workDone(second, asked);
  const env = { HQ_HOME: home, DATABASE_URL: url };
  const shown = await hq(["status"], { env });
  assert.match(shown.out, /home-\w+ \* .*leads on Discord/, shown.out + shown.err);
  assert.equal(shown.out.match(/^home-/gm)?.length, 2, shown.out);
  await first.stop();
  await workDone(
    second,
    await beginWork(second, "/delegations", { ...DELEGATION, objective: "Find the CTE of Invar" }),
  );
});

test("a guild whose port another program holds is told as without a database, and another start works", async (t) => {
  const { home, url, start } = await newHome(t);
  await refusedPort(t, home, "guild-port", { DATABASE_URL: url });
  const supervisor = await start();
  await workDone(supervisor, await beginWork(supervisor, "/delegations", DELEGATION));
});
