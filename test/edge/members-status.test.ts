import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import type { Finding } from "../../src/cli/doctor/finding.ts";
import { query } from "../ledger/postgres-query.ts";
import { startPostgres } from "../support/postgres.ts";
import { cleanEnv, ROOT } from "../support/supervisor.ts";
import { newRoot, startHq } from "./cli-process.ts";
import { createMembersWorld, type Member } from "./members-fixture.ts";
import { newInstallation } from "./setup-fixture.ts";

const postgres = await startPostgres();
after(() => postgres.stop());

/** The command line in a member's folder. */
function hq(member: Member, env: Record<string, string>, ...args: readonly string[]) {
  return new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [join(ROOT, "bin/hq.js"), ...args],
      { env: cleanEnv({ ...env, HQ_HOME: member.home }) },
      (error, out) => (error ? reject(error) : resolve(out)),
    );
  });
}

test("status, REST and doctor show the members, who leads, and who has another version or another configuration", async (t) => {
  const here = newInstallation(t);
  const { world, database, join: joinAs } = await createMembersWorld(t, postgres);
  const other = join(world.home, "..", "other");
  cpSync(world.env.HQ_CONFIG, other, { recursive: true });
  const agents = readFileSync(join(other, "agents.yaml"), "utf8");
  writeFileSync(join(other, "agents.yaml"), agents.replace("concurrency: 16", "concurrency: 1"));
  const a = await joinAs("a", { HQ_HOST: "alpha" });
  const b = await joinAs("b", { HQ_HOST: "beta", HQ_CONFIG: other });
  // Each says what it works by with its next sign of life.
  const health = async () => (await a.supervisor.call("GET", "/health/ready")).body;
  let seen = await health();
  while (!seen.members.some(({ differs }: { differs?: object }) => differs)) seen = await health();
  assert.equal(seen.ready, true, "work goes on");
  const [leader, second] = seen.members;
  assert.deepEqual(
    [leader.host, leader.leads, leader.differs, second.host, second.leads, second.differs],
    ["alpha", true, undefined, "beta", false, ["agents"]],
  );
  assert.equal(leader.config.rights, second.config.rights);
  assert.notEqual(leader.config.agents, second.config.agents);
  for (const { api, pid, behind, clockAheadMs } of [leader, second]) {
    assert.match(api, /^http:/);
    for (const number of [pid, behind, clockAheadMs]) assert.equal(typeof number, "number");
  }

  const text = await hq(b, world.env, "status");
  assert.match(text, /members +! +beta \(pid \d+\): other agents than the one that leads: make agents\.yaml/);
  assert.match(text, /home-\w+ +alpha \d+ .*leads on Discord/);
  assert.match(text, /home-\w+ \* +beta \d+ .*! other agents/);
  assert.match(text, /discord +ok +alpha \(pid \d+\) leads/);
  const { supervisor } = JSON.parse(await hq(b, world.env, "status", "--json"));
  assert.deepEqual(supervisor.members[1].differs, ["agents"]);

  // One of another version, as during an update.
  await query(
    database,
    `insert into hq.member (id, home, version, started_at, seen_at) values
      ('1-x', 'home-old', '0.0.9', hq.now_ms(), hq.now_ms() + 60000)`,
  );
  const { out } = await here.run(["doctor", "--json"], { DATABASE_URL: database });
  const found = (JSON.parse(out) as { findings: readonly Finding[] }).findings.find(
    ({ id }) => id === "members",
  );
  assert.equal(found?.status, "warn");
  assert.match(found?.text ?? "", /^3 at work: alpha \(pid \d+\) \([\d.]+, leads on Discord, heard/);
  assert.match(found?.text ?? "", /beta \(pid \d+\) \([\d.]+, other agents than the one that leads/);
  assert.match(found?.text ?? "", /home-old \(0\.0\.9, other version than the one that leads/);
  assert.match(found?.mend ?? "", /same version, one after the other; make agents\.yaml the same everywhere/);
  const { checks } = await health();
  const said = checks.find(({ name }: { name: string }) => name === "members");
  assert.match(said.text, /home-old: other version/);

  // It led, and did not reach Discord.
  const since = Date.now() - 12_000;
  const standsBack = { since, until: since + 300_000, why: "not connected for 30s" };
  await query(
    database,
    `insert into hq.memo (name, value) values ('member/home-old', '${JSON.stringify({ host: "gamma", pid: 7, standsBack })}')`,
  );
  const withBack = await hq(a, world.env, "status");
  const words = /gamma \(pid 7\) did not reach Discord \S+s ago \(not connected for 30s\)/;
  assert.match(withBack, words);
  assert.match(withBack, /home-old +gamma 7 .*! did not reach Discord/);
  assert.deepEqual((await health()).members.at(-1).standsBack, standsBack);
  const { out: doctor } = await here.run(["doctor", "--json"], { DATABASE_URL: database });
  const warned = (JSON.parse(doctor) as { findings: readonly Finding[] }).findings.find(
    ({ id }) => id === "members",
  );
  assert.match(warned?.text ?? "", /gamma \(pid 7\) \(0\.0\.9, .*did not reach Discord/);
  assert.match(
    warned?.mend ?? "",
    /see whether Discord is reached from there: hq doctor, at gamma \(pid 7\)/,
  );

  await query(database, "delete from hq.member where home = 'home-old'");
  writeFileSync(join(other, "agents.yaml"), agents);
  while ((await health()).members.some(({ differs }: { differs?: object }) => differs));
  assert.match(await hq(a, world.env, "status"), /members +ok +2 at work/);
});

test("a member beside the one that leads a local guild says whose it is, and where its own is when it takes over", async (t) => {
  const DATABASE_URL = await postgres.createDatabase();
  const begin = async () => {
    const { root, home } = newRoot(t);
    const args = ["start", "--port", "0", "--guild-port", "0"];
    const hq = startHq(t, args, { env: { HQ_HOME: home, DATABASE_URL }, cwd: root });
    await hq.said(/hq stop\n/);
    const run = () => JSON.parse(readFileSync(join(home, "run.json"), "utf8")) as { guild?: string };
    return { hq, run };
  };
  const first = await begin();
  assert.match(first.hq.out(), /ready \(local guild, sample agents\)\./);
  const second = await begin();
  assert.match(second.hq.out(), /ready \(local guild of the supervisor that leads, sample agents\)\./);
  assert.equal(second.run().guild, undefined);
  first.hq.child.kill("SIGKILL");
  await second.hq.said(/Open the guild: {2}\S+\n/);
  const [, guild = ""] = /Open the guild: {2}(\S+)\/\n/.exec(second.hq.out()) ?? [];
  assert.equal(second.run().guild, guild);
  assert.match(await (await fetch(`${guild}/`)).text(), /<!doctype html>/i);
});
