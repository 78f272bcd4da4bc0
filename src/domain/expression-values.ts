import { data } from "@actions/expressions";

/** Deeper values are refused: nothing that people write or agents hand in needs it. */
const DEEPEST = 50;

/** A plain JSON value as the library's own. Everything that JSON does not have becomes null. */
export function toData(value: unknown, depth = 0): data.ExpressionData {
  if (depth > DEEPEST) throw new Error(`a value is nested more than ${DEEPEST} deep`);
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (Array.isArray(value)) {
    const list = new data.Array();
    for (const item of value) list.add(toData(item, depth + 1));
    return list;
  }
  if (typeof value !== "object" || value === null) return new data.Null();
  const made = dictionary();
  for (const [key, part] of Object.entries(value)) made.add(key, toData(part, depth + 1));
  return made;
}

/** The library looks its keys up in a plain object, where `constructor` is always there already. */
export function dictionary(): data.Dictionary {
  const made = new data.Dictionary();
  Object.setPrototypeOf((made as unknown as { readonly indexMap: object }).indexMap, null);
  return made;
}

/** A value of the library as plain JSON; numbers that JSON does not have become null, and -0 becomes 0. */
export function toPlain(value: data.ExpressionData): unknown {
  switch (value.kind) {
    case data.Kind.String:
    case data.Kind.Boolean:
      return value.value;
    case data.Kind.Number:
      return Number.isFinite(value.value) ? value.value + 0 : null;
    case data.Kind.Array:
      return value.values().map(toPlain);
    case data.Kind.Dictionary:
      return Object.fromEntries(value.pairs().map((pair) => [pair.key, toPlain(pair.value)]));
    case data.Kind.Null:
      return null;
  }
}

/** A plain value as it stands in a text: nothing for null, JSON for lists and maps. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
}

/** What a path leads to in plain values. Keys match in any case, as everywhere in this language; absent = undefined. */
export function follow(value: unknown, keys: readonly string[]): unknown {
  let part = value;
  for (const key of keys) {
    if (typeof part !== "object" || part === null) return undefined;
    if (Array.isArray(part)) {
      const index = Number(key);
      part = key.trim() !== "" && index >= 0 ? (part[Math.floor(index)] as unknown) : undefined;
      continue;
    }
    const wanted = key.toLowerCase();
    const name = Object.hasOwn(part, key)
      ? key
      : Object.keys(part).find((one) => one.toLowerCase() === wanted);
    part = name === undefined ? undefined : (part as Record<string, unknown>)[name];
  }
  return part;
}
