import { type Answer, type Question, SAMPLE_NOTE, sampleLine } from "./answer.ts";
import { expansionText, MATERIALS, type Material, materialsIn, worstExpansion } from "./materials.ts";
import { type Bound, type Interval, intervalIn, propertiesIn } from "./questions.ts";

const range = ({ fromC, toC }: Interval) => `${fromC}–${toC} °C`;
const round = (value: number) => String(Number(value.toPrecision(3)));

type Fit = "unasked" | "same" | "inside" | "overlapping" | "outside";

function fitOf(material: Material, asked: Interval | undefined): Fit {
  const { fromC, toC } = material.expansion;
  if (!asked) return "unasked";
  if (asked.fromC === fromC && asked.toC === toC) return "same";
  if (asked.fromC >= fromC && asked.toC <= toC) return "inside";
  return asked.toC <= fromC || asked.fromC >= toC ? "outside" : "overlapping";
}

/** How far the stated interval carries for the asked one; empty when they agree. */
function intervalRemark(material: Material, asked: Interval | undefined): string {
  const stated = range(material.expansion);
  switch (fitOf(material, asked)) {
    case "unasked":
    case "same":
      return "";
    case "inside":
      return `The asked interval ${range(asked as Interval)} lies inside ${stated}: the figure is the mean over all of ${stated}, so the mean over the asked part alone may differ a little and is not guaranteed by it.`;
    case "overlapping":
      return `The asked interval ${range(asked as Interval)} reaches beyond ${stated}: outside ${stated} the source says nothing here.`;
    case "outside":
      return `The asked interval ${range(asked as Interval)} lies outside ${stated}: the figure does not apply there; ask the maker for a measured curve.`;
  }
}

function growthRemark(material: Material, asked: Interval | undefined): string {
  if (!asked || asked.toC <= asked.fromC) return "";
  const kelvin = asked.toC - asked.fromC;
  return `With the limit of ${round(worstExpansion(material.expansion))} ppm/K, 1 m changes by up to ${round(worstExpansion(material.expansion) * kelvin)} µm over these ${round(kelvin)} K.`;
}

function about(
  material: Material,
  asked: Interval | undefined,
  columns: readonly Bound["property"][],
): string {
  const lines: string[] = [];
  if (columns.includes("cte")) {
    lines.push(
      `**${material.name}**: mean CTE **${expansionText(material.expansion)}** over ${range(material.expansion)}.`,
      intervalRemark(material, asked),
      growthRemark(material, asked),
    );
  } else lines.push(`**${material.name}**`);
  const rest = [
    columns.includes("density") ? `density ${material.density} g/cm³` : "",
    columns.includes("modulus") ? `Young's modulus ${material.modulus} GPa` : "",
    columns.includes("conductivity") ? `thermal conductivity ${material.conductivity} W/(m·K)` : "",
  ].filter(Boolean);
  if (rest.length > 0) lines.push(`At room temperature: ${rest.join(", ")}.`);
  lines.push(material.caveat ?? "", `Source: ${material.source}.`);
  return lines.filter(Boolean).join("\n");
}

const CONFIDENCE: Readonly<Record<Fit, Answer["confidence"]>> = {
  unasked: "high",
  same: "high",
  inside: "medium",
  overlapping: "low",
  outside: "low",
};
const RANK = ["low", "medium", "high"] as const;

/** Looks up materials in the table; `blocked` with a question when it knows none of what was asked. */
export function webster({ agent, objective, material }: Question): Answer {
  const named = materialsIn(objective);
  const asked = named.length > 0 ? named : materialsIn(material);
  if (asked.length === 0) {
    return {
      status: "blocked",
      result: `I know only the ${MATERIALS.length} materials of my sample table and found none of them in the question. Which one do you mean? ${MATERIALS.map(({ name }) => name).join(", ")}.\n\n${sampleLine(agent)}`,
      confidence: "low",
      notes: "Needs a material that the sample table knows, or a real research agent.",
    };
  }
  const interval = intervalIn(objective);
  const columns = propertiesIn(objective);
  const confidences = asked.map((one): Answer["confidence"] => {
    if (one.caveat) return columns.includes("cte") && fitOf(one, interval) === "outside" ? "low" : "medium";
    return columns.includes("cte") ? CONFIDENCE[fitOf(one, interval)] : "high";
  });
  const lowest = RANK.find((rank) => confidences.includes(rank)) ?? "medium";
  return {
    status: "complete",
    result: [...asked.map((one) => about(one, interval, columns)), sampleLine(agent)].join("\n\n"),
    confidence: lowest,
    notes: SAMPLE_NOTE,
  };
}
