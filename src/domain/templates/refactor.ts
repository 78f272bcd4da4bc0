import type { TaskTemplate } from "./template-types.ts";
import { bullets, listIn, listOf, objectOf, STRING, sentenceOf, textIn } from "./words.ts";

export const refactor: TaskTemplate = {
  name: "refactor",
  description: "Improves code without changing what it does",
  fields: [
    {
      name: "code_path",
      type: "text",
      required: true,
      description: "What is improved",
      example: "example.py",
    },
    {
      name: "goals",
      type: "list",
      required: false,
      description: "What gets better",
      default: ["readability", "maintainability"],
    },
    {
      name: "constraints",
      type: "list",
      required: false,
      description: "What must stay",
      default: ["preserve public API", "preserve existing behavior"],
    },
    { name: "patterns", type: "list", required: false, description: "Patterns to use", default: [] },
  ],
  parts: (values) => ({
    role: "You are an engineer who improves code in small steps that can be checked.",
    task: [`Refactor ${textIn(values, "code_path")} for:\n${bullets(listIn(values, "goals"))}`],
    constraints: [
      ...listIn(values, "constraints"),
      ...sentenceOf("Use these patterns where they fit:", listIn(values, "patterns")),
      "Run the tests before and after; `tests_passed` says how they ended after your last change.",
      "Touch nothing outside of the path.",
    ],
    format:
      "One JSON object: the files you changed (paths), what changed in each, whether the tests passed, a summary.",
  }),
  schema: () =>
    objectOf({
      files_modified: listOf(STRING),
      changes: listOf(objectOf({ file: STRING, description: STRING })),
      tests_passed: { type: "boolean" },
      summary: STRING,
    }),
};
