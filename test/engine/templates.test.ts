import assert from "node:assert/strict";
import test from "node:test";
import { fillTemplate } from "../../src/domain/templates/fill-template.ts";
import { renderTemplate } from "../../src/domain/templates/render-template.ts";
import { findTemplate } from "../../src/domain/templates/templates.ts";
import { handoffOf, startCore } from "../support/core.ts";
import { temporaryFolder } from "../support/supervisor.ts";
import { stepOf, taskOf, workflowOf } from "../support/workflow.ts";

const ISSUE = {
  file: "a.py",
  line: 3,
  severity: "high",
  category: "bugs",
  description: "divides by zero",
  suggestion: "check the divisor",
};

/** A review by the template, made as the loader makes it, and a step that takes of its output. */
function reviewed(maxAttempts: number) {
  const template = findTemplate("code_review");
  const filled = template && fillTemplate(template, { files: "${{ inputs.files }}" });
  if (!template || !filled?.ok) throw new Error("the template is there and its fields are right");
  const expect = { file: "template code_review", schema: template.schema(filled.values) };
  const retry = { maxAttempts, delayMs: 0, backoff: "fixed" } as const;
  const review = taskOf("webster", renderTemplate(template, filled.values), { expect, retry });
  const fix = taskOf("tech-lead", "Mend ${{ steps.review.output[0].file }}.");
  return workflowOf("reviewed", [stepOf("review", review), stepOf("fix", fix, { needs: ["review"] })], {
    inputs: [{ name: "files", type: "string", description: "", required: true }],
    output: { step: "review" },
  });
}

async function begin(home: string, maxAttempts = 1) {
  const core = await startCore(home, { workflows: [reviewed(maxAttempts)] });
  const { run } = await core.verbs.runs.startRun(
    { kind: "operator" },
    { workflow: "reviewed", inputs: { files: "a.py" }, origin: { door: "cli" } },
  );
  await core.until(`${run.id}.review`, "attempt.dispatched");
  const hand = (result: string) =>
    core.hand(`${run.id}.review`, handoffOf(`${run.id}.review`, { agent: "webster", result }));
  const review = () => core.verbs.runs.run(run.id).then(({ steps }) => steps[0]);
  return { ...core, run, hand, review };
}

test("a result in the tags is taken without them and checked against the template's schema", async () => {
  using folder = temporaryFolder();
  await using core = await begin(folder.path);
  assert.match(core.sent[0]?.message ?? "", /## Role\n[^]*## Task\n[^]*- a\.py/);
  await core.hand(`Two hours well spent.\n<result>\n${JSON.stringify([ISSUE])}\n</result>`);
  await core.until(`${core.run.id}.fix`, "attempt.dispatched");
  assert.equal((await core.review())?.result, JSON.stringify([ISSUE]));
  assert.match(core.sent[1]?.message ?? "", /a\.py/);
});

test("the bare JSON is taken as well", async () => {
  using folder = temporaryFolder();
  await using core = await begin(folder.path);
  await core.hand("[]");
  await core.until(`${core.run.id}.fix`, "attempt.dispatched");
  assert.deepEqual([(await core.review())?.status, (await core.review())?.result], ["succeeded", "[]"]);
});

test("what does not fit the template fails the attempt, and the next one is told why", async () => {
  using folder = temporaryFolder();
  await using core = await begin(folder.path, 2);
  await core.hand(`<result>${JSON.stringify([{ ...ISSUE, severity: "terrible" }])}</result>`);
  await core.until(`${core.run.id}.review`, "attempt.dispatched", 2);
  assert.match(core.sent[1]?.message ?? "", /severity: .*\(template code_review\)/);
});

test("an agent that answers with the error object has failed with its reason", async () => {
  using folder = temporaryFolder();
  await using core = await begin(folder.path);
  await core.hand('<result>{"status":"error","reason":"there is no a.py"}</result>');
  await core.until(core.run.id, "run.settled");
  const step = await core.review();
  assert.equal(step?.status, "failed");
  assert.match(step?.reason ?? "", /webster says it failed: .*there is no a\.py/);
});

test("text without JSON and without tags is malformed", async () => {
  using folder = temporaryFolder();
  await using core = await begin(folder.path);
  await core.hand("All fine.");
  await core.until(core.run.id, "run.settled");
  const step = await core.review();
  assert.equal(step?.status, "failed");
  assert.match(step?.reason ?? "", /must be JSON that fits template code_review/);
});
