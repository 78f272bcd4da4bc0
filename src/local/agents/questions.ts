export type Interval = { readonly fromC: number; readonly toC: number };
export type Bound = {
  readonly property: "cte" | "density" | "modulus" | "conductivity";
  readonly relation: "<" | "≤" | ">" | "≥";
  /** In the unit of the materials table: ppm/K, g/cm³, GPa, W/(m·K). */
  readonly value: number;
  /** As it was written. */
  readonly text: string;
};

const NUMBER = String.raw`([-−+]?\d+(?:\.\d+)?)`;
const DEGREE = String.raw`(?:\s*(?:°|º|deg(?:rees)?)?\s*(?:c|celsius)?)`;
const read = (text: string | undefined) => Number((text ?? "").replace("−", "-"));

/** `between 20 and 40 °C`, `20–40 °C`, `from -20 to 60 C`; undefined when no interval of temperature is named. */
export function intervalIn(text: string): Interval | undefined {
  const patterns = [
    new RegExp(`between\\s+${NUMBER}${DEGREE}\\s+and\\s+${NUMBER}\\s*(?:°|º|deg|c\\b|celsius)`, "i"),
    new RegExp(
      `(?:from\\s+)?${NUMBER}${DEGREE}\\s*(?:to|–|—|-|\\.\\.\\.?|…)\\s*${NUMBER}\\s*(?:°|º|deg|c\\b|celsius)`,
      "i",
    ),
  ];
  for (const pattern of patterns) {
    const match = pattern.exec(text);
    if (!match) continue;
    const [a, b] = [read(match[1]), read(match[2])];
    return { fromC: Math.min(a, b), toC: Math.max(a, b) };
  }
  return undefined;
}

const EXPANSION_UNITS: readonly (readonly [RegExp, number])[] = [
  [/^ppm\s*\/?\s*(?:per\s*)?°?\s*[kc]/i, 1],
  [/^ppb\s*\/?\s*(?:per\s*)?°?\s*[kc]/i, 1e-3],
  [/^(?:µm|um|μm)\s*\/\s*\(?m[·*\s-]*°?\s*[kc]\)?/i, 1],
  [/^(?:e|[x×·*]\s*10\s*\^?\s*)[-−⁻]?\s*(?:6|⁶)\s*\/?\s*°?\s*[kc]/i, 1],
  [/^(?:e|[x×·*]\s*10\s*\^?\s*)[-−⁻]?\s*(?:7|⁷)\s*\/?\s*°?\s*[kc]/i, 0.1],
  [/^(?:e|[x×·*]\s*10\s*\^?\s*)[-−⁻]?\s*(?:8|⁸)\s*\/?\s*°?\s*[kc]/i, 0.01],
];

function unitOf(rest: string): { property: Bound["property"]; factor: number } | undefined {
  for (const [unit, factor] of EXPANSION_UNITS) if (unit.test(rest)) return { property: "cte", factor };
  if (/^g\s*\/\s*cm(?:3|³|\^3)/i.test(rest)) return { property: "density", factor: 1 };
  if (/^kg\s*\/\s*m(?:3|³|\^3)/i.test(rest)) return { property: "density", factor: 1e-3 };
  if (/^gpa/i.test(rest)) return { property: "modulus", factor: 1 };
  if (/^w\s*\/\s*\(?m[·*\s-]*k\)?/i.test(rest)) return { property: "conductivity", factor: 1 };
  return undefined;
}

const RELATIONS: readonly (readonly [RegExp, Bound["relation"]])[] = [
  [/^(?:<=|≤|=<|at most|no more than|max(?:imum)?\.?)$/i, "≤"],
  [/^(?:>=|≥|=>|at least|no less than|min(?:imum)?\.?)$/i, "≥"],
  [/^(?:<|below|under|less than|smaller than)$/i, "<"],
  [/^(?:>|above|over|more than|greater than)$/i, ">"],
];

/** Bounds with a unit that the materials table knows: `CTE < 0.01 ppm/K`, `density below 3 g/cm3`. */
export function boundsIn(text: string): readonly Bound[] {
  const words = String.raw`<=|≤|=<|>=|≥|=>|<|>|at most|at least|no more than|no less than|max(?:imum)?\.?|min(?:imum)?\.?|below|under|above|over|less than|smaller than|more than|greater than`;
  const found = new Map<string, Bound>();
  for (const match of text.matchAll(new RegExp(`(${words})\\s*(?:of\\s+)?${NUMBER}\\s*`, "gi"))) {
    const rest = text.slice(match.index + match[0].length, match.index + match[0].length + 24);
    const unit = unitOf(rest);
    const relation = RELATIONS.find(([pattern]) => pattern.test(match[1] ?? ""))?.[1];
    if (!unit || !relation) continue;
    const value = Math.round(read(match[2]) * unit.factor * 1e9) / 1e9;
    const bound = {
      property: unit.property,
      relation,
      value,
      text: boundText(unit.property, relation, value),
    };
    found.set(bound.text, bound);
  }
  return [...found.values()];
}

const NAMES = {
  cte: "CTE",
  density: "density",
  modulus: "Young's modulus",
  conductivity: "conductivity",
} as const;
export const UNITS = { cte: "ppm/K", density: "g/cm³", modulus: "GPa", conductivity: "W/(m·K)" } as const;

function boundText(property: Bound["property"], relation: string, value: number): string {
  return `${NAMES[property]} ${relation} ${value} ${UNITS[property]}`;
}

/** Which columns of the table a question is about; expansion when it names none. */
export function propertiesIn(text: string): readonly Bound["property"][] {
  const asked: Bound["property"][] = [];
  if (/\bcte\b|expansion|expan[ds]/i.test(text)) asked.push("cte");
  if (/densit|weight|mass\b|heav/i.test(text)) asked.push("density");
  if (/young|modulus|stiff|elastic/i.test(text)) asked.push("modulus");
  if (/conductiv|\bheat\b/i.test(text)) asked.push("conductivity");
  if (/\bpropert(?:y|ies)\b|trade study|data ?sheet|\ball\b/i.test(text)) {
    return ["cte", "density", "modulus", "conductivity"];
  }
  return asked.length > 0 ? asked : ["cte"];
}
