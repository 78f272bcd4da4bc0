import type { InputDefinition, InputValue } from "./workflow-types.ts";

export type ReadInput =
  | { readonly ok: true; readonly value: InputValue }
  | { readonly ok: false; readonly message: string };

const TRUTH: Readonly<Record<string, boolean>> = { true: true, yes: true, false: false, no: false };

const bad = (message: string): ReadInput => ({ ok: false, message });
const good = (value: InputValue): ReadInput => ({ ok: true, value });

/** A value as its input wants it: text of command lines and forms is read by the type, and ranges are checked. */
export function readInput(definition: InputDefinition, given: InputValue): ReadInput {
  switch (definition.type) {
    case "string":
      return readText(definition, String(given));
    case "number":
      return readNumber(definition, given);
    case "boolean": {
      if (typeof given === "boolean") return good(given);
      const truth = TRUTH[String(given).trim().toLowerCase()];
      return truth === undefined ? bad("must be true or false") : good(truth);
    }
    case "choice": {
      const options = definition.options ?? [];
      const word = String(given).trim();
      const found = options.find((one) => one === word) ?? options.find((one) => isSame(one, word));
      return found === undefined ? bad(`must be one of ${options.join(", ")}`) : good(found);
    }
  }
}

function readText({ minLength, maxLength }: InputDefinition, text: string): ReadInput {
  if (maxLength !== undefined && text.length > maxLength)
    return bad(`has ${text.length} characters; at most ${maxLength} are allowed`);
  if (minLength !== undefined && text.length < minLength)
    return bad(`has ${text.length} characters; at least ${minLength} are needed`);
  return good(text);
}

function readNumber({ min, max }: InputDefinition, given: InputValue): ReadInput {
  const text = String(given).trim();
  const number = typeof given === "boolean" || text === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(number)) return bad("must be a number");
  if (min !== undefined && number < min) return bad(`must be at least ${min}`);
  if (max !== undefined && number > max) return bad(`must be at most ${max}`);
  return good(number);
}

const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
