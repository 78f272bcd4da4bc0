import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { InputValue } from "../domain/workflow-types.ts";
import { type Problem, Refusal } from "../kernel/refusal.ts";

export type Given = readonly (readonly [name: string, value: string])[];

/** For commander: `key=value`, split at the first `=`; the value may hold anything. */
export function parseInput(text: string, before: Given | undefined): Given {
  const at = text.indexOf("=");
  const name = text.slice(0, at).trim();
  if (at < 0 || name === "")
    throw new InvalidArgumentError('Write name=value, say --input query="CTE of ULE".');
  if (before?.some(([known]) => known === name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return [...(before ?? []), [name, text.slice(at + 1)]];
}

/** What --input and --inputs-file give together; --input wins over the file. */
export function readInputs(
  cwd: string,
  given: Given | undefined,
  file: string | undefined,
): Readonly<Record<string, InputValue>> {
  const fromFile = file === undefined ? [] : entriesOf(file, readJson(cwd, "--inputs-file", file));
  return Object.fromEntries([...fromFile, ...(given ?? [])]);
}

function entriesOf(file: string, value: unknown): readonly (readonly [string, InputValue])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Refusal("invalid_input", `${file} must hold one JSON object: {"name": "value", …}.`);
  const entries = Object.entries(value);
  const problems: Problem[] = entries
    .filter(([, one]) => !isInputValue(one))
    .map(([name]) => ({ path: name, message: "must be text, a number, true or false" }));
  if (problems.length > 0) {
    throw new Refusal("invalid_input", `${file} holds values that no input can have.`, { problems });
  }
  return entries.filter((entry): entry is [string, InputValue] => isInputValue(entry[1]));
}

function isInputValue(value: unknown): value is InputValue {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** A JSON file that a flag names. */
export function readJson(cwd: string, flag: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(cwd, file), "utf8"));
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      cause instanceof SyntaxError ? `is not JSON: ${message}` : `cannot be read (${code ?? "unknown"})`;
    throw new Refusal("invalid_input", `${flag} ${file} ${why}.`, { cause });
  }
}
