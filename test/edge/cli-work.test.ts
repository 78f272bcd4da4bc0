import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { cleanEnv, ROOT, type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { hq as runHq } from "./cli-harness.ts";

const folder = temporaryFolder();
let supervisor: Supervisor;
before(async () => {
  supervisor = await startSupervisor(folder.path);
});
after(async () => {
  await supervisor.stop();
  folder.remove();
});

const hq = (...argv: string[]) => runHq(argv, { env: { HQ_HOME: folder.path } });

async function json(...argv: string[]): Promise<any> {
  const { code, out, err } = await hq(...argv, "--json");
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

function shared(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = cleanEnv({ HQ_HOME: folder.path });
  return new Promise((resolve) => {
    execFile(join(ROOT, "compat/shared-state"), args, { env, cwd: folder.path }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error ? 1 : 0, out, err });
    });
  });
}

/** Until the run of a pipeline is over, or waits for people. */
const rests = (id: string) => supervisor.call("GET", `/runs/${id}?wait=30s&untilGate=true`);

test("the pipeline of the playbook runs through its four stages with the shipped contracts and the sample agents", async () => {
  const stages = [
    "implement=Build refresh token endpoint",
    "testing=Write integration tests",
    "deploy=Deploy to staging",
    "verification=Verify deployment health",
  ].flatMap((stage) => ["--stage", stage]);
  const made = await hq(
    "workflow",
    "pipeline",
    "--name",
    "implement-auth-refresh",
    "--project",
    "mpmp",
    ...stages,
  );
  assert.equal(made.code, 0, made.err);
  const [head = "", ...lines] = made.out.trimEnd().split("\n");
  const id = /wf-implement-auth-refresh-\w+/.exec(head)?.[0] ?? "";
  assert.deepEqual(
    lines.map((line) => line.replace(/^ {2}(⏳|🔄|✅) /, "")),
    [
      "0. [implement] Build refresh token endpoint → python-backend (study-builder)",
      "1. [testing] Write integration tests → python-backend (study-builder)",
      "2. [deploy] Deploy to staging → devops (study-builder)",
      "3. [verification] Verify deployment health → sanity-check (auditor)",
    ],
  );
  await rests(id);
  const shown = await hq("workflow", "pipeline", id);
  assert.equal(shown.out.match(/ {2}✅ /g)?.length, 4, shown.out);
  const over = await hq("workflow", "advance", id);
  assert.deepEqual([over.code, over.out], [0, "done: every stage is done\n"]);
  const item = await json("work", "show", `${id}-stage-0`);
  assert.deepEqual([item.lifecycle.status, item.lifecycle.agent], ["done", "study-builder"]);
  const refused = await hq("workflow", "complete-stage", id, "0");
  assert.equal(refused.code, 2);
  assert.match(refused.err, /is run by the coordinator/);
  const hooks = await hq("workflow", "post-hooks", id, "0");
  assert.match(hooks.out, /^hook_sanity-check: Run OUTPUT gate on work item '/);
});

test("an unknown capability is refused with the near one, and a pipeline without stages with what to write", async () => {
  const unknown = await hq("workflow", "pipeline", "--name", "x", "--stage", "implment=y");
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /No skill found with capability 'implment'[^]*Did you mean implement/);
  const none = await hq("workflow", "pipeline", "--name", "x");
  assert.equal(none.code, 2);
  assert.match(none.err, /at least one --stage/);
  const broken = await hq("workflow", "pipeline", "--name", "x", "--stage", "implement");
  assert.equal(broken.code, 2);
  assert.match(broken.err, /Write capability=goal/);
});

test("by hand: advance, complete-stage, override, fail-stage and post-hooks, with distinct words and exit codes", async () => {
  const view = await json(
    "workflow",
    "pipeline",
    "--name",
    "by-hand",
    "--manual",
    "--stage",
    "implement=A",
    "--stage",
    "testing=B",
  );
  const { id } = view;
  assert.equal(view.status, "pending");
  const advance = async (...more: string[]) => {
    const { code, out } = await hq("workflow", "advance", id, ...more);
    return `${code} ${out.split(":")[0]}`;
  };
  assert.equal(await advance(), "0 started");
  assert.equal(await advance(), "0 running");
  assert.equal((await hq("workflow", "complete-stage", id)).code, 0);
  const held = await hq("workflow", "advance", id);
  assert.deepEqual([held.code, held.out.split(":")[0]], [4, "blocked"]);
  assert.match(held.err, new RegExp(`hq workflow override ${id} 0 --reason`));
  const why = await hq("workflow", "override", id, "--reason", "no files are needed");
  assert.match(why.out, /operator let it pass: no files are needed/);
  assert.equal(await advance(), "0 started");
  assert.equal((await hq("workflow", "fail-stage", id, "--reason", "no database")).code, 0);
  assert.equal(await advance(), "1 failed");
  assert.equal(await advance("--resume"), "0 started");
  const hooks = await json("workflow", "post-hooks", id);
  assert.deepEqual(
    hooks.map(({ label }: { label: string }) => label),
    ["hook_sanity-check", "hook_skill-lifecycle"],
  );
  const done = await json("workflow", "post-hooks", id, "0", "--done");
  assert.equal(done.stages[0].postHooksRun, true);
  const listed = await json("workflow", "pipelines", "--status", "in_progress");
  assert.deepEqual(
    listed.map((one: { id: string }) => one.id),
    [id],
  );
  const canceled = await hq("workflow", "cancel", id, "--reason", "not needed");
  assert.deepEqual([canceled.code, canceled.err], [0, ""]);
  assert.match(canceled.out, /: canceled · .*\n {2}canceled by operator: not needed\n/);
  assert.equal((await hq("workflow", "advance", id)).code, 3);
  const nobody = await hq("workflow", "cancel", "wf-nobody");
  assert.match(nobody.err, /There is no run wf-nobody/);
});

