import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
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
