import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { startFakeGateway } from "../support/fake-gateway.ts";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { HOOKS_TOKEN, handIn, jobOf, startTeam } from "./team.ts";

test("a whole run appends to project_log.md and never touches, makes or mentions PROJECT_STATUS.md", async (t) => {
  using folder = temporaryFolder("hq-rules-");
  const config = join(folder.path, "config");
  const shared = join(folder.path, "shared");
  const home = join(folder.path, "home");
  for (const path of [config, shared]) mkdirSync(path);
  const status = join(shared, "PROJECT_STATUS.md");
  writeFileSync(status, "# Status\nThe manager writes this.\n", { mode: 0o666 });
  const before = statSync(status, { bigint: true });
  const log = join(shared, "project_log.md");
  writeFileSync(join(config, "hq.yaml"), `logs: { project_log: ${log} }\n`);
  const supervisor = await startSupervisor(home, { HQ_CONFIG: config, HQ_AGENTS: "sample" });
  t.after(supervisor.stop);
  const { call } = supervisor;

  const asked = [];
  for (const agent of ["webster", "tech-lead", "manager"])
    asked.push(call("POST", "/delegations", { agent, objective: `Find the CTE of ULE for ${agent}` }));
  const ids = (await Promise.all(asked)).map(({ body }) => body.id as string);
  for (const id of ids)
    assert.equal((await call("GET", `/delegations/${id}?wait=60s`)).body.status, "succeeded");
  const inputs = { query: "Find the CTE of Zerodur" };
  const started = await call("POST", "/runs", { workflow: "quick-research", inputs });
  assert.equal((await call("GET", `/runs/${started.body.id}?wait=60s`)).body.status, "succeeded");
  await supervisor.stop();

  const after = statSync(status, { bigint: true });
  assert.deepEqual([after.mtimeNs, after.ino, after.size], [before.mtimeNs, before.ino, before.size]);
  const written = readdirSync(folder.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path !== status);
  assert.ok(written.length > 10);
  const mentions = written.filter(
    (path) => path.includes("PROJECT_STATUS") || readFileSync(path, "latin1").includes("PROJECT_STATUS"),
  );
  assert.deepEqual(mentions, []);

  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  for (const id of ids) {
    const own = lines.filter((line) => line.endsWith(`[${id}]`));
    assert.equal(own.length, 1);
    assert.match(
      own[0] ?? "",
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d\] [a-z-]+: Completed — Find the CTE of ULE for /,
    );
  }
  assert.equal(lines.filter((line) => line.includes("workflow quick-research: Completed")).length, 1);
});

test("new agents need an entry in config/agents.yaml and nothing else, while the supervisor runs", async (t) => {
  const team = await startTeam(t);
  const names = ["reporter", "post-processor"] as const;
  const gateways = await Promise.all(
    names.map((agent) =>
      startFakeGateway({
        token: HOOKS_TOKEN,
        onRun: (run) => handIn(jobOf(agent, run), { result: `by ${agent}` }),
      }),
    ),
  );
  t.after(() => Promise.all(gateways.map((gateway) => gateway.close())));
  assert.equal((await team.call("POST", "/delegations", { agent: "reporter", objective: "x" })).status, 404);

  const path = join(team.config, "agents.yaml");
  const file = parse(readFileSync(path, "utf8")) as { agents: Record<string, object> };
  names.forEach((name, index) => {
    file.agents[name] = { url: gateways[index]?.url, browser_ports: false, capabilities: ["reporting"] };
  });
  writeFileSync(`${path}.new`, stringify(file));
  renameSync(`${path}.new`, path);
  // The file is followed, not signalled: asked until it is known.
  while ((await team.call("GET", "/agents/post-processor")).status !== 200)
    await new Promise((resolve) => setTimeout(resolve, 25));

  for (const [index, agent] of names.entries()) {
    const objective = "Write the report";
    const { body } = await team.call("POST", "/delegations", { agent, objective, caller: "manager" });
    assert.equal((await team.settled(body.id)).handoff.result, `by ${agent}`);
    assert.equal(gateways[index]?.runs.length, 1);
  }
  const byCommandLine = await hq(["delegate", "reporter", "Once more", "--format", "text"], {
    env: { HQ_HOME: team.home },
  });
  assert.equal(byCommandLine.out.trim(), "by reporter");
  const token = await team.tokenOf("reporter");
  const own = await hq(["delegate", "webster", "Find it"], {
    env: { HQ_HOME: team.home, HQ_AGENT_TOKEN: token },
  });
  assert.equal(own.code, 3, "without a row it may ask nobody");
  const table = await hq(["acl", "table"], { env: { HQ_HOME: team.home } });
  assert.match(table.out, /^10 post-processor/m);
});
