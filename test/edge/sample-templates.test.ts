import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { temporaryFolder } from "../support/supervisor.ts";
import { writtenWorkflow } from "../support/written-workflow.ts";
import { runOnSamples } from "./sample-run.ts";

/** A step by a template, asked of a sample agent; what it hands in has to fit the template's schema. */
async function asked(t: TestContext, template: string, fields: string, given: Record<string, string> = {}) {
  using folder = temporaryFolder();
  const inputs = Object.keys(given).map((name) => `${name}: { required: true }`);
  const yaml = `name: one
inputs: { ${inputs.join(", ")} }
steps:
  do: { agent: secretary, template: ${template}, with: ${fields}, retry: { max_attempts: 1 } }
`;
  const definition = writtenWorkflow(folder.path, "one", yaml);
  return (await runOnSamples(t, definition, given)).step("do");
}

test("code_review: what a handful of patterns finds, worst first, with file and line", async (t) => {
  const code = "import os\ntry:\n  run()\nexcept:\n  pass\npassword = 'hunter2'\n";
  const { output } = await asked(t, "code_review", '{ files: a.py, context: "${{ inputs.code }}" }', {
    code,
  });
  assert.deepEqual(
    (output as { file: string; line: number; severity: string }[]).map(
      ({ file, line, severity }) => `${file}:${line} ${severity}`,
    ),
    ["a.py:6 critical", "a.py:4 high"],
  );
});

test("research: findings about the materials of the table, each with its source", async (t) => {
  const { output } = await asked(t, "research", '{ topic: "Zerodur Class 0 and ULE 7972" }');
  const { findings, sources } = output as {
    findings: { point: string; source: string }[];
    sources: string[];
  };
  assert.deepEqual([findings.length, sources.length], [8, 2]);
  assert.ok(findings.every(({ source }) => sources.includes(source)));
});

test("data_extraction: records by their names, what is missing is null; as a table too", async (t) => {
  const schema = "{ type: object, properties: { part: { type: string }, mass: { type: number } } }";
  const given = { list: "part,mass,colour\nbolt,3,red\nnut,,blue" };
  const fields = (more: string) =>
    `{ source_paths: list.csv, source_description: "\${{ inputs.list }}", extract_schema: ${schema}${more} }`;
  const records = await asked(t, "data_extraction", fields(""), given);
  assert.deepEqual(records.output, [
    { part: "bolt", mass: 3 },
    { part: "nut", mass: null },
  ]);
  const table = await asked(t, "data_extraction", fields(", output_format: markdown_table"), given);
  assert.deepEqual(table.output, {
    rows: 2,
    text: "| part | mass |\n| --- | --- |\n| bolt | 3 |\n| nut |  |",
  });
});

for (const [template, fields] of [
  ["documentation", "{ target_path: src/clock.py }"],
  ["testing", "{ code_path: src/clock.py }"],
  ["refactor", "{ code_path: src/clock.py }"],
] as const) {
  test(`${template}: nothing is written or run, and nothing else is claimed`, async (t) => {
    const { output, confidence, result } = await asked(t, template, fields);
    assert.equal(confidence, "low");
    const { files_written, test_files, files_modified } = output as Record<string, string[]>;
    assert.deepEqual(files_written ?? test_files ?? files_modified, []);
    assert.match(result ?? "", /src\/clock\.py/);
  });
}
