import assert from "node:assert/strict";
import test from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import { createRegistry } from "../../src/domain/agent-card.ts";
import { summaryOf } from "../../src/domain/pipeline.ts";
import { cardOf } from "../support/core.ts";
import { HOLDERS, OPERATOR, startWork } from "../support/work.ts";

const STAGES = [
  { capability: "implement", goal: "Build refresh token endpoint" },
  { capability: "testing", goal: "Write integration tests" },
  { capability: "deploy", goal: "Deploy to staging" },
  { capability: "verification", goal: "Verify deployment health" },
];
const request = (more: object = {}) => ({
  name: "implement-auth-refresh",
  project: "mpmp",
  stages: STAGES,
  ...more,
});

test("a pipeline of capabilities is a run whose stages go to agents that hold the skill, which their prompts name", async (t) => {
  const { verbs, handIn, sent, settled, files } = await startWork(t);
  const begun = await verbs.pipelines.create(OPERATOR, request());
  await settled();
  assert.match(begun.id, /^wf-implement-auth-refresh-/);
  assert.equal(
    summaryOf(await verbs.pipelines.show(begun.id)),
    [
      `implement-auth-refresh (mpmp): in_progress · ${begun.id}`,
      "  🔄 0. [implement] Build refresh token endpoint → python-backend (webster)",
      "  ⏳ 1. [testing] Write integration tests → python-backend (webster)",
      "  ⏳ 2. [deploy] Deploy to staging → devops (nx-expert)",
      "  ⏳ 3. [verification] Verify deployment health → sanity-check (auditor)",
    ].join("\n"),
  );
  assert.match(
    sent[0]?.message ?? "",
    /Work as the skill python-backend\. This is stage 1 of 4 .*project mpmp/,
  );
  const running = await verbs.pipelines.advance(OPERATOR, begun.id);
  assert.deepEqual([running.outcome, running.stage], ["running", 0]);
  for (const stage of [0, 1, 2, 3]) await handIn(begun.id, `stage-${stage}`, { result: `did ${stage}` });
  assert.match(sent[1]?.message ?? "", /did 0/);
  const over = await verbs.pipelines.advance(OPERATOR, begun.id);
  assert.deepEqual([over.outcome, over.pipeline.status], ["done", "completed"]);
  assert.deepEqual(
    over.pipeline.stages.map(({ status, verdict }) => `${status} ${verdict}`),
    ["done pass", "done pass", "done pass", "done pass"],
  );
  assert.equal((await verbs.runs.run(begun.id)).status, "succeeded");
  const item = await verbs.work.show(`${begun.id}-stage-1`);
  assert.deepEqual(
    [item.title, item.project, item.lifecycle.status, item.lifecycle.assignee_skill, item.lifecycle.agent],
    ["Write integration tests", "mpmp", "done", "python-backend", "webster"],
  );
  assert.deepEqual(item.dependencies.blockers, [`${begun.id}-stage-0`]);
  assert.ok(files.has(`${begun.id}/stage-1`));
});

test("an unknown capability, and a skill that nobody holds, are refused with what to add where", async (t) => {
  const { verbs, no } = await startWork(t);
  const stages = [STAGES[0], { capability: "tesing", goal: "x" }, { capability: "juggling", goal: "y" }];
  const unknown = await no(verbs.pipelines.create(OPERATOR, request({ stages })));
  assert.match(unknown, /No skill found with capability 'tesing'; No skill found with capability 'juggling'/);
  assert.match(unknown, /Did you mean testing.*config\/skill_contracts/);
  const held = await no(
    verbs.pipelines.create(OPERATOR, request({ stages: [{ capability: "documentation", goal: "x" }] })),
  );
  assert.match(held, /no agent holds the skill docs-engine or the capability documentation/);
  assert.match(held, /Add `skills: \[docs-engine\]` to an agent in config\/agents\.yaml/);
});

