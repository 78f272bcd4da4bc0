/** The same value with every string inside it rewritten. */
export function mapStrings<T>(value: T, rewrite: (text: string) => string): T {
  if (typeof value === "string") return rewrite(value) as T;
  if (Array.isArray(value)) return value.map((part: unknown) => mapStrings(part, rewrite)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [key, mapStrings(part as unknown, rewrite)]),
  ) as T;
}
