import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { OPERATOR, startWork } from "../support/work.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const stages = [
  { capability: "implement", goal: "Build it" },
  { capability: "testing", goal: "Test it" },
];

test("an item is found without the part of its slug that was made up, as long as one alone is meant", async (t) => {
  const { verbs } = await startWork(t);
  const { id } = await verbs.pipelines.create(OPERATOR, { name: "auth-refresh", stages });
  const byHand = await verbs.pipelines.create(OPERATOR, { name: "by-hand", stages, manual: true });
  const { slug } = await verbs.work.create(OPERATOR, { title: "Write it down" });
  assert.equal((await verbs.work.show("wf-auth-refresh-stage-1")).slug, `${id}-stage-1`);
  assert.equal((await verbs.work.show("wf-by-hand-stage-0")).slug, `${byHand.id}-stage-0`);
  assert.equal((await verbs.work.show("write-it-down")).slug, slug);
  assert.match(slug, /^write-it-down-[0-9a-f]{6}$/);

  const other = await verbs.pipelines.create(OPERATOR, { name: "auth-refresh", stages });
  await assert.rejects(verbs.work.show("wf-auth-refresh-stage-1"), (error) => {
    assert.ok(isRefusal(error));
    assert.equal(error.code, "invalid_input");
    assert.match(error.message, /names 2 work items/);
    for (const one of [id, other.id]) assert.ok(error.hint?.includes(`${one}-stage-1`), error.hint);
    return true;
  });
  await assert.rejects(verbs.work.show("wf-auth-stage-1"), { code: "not_found" });
});

test("a short slug does what the whole one does: what waits for it goes on when that is done, and circles are refused", async (t) => {
  const { verbs, no } = await startWork(t);
  const { work } = verbs;
  const { slug: oil } = await work.create(OPERATOR, { title: "Buy oil" });
  const { slug: clock } = await work.create(OPERATOR, { title: "Mend the clock" });
  await work.block(OPERATOR, "mend-the-clock", "buy-oil");
  assert.deepEqual((await work.show(clock)).dependencies.blockers, [oil]);
  assert.deepEqual((await work.show(oil)).dependencies.dependents, [clock]);
  assert.match(
    await no(work.block(OPERATOR, "buy-oil", "mend-the-clock")),
    new RegExp(`${oil} waits for ${clock} waits for ${oil}`),
  );
  const { slug: bell } = await work.create(OPERATOR, { title: "Hang the bell", blockers: ["buy-oil"] });
  assert.deepEqual((await work.show(bell)).dependencies.blockers, [oil]);

  assert.match(await no(work.complete(OPERATOR, "buy-oil")), new RegExp(`${oil} is todo; it cannot be`));
  await work.start(OPERATOR, "buy-oil");
  await work.complete(OPERATOR, "buy-oil");
  assert.equal((await work.complete(OPERATOR, "buy-oil")).slug, oil, "twice is once");
  assert.match(await no(work.start(OPERATOR, "buy-oil")), new RegExp(`${oil} is done; it cannot be started`));
  for (const slug of ["mend-the-clock", "hang-the-bell"])
    assert.equal((await work.start(OPERATOR, slug)).lifecycle.status, "in_progress");
});

test("of many that are meant five are named, and a step of a run has a short slug too", async (t) => {
  const workflow = workflowOf("two", [stepOf("dig", taskOf("webster", "Dig."))]);
  const { verbs, no, pass } = await startWork(t, { workflows: [workflow] });
  const { work, runs } = verbs;
  const { run } = await runs.startRun(OPERATOR, { workflow: "two", inputs: {}, origin: { door: "cli" } });
  assert.equal((await work.show("wf-two.dig")).slug, `${run.id}.dig`);
  const create = async () => {
    pass(1000);
    await work.create(OPERATOR, { title: "Buy oil" });
  };
  for (let n = 0; n < 5; n++) await create();
  const named = async () => (await no(work.show("buy-oil"))).match(/buy-oil-[0-9a-f]{6}/g)?.length;
  assert.equal(await named(), 5);
  assert.doesNotMatch(await no(work.show("buy-oil")), /…/);
  await create();
  assert.equal(await named(), 5);
  assert.match(await no(work.show("buy-oil")), /names 6 work items\. \| Say which one: .*, …\.$/);
});

test("a stage by hand whose item was not made before a crash is found by its short slug", async (t) => {
  const { verbs, engine } = await startWork(t);
  const stage = { index: 0, step: "stage-0", goal: "Build", skill: "python-backend", via: "python-backend" };
  const id = "wf-lost-0123456789abcdefghi";
  const state = {
    id,
    name: "lost",
    stages: [{ ...stage, capability: "implement" }],
    postHooks: [],
    at: 1000,
  };
  const input = { ...state, maker: OPERATOR, type: "create" } as const;
  await engine.accept({ kind: "pipeline", stream: id, input, cause: "test", actor: OPERATOR });
  assert.equal((await verbs.work.show("wf-lost-stage-0")).slug, `${id}-stage-0`);
});
