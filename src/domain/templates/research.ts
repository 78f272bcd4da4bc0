import type { TaskTemplate } from "./template-types.ts";
import { CONFIDENCE, listIn, listOf, objectOf, STRING, textIn, titled } from "./words.ts";

const DEPTHS: Readonly<Record<string, string>> = {
  shallow: "Give 2 to 3 points from 1 to 2 sources.",
  medium: "Give 5 to 7 findings from 3 to 5 sources.",
  deep: "Go through the subject thoroughly, with 5 to 10 sources.",
};
const FORMS: Readonly<Record<string, string>> = {
  summary: "`summary` is one paragraph.",
  bullets: "`summary` is a list of short points, a line each.",
  report: "`summary` is a report of several paragraphs that can be read without anything else.",
};

export const research: TaskTemplate = {
  name: "research",
  description: "Looks a topic up and gives findings with evidence and sources",
  fields: [
    {
      name: "topic",
      type: "text",
      required: true,
      description: "What is looked up",
      example: "Example topic",
    },
    {
      name: "depth",
      type: "choice",
      required: false,
      description: "How thorough",
      options: ["shallow", "medium", "deep"],
      default: "medium",
    },
    { name: "questions", type: "list", required: false, description: "What must be answered", default: [] },
    {
      name: "output_format",
      type: "choice",
      required: false,
      description: "What the summary looks like",
      options: ["summary", "bullets", "report"],
      default: "report",
    },
    { name: "max_sources", type: "number", required: false, description: "At most so many", default: 10 },
  ],
  parts: (values) => ({
    role: "You are a researcher who separates what a source says from what you conclude.",
    task: [
      `Research this topic: ${textIn(values, "topic")}`,
      ...titled("Answer these questions:", listIn(values, "questions")),
    ],
    constraints: [
      DEPTHS[textIn(values, "depth")] ?? "",
      `Use at most ${textIn(values, "max_sources")} sources, and name each one.`,
      "Every finding has its evidence and its source; invent neither.",
      "Say `low` confidence when the sources do not carry the answer.",
      FORMS[textIn(values, "output_format")] ?? "",
    ],
    format: "One JSON object with the summary, the findings and the sources.",
  }),
  schema: () =>
    objectOf({
      topic: STRING,
      summary: STRING,
      findings: listOf(objectOf({ point: STRING, evidence: STRING, source: STRING })),
      sources: listOf(STRING),
      confidence: CONFIDENCE,
    }),
};
