import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { OPERATOR, startWork } from "../support/work.ts";

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
