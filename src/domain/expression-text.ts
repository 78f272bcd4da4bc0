import { type ExpressionContext, evaluate, valueOf } from "./expression-evaluate.ts";
import { ExpressionError } from "./expression-parse.ts";
import { type References, referencesOf, usesInput } from "./expression-references.ts";
import { textOf } from "./expression-values.ts";

type Found = { readonly source: string; readonly at: number; readonly end: number };

/** The `${{ }}` of a text: what is between, and where each begins and ends. One that is not closed throws ExpressionError. */
export function expressionsIn(template: string): readonly Found[] {
  const found: Found[] = [];
  for (let at = template.indexOf("${{"); at >= 0; ) {
    const end = endOf(template, at + 3);
    if (end === undefined) {
      const rest = template.slice(at).split("\n", 1)[0] ?? "";
      throw new ExpressionError(rest, "is not closed: }} or a closing quote is missing");
    }
    found.push({ source: template.slice(at + 3, end).trim(), at, end: end + 2 });
    at = template.indexOf("${{", end + 2);
  }
  return found;
}

/** Braces inside of quoted text close nothing. */
function endOf(template: string, from: number): number | undefined {
  let isQuoted = false;
  for (let at = from; at < template.length; at++) {
    if (template[at] === "'") isQuoted = !isQuoted;
    else if (!isQuoted && template.startsWith("}}", at)) return at;
  }
  return undefined;
}

/** What the supervisor itself says of a step; everything else of it was written by somebody else. */
const OWN_WORDS = new Set(["status", "agent", "confidence", "verdict"]);

export type RenderOptions = {
  /** The item of the fan-out was made from what steps handed in. */
  readonly foreignItem?: boolean;
  /** Everything stands in the text: for texts that no agent reads as its task. */
  readonly inline?: boolean;
  /** Inputs whose values came from steps of another run. */
  readonly foreignInputs?: readonly string[];
};

/**
 * A text with the values of its expressions. Values of inputs stand in it; text that comes from steps is set aside
 * as data that the text refers to by name, since prompts fence foreign text. Numbers and truth values always stand.
 */
export function renderText(
  template: string,
  context: ExpressionContext,
  options: RenderOptions = {},
): { readonly text: string; readonly data: readonly { readonly name: string; readonly text: string }[] } {
  const aside = new Map<string, string>();
  const parts: string[] = [];
  let last = 0;
  for (const { source, at, end } of expressionsIn(template)) {
    parts.push(template.slice(last, at), standing(source, context, options, aside));
    last = end;
  }
  parts.push(template.slice(last));
  return { text: parts.join(""), data: [...aside].map(([name, text]) => ({ name, text })) };
}

function standing(
  source: string,
  context: ExpressionContext,
  options: RenderOptions,
  aside: Map<string, string>,
): string {
  const isForeign = !options.inline && comesFromOutside(referencesOf(source), options);
  if (!isForeign) return textOf(evaluate(source, context));
  const value = valueOf(source, context);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const name = source.replace(/\s+/g, " ");
  const text = textOf(value);
  if (text === "") return `(${name} is empty)`;
  aside.set(name, text);
  return `[attached context: ${name}]`;
}

function comesFromOutside(references: References, options: RenderOptions): boolean {
  return (
    references.steps.some(({ property }) => property === undefined || !OWN_WORDS.has(property)) ||
    (references.item && options.foreignItem === true) ||
    usesInput(references, options.foreignInputs ?? [])
  );
}
