import assert from "node:assert/strict";
import test from "node:test";
import { exampleFields, fillTemplate } from "../../src/domain/templates/fill-template.ts";
import {
  MOST_PROMPT_WORDS,
  renderTemplate,
  subjectOf,
  wordsIn,
} from "../../src/domain/templates/render-template.ts";
import { readResultBlock } from "../../src/domain/templates/tagged-result.ts";
import type { TaskTemplate } from "../../src/domain/templates/template-types.ts";
import { findTemplate, noTemplate, TEMPLATES } from "../../src/domain/templates/templates.ts";
import { createCheckSchema, schemaProblem } from "../../src/schemas/check-schema.ts";

const checkSchema = createCheckSchema();

function template(name: string): TaskTemplate {
  const found = findTemplate(name);
  assert.ok(found, name);
  return found;
}

function filled(name: string, given: Readonly<Record<string, unknown>> = {}) {
  const one = template(name);
  const read = fillTemplate(one, { ...exampleFields(one), ...given });
  assert.ok(read.ok, JSON.stringify(read));
  return { prompt: renderTemplate(one, read.values), schema: one.schema(read.values), values: read.values };
}

const problemsOf = (name: string, given: Readonly<Record<string, unknown>>) => {
  const read = fillTemplate(template(name), given);
  return read.ok ? [] : read.problems.map(({ path, message }) => `${path}: ${message}`);
};

const fits = (name: string, value: unknown, given: Readonly<Record<string, unknown>> = {}) =>
  checkSchema(filled(name, given).schema, value).map(({ path, message }) => `${path} ${message}`);

test("there are the seven templates with the fields of the playbook", () => {
  const fields = (name: string) =>
    template(name).fields.map((field) => `${field.name}${field.required ? "*" : ""}`);
  assert.deepEqual(
    TEMPLATES.map(({ name }) => `${name}: ${fields(name).join(", ")}`),
    [
      "code_review: files*, focus_areas, severity_levels, max_issues, context",
      "research: topic*, depth, questions, output_format, max_sources",
      "data_extraction: source_paths*, extract_schema*, source_description, output_format, filters",
      "consensus_check: proposal*, expert_role*, evaluation_criteria, context, rating_scale",
      "documentation: target_path*, doc_type, style, existing_docs, audience",
      "testing: code_path*, test_framework, test_types, coverage_target, focus_areas",
      "refactor: code_path*, goals, constraints, patterns",
    ],
  );
});

test("what is not given has the default of the playbook", () => {
  assert.deepEqual(filled("code_review").values, {
    files: ["example.py"],
    focus_areas: ["bugs", "security", "error handling", "performance"],
    severity_levels: ["critical", "high", "medium"],
    max_issues: 20,
    context: "",
  });
  const { depth, output_format, max_sources } = filled("research").values;
  assert.deepEqual([depth, output_format, max_sources], ["medium", "report", 10]);
  assert.equal(filled("testing").values["coverage_target"], 80);
  assert.deepEqual(filled("refactor").values["constraints"], [
    "preserve public API",
    "preserve existing behavior",
  ]);
});

