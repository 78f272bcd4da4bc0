import assert from "node:assert/strict";
import test from "node:test";
import { lineOfWork } from "../../src/domain/work-view.ts";
import { AUDITOR, OPERATOR, startWork, WEBSTER } from "../support/work.ts";
import { approvalOf, stepOf, taskOf, workflowOf } from "../support/workflow.ts";

test("an item goes from todo to done, its history says who did what, and doing a thing twice is doing it once", async (t) => {
  const { verbs, pass, no } = await startWork(t);
  const { work } = verbs;
  const made = await work.create(OPERATOR, {
    title: "Refresh tokens: the endpoint!",
    project: "mpmp",
    goal: "POST /refresh",
    skill: "python-backend",
  });
  const { slug } = made;
  assert.match(slug, /^mpmp-refresh-tokens-the-endpoint-[0-9a-f]{6}$/);
  const accented = await work.create(OPERATOR, { title: "Überprüfung der Öfen" });
  assert.match(accented.slug, /^uberprufung-der-ofen-[0-9a-f]{6}$/);
  assert.equal(lineOfWork(made), `[todo        ] ${slug}  (python-backend)  2001-09-09`);
  assert.match(
    await no(work.complete(OPERATOR, slug)),
    /is todo; it cannot be completed\. \| Start it first/,
  );
  pass(1000);
  await work.start(WEBSTER, slug);
  await work.start(WEBSTER, slug);
  await work.note(WEBSTER, slug, [
    { type: "artifact", kind: "code", label: "app.py", path: "src/app.py" },
    { type: "metric", name: "test_coverage", value: 91, unit: "%" },
    { type: "test", name: "refresh", status: "pass", evidence: "ci/1" },
    { type: "finding", text: "never log tokens" },
    { type: "followup", text: "rotate keys" },
  ]);
  await work.review(WEBSTER, slug);
  pass(1000);
  await work.complete(WEBSTER, slug);
  const done = await work.complete(WEBSTER, slug);
  assert.deepEqual(done.lifecycle, {
    status: "done",
    assignee_skill: "python-backend",
    orchestrator_workflow: "",
    timestamps: {
      created_at: "2001-09-09T01:46:40.000Z",
      started_at: "2001-09-09T01:46:41.000Z",
      completed_at: "2001-09-09T01:46:42.000Z",
    },
  });
  assert.deepEqual(done.artifacts, [{ type: "code", label: "app.py", path: "src/app.py" }]);
  assert.deepEqual(done.lessons, { findings: ["never log tokens"], followups: ["rotate keys"] });
  assert.deepEqual(
    done.history.map(({ event, author }) => `${event} ${author}`),
    [
      "created operator",
      ...[
        "started",
        "artifact_added",
        "metric_recorded",
        "test_recorded",
        "finding_added",
        "followup_added",
      ].map((event) => `${event} agent webster`),
      "status_change agent webster",
      "completed agent webster",
    ],
  );
  assert.match(await no(work.start(OPERATOR, slug)), /is done; it cannot be started/);
  assert.match(await no(work.create(OPERATOR, { title: "x", slug })), /There is a work item .* already/);
});

test("an agent works on what is its own to do, and not on what is another's", async (t) => {
  const { verbs, no } = await startWork(t);
  const { work } = verbs;
  const { slug } = await work.create(OPERATOR, { title: "Build", skill: "python-backend" });
  assert.match(
    await no(work.start(AUDITOR, slug)),
    /^not_allowed: agent auditor may not change the work item/,
  );
  await work.start(WEBSTER, slug);
  await work.handoff(WEBSTER, slug, "auditor");
  assert.match(await no(work.complete(WEBSTER, slug)), /^not_allowed/);
  assert.equal((await work.complete(AUDITOR, slug)).lifecycle.status, "done");
  const own = await work.create(AUDITOR, { title: "A note of mine" });
  assert.equal((await work.start(AUDITOR, own.slug)).lifecycle.status, "in_progress");
});

