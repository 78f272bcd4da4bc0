import type { Expr } from "@actions/expressions";
import { data } from "@actions/expressions";
import { Literal } from "@actions/expressions/ast";
import { nearest } from "../kernel/text.ts";
import { FUNCTIONS } from "./expression-functions.ts";
import { ExpressionError, type Parsed, type Path, parse, pathOf, statusCalls } from "./expression-parse.ts";

type Names = readonly string[] | ReadonlySet<string>;
export type KnownNames = {
  readonly inputs: Names;
  readonly steps: Names;
  readonly allowItem: boolean;
  readonly allowStatus: boolean;
};

const STEP_PROPERTIES = [
  "status",
  "result",
  "output",
  "outputs",
  "results",
  "confidence",
  "reason",
  "agent",
  "artifacts",
  "verdict",
  "issues",
] as const;
/** Of these something may be taken: `output.mass`, `results[0]`. */
const WITH_PARTS = new Set<string>(["output", "outputs", "results", "artifacts"]);
/** Written freely by an agent: no two say it in the same words. */
const FREE_TEXT = new Set<string>(["result", "reason", "results"]);
const STEP_STATUSES = [
  "pending",
  "running",
  "waiting",
  "succeeded",
  "partial",
  "failed",
  "skipped",
  "canceled",
];

const VERDICTS = ["pass", "warn", "fail"];

export type ExpressionReport = { readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** What a load can say of an expression: a name that is not there would be silently empty when it is evaluated. */
export function checkExpression(source: string, known: KnownNames): ExpressionReport {
  let parsed: Parsed;
  try {
    parsed = parse(source);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { problems: [error.message], warnings: [] };
  }
  const problems = [
    ...unknownFunctions(parsed),
    ...(known.allowStatus ? [] : strayStatus(parsed)),
    ...parsed.paths.flatMap((path) => checkPath(path, known)),
  ];
  const warnings = parsed.comparisons.flatMap(([left, right]) => [
    ...doubt(left, right),
    ...doubt(right, left),
  ]);
  return { problems: [...new Set(problems)], warnings: [...new Set(warnings)] };
}

function unknownFunctions({ calls }: Parsed): readonly string[] {
  const names = [...FUNCTIONS.values()].map(({ name }) => name);
  return [...calls]
    .filter((name) => !FUNCTIONS.has(name))
    .map((name) => `there is no function ${name}()${meant(name, names, (word) => `${word}()`)}`);
}

function strayStatus(parsed: Parsed): readonly string[] {
  return statusCalls(parsed).map((name) => `${name}() can only stand in "if"`);
}

function checkPath({ root, keys }: Path, known: KnownNames): readonly string[] {
  const [first, property, ...rest] = keys;
  switch (root) {
    case "inputs":
      if (first === undefined) return [];
      if (!has(known.inputs, first)) return [`there is no input "${first}"${meant(first, known.inputs)}`];
      return keys.length < 2
        ? []
        : [`inputs.${first} has no parts: an input is text, a number, or true or false`];
    case "steps":
      if (first === undefined) return ["the step must be named: steps.<id>.result"];
      if (!has(known.steps, first)) return [`there is no step "${first}"${meant(first, known.steps)}`];
      return checkProperty(first, property, rest);
    case "item":
    case "index":
      return known.allowItem ? [] : [`"${root}" is there only in a step with for_each`];
    default:
      return [
        `"${root}" is not known here${meant(root, ["inputs", "steps", "item", "index"])}; text stands between single quotes`,
      ];
  }
}

function checkProperty(
  step: string,
  property: string | undefined,
  rest: readonly (string | undefined)[],
): readonly string[] {
  const all = STEP_PROPERTIES.join(", ");
  if (property === undefined)
    return [`say what of the step is meant: steps.${step}.result; there are: ${all}`];
  const name = property.toLowerCase();
  if (!(STEP_PROPERTIES as readonly string[]).includes(name))
    return [`a step has no "${property}"${meant(property, STEP_PROPERTIES)}`];
  if (rest.length === 0 || WITH_PARTS.has(name)) return [];
  if (name === "result")
    return [`steps.${step}.result is text; give the step expect: { schema: … } and use steps.${step}.output`];
  return [`steps.${step}.${name} is text and has no parts`];
}

/** Free text that is compared with fixed words, and words that no status is. */
function doubt(side: Expr, other: Expr): readonly string[] {
  const path = pathOf(side);
  if (path?.root !== "steps" || !(other instanceof Literal) || other.literal.kind !== data.Kind.String)
    return [];
  const [step, property] = path.keys;
  const text = other.literal.value;
  if (property?.toLowerCase() === "status" && !STEP_STATUSES.includes(text.toLowerCase()))
    return [`no step has the status "${text}"${meant(text, STEP_STATUSES)}`];
  if (property?.toLowerCase() === "verdict" && !VERDICTS.includes(text.toLowerCase()))
    return [`no check gives the verdict "${text}"${meant(text, VERDICTS)}`];
  if (property === undefined || !FREE_TEXT.has(property.toLowerCase())) return [];
  return [
    `steps.${step}.${property} is an agent's free text and hardly ever exactly '${text}'; give the step expect: { schema: … } and compare steps.${step}.output`,
  ];
}

function has(names: Names, name: string): boolean {
  if ("has" in names && names.has(name)) return true;
  const wanted = name.toLowerCase();
  for (const one of names) if (one.toLowerCase() === wanted) return true;
  return false;
}

function meant(word: string, words: Iterable<string>, spell = (near: string) => `"${near}"`): string {
  const list = [...words];
  const near = nearest(word, list);
  if (near !== undefined) return ` (did you mean ${spell(near)}?)`;
  return list.length > 0 && list.length <= 16 ? ` (there are: ${list.join(", ")})` : "";
}
