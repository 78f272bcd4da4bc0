import type { Payload } from "./payload.ts";

/** Discord's limits that a message can break. The builders check parts, never totals. */
export const LIMITS = {
  contentChars: 2000,
  textChars: 4000,
  components: 40,
  rowButtons: 5,
  customIdChars: 100,
  labelChars: 80,
  selectOptions: 25,
  choices: 25,
  choiceChars: 100,
  files: 10,
  fileBytes: 10 * 1024 * 1024,
  requestBytes: 25 * 1024 * 1024,
} as const;

type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}

/** Every component, nested ones included, depth first. */
function nodesOf(value: unknown): readonly Node[] {
  if (Array.isArray(value)) return value.flatMap(nodesOf);
  if (!isNode(value)) return [];
  return [value, ...nodesOf(value["components"] ?? []), ...nodesOf(value["accessory"] ?? [])];
}

function lengthOf(value: unknown): number {
  return typeof value === "string" ? value.length : 0;
}

/** Why Discord would refuse this message; empty when it would not. Sizes counted in UTF-16 units, the stricter way. */
export function limitProblems(payload: Payload): readonly string[] {
  const problems: string[] = [];
  const check = (what: string, is: number, most: number) => {
    if (is > most) problems.push(`${what}: ${is}, at most ${most}`);
  };
  const nodes = nodesOf(payload.components ?? []);
  const labels = (node: Node) => lengthOf(node["label"]) + lengthOf(node["placeholder"]);
  check("content", lengthOf(payload.content), LIMITS.contentChars);
  check("components", nodes.length, LIMITS.components);
  check(
    "text",
    nodes.reduce((sum, node) => sum + lengthOf(node["content"]) + labels(node), 0),
    LIMITS.textChars,
  );
  const seen = new Set<unknown>();
  for (const node of nodes) {
    const { custom_id: id, components, label, options } = node;
    if (node["type"] === 10 && lengthOf(node["content"]) === 0) problems.push("a text is empty");
    if (node["type"] === 1 && Array.isArray(components)) check("row", components.length, LIMITS.rowButtons);
    check("custom id", lengthOf(id), LIMITS.customIdChars);
    check("label", lengthOf(label), LIMITS.labelChars);
    if (Array.isArray(options)) check("options", options.length, LIMITS.selectOptions);
    if (typeof id !== "string") continue;
    if (seen.has(id)) problems.push(`custom id ${id} is used twice`);
    seen.add(id);
  }
  const sizes = payload.files.map(({ bytes }) => bytes.byteLength);
  check("files", sizes.length, LIMITS.files);
  check("file bytes", Math.max(0, ...sizes), LIMITS.fileBytes);
  check(
    "request bytes",
    sizes.reduce((sum, size) => sum + size, 0),
    LIMITS.requestBytes,
  );
  const isEmpty = !payload.content && nodes.length === 0 && sizes.length === 0;
  return isEmpty ? [...problems, "the message is empty"] : problems;
}
