import { fillTemplate } from "../domain/templates/fill-template.ts";
import { renderTemplate } from "../domain/templates/render-template.ts";
import { findTemplate, noTemplate } from "../domain/templates/templates.ts";
import type { InputValue, TaskAction } from "../domain/workflow-types.ts";
import type { SchemaProblem } from "./workflow-expect.ts";
import type { Findings, Path } from "./workflow-findings.ts";
import type { StepEntry } from "./workflow-schema.ts";

const LONGEST_TASK = 20_000;

/** The task that a template makes of its fields, and what its result must be. Undefined when something is wrong with them, which is told. */
export function templateTask(
  { template: word = "", with: given = {} }: Pick<StepEntry, "template" | "with">,
  path: Path,
  around: { readonly findings: Findings; readonly schemaProblem?: SchemaProblem | undefined },
): Pick<TaskAction, "task" | "template" | "expect"> | undefined {
  const { problem } = around.findings;
  const template = findTemplate(word);
  if (!template) {
    const { message, suggestion } = noTemplate(word);
    problem([...path, "template"], message, suggestion);
    return undefined;
  }
  const filled = fillTemplate(template, given);
  if (!filled.ok) {
    for (const { path: field, message, suggestion } of filled.problems) {
      const isThere = Object.hasOwn(given, field);
      problem(
        isThere ? [...path, "with", field] : [...path, "template"],
        isThere ? message : `with.${field} ${message}`,
        suggestion,
        isThere && suggestion !== undefined ? "key" : "value",
      );
    }
    return undefined;
  }
  const schema = template.schema(filled.values);
  const wrong = around.schemaProblem?.(schema);
  if (wrong !== undefined) {
    problem([...path, "with"], `makes no JSON Schema: ${wrong}`, undefined, "key");
    return undefined;
  }
  const task = renderTemplate(template, filled.values);
  if (task.length > LONGEST_TASK) {
    const text = `makes a task of ${task.length} characters; at most ${LONGEST_TASK} are taken`;
    problem([...path, "with"], text, "name files instead of their text", "key");
    return undefined;
  }
  const { name } = template;
  return { task, template: { name, with: given }, expect: { file: `template ${name}`, schema } };
}

/** Every text in the fields of a template, with its place below `with`. */
export function textsIn(
  value: unknown,
  keys: Path = [],
): readonly { readonly text: string; readonly keys: Path }[] {
  if (typeof value === "string") return [{ text: value, keys }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    textsIn(inner, [...keys, Array.isArray(value) ? Number(key) : key]),
  );
}

/** The inputs of a nested workflow: text, numbers and truth values. */
export function plainValues(
  given: StepEntry["with"] = {},
  path: Path,
  { problem }: Findings,
): Readonly<Record<string, InputValue>> {
  const plain: Record<string, InputValue> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "object") plain[name] = value;
    else problem([...path, "with", name], "must be text, a number, or true or false");
  }
  return plain;
}