test("what waits for another item is blocked until that is done, both sides show it, and no circle is made", async (t) => {
  const { verbs, no } = await startWork(t);
  const { work } = verbs;
  for (const slug of ["one", "two", "three"]) await work.create(OPERATOR, { title: slug, slug });
  await work.block(OPERATOR, "two", "one");
  await work.block(OPERATOR, "three", "two");
  await work.block(OPERATOR, "two", "one");
  assert.deepEqual((await work.show("one")).dependencies, { blockers: [], dependents: ["two"] });
  assert.deepEqual((await work.show("two")).dependencies, { blockers: ["one"], dependents: ["three"] });
  assert.equal((await work.show("two")).lifecycle.status, "blocked");
  assert.match(
    await no(work.block(OPERATOR, "one", "three")),
    /one waits for three waits for two waits for one/,
  );
  assert.match(await no(work.block(OPERATOR, "one", "one")), /one waits for one/);
  assert.match(await no(work.block(OPERATOR, "one", "nine")), /^not_found/);
  assert.match(await no(work.start(OPERATOR, "two")), /two is blocked by one/);
  await work.start(OPERATOR, "one");
  await work.complete(OPERATOR, "one");
  assert.equal((await work.start(OPERATOR, "two")).lifecycle.status, "in_progress");
  assert.equal(
    await work.graph({}),
    [
      "flowchart LR",
      '  n0["one<br/>done"]',
      '  n1["two<br/>in_progress"]',
      '  n2["three<br/>blocked"]',
      "  n0 --> n1",
      "  n1 --> n2",
      "",
    ].join("\n"),
  );
});

test("what was begun before it was told to wait goes on, and may be completed", async (t) => {
  const { verbs } = await startWork(t);
  const { work } = verbs;
  for (const slug of ["one", "two"]) await work.create(OPERATOR, { title: slug, slug });
  await work.start(OPERATOR, "two");
  assert.equal((await work.block(OPERATOR, "two", "one")).lifecycle.status, "in_progress");
  assert.equal((await work.complete(OPERATOR, "two")).lifecycle.status, "done");
});

test("a failed item can be started again, and then nobody remembers why it had failed", async (t) => {
  const { verbs } = await startWork(t);
  const { work } = verbs;
  await work.create(OPERATOR, { title: "x", slug: "x" });
  await work.start(OPERATOR, "x");
  assert.equal((await work.fail(OPERATOR, "x", "no disk")).lifecycle.reason, "no disk");
  const again = await work.start(OPERATOR, "x");
  assert.deepEqual([again.lifecycle.status, again.lifecycle.reason], ["in_progress", undefined]);
  assert.equal(again.lifecycle.timestamps.completed_at, null);
});

test("each step of a run has an item that is the run itself: it stands as the step does and cannot be moved by hand", async (t) => {
  const workflow = workflowOf("two", [
    stepOf("dig", taskOf("webster", "Dig a hole.")),
    stepOf("ask", approvalOf(), { needs: ["dig"] }),
    stepOf("fill", taskOf("nx-expert", "Fill it."), { needs: ["ask"] }),
  ]);
  const { verbs, no, settled, handIn, pass } = await startWork(t, { workflows: [workflow] });
  const { work } = verbs;
  const { run } = await verbs.runs.startRun(OPERATOR, {
    workflow: "two",
    inputs: {},
    origin: { door: "cli" },
  });
  await settled();
  const [dig, fill] = [`${run.id}.dig`, `${run.id}.fill`];
  assert.deepEqual((await work.list({})).map(({ slug }) => slug).toSorted(), [dig, fill]);
  const item = await work.show(dig);
  assert.deepEqual(
    [item.title, item.lifecycle.status, item.lifecycle.agent, item.source_task_id],
    ["Dig a hole.", "in_progress", "webster", dig],
  );
  assert.deepEqual(item.dependencies, { blockers: [], dependents: [fill] });
  const waiting = await work.show(fill);
  assert.deepEqual([waiting.lifecycle.status, waiting.dependencies.blockers], ["blocked", [dig]]);
  assert.match(await no(work.complete(WEBSTER, dig)), /is a step of the run .*, which says how it stands/);
  assert.match(await no(work.note(AUDITOR, dig, [{ type: "finding", text: "x" }])), /^not_allowed/);
  await work.note(WEBSTER, dig, [{ type: "finding", text: "clay below" }]);
  pass(1000);
  await handIn(run.id, "dig", { artifacts: ["/tmp/hole.txt"] });
  const dug = await work.show(dig);
  assert.equal(dug.lifecycle.status, "done");
  assert.deepEqual(dug.lessons.findings, ["clay below"]);
  assert.deepEqual(
    dug.artifacts.map(({ type, label }) => `${type} ${label}`),
    ["result result", "file hole.txt"],
  );
  assert.deepEqual(
    dug.history.map(({ event }) => event),
    ["created", "started", "finding_added", "completed"],
  );
  assert.match(await no(work.show(`${run.id}.ask`)), /^not_found/);
});

