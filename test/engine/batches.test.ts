import assert from "node:assert/strict";
import test from "node:test";
import type { Actor, Right } from "../../src/domain/actor.ts";
import { readOldBatches } from "../../src/domain/batch-import.ts";
import type { BatchTaskStatus } from "../../src/domain/batch-types.ts";
import { startCore } from "../support/core.ts";
import { type Core, operator, refusalIn } from "../support/orchestra.ts";
import { temporaryFolder } from "../support/supervisor.ts";

const WEBSTER: Actor = { kind: "agent", id: "webster" };
const LEAD: Actor = { kind: "agent", id: "tech-lead" };
const DAY = 86_400_000;

async function withCore(body: (core: Core) => Promise<void>): Promise<void> {
  using folder = temporaryFolder();
  const core = await startCore(folder.path);
  try {
    await body(core);
  } finally {
    await core.stop();
  }
  assert.deepEqual(core.broken, []);
}

async function register(core: Core, actor: Actor, count = 2): Promise<string> {
  const tasks = Array.from({ length: count }, (_, i) => ({ id: `t${i + 1}`, label: `Task ${i + 1}` }));
  const { batch } = await core.verbs.batches.create(actor, { type: "fan_out", tasks, metadata: {} });
  return batch.workflow_id;
}

const finish = async (core: Core, actor: Actor, id: string, status: BatchTaskStatus = "completed") => {
  for (const task of ["t1", "t2"])
    await core.verbs.batches.update(actor, id, { task, status, result: `${task} done` });
};

test("an agent sees and changes its own batches, the operator all of them", async () => {
  await withCore(async ({ verbs, ...rest }) => {
    const core = { verbs, ...rest };
    const own = await register(core, WEBSTER);
    const other = await register(core, LEAD);
    assert.match(own, /^wf_[0-9a-f]{8}$/);
    const ids = async (actor: Actor) =>
      (await verbs.batches.list(actor, {})).map(({ workflow_id }) => workflow_id).sort();
    assert.deepEqual(await ids(WEBSTER), [own]);
    assert.deepEqual(await ids(operator), [own, other].sort());
    const person = (rights: Right[]) => ({ kind: "person", id: "1", name: "ada", rights }) as const;
    assert.deepEqual(await ids(person(["delegate"])), []);
    assert.deepEqual(await ids(person(["operate"])), [own, other].sort());
    const change = { task: "t1", status: "completed" } as const;
    for (const tried of [
      verbs.batches.status(WEBSTER, other),
      verbs.batches.aggregate(WEBSTER, other),
      verbs.batches.update(WEBSTER, other, change),
      verbs.batches.resume(WEBSTER, other, { choice: "retry", added: [] }),
      verbs.batches.accept(WEBSTER, other),
    ]) {
      const { code, hint } = await refusalIn(tried);
      assert.equal(code, "not_allowed");
      assert.match(hint ?? "", /verbs\.batch/);
    }
    assert.equal((await verbs.batches.update(operator, other, change)).completed, 1);
    assert.equal((await refusalIn(verbs.batches.status(operator, "wf_none"))).code, "not_found");
  });
});

test("what is over and old is cleaned up: one's own, and a dry run changes nothing", async () => {
  await withCore(async (core) => {
    const { batches } = core.verbs;
    const [old, active, foreign] = [
      await register(core, WEBSTER),
      await register(core, WEBSTER),
      await register(core, LEAD),
    ];
    await finish(core, WEBSTER, old);
    await finish(core, LEAD, foreign, "failed");
    core.pass(8 * DAY);
    const young = await register(core, WEBSTER);
    await finish(core, WEBSTER, young);
    const clean = (dryRun: boolean) => batches.cleanup(WEBSTER, { olderThanMs: 7 * DAY, dryRun });
    assert.deepEqual(await clean(true), { removed: [old], remaining: 2 });
    assert.equal((await batches.status(WEBSTER, old)).completed, 2, "a dry run");
    assert.deepEqual(await clean(false), { removed: [old], remaining: 2 });
    assert.deepEqual(await clean(false), { removed: [], remaining: 2 });
    const gone = await refusalIn(batches.status(WEBSTER, old));
    assert.deepEqual([gone.code, /cleaned up on/.test(gone.message)], ["not_found", true]);
    assert.equal((await batches.status(LEAD, foreign)).failed, 2);
    const listed = (await batches.list(WEBSTER, {})).map(({ workflow_id }) => workflow_id);
    assert.deepEqual(listed, [young, active], "what changed last comes first");
    const open = (await batches.list(WEBSTER, { active: true })).map(({ workflow_id }) => workflow_id);
    assert.deepEqual(open, [active]);
  });
});

