import type { z } from "zod";
import type { ConfigProblem } from "../domain/config.ts";
import { expectedWords, kindOf, tooBigWords, tooSmallWords } from "../domain/schema-words.ts";
import { nearest } from "../kernel/text.ts";
import type { YamlSource } from "./yaml-source.ts";

type Path = readonly PropertyKey[];
/** As much of a JSON Schema as is needed to say which keys there are. */
export type JsonSchema = {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
};

/** A problem at a place of a parsed file. */
export function problemAt(
  source: YamlSource,
  path: Path,
  message: string,
  more: { suggestion?: string | undefined; part?: "key" | "value" } = {},
): ConfigProblem {
  return {
    file: source.file,
    ...source.placeOf(path, more.part),
    path: path.map(String).join("."),
    message,
    ...(more.suggestion === undefined ? {} : { suggestion: more.suggestion }),
  };
}

/** "did you mean …?" when a word is near. */
function meant(word: string, words: readonly string[]): string | undefined {
  const near = nearest(word, words);
  return near === undefined ? undefined : `did you mean "${near}"?`;
}

/** "did you mean …?", else the words there are when they are few. */
export function suggest(word: string, words: readonly string[]): string | undefined {
  const near = meant(word, words);
  if (near !== undefined) return near;
  return words.length > 0 && words.length <= 16 ? `there are: ${words.join(", ")}` : undefined;
}

/** What zod found, as problems with places. Values of the file are never repeated: one might be a secret. */
export function problemsOf(
  error: z.ZodError,
  source: YamlSource,
  schema: JsonSchema,
): readonly ConfigProblem[] {
  return error.issues.flatMap((issue) => problemsOfIssue(issue, source, schema));
}

function problemsOfIssue(
  issue: z.core.$ZodIssue,
  source: YamlSource,
  schema: JsonSchema,
): readonly ConfigProblem[] {
  const at = (message: string, suggestion?: string) => [
    problemAt(source, issue.path, message, { suggestion }),
  ];
  const value = valueAt(source.value, issue.path);
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = keysAt(schema, issue.path);
      return issue.keys.map((key) =>
        problemAt(source, [...issue.path, key], `unknown key "${key}"`, {
          suggestion: suggest(key, known),
          part: "key",
        }),
      );
    }
    case "invalid_key":
      return issue.issues.map((inner) =>
        problemAt(source, issue.path, `"${String(issue.path.at(-1))}" cannot stand here: ${inner.message}`, {
          part: "key",
        }),
      );
    case "invalid_type":
      if (value === undefined) return at(`"${String(issue.path.at(-1))}" is missing`);
      return at(`must be ${expectedWords(issue.expected)}, not ${kindOf(value)}`);
    case "invalid_value": {
      const words = issue.values.map(String);
      return at(
        words.length === 1 ? `must be ${words[0]}` : `must be one of ${words.join(", ")}`,
        typeof value === "string" ? meant(value, words) : undefined,
      );
    }
    case "too_small":
      return at(tooSmallWords({ origin: issue.origin, bound: issue.minimum }));
    case "too_big":
      return at(tooBigWords({ origin: issue.origin, bound: issue.maximum }));
    case "invalid_union":
      return problemsOfUnion(issue, source, schema) ?? at(issue.message);
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_element":
    case "custom":
      return at(issue.message);
  }
}

/** Of a map that may also be something simple, what is wrong inside the map; undefined when it is none. */
function problemsOfUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  source: YamlSource,
  schema: JsonSchema,
): readonly ConfigProblem[] | undefined {
  const inside = issue.errors.find((branch) =>
    branch.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  return inside?.flatMap((inner) =>
    problemsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }, source, schema),
  );
}

function valueAt(value: unknown, path: Path): unknown {
  let part = value;
  for (const step of path) {
    if (typeof part !== "object" || part === null || !Object.hasOwn(part, step)) return undefined;
    part = (part as Record<PropertyKey, unknown>)[step];
  }
  return part;
}

function keysAt(schema: JsonSchema, path: Path): readonly string[] {
  let part: JsonSchema | undefined = schema;
  for (const step of path) {
    const rest: boolean | JsonSchema | undefined = part?.additionalProperties;
    const other: JsonSchema | undefined = typeof rest === "object" ? rest : undefined;
    part = typeof step === "number" ? part?.items : (part?.properties?.[String(step)] ?? other);
    part = part?.anyOf?.find(({ properties }) => properties !== undefined) ?? part;
  }
  return Object.keys(part?.properties ?? {});
}
