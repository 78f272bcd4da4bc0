import type { JsonObject, TemplateValues } from "./template-types.ts";

/** An expression is put in when the step begins: nothing can be known of it here. */
export const holdsExpression = (text: string) => text.includes("${{");

export function textIn(values: TemplateValues, name: string): string {
  const value = values[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

export function listIn(values: TemplateValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** A number that is known now. */
export function numberIn(values: TemplateValues, name: string): number | undefined {
  const value = values[name];
  return typeof value === "number" ? value : undefined;
}

export const bullets = (items: readonly string[]) => items.map((item) => `- ${item}`).join("\n");

/** `Focus on: a, b.`, or nothing when the list is empty. */
export function sentenceOf(begin: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`${begin} ${items.join(", ")}.`];
}

/** A titled list below a task, or nothing. */
export function titled(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`${title}\n${bullets(items)}`];
}

export const STRING: JsonObject = { type: "string" };
export const CONFIDENCE: JsonObject = { type: "string", enum: ["high", "medium", "low"] };
export const listOf = (items: JsonObject): JsonObject => ({ type: "array", items });

/** Every key is needed and no other may stand there. */
export function objectOf(properties: Readonly<Record<string, JsonObject>>): JsonObject {
  return { type: "object", properties, required: Object.keys(properties), additionalProperties: false };
}

/** One of these words; any text when one of them is not known yet. */
export function oneOf(words: readonly string[]): JsonObject {
  return words.length === 0 || words.some(holdsExpression) ? STRING : { type: "string", enum: words };
}
