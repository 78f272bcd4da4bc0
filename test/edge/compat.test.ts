import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cleanEnv, ROOT, type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";

const folder = temporaryFolder();
let supervisor: Supervisor;
before(async () => {
  supervisor = await startSupervisor(folder.path);
});
after(async () => {
  await supervisor.stop();
  folder.remove();
});

type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

function run(command: string, args: readonly string[]): Promise<Ran> {
  const env = cleanEnv({ HQ_HOME: folder.path });
  return new Promise((resolve) => {
    execFile(command, args, { env, cwd: folder.path }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, stdout, stderr });
    });
  });
}
const compat = (name: string) => join(ROOT, "compat", name);

test("the orchestration engine's own command lines work under their old names", async () => {
  const lines = [
    ["webster", "Find CTE of Zerodur", "--caller", "manager", "--timeout", "120"],
    [
      "tech-lead",
      "Review thermal margins",
      "--caller",
      "manager",
      "--channel-context",
      "technical",
      "--channel-messages",
      "20",
    ],
    ["webster", "Research ULE properties", "--caller", "manager", "--validate", "--timeout", "120"],
  ];
  const answers = await Promise.all(lines.map((line) => run("python3", [compat("orchestrate.py"), ...line])));
  for (const [index, { code, stdout, stderr }] of answers.entries()) {
    assert.equal(code, 0, stderr);
    const handoff = JSON.parse(stdout) as { agent: string; status: string };
    assert.deepEqual([handoff.agent, handoff.status], [lines[index]?.[0], "complete"]);
  }
  const wrapped = await run(compat("orchestrate.sh"), [
    "webster",
    "Find CTE of ULE",
    "--caller",
    "optimizer",
  ]);
  assert.equal(wrapped.code, 0, wrapped.stderr);
});

test("the delegate skill's command lines hand the work over and come back at once", async () => {
  const one = await run(compat("delegate.sh"), ["webster", "Find CTE of Zerodur Class 0 between 20-40°C"]);
  assert.equal(one.code, 0, one.stderr);
  assert.match(one.stdout, /orch-/);
  const silent = await run(compat("delegate.sh"), ["auditor", "Review thermal analysis", "--no-deliver"]);
  assert.equal(silent.code, 0, silent.stderr);
  const slack = await run(compat("delegate.sh"), [
    "nx-expert",
    "Mesh the M2 mirror",
    "--channel",
    "C0AEJV13TEU",
    "--deliver",
  ]);
  assert.equal(slack.code, 2);
  assert.match(slack.stderr, /17 to 20 digits/);
  const discord = await run(compat("delegate.sh"), [
    "nx-expert",
    "Mesh the M2 mirror",
    "--channel",
    "1471858733602325726",
    "--deliver",
  ]);
  assert.equal(discord.code, 0, discord.stderr);
});

test("a channel's history is read under the old name", async () => {
  const { code, stderr } = await run(compat("fetch-channel-context.sh"), ["technical", "20"]);
  assert.equal(code, 0, stderr);
});

const QUICK = ["quick-research", "--input", "query=CTE of ULE", "--caller", "manager"];
const STUDY = [
  "material-trade-study",
  "--input",
  "materials=Zerodur, Clearceram-Z HS, ULE",
  "--input",
  "requirements=CTE < 0.01 ppm/K",
  "--caller",
  "manager",
];
type Steps = {
  readonly status: string;
  readonly steps: readonly { id: string; agent: string; status: string }[];
};

test("the workflow engine's own command lines run workflows under their old names", async () => {
  const lines = [
    [...QUICK, "--non-interactive"],
    [...STUDY, "--non-interactive"],
  ];
  const answers = await Promise.all(lines.map((line) => run("python3", [compat("workflow.py"), ...line])));
  const agents = answers.map(({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    const { status, steps } = JSON.parse(stdout) as Steps;
    assert.equal(status, "succeeded", stderr);
    return steps.map(({ agent }) => agent);
  });
  assert.deepEqual(agents, [
    ["webster", "tech-lead"],
    ["webster", "tech-lead", "auditor"],
  ]);
});

test("a dry run under the old name prints the plan and leaves nothing behind", async () => {
  const before = await supervisor.call("GET", "/runs?limit=200");
  const plan = await run("python3", [compat("workflow.py"), ...QUICK, "--dry-run"]);
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stdout, /1 +\S+ +webster/);
  assert.match(plan.stdout, /2 +\S+ +tech-lead/);
  const wrapped = await run(compat("workflow.sh"), [...STUDY, "--dry-run", "--json"]);
  assert.equal(wrapped.code, 0, wrapped.stderr);
  assert.equal((JSON.parse(wrapped.stdout) as { waves: unknown[] }).waves.length, 3);
  const after = await supervisor.call("GET", "/runs?limit=200");
  assert.equal(after.body.items.length, before.body.items.length);
});