for (const { name } of TEMPLATES) {
  const all: Readonly<Record<string, unknown>> = {
    context: "It is\nnew.",
    source_description: "It is\nnew.",
    existing_docs: "It is\nnew.",
  };
  const own = template(name).fields.map((field) => field.name);
  const given = Object.fromEntries(Object.entries(all).filter(([key]) => own.includes(key)));
  const { prompt, schema } = filled(name, given);

  test(`${name}: the sections stand in their order, the context only when there is one`, () => {
    const titles = (text: string) => [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    const context = Object.keys(given).length > 0 ? ["Context"] : [];
    const rest = ["Constraints", "Expected Output Format", "Output Interface"];
    assert.deepEqual(titles(prompt), ["Role", "Task", ...context, ...rest]);
    assert.deepEqual(titles(filled(name).prompt), ["Role", "Task", ...rest]);
  });

  test(`${name}: no line outside of the schema is indented, and none ends in a blank`, () => {
    const lines = prompt.replace(/```json[^]*?```/g, "").split("\n");
    assert.deepEqual(
      lines.filter((line) => /^\s+\S|\s$/.test(line)),
      [],
    );
  });

  test(`${name}: no result can be read out of an echo of its prompt`, () => {
    assert.match(prompt, /<result>/);
    assert.equal(readResultBlock(prompt), undefined);
    assert.equal(readResultBlock(`${prompt}\n<result>\n[]\n</result>`), "[]");
  });

  test(`${name}: the prompt is within its budget, and its schema is one`, () => {
    assert.ok(wordsIn(prompt) < MOST_PROMPT_WORDS / 2 + 100, String(wordsIn(prompt)));
    assert.equal(schemaProblem(schema), undefined);
    assert.doesNotMatch(prompt, /undefined|\[object|- \n/);
  });

  test(`${name}: the same fields give the same prompt`, () => {
    assert.equal(filled(name, given).prompt, prompt);
  });
}

test("in a line of a log a template's prompt is what it asks for, any other text is itself", () => {
  const { prompt } = filled("testing", { code_path: "src/clock.py" });
  assert.equal(subjectOf(prompt), "Write tests with pytest for src/clock.py.");
  assert.equal(subjectOf("Find it\n## Task\nno"), "Find it\n## Task\nno");
});

test("a code review gives issues with their place, and no more than asked for", () => {
  const issue = {
    file: "a.py",
    line: 3,
    severity: "high",
    category: "bugs",
    description: "divides by zero",
    suggestion: "check it",
  };
  assert.deepEqual(fits("code_review", []), []);
  assert.deepEqual(fits("code_review", [issue, { ...issue, line: null }]), []);
  assert.notDeepEqual(fits("code_review", [{ ...issue, severity: "low" }]), []);
  assert.notDeepEqual(fits("code_review", [issue, issue], { max_issues: 1 }), []);
  assert.notDeepEqual(fits("code_review", { issues: [] }), []);
});

test("the verdict of a consensus check takes all five values of the scale, and no sixth", () => {
  const answer = {
    expert_role: "security engineer",
    verdict: "approve",
    confidence: "high",
    assessment: { strengths: [], concerns: ["one"], risks: [], alternatives: [] },
    recommendation: "do it",
  };
  for (const verdict of ["strong_approve", "approve", "neutral", "reject", "strong_reject"])
    assert.deepEqual(fits("consensus_check", { ...answer, verdict }), []);
  assert.notDeepEqual(fits("consensus_check", { ...answer, verdict: "maybe" }), []);
  const { prompt } = filled("consensus_check");
  assert.match(prompt, /strong_approve \/ approve \/ neutral \/ reject \/ strong_reject/);
  const own = filled("consensus_check", { rating_scale: "go / no-go" });
  assert.match(own.prompt, /scale: go \/ no-go\./);
});

test("extracted data fits the schema that was asked for; a missing value is null", () => {
  const extract_schema = {
    type: "object",
    properties: { name: { type: "string" }, cte: { type: "number" } },
    required: ["name", "cte"],
  };
  const given = { extract_schema };
  assert.deepEqual(fits("data_extraction", [{ name: "ULE", cte: null }], given), []);
  assert.notDeepEqual(fits("data_extraction", [{ name: "ULE", cte: "low" }], given), []);
  assert.notDeepEqual(fits("data_extraction", [{ name: "ULE" }], given), []);
  const csv = { ...given, output_format: "csv" };
  assert.deepEqual(fits("data_extraction", { rows: 1, text: "name\nULE" }, csv), []);
  assert.match(filled("data_extraction", csv).prompt, /"cte"/);
  assert.match(filled("data_extraction").prompt, /do not sample/);
});

test("each depth of a research says how much is wanted", () => {
  assert.match(filled("research", { depth: "shallow" }).prompt, /2 to 3 points from 1 to 2 sources/);
  assert.match(filled("research").prompt, /5 to 7 findings from 3 to 5 sources/);
  assert.match(filled("research", { depth: "DEEP" }).prompt, /5 to 10 sources/);
});

test("every wrong field is told at once", () => {
  assert.deepEqual(
    problemsOf("research", { topik: "x", depth: "deeper", max_sources: "many", questions: {} }),
    [
      'topik: research has no field "topik"',
      "topic: is needed: what is looked up",
      "depth: must be one of shallow, medium, deep",
      "questions: must be a list of texts",
      "max_sources: must be a whole number above 0",
    ],
  );
  assert.deepEqual(problemsOf("data_extraction", { source_paths: "a.csv", extract_schema: "{" }).length, 1);
  assert.deepEqual(problemsOf("code_review", { files: [] }), ["files: is needed: what is reviewed"]);
  assert.match(noTemplate("code_revew").suggestion, /code_review/);
});

test("an expression stays as it is, but never where the prompt is made from the value", () => {
  const { prompt, schema } = filled("code_review", {
    files: "${{ join(inputs.files, ', ') }}",
    max_issues: "${{ inputs.most }}",
  });
  assert.match(prompt, /^- \$\{\{ join\(inputs\.files, ', '\) \}\}$/m);
  assert.equal("maxItems" in schema, false);
  assert.deepEqual(problemsOf("research", { topic: "x", depth: "${{ inputs.depth }}" }), [
    "depth: must be fixed, one of shallow, medium, deep: the prompt is made from it",
  ]);
});

test("text with commas is a list", () => {
  assert.deepEqual(filled("code_review", { files: "a.py, b.py" }).values["files"], ["a.py", "b.py"]);
});
