import type { TaskTemplate } from "./template-types.ts";
import { listIn, listOf, objectOf, STRING, sentenceOf, textIn } from "./words.ts";

export const testing: TaskTemplate = {
  name: "testing",
  description: "Writes tests for code and says how to run them",
  fields: [
    { name: "code_path", type: "text", required: true, description: "What is tested", example: "example.py" },
    {
      name: "test_framework",
      type: "text",
      required: false,
      description: "What the tests run with",
      default: "pytest",
    },
    {
      name: "test_types",
      type: "list",
      required: false,
      description: "Which tests",
      default: ["unit", "edge_cases", "error_handling"],
    },
    {
      name: "coverage_target",
      type: "number",
      required: false,
      description: "Percent of the code that the tests reach",
      default: 80,
    },
    { name: "focus_areas", type: "list", required: false, description: "What matters most", default: [] },
  ],
  parts: (values) => ({
    role: "You are a test engineer whose tests fail when the code is wrong.",
    task: [`Write tests with ${textIn(values, "test_framework")} for ${textIn(values, "code_path")}.`],
    constraints: [
      ...sentenceOf("Kinds of tests:", listIn(values, "test_types")),
      ...sentenceOf("What matters most:", listIn(values, "focus_areas")),
      `Reach at least ${textIn(values, "coverage_target")}% of the code.`,
      "Run them before you hand in. Change no code that is tested; report a bug instead of bending a test to it.",
    ],
    format:
      "One JSON object: the test files (paths), how many tests, what they cover, the command that runs them.",
  }),
  schema: () =>
    objectOf({
      test_files: listOf(STRING),
      test_count: { type: "integer", minimum: 0 },
      coverage_areas: listOf(STRING),
      run_command: STRING,
    }),
};
