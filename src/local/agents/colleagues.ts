import { oneLine } from "../../kernel/text.ts";
import { type Answer, type Question, SAMPLE_NOTE, sampleLine } from "./answer.ts";
import { materialsIn } from "./materials.ts";
import { webster } from "./webster.ts";

const modest = (
  result: readonly string[],
  notes: string,
  confidence: Answer["confidence"] = "low",
): Answer => ({
  status: "complete",
  result: result.join("\n"),
  confidence,
  notes,
});

const ROUTES: readonly (readonly [RegExp, string, string])[] = [
  [/\b(?:find|research|look up|source|literature|cte|propert|material)/i, "webster", "finds sourced values"],
  [
    /\b(?:evaluat|requirement|margin|decide|technical|feasib|compare)/i,
    "tech-lead",
    "holds values against requirements",
  ],
  [/\b(?:audit|check|review|verify|complian)/i, "auditor", "checks units, sources and tolerances"],
  [/\b(?:optimi[sz]|faster|lighter|trade|parameter)/i, "optimizer", "ranks candidates and sensitivities"],
  [/\b(?:study|doe|design of experiments|sampling|levels)/i, "study-builder", "lays out parameter studies"],
  [/\b(?:nx|cad|mesh|simcenter|geometry|model)\b/i, "nx-expert", "plans CAD and mesh work"],
  [/\b(?:minutes|notes|summar|status|remind|list)/i, "secretary", "summarises and keeps lists"],
];

/** Says which colleague fits and in which order; hands nothing on by itself. */
export function manager({ agent, objective }: Question): Answer {
  const fitting = ROUTES.filter(([pattern]) => pattern.test(objective));
  const steps = (fitting.length > 0 ? fitting : ROUTES.filter(([, id]) => id === "tech-lead")).slice(0, 3);
  return modest(
    [
      `Plan for: ${oneLine(objective, 160)}`,
      ...steps.map(([, id, why], index) => `${index + 1}. **${id}** ${why}.`),
      "",
      sampleLine(agent, "picked by keywords; it delegated nothing itself"),
    ],
    "Sample agent: ask the named agents with /delegate.",
  );
}

/** First sentences and the lines that read like tasks. */
export function secretary({ agent, objective, material }: Question): Answer {
  const text = material.length > objective.length ? material : objective;
  const sentences = text
    .replace(/\s+/g, " ")
    .split(/(?<=[.!?])\s+/)
    .map((sentence) => oneLine(sentence, 160))
    .filter(Boolean);
  const todo = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^(?:[-*]\s*\[ ?\]|todo\b|action\b|[-*]\s*(?:@\w|please\b))/i.test(line))
    .slice(0, 8);
  return modest(
    [
      `Note of ${text.trim().split(/\s+/).length} words:`,
      ...sentences.slice(0, 4).map((sentence) => `- ${sentence}`),
      ...(todo.length > 0
        ? ["Open actions:", ...todo.map((line) => `- ${oneLine(line, 160)}`)]
        : ["No open actions were marked as such."]),
      "",
      sampleLine(agent, "took the first sentences and the lines marked as tasks"),
    ],
    "Sample agent: an extract, not an understanding.",
  );
}

/** In place of an agent of whose trade nothing is known. */
export function standIn(question: Question): Answer {
  return materialsIn(question.objective).length > 0 ? webster(question) : secretary(question);
}

const three = (value: number) => String(Number(value.toPrecision(3)));

