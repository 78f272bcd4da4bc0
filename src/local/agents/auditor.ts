import { type Answer, type Question, sampleLine } from "./answer.ts";
import { materialsIn, worstExpansion } from "./materials.ts";
import { boundsIn } from "./questions.ts";

type Check = { readonly name: string; readonly ok: (text: string) => boolean; readonly ask: string };

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
  { name: "confidence is stated", ok: (text) => /confidence/i.test(text), ask: "say how sure you are" },
];

/** Checks the form of a result (units, sources, tolerances, interval, confidence) and passes no judgment on its truth. */
export function auditor({ agent, objective, material }: Question): Answer {
  const text = material.length > objective.length ? material : objective;
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
  const rows = CHECKS.map((check) => ({ ...check, passed: check.ok(text) }));
  const missing = rows.filter(({ passed }) => !passed);
  const verdict = missing.length === 0 ? "PASS" : missing.length <= 2 ? "CONDITIONAL PASS" : "FAIL";
  const bounds = boundsIn(text).filter(({ property }) => property === "cte");
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
      sampleLine(agent, "checks the form of a text and a few sums, not its truth"),
    ].join("\n\n"),
    confidence: "medium",
    notes: "Sample agent: the checks are regular expressions over the text handed in.",
  };
}