test("a stage of which the check says fail holds the next one until a person says why it may pass", async (t) => {
  const { verbs, handIn, no, settled, sent } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request());
  await settled();
  const slug = `${id}-stage-0`;
  const test = (status: "pass" | "fail") =>
    ({ type: "test", name: "refresh", status, evidence: "log" }) as const;
  await verbs.work.note({ kind: "agent", id: "webster" }, slug, [test("pass"), test("fail")]);
  await handIn(id, "stage-0");
  const held = await verbs.pipelines.advance(OPERATOR, id);
  assert.deepEqual([held.outcome, held.stage], ["blocked", 0]);
  assert.match(held.why, /sanity-check says fail of stage 0 \[implement\]: the test refresh failed/);
  assert.equal(sent.length, 1);
  assert.match((await verbs.runs.run(id)).steps[1]?.gate?.prompt ?? "", /the test refresh failed/);
  assert.match(await no(verbs.pipelines.override(OPERATOR, id, 0, " ")), /say why/);
  const agent: Actor = { kind: "agent", id: "webster" };
  assert.match(await no(verbs.pipelines.override(agent, id, 0, "it is fine")), /^not_allowed/);
  const passed = await verbs.pipelines.override(OPERATOR, id, 0, "the test is wrong, see #12");
  await settled();
  const { by, reason } = passed.stages[0]?.override ?? {};
  assert.deepEqual([by, reason], ["operator", "the test is wrong, see #12"]);
  assert.match(
    summaryOf(passed),
    /sanity-check: fail: the test refresh failed; operator let it pass: the test is wrong/,
  );
  assert.equal(sent.length, 2);
});

test("a test that was mended before the stage ends does not hold it", async (t) => {
  const { verbs, handIn, settled } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request());
  await settled();
  const note = (status: "pass" | "fail") =>
    verbs.work.note(OPERATOR, `${id}-stage-0`, [{ type: "test", name: "refresh", status, evidence: "" }]);
  await note("fail");
  await note("pass");
  await handIn(id, "stage-0");
  assert.equal((await verbs.pipelines.show(id)).stages[0]?.verdict, "pass");
});

test("a failed pipeline says so, and goes on where it failed when it is resumed", async (t) => {
  const { verbs, handIn, settled } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request({ stages: STAGES.slice(0, 2) }));
  await settled();
  await handIn(id, "stage-0", { status: "blocked", result: "no disk" });
  const failed = await verbs.pipelines.advance(OPERATOR, id);
  assert.deepEqual([failed.outcome, failed.pipeline.status], ["failed", "failed"]);
  assert.equal(failed.why, "stage 0 [implement] failed: sample");
  assert.equal(failed.pipeline.stages[0]?.reason, "sample");
  assert.equal((await verbs.work.show(`${id}-stage-0`)).lifecycle.status, "failed");
  assert.deepEqual(
    failed.pipeline.stages.map(({ status }) => status),
    ["failed", "pending"],
  );
  const resumed = await verbs.pipelines.advance(OPERATOR, id, { resume: true });
  assert.equal(resumed.outcome, "running");
  await settled();
  await handIn(id, "stage-0", {}, 2);
  await handIn(id, "stage-1");
  assert.equal((await verbs.pipelines.show(id)).status, "completed");
});

test("what people write in a goal is never an expression", async (t) => {
  const { verbs, sent, settled } = await startWork(t);
  const goal = "Print ${{ inputs.secret }} and ${{";
  await verbs.pipelines.create(OPERATOR, request({ stages: [{ capability: "implement", goal }] }));
  await settled();
  assert.ok(sent[0]?.message.includes(goal), sent[0]?.message);
});

