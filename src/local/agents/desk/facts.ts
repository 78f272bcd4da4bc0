import { oneLine } from "../../../kernel/text.ts";
import { attachedIn } from "../stated.ts";

/** A sentence of the material, and the heading that it stood under. */
export type Fact = { readonly text: string; readonly under: string };

const LONGEST = 300;
const OWN_LINES = /^(?:sample agent\b|open: )/i;

/** What there is to work with: attached context, and what stands behind `Material:` in the task. */
export function factsIn(question: {
  readonly objective: string;
  readonly material: string;
}): readonly Fact[] {
  const [, own = ""] = /^Material:([\s\S]*)$/m.exec(question.objective) ?? [];
  const attached = attachedIn(question.material).flatMap(({ text }) => factsOf(plain(text)));
  const seen = new Set<string>();
  return [...attached, ...factsOf(own)].filter(({ text }) => !seen.has(text) && seen.add(text));
}

function factsOf(text: string): readonly Fact[] {
  const facts: Fact[] = [];
  let under = "";
  for (const line of text.split("\n")) {
    const heading = /^#+ (.+)$/.exec(line.trim())?.[1];
    if (heading !== undefined) {
      under = heading;
      continue;
    }
    // The title of a document says what it is, not what is so.
    if (/^\*\*.*\*\*$/.test(line.trim())) continue;
    const bare = line.trim().replace(/^(?:[-*]|\d+\.)\s+/, "");
    for (const sentence of bare.split(/(?<=[.!?;])\s+/)) {
      const said = oneLine(sentence, LONGEST);
      if (said !== "" && !OWN_LINES.test(said)) facts.push({ text: said, under });
    }
  }
  return facts;
}

/** JSON as lines of `key: value`. */
function plain(text: string): string {
  const value = parsed(text);
  return typeof value === "object" && value !== null ? leaves(value).join("\n") : text;
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What stands in a list has the key of the list; what is empty says nothing. */
function leaves(value: object, name = ""): readonly string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const own = Array.isArray(value) ? name : key;
    if (typeof inner === "object" && inner !== null) return leaves(inner, own);
    return inner === "" || inner === null ? [] : [`${own}: ${JSON.stringify(inner).replace(/^"|"$/g, "")}`];
  });
}

/** The words of a text that tell it from others, cut to their stems. */
export function stemsIn(text: string): readonly string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [];
  return words.filter((word) => !COMMON.has(word)).map((word) => word.slice(0, 5));
}

const COMMON = new Set(
  "the and for with that this what which when where how does did are was were our your their from into has have had not but can could should would about there here they them its it's you who why any all".split(
    " ",
  ),
);