test("the hook bus tells events of items and of runs, oldest first, since an instant", async (t) => {
  const workflow = workflowOf("one", [stepOf("dig", taskOf("webster", "Dig."))]);
  const { verbs, settled, handIn, pass, now } = await startWork(t, { workflows: [workflow] });
  const { work } = verbs;
  await work.create(OPERATOR, { title: "x", slug: "x" });
  await work.start(OPERATOR, "x");
  await work.complete(OPERATOR, "x");
  pass(60_000);
  const later = now();
  const { run } = await verbs.runs.startRun(OPERATOR, {
    workflow: "one",
    inputs: {},
    origin: { door: "cli" },
  });
  await settled();
  await handIn(run.id, "dig");
  const slugs = async (event: "created" | "completed" | "failed", since?: number) =>
    (await work.hooks(event, { since })).map(({ slug }) => slug);
  assert.deepEqual(await slugs("created"), ["x", `${run.id}.dig`]);
  assert.deepEqual(await slugs("completed"), ["x", `${run.id}.dig`]);
  assert.deepEqual(await slugs("completed", later), [`${run.id}.dig`]);
  assert.deepEqual(await slugs("failed"), []);
  const [last] = await work.hooks("completed", { limit: 1 });
  assert.equal(last?.slug, `${run.id}.dig`);
});

test("lists are narrowed by status, project and skill, and the statistics count each", async (t) => {
  const { verbs } = await startWork(t);
  const { work } = verbs;
  await work.create(OPERATOR, { title: "a", slug: "a", project: "p", skill: "devops" });
  await work.create(OPERATOR, { title: "b", slug: "b", project: "p" });
  await work.create(OPERATOR, { title: "c", slug: "c", skill: "devops" });
  await work.start(OPERATOR, "a");
  const slugs = async (query: Parameters<typeof work.list>[0]) =>
    (await work.list(query)).map(({ slug }) => slug);
  assert.deepEqual(await slugs({ status: "in_progress" }), ["a"]);
  assert.deepEqual((await slugs({ project: "p" })).toSorted(), ["a", "b"]);
  assert.deepEqual((await slugs({ skill: "devops" })).toSorted(), ["a", "c"]);
  assert.deepEqual(await slugs({ project: "p", skill: "devops", status: "todo" }), []);
  assert.deepEqual(await work.stats(), {
    total: 3,
    byStatus: { in_progress: 1, todo: 2 },
    byProject: { p: 2, "(none)": 1 },
    bySkill: { devops: 2, unassigned: 1 },
  });
});

test("two who start an item at the same moment start it once", async (t) => {
  const { verbs } = await startWork(t);
  await verbs.work.create(OPERATOR, { title: "x", slug: "x" });
  await Promise.all(Array.from({ length: 20 }, () => verbs.work.start(OPERATOR, "x")));
  const { history } = await verbs.work.show("x");
  assert.equal(history.filter(({ event }) => event === "started").length, 1);
});

