import type { TaskTemplate } from "./template-types.ts";
import { CONFIDENCE, listIn, listOf, objectOf, oneOf, STRING, sentenceOf, textIn } from "./words.ts";

export const RATINGS = ["strong_approve", "approve", "neutral", "reject", "strong_reject"] as const;

export const consensusCheck: TaskTemplate = {
  name: "consensus_check",
  description: "Asks one expert for a verdict on a proposal, with reasons",
  fields: [
    {
      name: "proposal",
      type: "text",
      required: true,
      description: "What is judged",
      example: "Example proposal",
    },
    {
      name: "expert_role",
      type: "text",
      required: true,
      description: "From whose point of view",
      example: "security engineer",
    },
    {
      name: "evaluation_criteria",
      type: "list",
      required: false,
      description: "What the judgment goes by",
      default: ["feasibility", "risks", "trade-offs", "alternatives"],
    },
    { name: "context", type: "text", required: false, description: "What the expert must know", default: "" },
    {
      name: "rating_scale",
      type: "list",
      required: false,
      description: "The verdicts there are, best first",
      default: RATINGS,
    },
  ],
  parts: (values) => ({
    role: `You are an expert who judges as ${textIn(values, "expert_role")}, and from no other point of view.`,
    task: [`Judge this proposal:\n${textIn(values, "proposal")}`],
    context: textIn(values, "context"),
    constraints: [
      ...sentenceOf("Judge by:", listIn(values, "evaluation_criteria")),
      `Give exactly one verdict of this scale: ${listIn(values, "rating_scale").join(" / ")}.`,
      "Others judge the same from other points of view: say what you see, not what they may say.",
      "Name a risk only with what would make it happen. Disagree where you disagree.",
    ],
    format: "One JSON object with the verdict, how sure you are, the assessment and one recommendation.",
  }),
  schema: (values) =>
    objectOf({
      expert_role: STRING,
      verdict: oneOf(listIn(values, "rating_scale")),
      confidence: CONFIDENCE,
      assessment: objectOf({
        strengths: listOf(STRING),
        concerns: listOf(STRING),
        risks: listOf(STRING),
        alternatives: listOf(STRING),
      }),
      recommendation: STRING,
    }),
};