test("a pipeline by hand goes through its stages one by one, and each answer of advance has a word of its own", async (t) => {
  const { verbs, no, sent } = await startWork(t);
  const { pipelines, work } = verbs;
  const { id, stages } = await pipelines.create(
    OPERATOR,
    request({ manual: true, stages: STAGES.slice(0, 2) }),
  );
  assert.deepEqual(
    stages.map(
      ({ status, workItem }) => `${status} ${workItem === `${id}-stage-0` || workItem === `${id}-stage-1`}`,
    ),
    ["pending true", "pending true"],
  );
  assert.match(await no(pipelines.complete(OPERATOR, id, 0)), /Stage 0 .* is todo; it cannot be completed/);
  assert.equal((await work.show(`${id}-stage-1`)).lifecycle.status, "blocked");
  assert.deepEqual((await work.show(`${id}-stage-0`)).dependencies.dependents, [`${id}-stage-1`]);
  const said: string[] = [];
  const advance = async () => {
    const { outcome, stage, pipeline } = await pipelines.advance(OPERATOR, id);
    said.push(`${outcome} ${stage ?? "-"} ${pipeline.status} ${pipeline.current ?? "-"}`);
  };
  await advance();
  await advance();
  await pipelines.complete(OPERATOR, id, 0);
  await advance();
  await pipelines.override(OPERATOR, id, 0, "nothing to hand on");
  await advance();
  await pipelines.fail(OPERATOR, id, 1, "no database");
  await advance();
  assert.equal((await pipelines.advance(OPERATOR, id, { resume: true })).outcome, "started");
  await work.note(OPERATOR, `${id}-stage-1`, [{ type: "artifact", kind: "code", label: "t", path: "t.py" }]);
  await pipelines.complete(OPERATOR, id, 1);
  await advance();
  assert.deepEqual(said, [
    "started 0 in_progress 0",
    "running 0 in_progress 0",
    "blocked 0 in_progress 0",
    "started 1 in_progress 1",
    "failed 1 failed 1",
    "done - completed -",
  ]);
  assert.match(await no(work.start(OPERATOR, `${id}-stage-1`)), /hq workflow advance/);
  assert.deepEqual(sent, []);
});

test("by hand as well only people let a held stage pass, once, and what failed is not completed", async (t) => {
  const { verbs, no, pass: later, now } = await startWork(t);
  const { pipelines } = verbs;
  const manual = request({ manual: true, stages: STAGES.slice(0, 2) });
  const { id } = await pipelines.create(OPERATOR, manual);
  await pipelines.advance(OPERATOR, id);
  const pass = (actor: Actor) => no(pipelines.override(actor, id, 0, "it is fine"));
  assert.match(await pass(OPERATOR), /is not held/);
  await pipelines.complete(OPERATOR, id, 0);
  assert.match(await pass({ kind: "agent", id: "webster" }), /^not_allowed/);
  assert.equal((await pipelines.advance(OPERATOR, id)).outcome, "blocked");
  later(1000);
  const { stages } = await pipelines.override(OPERATOR, id, 0, "nothing to hand on");
  assert.equal(stages[0]?.override?.reason, "nothing to hand on");
  assert.equal(stages[0]?.override?.at, now());
  assert.match(await pass(OPERATOR), /operator let it pass already/);
  await pipelines.advance(OPERATOR, id);
  await pipelines.fail(OPERATOR, id, 1, "no database");
  assert.match(await no(pipelines.complete(OPERATOR, id, 1)), /is failed; it cannot be completed/);
  assert.deepEqual(
    (await pipelines.list({ status: "failed" })).map((one) => one.id),
    [id],
  );
  assert.deepEqual(await pipelines.list({ status: "completed" }), []);
});

