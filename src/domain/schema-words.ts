import type { z } from "zod";

/** What a value has to be, as people say it. */
export function expectedWords(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    int: "a whole number",
    number: "a number",
    string: "text",
    boolean: "true or false",
    array: "a list",
    object: "a map of keys",
    record: "a map of keys",
  };
  return words[expected] ?? expected;
}

export function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map of keys";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? "true or false" : `a ${typeof value}`;
}

type Bound = Pick<z.core.$ZodIssueTooSmall, "origin"> & { readonly bound: number | bigint };

export function tooSmallWords({ origin, bound }: Bound): string {
  if (bound === 1 && (origin === "string" || origin === "array")) return "must not be empty";
  return `must ${have(origin)} at least ${bound}${unit(origin)}`;
}

export function tooBigWords({ origin, bound }: Bound): string {
  return `must ${have(origin)} at most ${bound}${unit(origin)}`;
}

function have(origin: string): string {
  return unit(origin) === "" ? "be" : "have";
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

/** For zod: the words of a problem for which the schema has none of its own. */
export const inWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `must be ${expectedWords(issue.expected)}, not ${kindOf(said(issue.input, issue.expected))}`;
    case "invalid_value":
      if (issue.input === undefined) return "is missing";
      return `must be ${oneOf(issue.values.map(String))}`;
    case "too_small":
      return tooSmallWords({ origin: issue.origin, bound: issue.minimum });
    case "too_big":
      return tooBigWords({ origin: issue.origin, bound: issue.maximum });
    case "invalid_union":
      return issue.input === undefined ? "is missing" : unionWords(issue.errors);
    case "unrecognized_keys":
    case "invalid_key":
    case "invalid_format":
    case "invalid_element":
    case "not_multiple_of":
    case "custom":
      return undefined;
  }
};

/** A number that could not be read from text is text. */
function said(input: unknown, expected: string): unknown {
  return Number.isNaN(input) && expected === "number" ? "" : input;
}

function oneOf(words: readonly string[]): string {
  return words.length === 1 ? `${words[0]}` : `one of ${words.join(", ")}`;
}

/** Of the branch that was meant, what is wrong inside it; else what any of them would take. */
function unionWords(branches: readonly (readonly z.core.$ZodIssue[])[]): string | undefined {
  const inside = branches.flat().find(({ path }) => path.length > 0);
  if (inside) return `${inside.path.map(String).join(".")}: ${inside.message}`;
  const words = branches.flat().flatMap((issue) => {
    if (issue.code === "invalid_type") return [expectedWords(issue.expected)];
    return issue.code === "invalid_value" ? [oneOf(issue.values.map(String))] : [];
  });
  return words.length === branches.length ? `must be ${words.join(", or ")}` : undefined;
}
