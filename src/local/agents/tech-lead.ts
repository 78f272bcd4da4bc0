import { type Answer, type Question, SAMPLE_NOTE, sampleLine } from "./answer.ts";
import { expansionText, MATERIALS, type Material, materialsIn, worstExpansion } from "./materials.ts";
import { type Bound, boundsIn, UNITS } from "./questions.ts";
import { attachedIn, expansionsIn, isSameExpansion } from "./stated.ts";

function valueOf(material: Material, property: Bound["property"]): number {
  return property === "cte" ? worstExpansion(material.expansion) : material[property];
}

/** Materials with the expansion that the research states; the table's where it states none. */
function asResearched(materials: readonly Material[], research: string): readonly Material[] {
  const stated = expansionsIn(research);
  return materials.map((material) => {
    const expansion = stated.get(material.id)?.stated;
    return expansion ? { ...material, expansion } : material;
  });
}

export function meets(bound: Bound, value: number): boolean {
  switch (bound.relation) {
    case "<":
      return value < bound.value;
    case "≤":
      return value <= bound.value;
    case ">":
      return value > bound.value;
    case "≥":
      return value >= bound.value;
  }
}

function verdictOn(material: Material, bound: Bound): { ok: boolean; line: string } {
  const value = valueOf(material, bound.property);
  const ok = meets(bound, value);
  const nominal = bound.property === "cte" && meets(bound, Math.abs(material.expansion.nominal));
  const aside = ok ? "" : nominal ? " (the nominal value would; the tolerance does not)" : "";
  const what = bound.property === "cte" ? "worst case" : "typical";
  return {
    ok,
    line: `${material.name}: ${what} ${value} ${UNITS[bound.property]}, ${ok ? "meets" : "does not meet"} ${bound.text}${aside}`,
  };
}

function evaluation(materials: readonly Material[], bounds: readonly Bound[], agent: string): Answer {
  const rows = materials.map((material) => ({
    material,
    verdicts: bounds.map((bound) => verdictOn(material, bound)),
  }));
  const passing = rows
    .filter(({ verdicts }) => verdicts.every(({ ok }) => ok))
    .map(({ material }) => material);
  const best = passing.toSorted((a, b) => worstExpansion(a.expansion) - worstExpansion(b.expansion))[0];
  const lines = rows.flatMap(({ verdicts }) =>
    verdicts.map(({ ok, line }) => `- ${ok ? "PASS" : "FAIL"} ${line}`),
  );
  const conclusion = best
    ? `**${passing.length} of ${materials.length} meet the requirement with their stated tolerance; ${best.name} has the smallest worst-case CTE.**`
    : `**None of ${materials.length} is guaranteed to meet the requirement.** A tighter class or a measured piece is needed.${othersFor(bounds)}`;
  return {
    status: "complete",
    result: [
      `Requirement: ${bounds.map(({ text }) => text).join("; ")}.`,
      lines.join("\n"),
      conclusion,
      "Worst case = |nominal| + tolerance over each maker's own interval; the intervals differ, so compare with care.",
      sampleLine(agent, "compared with a small built-in table"),
    ].join("\n\n"),
    confidence: "medium",
    notes: SAMPLE_NOTE,
  };
}

/** What the table has that would do, when nothing that was asked for does. */
function othersFor(bounds: readonly Bound[]): string {
  const able = MATERIALS.filter((material) => bounds.every((bound) => verdictOn(material, bound).ok));
  if (able.length === 0) return " Nothing in my table would do.";
  const named = able.map(({ name, expansion }) => `${name} (worst case ${worstExpansion(expansion)} ppm/K)`);
  return ` In my table these would do: ${named.join(", ")}.`;
}

/** Holds stated values against the table; what the table does not know stays open. */
function validation(research: string, agent: string): Answer {
  const rows = [...expansionsIn(research).values()].map(({ material, stated }) => ({
    ok: isSameExpansion(material.expansion, stated),
    name: material.name,
    said: `${expansionText(stated)} over ${stated.fromC}–${stated.toC} °C`,
    known: `${expansionText(material.expansion)} over ${material.expansion.fromC}–${material.expansion.toC} °C`,
  }));
  const wrong = rows.filter(({ ok }) => !ok);
  const verdict = wrong.length === 0 ? "VALID" : "NOT VALID";
  return {
    status: "complete",
    result: [
      `**${verdict}: ${rows.length - wrong.length} of ${rows.length} values agree with my table.**`,
      rows
        .map(({ ok, name, said, known }) =>
          ok ? `- OK ${name}: mean CTE ${said}` : `- WRONG ${name}: stated ${said}, my table has ${known}`,
        )
        .join("\n"),
      `Open: ${/^Source: /m.test(research) ? "the named sources were not opened by me" : "no source is named"}; a mean over an interval says nothing certain about a part of it.`,
      sampleLine(agent, "compared with a small built-in table"),
    ].join("\n\n"),
    confidence: wrong.length === 0 ? "medium" : "high",
    notes: SAMPLE_NOTE,
  };
}

/** Holds the numbers of the named materials against the bounds that were given; otherwise a short technical reading. */
export function techLead({ agent, objective, material }: Question): Answer {
  const bounds = boundsIn(objective).length > 0 ? boundsIn(objective) : boundsIn(material);
  const research = attachedIn(material)
    .map(({ text }) => text)
    .join("\n");
  if (/\bvalidat/i.test(objective) && expansionsIn(research).size > 0) return validation(research, agent);
  const materials = asResearched(materialsIn(material), research);
  if (bounds.length > 0 && materials.length > 0) return evaluation(materials, bounds, agent);
  if (bounds.length > 0) {
    return {
      status: "blocked",
      result: `I read the requirement ${bounds.map(({ text }) => text).join("; ")}, but no material that I know. Name the candidates.\n\n${sampleLine(agent, "no analysis was run")}`,
      confidence: "low",
      notes: "Needs candidates to evaluate.",
    };
  }
  const named =
    materials.length > 0
      ? `I see ${materials.map(({ name }) => name).join(", ")}, but no requirement with a unit, such as \`CTE < 0.05 ppm/K\`.`
      : "I see no requirement with a unit and no material that I know.";
  return {
    status: "complete",
    result: [
      "Technical reading:",
      `- ${named}`,
      "- Before a decision, state: load case, temperature range, the tolerance that matters, and the margin.",
      "- Ask webster for sourced values, then give them to me together with the requirement.",
      "",
      sampleLine(agent, "a checklist, no analysis was run"),
    ].join("\n"),
    confidence: "low",
    notes: "Sample agent: a real technical lead would analyse the design itself.",
  };
}
