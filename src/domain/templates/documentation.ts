import type { TaskTemplate } from "./template-types.ts";
import { listOf, objectOf, STRING, textIn } from "./words.ts";

const KINDS: Readonly<Record<string, string>> = {
  readme: "a README",
  api_reference: "an API reference",
  tutorial: "a tutorial",
  inline_comments: "comments in the code",
  changelog: "a changelog",
};

export const documentation: TaskTemplate = {
  name: "documentation",
  description: "Writes one kind of documentation for a target",
  fields: [
    {
      name: "target_path",
      type: "text",
      required: true,
      description: "What is documented",
      example: "example.py",
    },
    {
      name: "doc_type",
      type: "choice",
      required: false,
      description: "Which kind",
      options: ["readme", "api_reference", "tutorial", "inline_comments", "changelog"],
      default: "readme",
    },
    { name: "style", type: "text", required: false, description: "How it is written", default: "" },
    {
      name: "existing_docs",
      type: "text",
      required: false,
      description: "What there is already",
      default: "",
    },
    {
      name: "audience",
      type: "choice",
      required: false,
      description: "Who reads it",
      options: ["developers", "users", "operators"],
      default: "developers",
    },
  ],
  parts: (values) => {
    const style = textIn(values, "style");
    const existing = textIn(values, "existing_docs");
    return {
      role: `You write documentation for ${textIn(values, "audience")}.`,
      task: [`Write ${KINDS[textIn(values, "doc_type")] ?? ""} for ${textIn(values, "target_path")}.`],
      ...(existing === "" ? {} : { context: `Documentation that there is already:\n${existing}` }),
      constraints: [
        ...(style === "" ? [] : [`Style: ${style}`]),
        "Read the target first; describe what it does, not what it might do.",
        "Every command and example has been run or is taken from the target.",
        "Change nothing but documentation.",
      ],
      format:
        "One JSON object: the files you wrote (paths), a summary in a few sentences, the titles of the sections.",
    };
  },
  schema: () => objectOf({ files_written: listOf(STRING), summary: STRING, sections: listOf(STRING) }),
};
