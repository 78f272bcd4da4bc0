import { readFileSync, statSync } from "node:fs";
import { join, normalize } from "node:path";

const LARGEST = 256 * 1024;

export type ReadSchema =
  | { readonly ok: true; readonly schema: unknown }
  | { readonly ok: false; readonly message: string; readonly suggestion?: string };

/** Why a JSON Schema cannot be used, as a sentence; undefined when it can. */
export type SchemaProblem = (schema: unknown) => string | undefined;

/** The JSON Schema that `expect` names; its path begins at the workflows' folder and stays in it. */
export function readSchema(dir: string, name: string, schemaProblem?: SchemaProblem): ReadSchema {
  const path = normalize(name);
  if (path.startsWith("..") || path.startsWith("/"))
    return { ok: false, message: "must lie in the workflows' folder", suggestion: "schemas/<name>.json" };
  const file = join(dir, path);
  let text: string;
  try {
    if (statSync(file).size > LARGEST)
      return { ok: false, message: `${name} is larger than ${LARGEST / 1024} KiB` };
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === undefined) throw cause;
    const message = code === "ENOENT" ? `there is no file ${name}` : `${name} cannot be read (${code})`;
    return { ok: false, message, suggestion: "its path begins at the workflows' folder" };
  }
  return parseSchema(name, text, schemaProblem);
}

function parseSchema(name: string, text: string, schemaProblem?: SchemaProblem): ReadSchema {
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    return { ok: false, message: `${name} is not JSON: ${(cause as Error).message}` };
  }
  if (typeof schema !== "object" || schema === null || Array.isArray(schema))
    return { ok: false, message: `${name} is not a JSON Schema`, suggestion: 'it begins with { "type": … }' };
  const wrong = schemaProblem?.(schema);
  return wrong === undefined
    ? { ok: true, schema }
    : { ok: false, message: `${name} is not a JSON Schema: ${wrong}` };
}

type Shape = {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly additionalProperties?: unknown;
  readonly patternProperties?: unknown;
  readonly items?: unknown;
  readonly [other: string]: unknown;
};

/** Words by which a schema says more than its properties do. */
const COMPOSED = ["$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties", "unevaluatedProperties"];

/** The first key of a path that no result can have by its schema, with the keys that there are; undefined = none is sure. */
export function strangerIn(
  schema: unknown,
  keys: readonly string[],
): { readonly key: string; readonly known: readonly string[] } | undefined {
  let part = schema as Shape | undefined;
  for (const key of keys) {
    if (typeof part !== "object" || part === null || COMPOSED.some((word) => word in part!)) return undefined;
    if (part.type === "array" || part.items !== undefined) {
      part = part.items as Shape | undefined;
      continue;
    }
    const { properties, additionalProperties } = part;
    if (!properties) return undefined;
    const name = Object.keys(properties).find((one) => one.toLowerCase() === key.toLowerCase());
    if (name === undefined) {
      const isOpen = additionalProperties === true || typeof additionalProperties === "object";
      return isOpen ? undefined : { key, known: Object.keys(properties) };
    }
    part = properties[name] as Shape | undefined;
  }
  return undefined;
}
