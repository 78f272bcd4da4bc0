import { ComponentType, TextInputStyle } from "discord.js";
import type { InputDefinition, InputValue, WorkflowDefinition } from "../domain/workflow-types.ts";
import { cut } from "../kernel/text.ts";
import type { Modal } from "./command.ts";
import { customId } from "./custom-id.ts";
import { LIMITS } from "./limits.ts";

/** What Discord allows in a form. */
const FORM = { components: 5, title: 45, label: 45, description: 100, textChars: 4000 } as const;
/** Longer texts get a field of several lines. */
const SHORT_TEXT = 200;

export type Values = Readonly<Record<string, string>>;
type Inputs = Pick<WorkflowDefinition, "name" | "inputs">;
type Field = Modal["components"][number];

export function pageCount({ inputs }: Inputs): number {
  return Math.ceil(inputs.length / FORM.components);
}

export function pageOf({ inputs }: Inputs, page: number): readonly InputDefinition[] {
  return inputs.slice(page * FORM.components, (page + 1) * FORM.components);
}

/** `6–10 of 12`. */
export function pageName({ inputs }: Inputs, page: number): string {
  const first = page * FORM.components + 1;
  const last = Math.min(inputs.length, first + FORM.components - 1);
  return `${first === last ? first : `${first}–${last}`} of ${inputs.length}`;
}

/** The form for five inputs of a workflow, with what was written before or the defaults. */
export function inputForm(definition: Inputs, page: number, values: Values, subject: string): Modal {
  const part = pageCount(definition) > 1 ? ` (${pageName(definition, page)})` : "";
  return {
    custom_id: customId("inputs", subject),
    title: `${cut(definition.name, FORM.title - part.length)}${part}`,
    components: pageOf(definition, page).map((input) => labelled(input, values)),
  };
}

function labelled(input: InputDefinition, values: Values): Field {
  const description = [input.description, rangeOf(input)].filter(Boolean).join(" · ");
  const given = Object.hasOwn(values, input.name) ? values[input.name] : undefined;
  const usual = input.default === undefined ? "" : String(input.default);
  const value = given ?? (usual.length > FORM.textChars ? "" : usual);
  const choices = choicesOf(input);
  return {
    type: ComponentType.Label,
    label: cut(input.name, FORM.label),
    ...(description ? { description: cut(description, FORM.description) } : {}),
    component: choices ? select(input, choices, value) : textInput(input, value),
  };
}

/** Undefined when it is not chosen from a list, or the list is longer than Discord's. */
function choicesOf(input: InputDefinition): readonly (readonly [value: string, label: string])[] | undefined {
  if (input.type === "boolean") {
    return [
      ["true", "yes"],
      ["false", "no"],
    ];
  }
  const options = input.type === "choice" ? (input.options ?? []) : [];
  const fits = options.length > 0 && options.length <= LIMITS.selectOptions;
  if (!fits || options.some((one) => one.length > LIMITS.choiceChars)) return undefined;
  return options.map((one) => [one, one]);
}

function select(input: InputDefinition, choices: readonly (readonly [string, string])[], value: string) {
  return {
    type: ComponentType.StringSelect as const,
    custom_id: input.name,
    required: input.required,
    min_values: input.required ? 1 : 0,
    max_values: 1,
    placeholder: input.required ? "Choose" : "Choose, or leave it",
    options: choices.map(([one, label]) => ({
      label,
      value: one,
      ...(one === value ? { default: true } : {}),
    })),
  };
}

function textInput(input: InputDefinition, value: string) {
  const allowed = Math.min(input.maxLength ?? FORM.textChars, FORM.textChars);
  // What was written when more was allowed is told to be too long, and never cut.
  const most = Math.max(allowed, value.length);
  const usualChars = String(input.default ?? "").length;
  const isLeftOut = usualChars > FORM.textChars;
  const required = input.required && !isLeftOut;
  const isLong = input.type === "string" && most > SHORT_TEXT;
  const least = required && input.type === "string" ? Math.min(input.minLength ?? 0, most) : 0;
  return {
    type: ComponentType.TextInput as const,
    custom_id: input.name,
    style: isLong ? TextInputStyle.Paragraph : TextInputStyle.Short,
    required,
    ...(isLeftOut ? { placeholder: `Leave it empty for the default of ${usualChars} characters` } : {}),
    max_length: input.type === "string" ? most : FORM.textChars,
    ...(least > 0 ? { min_length: least } : {}),
    ...(value ? { value } : {}),
  };
}

function rangeOf({ type, min, max, options }: InputDefinition): string {
  if (type === "choice") return options && options.length > LIMITS.selectOptions ? options.join(", ") : "";
  if (type !== "number") return "";
  if (min !== undefined && max !== undefined) return `a number from ${min} to ${max}`;
  if (min !== undefined) return `a number from ${min}`;
  return max === undefined ? "a number" : `a number up to ${max}`;
}

/** What was written, without what was left empty and what the workflow does not know (any more). */
export function givenInputs({ inputs }: Inputs, values: Values): Readonly<Record<string, InputValue>> {
  const known = inputs.flatMap(({ name }) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return Object.fromEntries(known);
}
