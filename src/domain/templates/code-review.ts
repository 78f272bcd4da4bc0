import type { TaskTemplate } from "./template-types.ts";
import { listIn, listOf, numberIn, objectOf, oneOf, STRING, sentenceOf, textIn, titled } from "./words.ts";

export const codeReview: TaskTemplate = {
  name: "code_review",
  description: "Reviews files and lists the issues found, each with its place and severity",
  fields: [
    { name: "files", type: "list", required: true, description: "What is reviewed", example: ["example.py"] },
    {
      name: "focus_areas",
      type: "list",
      required: false,
      description: "What is looked for",
      default: ["bugs", "security", "error handling", "performance"],
    },
    {
      name: "severity_levels",
      type: "list",
      required: false,
      description: "The words for how bad an issue is, worst first",
      default: ["critical", "high", "medium"],
    },
    { name: "max_issues", type: "number", required: false, description: "At most so many", default: 20 },
    {
      name: "context",
      type: "text",
      required: false,
      description: "What the reviewer must know",
      default: "",
    },
  ],
  parts: (values) => ({
    role: "You are a senior engineer who reviews code and reports only what the code proves.",
    task: ["Review these files and report the issues in them.", ...titled("Files:", listIn(values, "files"))],
    context: textIn(values, "context"),
    constraints: [
      ...sentenceOf("Look for:", listIn(values, "focus_areas")),
      ...sentenceOf("Report only these severities:", listIn(values, "severity_levels")),
      `Report at most ${textIn(values, "max_issues")} issues, the worst first.`,
      "Each issue names its file and line (null when it has none) and what to do about it.",
      "Change no file. Report nothing about style alone.",
    ],
    format: "A JSON array with an object for each issue; `[]` when there is none.",
  }),
  schema: (values) => {
    const most = numberIn(values, "max_issues");
    const issue = objectOf({
      file: STRING,
      line: { type: ["integer", "null"] },
      severity: oneOf(listIn(values, "severity_levels")),
      category: STRING,
      description: STRING,
      suggestion: STRING,
    });
    return { ...listOf(issue), ...(most === undefined ? {} : { maxItems: most }) };
  },
};
