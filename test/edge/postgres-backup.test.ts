import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { query } from "../ledger/postgres-query.ts";
import { postgresBinaries, startPostgres } from "../support/postgres.ts";
import { supervisedFolder } from "../support/supervised-folder.ts";
import { ROOT, type Supervisor } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

async function delegated({ call }: Supervisor, objective: string): Promise<string> {
  const { body, status } = await call("POST", "/delegations", { agent: "webster", objective });
  assert.equal(status, 201, JSON.stringify(body));
  return body.id;
}

/** What was open in the dump may have been sent, and is in doubt for a minute before it is sent again. */
async function done({ call }: Supervisor, id: string): Promise<void> {
  const wait = async () => (await call("GET", `/delegations/${id}?wait=60s`)).body;
  let body = await wait();
  for (let more = 0; body.settledAt === undefined && more < 2; more++) body = await wait();
  assert.equal(body.status, "succeeded", JSON.stringify(body));
}

/** What the guide tells to run in the restored database. */
function doubtOpenWork(): string {
  const guide = readFileSync(join(ROOT, "docs/guide/scale.md"), "utf8");
  return /-c "(update hq\.outbox [^"]+)"/.exec(guide)?.[1] ?? "";
}

test("a database that was dumped under a working supervisor is restored by the guide's commands, also on another host, and the work goes on", async (t) => {
  const folder = supervisedFolder(t, "hq-pg-backup-");
  const url = await postgres.createDatabase();
  const restored = await postgres.createDatabase();
  const start = (home: string, database: string) =>
    folder.start({ DATABASE_URL: database }, join(folder.path, home));
  const first = await start("home", url);
  const before = await delegated(first, "Find the CTE of Zerodur");
  await done(first, before);
  await first.call("POST", "/agents/webster/drain", {});
  const open = await delegated(first, "Find the CTE of Invar");

  const refused = await hq(["backup", join(folder.path, "copy")], {
    env: { HQ_HOME: first.ready.home, DATABASE_URL: url },
  });
  assert.match(
    `${refused.code} ${refused.err}`,
    /^2 .*PostgreSQL.*\npg_dump -Fc -n hq "\$DATABASE_URL" > hq\.dump/,
  );
  const bin = postgresBinaries();
  const dump = execFileSync(join(bin, "pg_dump"), ["-Fc", "-n", "hq", url], { maxBuffer: 1 << 28 });
  const later = await delegated(first, "Find the CTE of ULE");
  await first.stop();

  execFileSync(join(bin, "pg_restore"), ["--no-owner", "-d", restored], { input: dump });
  await query(restored, doubtOpenWork());
  const env = { HQ_HOME: join(folder.path, "elsewhere"), DATABASE_URL: restored };
  const proof = await hq(["audit", "--prove"], { env });
  assert.match(proof.out, /lost 0 · doubled 0 · stuck 0 · orphaned 0 · unseen 0/);
  await query(restored, "insert into hq.member values ('dead', 'home-dead', '0', 0, 0)");
  const second = await start("elsewhere", restored);
  assert.equal((await second.call("GET", `/delegations/${before}`)).body.status, "succeeded");
  assert.equal((await second.call("GET", `/delegations/${later}`)).status, 404, "it came after the backup");
  await second.call("POST", "/agents/webster/resume", {});
  await done(second, open);
  await done(second, await delegated(second, "Find the CTE of BK7"));
});
