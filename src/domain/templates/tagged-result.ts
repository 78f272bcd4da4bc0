/** What an agent's answer holds. `failed` = it says itself that it could not do it. */
export type TaggedResult =
  | { readonly kind: "result"; readonly text: string; readonly value: unknown }
  | { readonly kind: "failed"; readonly reason: string }
  | { readonly kind: "malformed"; readonly message: string };

const OPEN = "<result>";
const CLOSE = "</result>";
/** So many opening tags before the last closing one are tried: an answer that repeats them costs no more. */
const MOST_TRIED = 50;

/** The JSON of the last `<result>` block of an answer. Without the tags it is malformed. */
export function parseTaggedResult(answer: string): TaggedResult {
  const text = readResultBlock(answer);
  if (text === undefined)
    return { kind: "malformed", message: `there is no finished ${OPEN} block in the answer` };
  const inside = /^```(?:json)?\s*\n([\s\S]*?)\n\s*```$/.exec(text)?.[1] ?? text;
  let value: unknown;
  try {
    value = JSON.parse(inside);
  } catch (error) {
    return { kind: "malformed", message: `the ${OPEN} block is not JSON: ${(error as Error).message}` };
  }
  const reason = failureIn(value);
  return reason === undefined ? { kind: "result", text: inside, value } : { kind: "failed", reason };
}

/** The reason in `{"status":"error","reason":"…"}`; undefined for everything else. */
export function failureIn(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { status, reason, ...more } = value as Readonly<Record<string, unknown>>;
  const isFailure = status === "error" && typeof reason === "string" && Object.keys(more).length === 0;
  return isFailure ? reason.trim() || "no reason was given" : undefined;
}

/**
 * What stands in the last `<result>` block. Tags inside of the text do not end it: the block is what is JSON as a whole,
 * else what the tags enclose when they are counted. Undefined when there is none, or the last one is not finished.
 */
export function readResultBlock(answer: string): string | undefined {
  const end = answer.lastIndexOf(CLOSE);
  if (end < 0 || beginsAgain(answer.slice(end + CLOSE.length))) return undefined;
  let start = answer.lastIndexOf(OPEN, end);
  const nearest = start;
  for (let tried = 0; start >= 0 && tried < MOST_TRIED; tried++) {
    const inside = answer.slice(start + OPEN.length, end).trim();
    if (isJson(inside)) return inside;
    start = start === 0 ? -1 : answer.lastIndexOf(OPEN, start - 1);
  }
  if (nearest < 0) return undefined;
  return answer.slice(balanced(answer, end) + OPEN.length, end).trim();
}

/** A block that was begun behind the last finished one and cut off. */
function beginsAgain(rest: string): boolean {
  return /^[ \t]*<result>[ \t]*\r?$/m.test(rest);
}

function isJson(text: string): boolean {
  if (!/^(?:[[{"\d-]|true|false|null|```)/.test(text)) return false;
  try {
    JSON.parse(/^```(?:json)?\s*\n([\s\S]*?)\n\s*```$/.exec(text)?.[1] ?? text);
    return true;
  } catch {
    return false;
  }
}

/** Where the tag stands that the closing one at `end` belongs to; the nearest when they do not match up. */
function balanced(answer: string, end: number): number {
  let open = 0;
  for (const { 0: tag, index } of [
    ...answer.slice(0, end + CLOSE.length).matchAll(/<\/?result>/g),
  ].toReversed()) {
    open += tag === CLOSE ? 1 : -1;
    if (open === 0) return index;
  }
  return answer.lastIndexOf(OPEN, end);
}
