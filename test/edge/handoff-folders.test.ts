import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parse, stringify } from "yaml";
import { startSupervisor } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { handIn, type Job, startTeam } from "./team.ts";

test("handoff folders that were changed while the supervisor was stopped: what was open is read where its agents were told to write", async (t) => {
  const jobs: Job[] = [];
  const take = (job: Job) => void jobs.push(job);
  const team = await startTeam(t, {
    parts: { webster: take, optimizer: take },
    more: (folder) => ({ optimizer: { handoff_dir: join(folder, "of-optimizer") } }),
  });
  const ids: string[] = [];
  for (const agent of ["webster", "optimizer"]) {
    const { body } = await team.call("POST", "/delegations", {
      agent,
      objective: "CTE of ULE",
      timeout: "120s",
      retries: 0,
    });
    ids.push(body.id);
    await team.gateways[agent]?.runsReach(1);
  }
  await team.stop();

  const moved = join(team.folder, "moved");
  const own = join(team.folder, "moved-of-optimizer");
  writeFileSync(join(team.config, "hq.yaml"), stringify({ handoffs: { dir: moved } }));
  const agentsFile = join(team.config, "agents.yaml");
  const { agents } = parse(readFileSync(agentsFile, "utf8"));
  agents.optimizer.handoff_dir = own;
  writeFileSync(agentsFile, stringify({ agents }));
  const [first, second] = jobs;
  assert.ok(first && second);
  // One hands in while nobody is there, the other one afterwards.
  handIn(first);
  const again = await startSupervisor(team.home, team.env);
  t.after(again.stop);
  handIn(second);

  const paths: string[] = [];
  for (const id of ids) {
    const { body } = await again.call("GET", `/delegations/${id}?wait=60s`);
    assert.equal(body.status, "succeeded", JSON.stringify(body));
  }
  const { body } = await again.call("GET", "/handoffs");
  for (const { path } of body.items) paths.push(path);
  assert.deepEqual(paths.sort(), jobs.map(({ path }) => path).sort());

  const { body: later } = await again.call("POST", "/delegations", {
    agent: "optimizer",
    objective: "CTE of Zerodur",
  });
  await team.gateways["optimizer"]?.runsReach(2);
  assert.equal(jobs[2]?.path, join(own, `${later.id}.json`));
});

test("a backup that is restored to another place reads what was open where its agents were told to write", async (t) => {
  const jobs: Job[] = [];
  const take = (job: Job) => void jobs.push(job);
  const team = await startTeam(t, { parts: { webster: take } });
  const order = { agent: "webster", objective: "CTE of ULE", timeout: "120s", retries: 0 };
  const { body: asked } = await team.call("POST", "/delegations", order);
  await team.gateways["webster"]?.runsReach(1);
  const backup = join(team.folder, "backup");
  const made = await hq(["backup", backup], { env: { ...team.env, HQ_HOME: team.home } });
  assert.equal(made.code, 0, made.err);

  const other = join(team.folder, "other");
  const restored = await hq(["restore", backup], { env: { ...team.env, HQ_HOME: other } });
  assert.equal(restored.code, 0, restored.err);
  await assert.rejects(startSupervisor(other, team.env), (error: Error) => {
    assert.match(error.message, new RegExp(`The supervisor in ${team.home} works`));
    assert.match(error.message, new RegExp(`Stop it first \\(HQ_HOME=${team.home} hq stop\\)`));
    return true;
  });
  await team.stop();
  const again = await startSupervisor(other, team.env);
  t.after(again.stop);
  const [job] = jobs;
  assert.ok(job && !job.path.startsWith(other));
  handIn(job);
  const { body } = await again.call("GET", `/delegations/${asked.id}?wait=60s`);
  assert.equal(body.status, "succeeded", JSON.stringify(body));
});

test("of two supervisors that know nothing of each other one does not start where the other takes what is handed in", async (t) => {
  const out = "of-optimizer";
  const team = await startTeam(t, { more: (folder) => ({ optimizer: { handoff_dir: join(folder, out) } }) });
  const other = join(team.folder, "other");
  const refused = async (home: string, holder: string, folder: string) =>
    assert.rejects(startSupervisor(home, team.env), ({ message }: Error) => {
      assert.ok(
        message.includes(`The supervisor in ${holder} works, and takes what is handed in in ${folder}.`),
      );
      return message.includes("name another folder (handoffs.dir, handoff_dir), or stop it first");
    });
  await refused(other, team.home, join(team.folder, out));
  // By its own folder, with or without a note in it.
  const agentsFile = join(team.config, "agents.yaml");
  const { agents } = parse(readFileSync(agentsFile, "utf8"));
  delete agents.optimizer.handoff_dir;
  writeFileSync(agentsFile, stringify({ agents }));
  const shared = join(team.home, "handoffs");
  writeFileSync(join(team.config, "hq.yaml"), stringify({ handoffs: { dir: shared } }));
  await refused(other, team.home, shared);
  await team.stop();
  const second = await startSupervisor(other, team.env);
  t.after(second.stop);
  agents.optimizer.handoff_dir = shared;
  writeFileSync(agentsFile, stringify({ agents }));
  await assert.rejects(startSupervisor(team.home, team.env), /The supervisor in \S+other works/);

  // What was copied from there is nobody's.
  const copied = join(team.folder, "copied");
  cpSync(shared, copied, { recursive: true });
  const config = join(team.folder, "config-of-third");
  cpSync(team.config, config, { recursive: true });
  writeFileSync(join(config, "hq.yaml"), stringify({ handoffs: { dir: copied } }));
  delete agents.optimizer.handoff_dir;
  writeFileSync(join(config, "agents.yaml"), stringify({ agents }));
  const third = await startSupervisor(join(team.folder, "third"), { ...team.env, HQ_CONFIG: config });
  t.after(third.stop);
});

test("a change to a folder that another supervisor takes from is not taken; what a change made ours no other one starts with", async (t) => {
  const other = await startTeam(t);
  const jobs: Job[] = [];
  const team = await startTeam(t, { parts: { webster: (job) => void jobs.push(job) } });
  const file = join(team.config, "hq.yaml");
  const shared = join(other.home, "handoffs");
  writeFileSync(file, stringify({ handoffs: { dir: shared } }));
  await until(() =>
    team
      .stderr()
      .includes(`The supervisor in ${other.home} works, and takes what is handed in in ${shared}.`),
  );
  assert.match(team.stderr(), /a change of the configuration is not valid; the last good one stays/);
  await team.call("POST", "/delegations", { agent: "webster", objective: "CTE of ULE" });
  await until(() => jobs.length === 1);
  assert.ok(jobs[0]?.path.startsWith(join(team.home, "handoffs")), jobs[0]?.path);

  const moved = join(team.folder, "moved");
  writeFileSync(file, stringify({ handoffs: { dir: moved } }));
  await until(() => existsSync(join(moved, ".hq-home")));
  await assert.rejects(startSupervisor(join(team.folder, "third"), team.env), ({ message }: Error) =>
    message.includes(`The supervisor in ${team.home} works, and takes what is handed in in ${moved}.`),
  );
});

/** Nothing signals these: looked at again until it is so; the test's own time limit ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 50));
}