test("the agent of a stage notes under the id of its delegation, which is all it knows", async (t) => {
  const { verbs, settled, sent } = await startWork(t);
  const name = "a-long-name-that-makes-ids-too-long-alone";
  const stages = [{ capability: "implement", goal: "Build" }];
  const { id } = await verbs.pipelines.create(OPERATOR, { name: name.slice(0, 40), stages });
  await settled();
  const run = (await verbs.runs.run(id)).steps[0]?.child ?? "";
  assert.match(run, /^orch-/);
  assert.match(sent[0]?.message ?? "", /hq work note <run id> --test/);
  await verbs.work.note(WEBSTER, run, [{ type: "finding", text: "short names are better" }]);
  assert.deepEqual((await verbs.work.show(run)).lessons.findings, ["short names are better"]);
  assert.deepEqual((await verbs.work.show(`${id}-stage-0`)).lessons.findings, ["short names are better"]);
});

test("what stands between two pieces of work is looked through, however long the way is", async (t) => {
  const steps = [
    stepOf("s0", taskOf("webster", "Dig.")),
    ...Array.from({ length: 20_000 }, (_, i) =>
      stepOf(`s${i + 1}`, { kind: "wait", ms: 1000 }, { needs: [`s${i}`] }),
    ),
    stepOf("last", taskOf("webster", "Fill."), { needs: ["s20000"] }),
  ];
  const { verbs } = await startWork(t, { workflows: [workflowOf("long", steps)] });
  const { run } = await verbs.runs.startRun(OPERATOR, {
    workflow: "long",
    inputs: {},
    origin: { door: "cli" },
  });
  const items = await verbs.work.list({ workflow: run.id });
  assert.deepEqual(
    items.map(({ slug, dependencies }) => `${slug} ${dependencies.blockers.join()}`),
    [`${run.id}.s0 `, `${run.id}.last ${run.id}.s0`],
  );
});

test("the list is newest first, of items and steps alike, with what was noted of each, 50 of them unless more are asked for", async (t) => {
  const workflow = workflowOf("one", [stepOf("dig", taskOf("webster", "Dig."))]);
  const { verbs, pass } = await startWork(t, { workflows: [workflow] });
  const { work } = verbs;
  await work.create(OPERATOR, { title: "old", slug: "old" });
  pass(1000);
  const { run } = await verbs.runs.startRun(OPERATOR, {
    workflow: "one",
    inputs: {},
    origin: { door: "cli" },
  });
  const dig = `${run.id}.dig`;
  await work.note(WEBSTER, dig, [{ type: "finding", text: "clay below" }]);
  pass(1000);
  await work.create(OPERATOR, { title: "new", slug: "new" });
  const three = await work.list({});
  assert.deepEqual(
    three.map(({ slug }) => slug),
    ["new", dig, "old"],
  );
  assert.deepEqual(three[1]?.lessons.findings, ["clay below"]);
  pass(1000);
  for (let n = 0; n < 205; n++) await work.create(OPERATOR, { title: "more", slug: `more-${n}` });
  const slugs = async (query: Parameters<typeof work.list>[0]) =>
    (await work.list(query)).map(({ slug }) => slug);
  assert.equal((await slugs({})).length, 50);
  const all = await slugs({ limit: 500 });
  assert.deepEqual([all.length, new Set(all).size], [208, 208]);
  assert.deepEqual(all.slice(-3), ["new", dig, "old"]);
  assert.deepEqual(await slugs({ workflow: run.id }), [dig], "of one run alone");
  assert.deepEqual(await slugs({ workflow: "wf-nothing" }), []);
});

