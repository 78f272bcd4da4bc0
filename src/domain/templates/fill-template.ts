import { nearest } from "../../kernel/text.ts";
import type { TaskTemplate, TemplateField, TemplateValue, TemplateValues } from "./template-types.ts";
import { holdsExpression } from "./words.ts";

type FieldProblem = { readonly path: string; readonly message: string; readonly suggestion?: string };
export type FilledTemplate =
  | { readonly ok: true; readonly values: TemplateValues }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** The fields of a template from what somebody gave: read by their types, defaults filled in; every problem at once. */
export function fillTemplate(
  template: TaskTemplate,
  given: Readonly<Record<string, unknown>>,
): FilledTemplate {
  const names = template.fields.map(({ name }) => name);
  const problems: FieldProblem[] = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => {
      const near = nearest(name, names);
      return {
        path: name,
        message: `${template.name} has no field "${name}"`,
        suggestion: near === undefined ? `it has ${names.join(", ")}` : `did you mean "${near}"?`,
      };
    });
  const values: Record<string, TemplateValue> = {};
  for (const field of template.fields) {
    const value = given[field.name];
    if (isMissing(value)) {
      if (field.required)
        problems.push({ path: field.name, message: `is needed: ${field.description.toLowerCase()}` });
      else if (field.default !== undefined) values[field.name] = field.default;
      continue;
    }
    const read = readField(field, value);
    if (read.ok) values[field.name] = read.value;
    else problems.push({ path: field.name, message: read.message });
  }
  return problems.length === 0 ? { ok: true, values } : { ok: false, problems };
}

/** The same with examples where a required field is not given. */
export function exampleFields(template: TaskTemplate): Readonly<Record<string, TemplateValue>> {
  const examples = template.fields.filter(({ required, example }) => required && example !== undefined);
  return Object.fromEntries(examples.map(({ name, example }) => [name, example as TemplateValue]));
}

function isMissing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "string" ? value.trim() === "" : Array.isArray(value) && value.length === 0;
}

type Read =
  | { readonly ok: true; readonly value: TemplateValue }
  | { readonly ok: false; readonly message: string };

function readField({ type, options = [] }: TemplateField, value: unknown): Read {
  const no = (message: string): Read => ({ ok: false, message });
  const yes = (read: TemplateValue): Read => ({ ok: true, value: read });
  const isPlain = typeof value === "string" || typeof value === "number";
  switch (type) {
    case "text":
      return isPlain ? yes(String(value).trim()) : no("must be text");
    case "list":
      return readList(value);
    case "number":
      if (typeof value === "string" && holdsExpression(value)) return yes(value.trim());
      return isPlain && Number.isSafeInteger(Number(value)) && Number(value) > 0
        ? yes(Number(value))
        : no("must be a whole number above 0");
    case "choice": {
      if (typeof value === "string" && holdsExpression(value))
        return no(`must be fixed, one of ${options.join(", ")}: the prompt is made from it`);
      const found = options.find((option) => option === String(value).trim().toLowerCase());
      return found === undefined ? no(`must be one of ${options.join(", ")}`) : yes(found);
    }
    case "schema":
      return readSchema(value);
  }
}

/** `a, b` and `a / b` are lists too; text with an expression in it is one entry, whatever it will hold. */
function readList(value: unknown): Read {
  if (typeof value === "string") {
    const items = holdsExpression(value)
      ? [value.trim()]
      : value.split(/,|\s\/\s/).map((item) => item.trim());
    return { ok: true, value: items.filter((item) => item !== "") };
  }
  const isList =
    Array.isArray(value) &&
    value.every((item) => (typeof item === "string" && item.trim() !== "") || typeof item === "number");
  return isList
    ? { ok: true, value: value.map((item) => String(item).trim()) }
    : { ok: false, message: "must be a list of texts" };
}

function readSchema(value: unknown): Read {
  let found = value;
  if (typeof value === "string") {
    try {
      found = JSON.parse(value);
    } catch (error) {
      return { ok: false, message: `must be a JSON Schema: ${(error as Error).message}` };
    }
  }
  const isObject = typeof found === "object" && found !== null && !Array.isArray(found);
  return isObject
    ? { ok: true, value: found as TemplateValue }
    : { ok: false, message: 'must be a JSON Schema, such as { "type": "object", … }' };
}