/** Ranks named materials by two figures of merit; otherwise a method. */
export function optimizer({ agent, objective, material }: Question): Answer {
  const named = materialsIn(objective).length > 0 ? materialsIn(objective) : materialsIn(material);
  if (named.length < 2) {
    return modest(
      [
        "Three things to look at first:",
        "1. Which output matters, in which unit, and what change of it is worth paying for.",
        "2. One-at-a-time sensitivities of at most five inputs, then a model only of those that move it.",
        "3. The constraint that is active today: relaxing any other gains nothing.",
        "",
        sampleLine(agent, "a method; name two or more materials and it ranks them"),
      ],
      "Sample agent: no optimisation was run.",
    );
  }
  const rows = named
    .map((one) => ({
      name: one.name,
      stiffness: one.modulus / one.density,
      distortion: (Math.abs(one.expansion.nominal) + (one.expansion.tolerance ?? 0)) / one.conductivity,
    }))
    .sort((a, b) => a.distortion - b.distortion);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const [best] = rows;
  return modest(
    [
      `Ranked by steady thermal distortion (worst CTE ÷ conductivity, smaller is better); **${best?.name ?? "none"}** leads.`,
      "```",
      `${"material".padEnd(width)}  CTE/k nm/W   E/ρ GPa·cm³/g`,
      ...rows.map(
        (row) =>
          `${row.name.padEnd(width)}  ${three(row.distortion * 1000).padStart(10)}   ${three(row.stiffness).padStart(13)}`,
      ),
      "```",
      sampleLine(agent, "two quotients of table values, no optimisation was run"),
    ],
    SAMPLE_NOTE,
    "medium",
  );
}

const MOST_FACTORS = 5;

/** A two-level plan over the named factors. */
export function studyBuilder({ agent, objective }: Question): Answer {
  const listed = /(?:factors?|parameters?|variables?)\s*:?\s+([^.\n]+)/i.exec(objective)?.[1] ?? "";
  const named = listed
    .split(/,|\band\b/)
    .map((factor) => oneLine(factor, 40))
    .filter(Boolean);
  const factors = named.slice(0, MOST_FACTORS);
  const rest = named.slice(MOST_FACTORS);
  if (factors.length === 0) {
    return modest(
      [
        "To lay out a study I need the factors, for example `factors: rib height, face thickness, preload`.",
        "With k factors at two levels, a full factorial takes 2^k runs, plus three at the centre to see curvature.",
        "",
        sampleLine(agent, "no study was set up"),
      ],
      "Sample agent: name up to five factors.",
    );
  }
  const runs = 2 ** factors.length;
  const table = Array.from({ length: Math.min(runs, 8) }, (_, run) =>
    factors.map((_factor, index) => ((run >> index) & 1 ? "+" : "-")).join("  "),
  );
  return modest(
    [
      `Two-level full factorial over ${factors.length} factors: ${runs} runs + 3 centre points.`,
      factors.map((factor, index) => `${index + 1}. ${factor}`).join("\n"),
      ...(rest.length > 0
        ? [`Left out, since at most ${MOST_FACTORS} are planned: ${rest.join(", ")}.`]
        : []),
      "```",
      ...table,
      ...(runs > 8 ? [`… ${runs - 8} more`] : []),
      "```",
      sampleLine(agent, "a plan on paper, no study was set up"),
    ],
    "Sample agent: levels and responses are yours to choose.",
    "medium",
  );
}

/** What an NX expert would do; says that nothing was done in NX. */
export function nxExpert({ agent, objective }: Question): Answer {
  const mesh = /mesh|fem|element/i.test(objective);
  return modest(
    [
      `No NX runs here, so nothing was ${mesh ? "meshed" : "modelled"}. How it would be done:`,
      "1. Idealise the part: remove fillets and holes below the element size, keep the load paths.",
      mesh
        ? "2. Tetrahedral CTETRA(10) mesh, at least two elements through each wall, then halve the size until the answer moves by less than 5 %."
        : "2. Parametric sketch with named expressions, so that studies can drive it.",
      "3. Check: mass against hand calculation, free edges, Jacobian and aspect ratio, constraints at the interfaces only.",
      "",
      sampleLine(agent, "a procedure, no CAD system was touched"),
    ],
    "Sample agent: connect a real NX instance for geometry.",
  );
}
