import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { type ExpressionContext, renderText, type StepValues } from "../../src/domain/expression.ts";
import { checkInputs } from "../../src/domain/workflow-check.ts";
import type { InputValue } from "../../src/domain/workflow-types.ts";
import { loadFolder, ROOT } from "../config/workflow-fixtures.ts";
import { startSamples } from "./sample-agents-fixture.ts";

/** The tasks of a shipped workflow, one after the other, asked of the sample agents; gates are approved. */
async function walked(t: TestContext, name: string, given: Readonly<Record<string, InputValue>>) {
  const definition = loadFolder(join(ROOT, "workflows")).entries.find(
    (entry) => entry.name === name,
  )?.definition;
  assert.ok(definition, name);
  const checked = checkInputs(definition, given);
  assert.ok(checked.ok, JSON.stringify(checked));
  const { ask } = await startSamples(t);
  const values = new Map<string, Partial<StepValues>>();
  const context: ExpressionContext = {
    inputs: checked.inputs,
    step: (id) => values.get(id),
    status: { success: true, failure: false, canceled: false },
  };
  for (const { id, needs, action } of definition.steps) {
    assert.ok(needs.every((need) => values.has(need)));
    if (action.kind !== "task") {
      values.set(id, { status: "succeeded", result: "approved" });
      continue;
    }
    const { text, data } = renderText(action.task, context);
    const agent = action.agent ?? "optimizer";
    const { status, result, confidence } = await ask(agent, text, { order: { attachments: data } });
    assert.equal(status, "complete", `${id}: ${result}`);
    values.set(id, { status: "succeeded", result, confidence, agent });
  }
  return (id: string) => values.get(id)?.result ?? "";
}

test("quick-research: the sourced value, and that it holds", async (t) => {
  const result = await walked(t, "quick-research", { query: "CTE of ULE" });
  assert.match(result("research"), /\*\*ULE 7972\*\*: mean CTE \*\*0 ± 0\.03 ppm\/K\*\* over 5–35 °C/);
  assert.match(result("research"), /Source: Corning, ULE 7972/);
  assert.match(result("validation"), /VALID: 1 of 1 values agree/);
});

test("material-trade-study: no candidate is guaranteed to stay below 0.01 ppm/K, and the audit finds no fault", async (t) => {
  const result = await walked(t, "material-trade-study", {
    materials: "Zerodur, Clearceram-Z HS, ULE",
    requirements: "CTE < 0.01 ppm/K",
  });
  for (const text of [
    /0 ± 0\.1 ppm\/K/,
    /0 ± 0\.02 ppm\/K/,
    /0 ± 0\.03 ppm\/K/,
    /density 2\.53/,
    /Source: OHARA/,
  ])
    assert.match(result("research"), text);
  assert.match(result("evaluation"), /FAIL Zerodur \(class not stated\): worst case 0\.1 ppm\/K/);
  assert.match(result("evaluation"), /FAIL Clearceram-Z HS: worst case 0\.02 ppm\/K/);
  assert.match(result("evaluation"), /FAIL ULE 7972: worst case 0\.03 ppm\/K/);
  assert.match(result("evaluation"), /None of 3/);
  assert.match(result("review"), /Audit: PASS\*\* \(5 of 5 checks\)/);
  assert.match(result("review"), /3 of 3 follow from the values/);
  assert.match(result("review"), /none of the candidates is guaranteed to meet CTE < 0\.01 ppm\/K/);
});

test("material-trade-study: with a wider requirement the right candidates pass", async (t) => {
  const result = await walked(t, "material-trade-study", {
    materials: "Zerodur Class 0, Clearceram-Z HS, ULE",
    requirements: "CTE ≤ 0.02 ppm/K",
  });
  assert.match(result("evaluation"), /2 of 3 meet the requirement/);
  assert.match(
    result("review"),
    /Conclusion: Zerodur Expansion Class 0, Clearceram-Z HS meet CTE ≤ 0\.02 ppm\/K/,
  );
});

test("design-review: both reviews reach the one who consolidates", async (t) => {
  const result = await walked(t, "design-review", { design: "A Zerodur mirror of 2 m on a SiC frame" });
  assert.match(result("consolidate"), /Consolidated: \d+ points from 2 reviews/);
  assert.match(result("consolidate"), /From `steps\.technical\.result`/);
  assert.match(result("consolidate"), /From `steps\.optimization\.result`/);
});