test("a pipeline by hand is canceled once, with who and why: nothing of it begins or ends after that", async (t) => {
  const { verbs, no } = await startWork(t);
  const { pipelines, work } = verbs;
  const { id } = await pipelines.create(OPERATOR, request({ manual: true, stages: STAGES.slice(0, 2) }));
  await pipelines.advance(OPERATOR, id);
  const stranger: Actor = { kind: "agent", id: "auditor" };
  assert.match(await no(pipelines.cancel(stranger, id)), /^not_allowed/);
  const canceled = await pipelines.cancel(OPERATOR, id, "nobody needs it");
  assert.deepEqual([canceled.status, canceled.current], ["canceled", undefined]);
  assert.deepEqual(canceled.canceled, {
    by: "operator",
    at: canceled.canceled?.at,
    reason: "nobody needs it",
  });
  assert.match(summaryOf(canceled), /: canceled · .*\n  canceled by operator: nobody needs it\n/);
  const { lifecycle } = await work.show(`${id}-stage-0`);
  assert.deepEqual([lifecycle.status, lifecycle.reason], ["failed", "the pipeline was canceled"]);
  assert.match(await no(pipelines.advance(OPERATOR, id, { resume: true })), /^already_settled: .*canceled/);
  assert.match(await no(pipelines.complete(OPERATOR, id, 0)), /^already_settled: .*canceled/);
  assert.equal((await pipelines.cancel(OPERATOR, id, "again")).canceled?.reason, "nobody needs it");
  assert.deepEqual(
    (await pipelines.list({ status: "canceled" })).map((one) => one.id),
    [id],
  );
});

test("a pipeline that runs is canceled as its run is", async (t) => {
  const { verbs, settled } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request());
  await settled();
  await verbs.pipelines.cancel(OPERATOR, id, "nobody needs it");
  await settled();
  assert.equal((await verbs.runs.run(id)).status, "canceled");
  assert.equal((await verbs.pipelines.show(id)).status, "canceled");
});

test("hooks follow the end of a stage: reflect only when something was found, and they are marked as run once", async (t) => {
  const { verbs, no } = await startWork(t);
  const { pipelines, work } = verbs;
  const { id } = await pipelines.create(OPERATOR, request({ manual: true, stages: STAGES.slice(0, 1) }));
  assert.match(await no(pipelines.hookTasks(id, 0)), /hooks follow its end/);
  await pipelines.advance(OPERATOR, id);
  await pipelines.complete(OPERATOR, id, 0);
  const slug = `${id}-stage-0`;
  const labels = async () =>
    (await pipelines.hookTasks(id, 0)).map(({ label, description }) => `${label}: ${description}`);
  assert.deepEqual(await labels(), [
    `hook_sanity-check: Run OUTPUT gate on work item '${slug}'`,
    `hook_skill-lifecycle: Monitor skill health after completing '${slug}'`,
  ]);
  await work.note(OPERATOR, slug, [{ type: "finding", text: "tokens expire" }]);
  assert.equal((await labels())[1], `hook_reflect: Encode 1 finding from '${slug}'`);
  assert.equal((await pipelines.show(id)).stages[0]?.postHooksRun, false);
  await pipelines.hooksRun(OPERATOR, id, 0);
  assert.equal((await pipelines.hooksRun(OPERATOR, id, 0)).stages[0]?.postHooksRun, true);
});

test("a stage that a person skips is skipped in its pipeline too, which is over without it", async (t) => {
  const { verbs, handIn, settled } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request({ stages: STAGES.slice(0, 2) }));
  await settled();
  await verbs.runs.skipStep(OPERATOR, id, "stage-1");
  await handIn(id, "stage-0");
  const { status, stages } = await verbs.pipelines.show(id);
  assert.deepEqual([status, ...stages.map((stage) => stage.status)], ["completed", "done", "skipped"]);
});

test("a stage shows the agent that really does it, whoever was meant when the pipeline was made", async (t) => {
  const cards = [...HOLDERS, cardOf("tech-lead", { skills: ["python-backend"] })];
  const { verbs, handIn, settled } = await startWork(t, { cards });
  const { id, stages } = await verbs.pipelines.create(OPERATOR, request({ stages: STAGES.slice(0, 2) }));
  assert.equal(stages[1]?.agent, "webster");
  await settled();
  await verbs.drainAgent(OPERATOR, "webster", "new model");
  await handIn(id, "stage-0");
  assert.equal((await verbs.pipelines.show(id)).stages[1]?.agent, "tech-lead");
});

