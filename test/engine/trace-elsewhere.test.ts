import assert from "node:assert/strict";
import test from "node:test";
import { OPERATOR, startWork } from "../support/work.ts";

test("what has an id and no trace is refused by its name, with the command that tells of it", async (t) => {
  const { verbs, engine, ledger, no, settled } = await startWork(t);
  await verbs.orchestrator.sessions.spawn(OPERATOR, { sessionId: "s1", instance: "webster" });
  const { batch } = await verbs.batches.create(OPERATOR, {
    type: "fan_out",
    tasks: [{ id: "t1", label: "Look" }],
    metadata: {},
  });
  const item = await verbs.work.create(OPERATOR, { title: "Build it" });
  const pipeline = await verbs.pipelines.create(OPERATOR, {
    name: "by-hand",
    project: "mpmp",
    stages: [{ capability: "implement", goal: "Build it" }],
    manual: true,
  });
  const request = { name: "by-run", stages: [{ capability: "implement", goal: "Build it" }] };
  const run = await verbs.pipelines.create(OPERATOR, request);
  const stage = { index: 0, step: "stage-0", capability: "implement", goal: "x", skill: "x", via: "x" };
  const lost = { id: "wf-lost-1", name: "lost", stages: [stage], postHooks: [], at: 1, maker: OPERATOR };
  const input = { ...lost, type: "create" } as const;
  await engine.accept({ kind: "pipeline", stream: lost.id, input, cause: "test", actor: OPERATOR });
  const skill = { type: "register", at: 1, skill: "juggling", by: "operator" } as const;
  await engine.accept({ kind: "skill", stream: "skill-juggling", input: skill, cause: "test" });
  await verbs.drainAgent(OPERATOR, "auditor");
  await verbs.orchestrator.call(OPERATOR, {
    instances: ["webster"],
    payload: { task: "Look" },
    mode: "all",
    timeoutMs: 0,
    origin: { door: "rest" },
  });
  const call = (await ledger.list({ kind: "call", limit: 1 })).items[0]?.stream ?? "";
  await settled();
  for (const [word, is, command] of [
    ["s1", "a session", "hq sessions show --id s1"],
    ["session-s1", "a session", "hq sessions show --id s1"],
    [batch.workflow_id, "a batch", `hq batch status --id ${batch.workflow_id}`],
    [item.slug, "a work item", `hq work show ${item.slug}`],
    [`${pipeline.id}-stage-0`, "a work item", `hq work show ${pipeline.id}-stage-0`],
    [pipeline.id, "a pipeline by hand", `hq workflow pipeline ${pipeline.id}`],
    [`${run.id}-stage-0`, "a work item", `hq work show ${run.id}-stage-0`],
    [`${lost.id}-stage-0`, "a work item", `hq work show ${lost.id}-stage-0`],
    ["juggling", "a skill", "hq work skills juggling"],
    ["auditor", "an agent", "hq agents show auditor"],
    [call, "a call of the orchestrator", "hq status"],
  ] as const) {
    const said = await no(verbs.trace(word));
    assert.ok(said.startsWith(`not_found: ${word} is ${is}, which has no trace. | \``), said);
    assert.ok(said.includes(`\`${command}\``), said);
  }
  assert.match(await no(verbs.trace("nothing-at-all")), /^not_found: Nothing here is named nothing-at-all\./);
  assert.match(await no(verbs.trace("nothing-stage-1")), /^not_found: Nothing here is named/);
});
