import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
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

type Tasks = { readonly items: readonly { id: string; status: string; objective: string; tags: object }[] };

/** The first tasks of the queue, as the supervisor sees them. */
async function tasks(): Promise<Tasks["items"]> {
  const { body } = await supervisor.call("GET", "/tasks");
  return (body as Tasks).items;
}

test("bug 8, and the task queue's own command lines: quotes and pipes arrive whole, tasks are done under the old names", async () => {
  const submitted = await run(compat("submit-to-queue.sh"), ["Your task here", "cheap", "low"]);
  assert.equal(submitted.code, 0, submitted.stderr);
  const other = await run(compat("submit-to-discord.sh"), ['Another one | with a "pipe"', "coder"]);
  assert.equal(other.code, 0, other.stderr);
  const trigger = await run(compat("trigger-orchestrator.sh"), []);
  assert.equal(trigger.code, 0, trigger.stderr);
  assert.match(trigger.stdout, /messages read/);
  // The line of cron, with the folder that it names.
  const line = `cd ${ROOT} && ./compat/orchestrator-dynamic.sh >> ${join(folder.path, "orchestrator.log")} 2>&1`;
  const pass = await run("sh", ["-c", line]);
  assert.equal(pass.code, 0, readFileSync(join(folder.path, "orchestrator.log"), "utf8"));
  const done = (await tasks()).map(({ status, objective, tags }) => [status, objective, tags]);
  assert.deepEqual(done, [
    ["done", 'Another one | with a "pipe"', { model: "coder" }],
    ["done", "Your task here", { model: "cheap", thinking: "low" }],
  ]);
  assert.equal((await run(compat("orchestrator.sh"), [])).code, 0);
});

test("the clearing scripts ask first, and remove what they always did when they are told yes", async () => {
  for (const name of ["clear-task-queue.sh", "clear-all-discord-channels.sh", "clear-discord-fast.sh"]) {
    const asked = await run(compat(name), []);
    assert.equal(asked.code, 2);
    assert.match(asked.stderr, /--yes/);
    const cleared = await run(compat(name), ["--yes"]);
    assert.equal(cleared.code, 0, cleared.stderr);
    assert.match(cleared.stdout, /^\d+ messages removed\.\n$/);
  }
  const { body } = await supervisor.call("GET", "/channels/task-queue/context");
  assert.equal((body as { messages: number }).messages, 0);
  assert.equal((await tasks()).length, 2, "the ledger keeps them");
});

test("the emergency stop works under its old name", async () => {
  const { code, stderr } = await run(compat("emergency-stop.sh"), []);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /No process of a worker is left/);
  assert.deepEqual(await supervisor.exited, [0, null]);
});