test("a pipeline whose last stage is held is not over, and failed when a person says that it may not pass", async (t) => {
  const { verbs, handIn, settled } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request({ stages: STAGES.slice(0, 1) }));
  await settled();
  const failing = { type: "test", name: "refresh", status: "fail", evidence: "log" } as const;
  await verbs.work.note(OPERATOR, `${id}-stage-0`, [failing]);
  await handIn(id, "stage-0");
  const held = await verbs.pipelines.show(id);
  assert.deepEqual([held.status, held.current], ["in_progress", 0]);
  await verbs.runs.decideGate(OPERATOR, { run: id, decision: "reject", reason: "mend it" });
  await settled();
  const rejected = await verbs.pipelines.advance(OPERATOR, id);
  assert.match(rejected.why, /^the run is failed: .*rejected by operator: mend it/);
  const { status, stages } = rejected.pipeline;
  assert.deepEqual(
    [rejected.outcome, status, stages[0]?.status, stages[0]?.override],
    ["failed", "failed", "done", undefined],
  );
  assert.equal((await verbs.pipelines.list({ status: "in_progress" })).length, 0);
});

test("a person who skips the check of a stage lets it pass, and is named", async (t) => {
  const { verbs, handIn, settled, pass, now } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, request({ stages: STAGES.slice(0, 1) }));
  await settled();
  const failing = { type: "test", name: "refresh", status: "fail", evidence: "log" } as const;
  await verbs.work.note(OPERATOR, `${id}-stage-0`, [failing]);
  await handIn(id, "stage-0");
  pass(1000);
  const check = (await verbs.runs.run(id)).steps[1]?.id ?? "";
  await verbs.runs.skipStep(OPERATOR, id, check);
  const { status, stages } = await verbs.pipelines.show(id);
  assert.deepEqual(
    [status, stages[0]?.override?.by, stages[0]?.override?.at],
    ["completed", "operator", now()],
  );
});

test("the hooks of a stage that is done once more are to be run again, in a run as by hand", async (t) => {
  const { verbs, handIn, settled, pass } = await startWork(t);
  const { pipelines, runs } = verbs;
  const stages = STAGES.slice(0, 1);
  const ran = async (id: string) => (await pipelines.show(id)).stages[0]?.postHooksRun;
  const { id } = await pipelines.create(OPERATOR, request({ stages, postHooks: ["reflect"] }));
  await settled();
  assert.equal(await ran(id), false);
  pass(1000);
  await handIn(id, "stage-0");
  await pipelines.hooksRun(OPERATOR, id, 0);
  assert.equal(await ran(id), true);
  pass(1000);
  await runs.rerun(OPERATOR, id, "stage-0");
  await settled();
  pass(1000);
  await handIn(id, "stage-0", {}, 2);
  assert.equal(await ran(id), false);

  const byHand = await pipelines.create(OPERATOR, request({ stages, manual: true }));
  await pipelines.advance(OPERATOR, byHand.id);
  await pipelines.fail(OPERATOR, byHand.id, 0, "no disk");
  const failed = (await pipelines.show(byHand.id)).stages[0];
  assert.deepEqual([failed?.reason, failed?.verdict], ["no disk", "fail"]);
  await pipelines.hooksRun(OPERATOR, byHand.id, 0);
  assert.equal(await ran(byHand.id), true);
  pass(1000);
  await pipelines.advance(OPERATOR, byHand.id, { resume: true });
  await pipelines.complete(OPERATOR, byHand.id, 0);
  assert.equal(await ran(byHand.id), false);
});

