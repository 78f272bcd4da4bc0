import { oneLine } from "../../../kernel/text.ts";
import { type Answer, type Question, sampleLine } from "../answer.ts";
import { type Fact, factsIn, stemsIn } from "./facts.ts";

const MOST_A_SECTION = 4;

/** Words that say what a section is about without naming it. */
const ALSO: readonly (readonly [RegExp, RegExp])[] = [
  [
    /price|pricing|cost|revenue|margin|money|finance/i,
    /\b(?:eur|usd|euros?|dollars?|discount|margin|budget|revenue|cost|price)|[€$]|%/i,
  ],
  [/audience|user|customer|who/i, /\b(?:customers?|users?|teams?|engineers?|people|for (?:the|our))\b/i],
  [
    /risk|concern|open|objection/i,
    /\b(?:risk|but|however|unless|delay|unclear|missing|churn|late|lost|down)\b/i,
  ],
  [
    /date|when|milestone|schedule|timeline|next/i,
    /\b(?:20\d\d|january|february|march|april|may|june|july|august|september|october|november|december|q[1-4]|weeks?|days?|until|by the)\b/i,
  ],
  [
    /problem|need|symptom|cause/i,
    /\b(?:problem|need|cannot|lack|slow|error|fail\w*|leak\w*|stolen|wrong|late)\b/i,
  ],
  [
    /strength|benefit|value|win|growth/i,
    /\b(?:faster|less|saves?|best|only|first|won|grew|growth|up \d|more)\b/i,
  ],
];

/** A task that asks for a document by a line `Sections: A; B; C` gets one with the sentences that belong there. */
export function writeDocument(question: Question): Answer | undefined {
  const [, named] = /^Sections: (.+)$/m.exec(question.objective) ?? [];
  if (named === undefined) return undefined;
  const sections = named
    .split(";")
    .map((section) => oneLine(section.replace(/\.\s*$/, ""), 80))
    .filter(Boolean);
  const facts = factsIn(question);
  const filled = sections.map((section) => ({ section, said: factsFor(section, facts) }));
  const open = filled.filter(({ said }) => said.length === 0).length;
  const title = oneLine(question.objective.split(/[\n.]/)[0] ?? "", 100);
  return {
    status: "complete",
    result: [
      `**${title}**`,
      ...filled.flatMap(({ section, said }) => [
        `## ${section}`,
        ...(said.length > 0
          ? said.map(({ text }) => `- ${text}`)
          : [`- open: the material says nothing about ${section.toLowerCase()}`]),
      ]),
      "",
      sampleLine(question.agent, "put the sentences of the material in order, nothing was made up"),
    ].join("\n"),
    confidence: open === 0 ? "medium" : "low",
    notes: `Sample agent: an extract by keywords; ${open} of ${sections.length} sections are open.`,
  };
}

function factsFor(section: string, facts: readonly Fact[]): readonly Fact[] {
  const stems = stemsIn(section);
  const hints = ALSO.filter(([about]) => about.test(section)).map(([, hint]) => hint);
  const isSame = ({ under }: Fact) => stemsIn(under).some((stem) => stems.includes(stem));
  const isAbout = ({ text }: Fact) =>
    stemsIn(text).some((stem) => stems.includes(stem)) || hints.some((hint) => hint.test(text));
  const own = facts.filter(isSame);
  const others = facts.filter((fact) => !isSame(fact) && isAbout(fact));
  return [...own, ...others].slice(0, MOST_A_SECTION);
}
