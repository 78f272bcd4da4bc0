import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Problem } from "../kernel/refusal.ts";

const MOST_KEPT = 100;
const MOST_PROBLEMS = 20;

/** What does not fit a schema, a sentence each, all at once; empty = it fits. */
export type CheckSchema = (schema: unknown, value: unknown) => readonly Problem[];

/** JSON Schema, draft 7 or (by its `$schema`) 2020-12. Nothing is fetched: a reference to elsewhere is a problem of the schema. */
export function createCheckSchema(): CheckSchema {
  const kept = new Map<string, ValidateFunction>();

  function validatorFor(schema: unknown): ValidateFunction {
    const text = JSON.stringify(schema);
    const known = kept.get(text);
    if (known) return known;
    const made = ajvFor(schema).compile(schema as object);
    if (kept.size >= MOST_KEPT) {
      const oldest = kept.keys().next();
      if (!oldest.done) kept.delete(oldest.value);
    }
    kept.set(text, made);
    return made;
  }

  return (schema, value) => {
    let validate: ValidateFunction;
    try {
      validate = validatorFor(schema);
    } catch (error) {
      return [{ path: "", message: `the schema itself cannot be used: ${(error as Error).message}` }];
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, MOST_PROBLEMS).map(problemOf);
  };
}

/** Why a schema cannot be used; undefined = it can. */
export function schemaProblem(schema: unknown): string | undefined {
  try {
    ajvFor(schema).compile(schema as object);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function ajvFor(schema: unknown): Ajv | Ajv2020 {
  const dialect = (schema as { $schema?: unknown } | null)?.$schema;
  const options = { allErrors: true, strict: false, validateFormats: false, logger: false } as const;
  return typeof dialect === "string" && dialect.includes("2020-12") ? new Ajv2020(options) : new Ajv(options);
}

function problemOf(error: ErrorObject): Problem {
  const path = error.instancePath.split("/").slice(1).join(".");
  const params = error.params as Readonly<Record<string, unknown>>;
  if (error.keyword === "additionalProperties")
    return { path, message: `has the unknown field "${String(params["additionalProperty"])}"` };
  if (error.keyword === "enum") {
    const allowed = (params["allowedValues"] as readonly unknown[]).map((one) => JSON.stringify(one));
    return { path, message: `must be one of ${allowed.join(", ")}` };
  }
  return { path, message: error.message ?? "does not fit the schema" };
}