test("the same key is the same batch, and other content under it is refused", async () => {
  await withCore(async ({ verbs }) => {
    const ask = (label: string) =>
      verbs.batches.create(WEBSTER, {
        type: "pipeline",
        tasks: [{ id: "t1", label }],
        metadata: {},
        key: { scope: "rest", key: "k" },
      });
    const first = await ask("x");
    const again = await ask("x");
    assert.deepEqual([first.repeated, again.repeated], [false, true]);
    assert.equal(again.batch.workflow_id, first.batch.workflow_id);
    assert.equal((await refusalIn(ask("y"))).code, "key_reused");
  });
});

test("a large batch is what it was after a restart", async () => {
  using folder = temporaryFolder();
  await using before = await startCore(folder.path);
  const id = await register(before, WEBSTER, 40);
  for (let i = 1; i <= 30; i++) {
    await before.verbs.batches.update(WEBSTER, id, {
      task: `t${i}`,
      status: "in_progress",
      sessionKey: `s${i}`,
    });
    await before.verbs.batches.update(WEBSTER, id, {
      task: `t${i}`,
      status: "completed",
      result: `result ${i}`,
    });
  }
  const said = await before.verbs.batches.status(WEBSTER, id);
  await before.stop();
  await using after = await startCore(folder.path, { at: 1_000_000_100_000 });
  const now = await after.verbs.batches.status(WEBSTER, id);
  assert.deepEqual(now, { ...said, elapsed_seconds: said.elapsed_seconds + 100 });
  assert.equal((await after.verbs.batches.list(WEBSTER, {}))[0]?.completed, 30);
});

const oldTask = (id: string, status: string, more: object = {}) => ({
  id,
  label: `Task ${id}`,
  status,
  session_key: null,
  result: null,
  started_at: null,
  completed_at: null,
  retries: 0,
  ...more,
});
const OLD = {
  workflows: {
    wf_0a1b2c3d: {
      id: "wf_0a1b2c3d",
      type: "expert_panel",
      status: "completed",
      created_at: 1_707_900_000.25,
      updated_at: 1_707_900_600.5,
      subtasks: [oldTask("task_1", "failed", { result: "timed out" }), oldTask("task_2", "cancelled")],
      metadata: { raw: "not JSON" },
    },
    wf_11111111: {
      id: "wf_11111111",
      type: "fan_out",
      status: "pending",
      created_at: 1_707_900_000,
      updated_at: 1_707_900_000,
      subtasks: [
        oldTask("t1", "in_progress", { session_key: "agent:main:1", started_at: 1_707_900_000 }),
        oldTask("t2", "completed", { result: "", completed_at: 1_707_900_100 }),
      ],
      metadata: {},
    },
  },
};

test("an old ledger is taken over once, with its times and results, and with honest states", async () => {
  await withCore(async ({ verbs }) => {
    const old = readOldBatches(OLD);
    assert.ok("workflows" in old);
    const ids = Object.keys(OLD.workflows);
    assert.deepEqual(await verbs.batches.import(WEBSTER, old), {
      imported: ids,
      alreadyThere: [],
      corrected: [{ id: "wf_0a1b2c3d", said: "completed", is: "failed" }],
    });
    const view = await verbs.batches.status(WEBSTER, "wf_0a1b2c3d");
    assert.deepEqual(
      [view.status, view.created_at, view.updated_at, view.metadata],
      ["failed", 1_707_900_000.25, 1_707_900_600.5, { raw: "not JSON" }],
    );
    assert.equal(view.subtasks[0]?.retry_context, "timed out");
    const other = await verbs.batches.status(WEBSTER, "wf_11111111");
    assert.deepEqual([other.status, other.subtasks[0]?.session_key], ["in_progress", "agent:main:1"]);
    await verbs.batches.update(WEBSTER, "wf_11111111", { task: "t1", status: "completed", result: "x" });
    assert.deepEqual(await verbs.batches.import(WEBSTER, old), {
      imported: [],
      alreadyThere: ids,
      corrected: [],
    });
    assert.equal((await verbs.batches.status(WEBSTER, "wf_11111111")).completed, 2, "what came since stays");
  });
});

test("every problem of an old ledger is named with its place", () => {
  const [first, second] = Object.values(OLD.workflows);
  const read = readOldBatches({
    workflows: {
      wf_a: { ...first, type: "swarm" },
      wf_b: { ...second, subtasks: [oldTask("t1", "done"), oldTask("t1", "pending")] },
    },
  });
  assert.ok("problems" in read);
  assert.deepEqual(
    read.problems.map(({ path }) => path),
    ["workflows.wf_a.type", "workflows.wf_b.subtasks.0.status"],
  );
});