test("a work item by the command line: made, begun, noted, handed on, done, and looked at by evolve", async () => {
  const { slug } = await json(
    "work",
    "create",
    "--title",
    "Mend the clock",
    "--project",
    "tower",
    "--skill",
    "devops",
  );
  assert.equal((await hq("work", "start", slug)).code, 0);
  const notes = {
    artifact: "code=src/clock.py",
    metric: "test_coverage=91%",
    finding: "always check the clock",
    followup: "oil it",
  };
  const flags = Object.entries(notes).flatMap(([name, value]) => [`--${name}`, value]);
  const noted = await json(
    "work",
    "note",
    slug,
    ...flags,
    "--test",
    "ticks=pass:ci/1",
    "--test",
    "chimes=fail",
  );
  assert.deepEqual(noted.artifacts, [{ type: "code", label: "clock.py", path: "src/clock.py" }]);
  assert.deepEqual(
    noted.telemetry.tests.map(({ name, status, evidence }: any) => `${name} ${status} ${evidence}`),
    ["ticks pass ci/1", "chimes fail "],
  );
  const wrong = await hq("work", "note", slug, "--test", "ticks=passed");
  assert.equal(wrong.code, 2);
  await hq("work", "handoff", slug, "--to", "python-backend");
  await hq("work", "complete", slug);
  const dry = await hq("evolve", "run", slug, "--dry-run");
  assert.match(
    dry.out,
    /fail: the test chimes failed\n {2}would be proposed for SOUL\.md: always check the clock/,
  );
  assert.ok(!existsSync(join(folder.path, "proposals", `${slug}.md`)));
  const [evolved] = await json("evolve", "run", slug);
  assert.equal(evolved.file, join(folder.path, "proposals", `${slug}.md`));
  assert.ok(existsSync(evolved.file));
  assert.match((await hq("evolve", "log")).out, new RegExp(`fail +${slug}`));
  assert.ok(!(await hq("evolve", "scan")).out.includes(slug));
  assert.match((await hq("evolve", "status")).out, /python-backend +healthy|python-backend +degraded/);
  const would = await hq("evolve", "accept", slug, "--dry-run");
  assert.match(would.out, /^would be sent to study-builder\n$/, would.err);
  const sent = await hq("evolve", "accept", slug);
  assert.match(sent.out, /^accepted: see hq wait evolve-/, sent.err);
  assert.equal((await hq("evolve", "dismiss", slug)).code, 3);
  const unknown = await hq("work", "show", "nothing");
  assert.deepEqual([unknown.code, unknown.err.split("\n")[0]], [2, "hq: There is no work item nothing."]);
});

test("skills are found by capability, input and output, and one is shown by its name", async () => {
  const names = async (...argv: string[]) =>
    (await json("work", "skills", ...argv)).map(({ name }: any) => name);
  assert.deepEqual(await names("--capability", "deploy"), ["devops"]);
  assert.deepEqual(await names("--capability", "monitoring"), ["devops", "skill-lifecycle"]);
  assert.deepEqual(await names("--input", "goal"), ["devops", "docs-engine", "python-backend"]);
  assert.deepEqual(await names("--output", "verdict"), ["sanity-check"]);
  assert.deepEqual((await json("work", "skills", "python-backend")).downstream, [
    "sanity-check",
    "docs-engine",
    "devops",
  ]);
});

test("every command line of bin/shared-state works under its old name", async () => {
  const made = await shared(
    "create",
    "--title",
    "Old tools",
    "--project",
    "mpmp",
    "--goal",
    "they work",
    "--skill",
    "devops",
    "--slug",
    "wf-old-stage-9",
  );
  assert.deepEqual([made.code, made.out.slice(0, 32)], [0, "[todo        ] wf-old-stage-9  ("], made.err);
  assert.equal((await shared("start", "wf-old-stage-9", "--skill", "python-backend")).code, 0);
  const lines: readonly (readonly [RegExp, ...string[]])[] = [
    [/\[in_progress \] wf-old-stage-9 {2}\(python-backend\)/, "list"],
    [/wf-old-stage-9/, "list", "--status", "in_progress"],
    [/wf-old-stage-9/, "list", "--project", "mpmp", "--skill", "python-backend"],
    [/Old tools\nproject mpmp\ngoal: they work/, "show", "wf-old-stage-9"],
    [/created {2}operator[^]*started {2}operator/, "tail", "wf-old-stage-9", "--limit", "5"],
    [/^flowchart LR\n[^]*wf-old-stage-9<br\/>in_progress/, "graph"],
    [/status +in_progress +\d/, "stats"],
    [/\[in_progress \] wf-old-stage-9 {2}\(auditor\)/, "handoff", "wf-old-stage-9", "--to", "auditor"],
    [/\[failed/, "fail", "wf-old-stage-9", "--reason", "no disk"],
    [/wf-old-stage-9 {2}.* failed {2}operator {2}\{"reason":"no disk"\}/, "hooks", "failed"],
  ];
  for (const [expected, ...args] of lines) {
    const { code, out, err } = await shared(...args);
    assert.equal(code, 0, err);
    assert.match(out, expected, args.join(" "));
  }
  const again = await shared("start", "wf-old-stage-9");
  assert.equal(again.code, 0, again.err);
  assert.equal((await shared("complete", "wf-old-stage-9")).code, 0);
  const since = await shared("hooks", "completed", "--since", "2026-02-14");
  assert.match(since.out, /wf-old-stage-9 /);
  const later = await shared("hooks", "completed", "--since", "2999-01-01");
  assert.deepEqual([later.code, later.out], [0, ""]);
});
