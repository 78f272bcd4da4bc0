import { type Answer, type Question, sampleLine } from "./answer.ts";
import { materialsIn, worstExpansion } from "./materials.ts";
import { boundsIn } from "./questions.ts";
import { type Attached, attachedIn, expansionsIn } from "./stated.ts";
import { meets } from "./tech-lead.ts";

type Check = {
  readonly name: string;
  readonly ok: (text: string) => boolean;
  readonly ask: string;
  /** Also when it stands in the task. */
  readonly anywhere?: boolean;
};

const CHECKS: readonly Check[] = [
  {
    name: "numbers carry units",
    ok: (text) => /\d\s*(?:ppm|ppb|µm|um|gpa|mpa|°c|\bk\b|kg|g\/cm|w\/|mm|nm|%)/i.test(text),
    ask: "write a unit with every number",
  },
  {
    name: "sources are named",
    ok: (text) => /\bsource\b|data ?sheet|handbook|\bastm\b|\biso\b|\ben \d|https?:\/\//i.test(text),
    ask: "name the data sheet or handbook",
  },
  {
    name: "tolerances are stated",
    ok: (text) => /±|\+\/-|tolerance|worst case/i.test(text),
    ask: "give the tolerance or say that there is none",
  },
  {
    name: "temperature interval is stated",
    ok: (text) => /\d\s*(?:–|-|to|and)\s*\d+\s*°?\s*c\b/i.test(text),
    ask: "say over which temperatures the value holds",
  },
  {
    name: "confidence is stated",
    ok: (text) => /confidence/i.test(text),
    ask: "say how sure you are",
    anywhere: true,
  },
];

/** Each verdict on an expansion, reckoned again from the values that were handed on with it. */
function verdictsIn(text: string) {
  const stated = expansionsIn(text);
  const pattern = /^- (PASS|FAIL) ([^\n]+?): worst case [\d.]+ ppm\/K, (?:meets|does not meet) ([^\n(]+)/gm;
  return [...text.matchAll(pattern)].flatMap(([, verdict, name = "", bound = ""]) => {
    const [material] = materialsIn(name);
    const [asked] = boundsIn(bound);
    if (!material || asked?.property !== "cte") return [];
    const expansion = stated.get(material.id)?.stated ?? material.expansion;
    const isMet = meets(asked, worstExpansion(expansion));
    return [{ name, asked: asked.text, isMet, isRight: isMet === (verdict === "PASS") }];
  });
}

function reckonedAgain(text: string): readonly string[] {
  const verdicts = verdictsIn(text);
  if (verdicts.length === 0) return [];
  const wrong = verdicts.filter(({ isRight }) => !isRight);
  const met = verdicts.filter(({ isMet }) => isMet).map(({ name }) => name);
  const asked = [...new Set(verdicts.map((verdict) => verdict.asked))].join("; ");
  return [
    wrong.length === 0
      ? `Verdicts reckoned again: ${verdicts.length} of ${verdicts.length} follow from the values.`
      : `Verdicts that do not follow from the values: ${wrong.map(({ name }) => name).join(", ")}.`,
    `**Conclusion: ${met.length === 0 ? `none of the candidates is guaranteed to meet ${asked}` : `${met.join(", ")} meet${met.length === 1 ? "s" : ""} ${asked}`}.**`,
  ];
}

/** What several reviews say, point by point, one after the other; nothing is weighed. */
function consolidation(reviews: readonly Attached[], agent: string): Answer {
  const points = (text: string) =>
    text
      .split("\n")
      .map((line) => /^(?:[-*]|\d+\.)\s+(.*)$/.exec(line.trim())?.[1] ?? "")
      .filter(Boolean);
  const parts = reviews.map(({ name, text }) => {
    const found = points(text);
    const lines = found.length > 0 ? found : [text.trim().split("\n")[0] ?? ""];
    return `From \`${name}\`:\n${lines.map((line) => `- ${line}`).join("\n")}`;
  });
  const total = reviews.reduce((sum, { text }) => sum + Math.max(1, points(text).length), 0);
  return {
    status: "complete",
    result: [
      `**Consolidated: ${total} points from ${reviews.length} review${reviews.length === 1 ? "" : "s"}.**`,
      ...parts,
      "Contradictions: I only collect; hold the points against each other before you decide.",
      sampleLine(agent, "put the points of the reviews together, judged none of them"),
    ].join("\n\n"),
    confidence: "low",
    notes: "Sample agent: an extract, not a judgment.",
  };
}

/** Checks the form of a result (units, sources, tolerances, interval, confidence) and passes no judgment on its truth. */
export function auditor({ agent, objective, material }: Question): Answer {
  const attached = attachedIn(material);
  if (/\bconsolidat/i.test(objective) && attached.length > 0) return consolidation(attached, agent);
  const whole = material.length > objective.length ? material : objective;
  // The words of the task are not what is checked; only a confidence may stand there.
  const text = attached.length > 0 ? attached.map((one) => one.text).join("\n") : whole;
  if (!/\d/.test(text)) {
    return {
      status: "complete",
      result: [
        "**Audit: nothing to check.** The text contains no numbers.",
        "I look for units, sources, tolerances, the temperature interval and a stated confidence.",
        sampleLine(agent, "checks the form of a text, not its truth"),
      ].join("\n\n"),
      confidence: "low",
      notes: "Sample agent: give it a result with numbers.",
    };
  }
  const rows = CHECKS.map((check) => ({ ...check, passed: check.ok(check.anywhere ? whole : text) }));
  const missing = rows.filter(({ passed }) => !passed);
  const verdict = missing.length === 0 ? "PASS" : missing.length <= 2 ? "CONDITIONAL PASS" : "FAIL";
  const bounds = boundsIn(whole).filter(({ property }) => property === "cte");
  const wrong = materialsIn(text).filter(({ expansion, name }) =>
    bounds.some(
      ({ value }) =>
        worstExpansion(expansion) > value &&
        new RegExp(`PASS [^\\n]*${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`).test(text),
    ),
  );
  return {
    status: "complete",
    result: [
      `**Audit: ${wrong.length > 0 ? "FAIL" : verdict}** (${rows.length - missing.length} of ${rows.length} checks)`,
      rows
        .map(({ name, passed, ask }) => `- ${passed ? "PASS" : "MISSING"} ${name}${passed ? "" : `: ${ask}`}`)
        .join("\n"),
      ...(wrong.length > 0
        ? [
            `Contradiction: ${wrong.map(({ name }) => name).join(", ")} is called a pass but its worst case is above the bound.`,
          ]
        : []),
      ...reckonedAgain(text),
      sampleLine(agent, "checks the form of a text and a few sums, not its truth"),
    ].join("\n\n"),
    confidence: "medium",
    notes: "Sample agent: the checks are regular expressions over the text handed in.",
  };
}
