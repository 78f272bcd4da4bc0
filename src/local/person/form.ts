import { type Problem, Refusal } from "../../kernel/refusal.ts";
import { childrenOf } from "../check/components.ts";
import { asText, isObject } from "../check/form.ts";
import { isSelect } from "../check/inputs.ts";
import { C } from "../check/kinds.ts";
import type { Component } from "../state/documents.ts";
import { readValues } from "./invoke.ts";

/** The filled-in form as Discord's client submits it; every problem is told at once. `ids` are chosen things. */
export function readForm(
  roots: readonly Component[],
  fields: unknown,
): { components: unknown[]; ids: string[] } {
  const given = isObject(fields) ? fields : {};
  const problems: Problem[] = [];
  const ids: string[] = [];

  const fill = (input: Component): Record<string, unknown> => {
    const customId = asText(input["custom_id"]);
    const path = `fields.${customId}`;
    const base = { type: input.type, id: input["id"] ?? 0, custom_id: customId };
    if (input.type === C.TextInput) {
      const value = asText(given[customId] ?? input["value"]);
      const min = Number(input["min_length"] ?? 0);
      const max = Number(input["max_length"] ?? 4000);
      const isRequired = input["required"] !== false;
      if (isRequired && value === "") problems.push({ path, message: "This field is required." });
      else if (value !== "" && value.length < min)
        problems.push({ path, message: `At least ${min} characters.` });
      else if (value.length > max) problems.push({ path, message: `At most ${max} characters.` });
      return { ...base, value };
    }
    const isOptional = input["required"] === false;
    const values = isSelect(input.type)
      ? choose(input, given[customId] ?? defaultsOf(input), isOptional, path)
      : [];
    if (input.type !== C.StringSelect) ids.push(...values);
    return { ...base, values };
  };

  function choose(select: Component, value: unknown, isOptional: boolean, path: string): string[] {
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    if (isEmpty && isOptional) return [];
    try {
      return readValues(select, value);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      problems.push({ path, message: refusal.message });
      return [];
    }
  }

  const components = roots.map((root) => {
    const base = { type: root.type, id: root["id"] ?? 0 };
    const inner = childrenOf(root);
    if (root.type === C.TextDisplay) return base;
    if (root.type === C.Label) return { ...base, component: inner.map(fill)[0] };
    return { ...base, components: inner.map(fill) };
  });
  const [first] = problems;
  if (first) throw new Refusal("invalid_input", `The form is not complete: ${first.message}`, { problems });
  return { components, ids };
}

/** What the bot chose beforehand, unless the person chooses something else. */
function defaultsOf({ options }: Component): string[] | undefined {
  const chosen = (Array.isArray(options) ? options : []).filter(
    (one) => isObject(one) && one["default"] === true,
  );
  return chosen.length > 0 ? chosen.map((one: Record<string, unknown>) => asText(one["value"])) : undefined;
}
