import assert from "node:assert/strict";
import test from "node:test";
import { OPERATOR, startWork } from "../support/work.ts";

test("a pipeline by hand whose items were not made before a crash goes on: they are made when they are first changed", async (t) => {
  const { verbs, engine, ledger } = await startWork(t);
  const stages = ["implement", "testing"].map((capability, index) => ({
    index,
    step: `stage-${index}`,
    capability,
    goal: `do ${capability}`,
    skill: "python-backend",
    via: "python-backend",
  }));
  const state = { id: "wf-lost-1", name: "lost", stages, postHooks: [], at: 1000, maker: OPERATOR };
  const input = { ...state, type: "create" } as const;
  await engine.accept({ kind: "pipeline", stream: state.id, input, cause: "test", actor: OPERATOR });
  const before = await verbs.pipelines.show(state.id);
  assert.deepEqual(
    before.stages.map(({ status }) => status),
    ["pending", "pending"],
  );
  assert.equal(await ledger.load("work-wf-lost-1-stage-0"), undefined);
  assert.equal((await verbs.pipelines.advance(OPERATOR, state.id)).outcome, "started");
  await verbs.pipelines.complete(OPERATOR, state.id, 0);
  assert.equal((await verbs.pipelines.advance(OPERATOR, state.id)).stage, 1);
  assert.equal((await verbs.work.show("wf-lost-1-stage-1")).lifecycle.status, "in_progress");
});

test("ten who advance a pipeline at the same moment begin one stage", async (t) => {
  const { verbs } = await startWork(t);
  const stages = [
    { capability: "implement", goal: "a" },
    { capability: "testing", goal: "b" },
  ];
  const { id } = await verbs.pipelines.create(OPERATOR, { name: "many", stages, manual: true });
  const answers = await Promise.all(Array.from({ length: 10 }, () => verbs.pipelines.advance(OPERATOR, id)));
  const outcomes = answers.map(({ outcome, stage }) => `${outcome} ${stage}`).toSorted();
  assert.deepEqual(outcomes, [...Array.from({ length: 9 }, () => "running 0"), "started 0"]);
});
