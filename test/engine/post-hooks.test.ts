import assert from "node:assert/strict";
import test from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { OPERATOR, startWork } from "../support/work.ts";
import { writtenWorkflow } from "../support/written-workflow.ts";

const FILE = `name: hooked
steps:
  build:
    agent: webster
    task: Build it
    retry: { max_attempts: 1 }
    HOOKS
  publish: { needs: [build], agent: auditor, task: "Publish \${{ steps.build.result }}" }
`;

async function begin(t: Parameters<typeof startWork>[0], hooks: string, more = "") {
  using folder = temporaryFolder();
  const workflows = [writtenWorkflow(folder.path, "hooked", FILE.replace("HOOKS", hooks) + more)];
  const core = await startWork(t, { workflows });
  const { run } = await core.verbs.runs.startRun(OPERATOR, {
    workflow: "hooked",
    inputs: {},
    origin: { door: "cli" },
  });
  await core.settled();
  const note = (status: "pass" | "fail") =>
    core.verbs.work.note(OPERATOR, `${run.id}.build`, [
      { type: "test", name: "unit", status, evidence: "log" },
      { type: "finding", text: "never trust the clock" },
    ]);
  const stands = async () =>
    (await core.verbs.runs.run(run.id)).steps.map(({ id, status }) => `${id} ${status}`);
  return { ...core, run, note, stands };
}

test("a step whose check says fail holds what needs it until a person lets it pass, and that is recorded", async (t) => {
  const { run, note, handIn, stands, settled, sent, verbs, files } = await begin(
    t,
    "post_hooks: [sanity-check, reflect]",
  );
  assert.match(sent[0]?.message ?? "", /Build it\n\nNote what you make.*hq work note/);
  await note("fail");
  await handIn(run.id, "build");
  assert.deepEqual(await stands(), ["build succeeded", "build-check waiting", "publish pending"]);
  assert.ok(files.has(`proposals/${run.id}.build`));
  const gate = (await verbs.runs.run(run.id)).steps[1]?.gate;
  assert.match(gate?.prompt ?? "", /sanity-check says fail of build: the test unit failed/);
  const about = {
    run: run.id,
    step: "build-check",
    decision: "approve",
    reason: "the test is wrong",
  } as const;
  await verbs.runs.decideGate(OPERATOR, about);
  await settled();
  const decided = (await verbs.runs.run(run.id)).steps[1]?.gate;
  assert.deepEqual([decided?.decidedBy, decided?.reason], ["operator", "the test is wrong"]);
  await handIn(run.id, "publish", { result: "published" });
  const over = await verbs.runs.run(run.id);
  assert.deepEqual([over.status, over.result], ["succeeded", "published"]);
});

test("a step whose check passes holds nothing", async (t) => {
  const { run, note, handIn, stands } = await begin(t, "post_hooks: [sanity-check]");
  await note("pass");
  await handIn(run.id, "build");
  assert.deepEqual(await stands(), ["build succeeded", "build-check skipped", "publish running"]);
});

test("a tolerated failure holds nothing: there is nothing that could be promoted", async (t) => {
  const { run, handIn, stands } = await begin(t, "post_hooks: [sanity-check]\n    continue_on_error: true");
  await handIn(run.id, "build", { status: "failed", result: "no disk" });
  assert.deepEqual(await stands(), ["build failed", "build-check skipped", "publish running"]);
});

test("without hooks nothing is checked and nothing proposed", async (t) => {
  const { run, note, handIn, stands, files, verbs } = await begin(t, "");
  await note("fail");
  await handIn(run.id, "build");
  assert.deepEqual(await stands(), ["build succeeded", "publish running"]);
  assert.equal((await verbs.runs.run(run.id)).steps[0]?.verdict, undefined);
  assert.ok(!files.has(`proposals/${run.id}.build`));
});

test("a step after a checked one may ask for the verdict and be told what was found", async (t) => {
  const { run, note, handIn, stands, settled, sent, verbs } = await begin(
    t,
    "post_hooks: [sanity-check]",
    `  tell: { needs: [build], if: steps.build.verdict == 'fail', agent: webster, task: "It is \${{ steps.build.verdict }}: \${{ steps.build.issues }}" }
  cheer: { needs: [build], if: steps.build.verdict == 'pass', agent: webster, task: Cheer }
output: { step: publish }
`,
  );
  await note("fail");
  await handIn(run.id, "build");
  await verbs.runs.decideGate(OPERATOR, { run: run.id, decision: "approve", reason: "known" });
  await settled();
  assert.ok((await stands()).includes("cheer skipped"));
  const told = sent.find(({ message }) => message.includes("It is fail:"))?.message ?? "";
  assert.match(told, /It is fail: \[attached context: steps\.build\.issues\]/);
  assert.match(told, /the test unit failed/);
});