test("the items of a pipeline by hand are listed by it, with its project and when it was made", async (t) => {
  const { verbs } = await startWork(t);
  await verbs.work.create(OPERATOR, { title: "x", slug: "x" });
  const stages = [{ capability: "implement", goal: "Build" }];
  const { id } = await verbs.pipelines.create(OPERATOR, {
    name: "by",
    project: "mpmp",
    stages,
    manual: true,
  });
  const items = await verbs.work.list({ workflow: id });
  assert.deepEqual(
    items.map(({ slug, project, lifecycle }) => [slug, project, lifecycle.timestamps.created_at]),
    [[`${id}-stage-0`, "mpmp", "2001-09-09T01:46:40.000Z"]],
  );
});

test("an item may wait for a step of a run, and goes on when that is done", async (t) => {
  const workflow = workflowOf("one", [stepOf("dig", taskOf("webster", "Dig."))]);
  const { verbs, no, handIn } = await startWork(t, { workflows: [workflow] });
  const { work, runs } = verbs;
  const { run } = await runs.startRun(OPERATOR, { workflow: "one", inputs: {}, origin: { door: "cli" } });
  await work.create(OPERATOR, { title: "x", slug: "x" });
  await work.block(OPERATOR, "x", `${run.id}.dig`);
  assert.match(await no(work.start(OPERATOR, "x")), /x is blocked by wf-one-\w+\.dig/);
  await handIn(run.id, "dig");
  assert.equal((await work.start(OPERATOR, "x")).lifecycle.status, "in_progress");
});

test("who waits for an item is shown only when it says so itself: a note that a crash left says nothing", async (t) => {
  const { verbs, engine, now } = await startWork(t);
  for (const slug of ["one", "two"]) await verbs.work.create(OPERATOR, { title: slug, slug });
  for (const slug of ["two", "never-made"]) {
    const input = { type: "depend", slug, at: now(), actor: OPERATOR } as const;
    await engine.accept({ kind: "work", stream: "work-one", input, cause: "test", actor: OPERATOR });
  }
  assert.deepEqual((await verbs.work.show("one")).dependencies.dependents, []);
  await verbs.work.block(OPERATOR, "two", "one");
  assert.deepEqual((await verbs.work.show("one")).dependencies.dependents, ["two"]);
});

test("a step of a nested run has an item of its own, and one that is called like a stage is found", async (t) => {
  const inner = workflowOf("inner", [
    stepOf("dig-stage-1", taskOf("webster", "Dig.")),
    stepOf("line", taskOf("webster", "Line it."), { needs: ["dig-stage-1"] }),
  ]);
  const outer = workflowOf("outer", [
    stepOf("sub", { kind: "workflow", workflow: "inner", with: {} }),
    stepOf("fill-stage-2", taskOf("nx-expert", "Fill."), { needs: ["sub"] }),
  ]);
  const { verbs, settled } = await startWork(t, { workflows: [inner, outer] });
  const { run } = await verbs.runs.startRun(OPERATOR, {
    workflow: "outer",
    inputs: {},
    origin: { door: "cli" },
  });
  await settled();
  for (const [slug, title] of [
    [`${run.id}.sub.dig-stage-1`, "Dig."],
    [`${run.id}.sub.line`, "Line it."],
    [`${run.id}.fill-stage-2`, "Fill."],
  ] as const) {
    const item = await verbs.work.show(slug);
    assert.deepEqual([item.slug, item.title], [slug, title]);
  }
});

test("two items of one title made in the same moment are two, and of two with one short name the second is refused", async (t) => {
  const { verbs, no } = await startWork(t);
  const { work } = verbs;
  const both = await Promise.all(
    ["this", "that"].map((goal) => work.create(OPERATOR, { title: "Refresh tokens", goal })),
  );
  assert.deepEqual(
    both.map(({ intent }) => intent.goal),
    ["this", "that"],
  );
  assert.notEqual(both[0]?.slug, both[1]?.slug);
  const make = (goal: string) => work.create(OPERATOR, { title: "Rotate keys", slug: "keys", goal });
  const [first, second] = await Promise.all([make("this"), no(make("that"))]);
  assert.equal(first.intent.goal, "this");
  assert.match(second, /There is a work item keys already/);
});
