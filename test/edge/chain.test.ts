import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createRedact } from "../../src/telemetry/redact.ts";
import { startSupervisor } from "../support/supervisor.ts";
import { hq } from "./cli-harness.ts";
import { askWith, handIn, type Job, readWith, startTeam } from "./team.ts";

/** The agent begins a child, waits for it and gives its result on. */
async function passOn(job: Job, agent: string, objective: string): Promise<void> {
  const begun = await askWith(job, { agent, objective, deliver: false });
  assert.equal(begun.status, 201, JSON.stringify(begun.body));
  for (;;) {
    const { body } = await readWith(job, `/${begun.body.id}?wait=30s`);
    if (body.settledAt === undefined) continue;
    handIn(job, { result: `${job.agent} got: ${body.handoff.result}` });
    return;
  }
}

/** Every file below a folder, with its text. */
function filesBelow(folder: string): readonly (readonly [path: string, text: string])[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path, "latin1")] as const);
}

test("manager → tech-lead → webster by the lines of their prompts: handoffs in sub/, each result in the one above", async (t) => {
  const jobs: Job[] = [];
  const team = await startTeam(t, {
    parts: {
      manager: (job) => {
        jobs.push(job);
        return passOn(job, "tech-lead", "Review the margins");
      },
      "tech-lead": (job) => {
        jobs.push(job);
        return passOn(job, "webster", "Find the CTE of ULE");
      },
      webster: (job) => {
        jobs.push(job);
        handIn(job, { result: "0.00 ± 0.03 ppm/K" });
      },
    },
  });
  const { body } = await team.call("POST", "/delegations", {
    agent: "manager",
    objective: "See to the mirror",
  });
  const settled = await team.settled(body.id);
  assert.equal(settled.status, "succeeded");
  assert.equal(settled.handoff.result, "manager got: tech-lead got: 0.00 ± 0.03 ppm/K");
  const [manager, lead, webster] = jobs;
  assert.ok(manager && lead && webster);
  assert.doesNotMatch(manager.path, /\/sub\//);
  for (const job of [lead, webster]) assert.match(job.path, new RegExp(`/handoffs/sub/${job.run}\\.json$`));
  assert.ok(lead.run.startsWith(`${manager.run}.`));
  assert.equal(webster.token, "", "the last of the chain may ask nobody");

  for (const job of [manager, lead]) {
    const late = await askWith(job, { agent: "webster", objective: "One more" });
    assert.deepEqual([late.status, late.body.code], [409, "already_settled"]);
  }
  const tokens = [manager.token, lead.token];
  const leaks = filesBelow(team.home).filter(([, text]) => tokens.some((token) => text.includes(token)));
  assert.deepEqual(
    leaks.map(([path]) => path),
    [],
    "no file of the supervisor holds a token",
  );
});

test("with the token of a run everything else is refused, and a parent or caller of another name as well", async (t) => {
  let job: Job | undefined;
  const ready = Promise.withResolvers<void>();
  const team = await startTeam(t, {
    parts: {
      "tech-lead": (got) => {
        job = got;
        ready.resolve();
      },
      webster: () => undefined,
    },
  });
  const ask = (agent: string) => team.call("POST", "/delegations", { agent, objective: "Look at it" });
  const other = (await ask("optimizer")).body.id;
  const own = (await ask("tech-lead")).body.id;
  await ready.promise;
  assert.ok(job);
  const { token, address } = job;

  const child = { agent: "webster", objective: "Find the CTE of ULE" };
  const codes = async (more: object) => {
    const { status, body } = await askWith({ token, address }, { ...child, ...more });
    assert.ok(body.code === undefined || body.hint, JSON.stringify(body));
    return [status, body.code];
  };
  assert.deepEqual(await codes({ parent: other }), [403, "not_allowed"]);
  assert.deepEqual(await codes({ caller: "manager" }), [403, "not_allowed"]);
  assert.deepEqual(await codes({ agent: "auditor" }), [403, "not_allowed"]);
  assert.deepEqual(await codes({ agent: "tech-lead" }), [403, "not_allowed"]);
  assert.deepEqual(await codes({ timeout: "2h" }), [403, "guard_deadline"]);
  assert.deepEqual(await codes({ caller: "tech-lead", parent: own }), [201, undefined]);
  assert.deepEqual(await codes({}), [200, undefined], "the same child again");

  const forged = { token: `${token.slice(0, -2)}xx`, address };
  assert.equal((await askWith(forged, child)).body.code, "unauthenticated");

  const { api } = team.ready;
  const answers = await Promise.all(
    [
      ["GET", `/delegations/${own}`],
      ["GET", `/delegations/${own}/history`],
      ["GET", "/agents"],
      ["GET", "/acl/explain?caller=tech-lead&target=webster"],
      ["GET", `/delegations/${other}`],
      ["GET", "/delegations"],
      ["GET", "/runs"],
      ["GET", "/events"],
      ["GET", `/events?delegation=${other}`],
      ["GET", `/runs?delegation=${own}`],
      ["POST", `/stop?delegation=${own}`],
      ["GET", "/channels/technical/context"],
      ["POST", `/delegations/${own}/cancel`],
      ["POST", "/runs"],
      ["POST", "/runs/wf-1/steps/gate/approve"],
      ["POST", "/runs/wf-1/steps/gate/skip"],
      ["POST", "/runs/wf-1/retry"],
      ["POST", "/tasks"],
      ["DELETE", "/tasks?status=done"],
      ["POST", "/agents/webster/key"],
      ["POST", "/agents/webster/drain"],
      ["POST", "/stop"],
    ].map(async ([method = "", path = ""]) => {
      const response = await fetch(`${api}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        ...(method === "POST" ? { body: "{}" } : {}),
      });
      await response.text();
      return `${response.status} ${method} ${path.replace(own, "own").replace(other, "other")}`;
    }),
  );
  assert.deepEqual(answers, [
    "200 GET /delegations/own",
    "200 GET /delegations/own/history",
    "200 GET /agents",
    "200 GET /acl/explain?caller=tech-lead&target=webster",
    "403 GET /delegations/other",
    "403 GET /delegations",
    "403 GET /runs",
    "403 GET /events",
    "403 GET /events?delegation=other",
    "403 GET /runs?delegation=own",
    "403 POST /stop?delegation=own",
    "403 GET /channels/technical/context",
    "403 POST /delegations/own/cancel",
    "403 POST /runs",
    "403 POST /runs/wf-1/steps/gate/approve",
    "403 POST /runs/wf-1/steps/gate/skip",
    "403 POST /runs/wf-1/retry",
    "403 POST /tasks",
    "403 DELETE /tasks?status=done",
    "403 POST /agents/webster/key",
    "403 POST /agents/webster/drain",
    "403 POST /stop",
  ]);
});

test("`hq delegate` with HQ_RUN_TOKEN or --token begins, waits, reads and cancels in that run; twice is once", async (t) => {
  let job: Job | undefined;
  const ready = Promise.withResolvers<void>();
  const team = await startTeam(t, {
    parts: {
      "tech-lead": (got) => {
        job = got;
        ready.resolve();
      },
      secretary: () => undefined,
    },
  });
  await team.call("POST", "/delegations", { agent: "tech-lead", objective: "Review it" });
  await ready.promise;
  assert.ok(job);
  const lead = job;
  const env = { HQ_HOME: team.home, HQ_RUN_TOKEN: lead.token };
  const run = (...argv: string[]) => hq(argv, { env });

  const found = await run("delegate", "webster", "Find the CTE of ULE");
  assert.equal(found.code, 0, found.err);
  assert.equal(JSON.parse(found.out).result, "0 ± 0.02 ppm/K");
  const again = await run("delegate", "webster", "Find the CTE of ULE", "--json", "--no-wait");
  const byFlag = await hq(
    ["delegate", "webster", "Find the CTE of ULE", "--json", "--no-wait", "--token", lead.token],
    { env: { HQ_HOME: team.home } },
  );
  assert.equal(JSON.parse(again.out).runId ?? JSON.parse(again.out).id, JSON.parse(found.out).runId);
  assert.equal(again.out, byFlag.out);
  assert.equal(team.gateways["webster"]?.runs.length, 1);

  const slow = await run("delegate", "secretary", "Write it down", "--no-wait", "--format", "text");
  const id = slow.out.trim();
  assert.equal((await run("status", id)).code, 0);
  assert.match((await run("cancel", id)).out, /is canceled/);
  assert.equal((await run("wait", id)).code, 1);

  const refused = async (...argv: string[]) => {
    const { code, err } = await run(...argv);
    return `${code} ${err}`;
  };
  assert.match(
    await refused("delegate", "webster", "x", "--parent", "orch-other"),
    /^3 .*binds to nothing else/,
  );
  assert.match(
    await refused("delegate", "webster", "x", "--caller", "manager"),
    /^3 .*in the name of manager/,
  );
  assert.match(await refused("delegate", "webster", "x", "--timeout", "2h"), /^3 .*the child asks for more/);
  assert.match(await refused("delegate", "auditor", "x"), /^3 .*may not delegate to auditor/);
  assert.match(await refused("workflow", "run", "quick-research", "--input", "query=x"), /^3 /);
  assert.match(await refused("stop"), /^3 /);

  handIn(lead);
  await team.settled(lead.run);
  assert.match(await refused("delegate", "webster", "x"), /^3 .*its token is good for nothing more/);
  const elsewhere = await hq(["delegate", "webster", "x"], {
    env: { HQ_HOME: join(team.folder, "elsewhere"), HQ_RUN_TOKEN: lead.token },
  });
  assert.equal(elsewhere.code, 5);
  assert.match(elsewhere.err, /does not run for .*elsewhere/);
});

test("after kill -9 the same attempt has the same prompt, token and address included: a gateway does it once", async (t) => {
  const jobs: Job[] = [];
  const team = await startTeam(t, { parts: { "tech-lead": (job) => void jobs.push(job) } });
  const gateway = team.gateways["tech-lead"];
  assert.ok(gateway);
  gateway.answerWith({ kind: "commit-then-drop" }, { kind: "ok" });
  const { body } = await team.call("POST", "/delegations", { agent: "tech-lead", objective: "Review it" });
  await gateway.runsReach(1);
  team.child.kill("SIGKILL");
  await team.exited;
  const second = await startSupervisor(team.home, team.env);
  t.after(second.stop);
  assert.equal(second.ready.api, team.ready.api);
  await gateway.requestsReach(2);
  const sent = gateway.requests.map(({ text }) => text);
  assert.equal(new Set(sent).size, 1);
  assert.equal(gateway.runs.length, 1);
  const [job] = jobs;
  assert.ok(job);
  assert.equal((await askWith(job, { agent: "webster", objective: "Find it" })).status, 201);
  handIn(job);
  const view = await second.call("GET", `/delegations/${body.id}?wait=30s`);
  assert.equal(view.body.status, "succeeded");
});

test("whoever repeats a token of an agent or a run: it is blacked out on the way to people and logs", () => {
  const redact = createRedact(() => []);
  const mac = "-_aZ0".repeat(9).slice(0, 43);
  const said = `I use HQ_RUN_TOKEN=hqr.wf-x.a_1~2.12.${mac} and hqa.tech-lead.${mac}, not hqr.wf-x or hqa.x.`;
  assert.equal(
    redact(said),
    "I use HQ_RUN_TOKEN=hqr.wf-x.a_1~2.12.[secret] and hqa.tech-lead.[secret], not hqr.wf-x or hqa.x.",
  );
});
