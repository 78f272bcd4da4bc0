import { readInput } from "../domain/input-values.ts";
import type { InputDefinition, InputValue } from "../domain/workflow-types.ts";
import { suggest } from "./problems.ts";
import type { Findings, Path } from "./workflow-findings.ts";
import type { WorkflowFile } from "./workflow-schema.ts";

type InputEntry = WorkflowFile["inputs"][string];

export function toInputs(entries: WorkflowFile["inputs"], findings: Findings): readonly InputDefinition[] {
  const names = new Map<string, string>();
  return Object.entries(entries).map(([name, entry]) => {
    const twin = names.get(name.toLowerCase());
    if (twin !== undefined)
      findings.problem(["inputs", name], `is the same name as ${twin}`, "names match in any case", "key");
    names.set(name.toLowerCase(), name);
    const definition = toInput(name, entry);
    checkInput(definition, entry, findings);
    return definition;
  });
}

function toInput(name: string, entry: InputEntry): InputDefinition {
  const { min_length: minLength, max_length: maxLength, min, max, options } = entry;
  return {
    name,
    type: entry.type,
    description: entry.description,
    required: entry.required,
    ...(entry.default === undefined ? {} : { default: entry.default }),
    ...(options ? { options } : {}),
    ...(minLength === undefined ? {} : { minLength }),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}

/** Which keys speak only of one type. */
const OF_TYPE = {
  options: "choice",
  min_length: "string",
  max_length: "string",
  min: "number",
  max: "number",
} as const satisfies Partial<Record<keyof InputEntry, InputEntry["type"]>>;

function checkInput(definition: InputDefinition, entry: InputEntry, { problem, warning }: Findings): void {
  const at = (...more: string[]): Path => ["inputs", definition.name, ...more];
  for (const [key, type] of Object.entries(OF_TYPE)) {
    if (entry[key as keyof typeof OF_TYPE] !== undefined && entry.type !== type)
      problem(at(key), `has no meaning for a ${entry.type}`, `only a ${type} has ${key}`, "key");
  }
  const { minLength = 0, maxLength = Infinity, min = -Infinity, max = Infinity, options } = definition;
  if (minLength > maxLength) problem(at("min_length"), "is more than max_length");
  if (min > max) problem(at("min"), "is more than max");
  if (entry.type === "choice" && !options)
    problem(at(), "is a choice of nothing", "add options: [one, two]", "key");
  for (const [index, option] of options?.entries() ?? []) {
    if (options?.findIndex((one) => one.toLowerCase() === option.toLowerCase()) !== index)
      problem(at("options", String(index)), `"${option}" is here twice`);
  }
  if (definition.default === undefined) return;
  const read = readInput(definition, definition.default);
  if (!read.ok) {
    const meant = options ? suggest(String(definition.default), options) : undefined;
    problem(at("default"), read.message, meant);
  } else if (read.value !== definition.default)
    problem(at("default"), `must be a ${entry.type}`, `write ${JSON.stringify(read.value)}`);
  if (definition.required)
    warning(at("required"), "has no effect: there is a default", "keep one of them", "key");
}

/** Values that a file gives to a workflow's inputs: unknown names, what is missing, types and ranges. Text with `${{ }}` is checked when it has its value. */
export function checkGiven(
  inputs: readonly InputDefinition[],
  given: Readonly<Record<string, InputValue>>,
  told: { readonly path: Path; readonly key: string; readonly of: string },
  { problem }: Findings,
): void {
  const path = [...told.path, told.key];
  const names = inputs.map(({ name }) => name);
  for (const [name, value] of Object.entries(given)) {
    const definition = inputs.find((input) => input.name === name);
    if (!definition) {
      problem([...path, name], `${told.of} has no input "${name}"`, suggest(name, names), "key");
      continue;
    }
    if (typeof value === "string" && value.includes("${{")) continue;
    const read = readInput(definition, value);
    if (!read.ok) problem([...path, name], read.message);
  }
  for (const { name, required, default: fallback } of inputs) {
    if (required && fallback === undefined && !Object.hasOwn(given, name))
      problem(told.path, `${told.of} needs the input "${name}"`, `add it under ${told.key}`, "key");
  }
}