test("a name and stages that make no pipeline are refused before anything is made", async (t) => {
  const { verbs, no } = await startWork(t);
  const create = (more: object) => no(verbs.pipelines.create(OPERATOR, request({ manual: true, ...more })));
  const stage = { capability: "implement", goal: "Build" };
  const many = (length: number) => ({ stages: Array.from({ length }, () => stage) });
  assert.equal(await create({ name: "a".repeat(40) }), "it was allowed");
  for (const name of ["", "a".repeat(41), "Auth", "2fa", "a_b", "a b", "-a"])
    assert.match(await create({ name }), /^invalid_input: name: small letters/, name);
  assert.equal(await create(many(20)), "it was allowed");
  for (const length of [0, 21])
    assert.match(await create(many(length)), /^invalid_input: stages: .* 1 to 20/);
  const stages = [
    { capability: "implement", goal: " \n" },
    { capability: "documentation", goal: "" },
    { capability: "documentation", goal: "x" },
  ];
  const refused = await create({ stages });
  assert.match(
    refused,
    /stages\.0\.goal: say what is to be done; stages\.1\.goal: say what is to be done; stages\.1: no agent/,
  );
  assert.match(refused, /Add `skills: \[docs-engine\]` to an agent/, "each skill is named once");
});

test("a stage that is not there is refused with those that are", async (t) => {
  const { verbs, no } = await startWork(t);
  const { pipelines } = verbs;
  const { id } = await pipelines.create(OPERATOR, request({ manual: true, stages: STAGES.slice(0, 2) }));
  for (const index of [-1, 2, 0.5, Number.NaN]) {
    const said = `not_found: ${id} has no stage ${index}. | Its stages are 0 to 1.`;
    assert.equal(await no(pipelines.complete(OPERATOR, id, index)), said);
    assert.equal(await no(pipelines.override(OPERATOR, id, index, "fine")), said);
    assert.equal(await no(pipelines.hookTasks(id, index)), said);
  }
});

test("a stage asks for the skill that was named for it, and goes to whoever holds that before anybody of the capability", async (t) => {
  const cards = [
    cardOf("tech-lead", { capabilities: ["implement"] }),
    cardOf("webster", { skills: ["python-backend"] }),
    cardOf("nx-expert", { skills: ["devops"] }),
  ];
  const { verbs } = await startWork(t, { cards });
  const stages = [
    { capability: "implement", goal: "  Build\n" },
    { capability: "implement", goal: "Ship", skill: "devops" },
  ];
  const made = await verbs.pipelines.create(OPERATOR, request({ stages, manual: true }));
  assert.deepEqual(
    made.stages.map(({ goal, skill, agent }) => [goal, skill, agent]),
    [
      ["Build", "python-backend", "webster"],
      ["Ship", "devops", "nx-expert"],
    ],
  );
});

test("the same key is the same pipeline as long as the same is asked for", async (t) => {
  const { verbs, no } = await startWork(t);
  const { create } = verbs.pipelines;
  for (const manual of [true, false]) {
    const key = { scope: "rest", key: `k ${manual}` };
    const asked = request({ manual, key });
    const first = await create(OPERATOR, asked);
    assert.equal((await create(OPERATOR, asked)).id, first.id);
    const others = [
      { project: "other" },
      { postHooks: [] },
      { stages: STAGES.map((stage) => ({ ...stage, goal: "Something else" })) },
    ];
    for (const other of others)
      assert.match(await no(create(OPERATOR, { ...asked, ...other })), /^key_reused/, JSON.stringify(other));
  }
});

test("a pipeline that is asked for again under its key is answered, also when nobody could be chosen for it by now", async (t) => {
  const { verbs, no, config } = await startWork(t);
  const { create } = verbs.pipelines;
  const asked = [true, false].map((manual) =>
    request({ manual, key: { scope: "rest", key: `k ${manual}` } }),
  );
  const made = [];
  for (const one of asked) made.push((await create(OPERATOR, one)).id);
  Object.assign(config, { registry: createRegistry([cardOf("manager")]) });
  assert.match(await no(create(OPERATOR, request())), /^invalid_input/);
  for (const [index, one] of asked.entries()) {
    assert.equal((await create(OPERATOR, one)).id, made[index]);
    assert.match(await no(create(OPERATOR, { ...one, stages: STAGES.slice(1) })), /^invalid_input/);
    const named = STAGES.map((stage) => ({ ...stage, skill: "devops" }));
    assert.match(await no(create(OPERATOR, { ...one, stages: named })), /^key_reused/);
  }
});
