import { digestOf } from "../kernel/id.ts";
import type { Problem } from "../kernel/refusal.ts";
import { cut, oneLine } from "../kernel/text.ts";

/** Deeper documents are refused: JSON.parse reads them, JSON.stringify overflows on them. */
export const MAX_DEPTH = 64;
/** At most so many problems are told at once. */
const MAX_PROBLEMS = 50;

const POISONED = new Set(["__proto__", "constructor", "prototype"]);

export type ParsedHandoff =
  | { readonly state: "whole"; readonly document: Record<string, unknown> }
  /** It does not parse, which may mean that it is still being written. */
  | { readonly state: "incomplete"; readonly problem: Problem }
  /** It parses and can never become right by more bytes. */
  | { readonly state: "refused"; readonly problems: readonly Problem[] };

/** SHA-256 of the text without the white space around it: a line feed written a moment later changes nothing. */
export function handoffDigest(text: string): string {
  return digestOf(text.trim());
}

/**
 * Reads the text of a handoff. Only objects count: no proper prefix of one parses, so a whole one is a finished one.
 * JSON.parse keeps the last of two equal keys without a word; here they are a problem.
 */
export function parseHandoffText(text: string): ParsedHandoff {
  const body = text.trim();
  if (body === "") return { state: "incomplete", problem: { path: "", message: "the file is empty" } };
  if (!body.startsWith("{")) {
    return {
      state: "incomplete",
      problem: { path: "", message: "must be one JSON object and begin with {" },
    };
  }
  if (!body.endsWith("}")) {
    return {
      state: "incomplete",
      problem: { path: "", message: "is not whole: the closing brace is missing" },
    };
  }
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(body) as Record<string, unknown>;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { state: "incomplete", problem: { path: "", message: `is not JSON: ${reason.slice(0, 160)}` } };
  }
  const problems = duplicateKeys(body);
  return problems.length > 0 ? { state: "refused", problems } : { state: "whole", document };
}

/** One open object or array of the text that is being read. */
type Frame = { readonly keys: Set<string> | undefined; at: string | number };

/** Equal keys of one object, each with its path. `text` must parse; linear in its length. */
function duplicateKeys(text: string): readonly Problem[] {
  const problems: Problem[] = [];
  const frames: Frame[] = [];
  let isKeyNext = false;
  for (let i = 0; i < text.length && problems.length < MAX_PROBLEMS; i++) {
    const frame = frames.at(-1);
    switch (text.charCodeAt(i)) {
      case 0x7b: // {
        frames.push({ keys: new Set(), at: "" });
        isKeyNext = true;
        break;
      case 0x5b: // [
        frames.push({ keys: undefined, at: 0 });
        isKeyNext = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        frames.pop();
        isKeyNext = false;
        break;
      case 0x2c: // ,
        if (frame?.keys) isKeyNext = true;
        else if (frame) frame.at = Number(frame.at) + 1;
        break;
      case 0x22: {
        const end = endOfString(text, i);
        if (isKeyNext && frame?.keys) {
          const raw = text.slice(i, end + 1);
          const key = raw.includes("\\") ? String(JSON.parse(raw)) : raw.slice(1, -1);
          frame.at = key;
          if (frame.keys.has(key)) {
            problems.push({ path: pathOf(frames), message: "is written twice; say it once" });
          }
          frame.keys.add(key);
          isKeyNext = false;
        }
        i = end;
        break;
      }
    }
  }
  return problems;
}

/** By searching: most strings are long, and hold no quotes that are escaped. */
function endOfString(text: string, start: number): number {
  for (let from = start + 1; ; ) {
    const end = text.indexOf('"', from);
    if (end === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
    from = end + 1;
  }
}

function pathOf(frames: readonly Frame[]): string {
  const path = frames.slice(0, MAX_DEPTH).map((frame) => shortKey(String(frame.at)));
  return cut(path.join("."), 200);
}

function shortKey(key: string): string {
  return oneLine(key, 40);
}

/** What makes a parsed value dangerous to carry on: depth and keys that reach into prototypes. Never recurses. */
export function structureOf(document: unknown): {
  readonly problems: readonly Problem[];
  readonly isTooDeep: boolean;
} {
  const problems: Problem[] = [];
  let isTooDeep = false;
  const open: { value: unknown; path: string; depth: number }[] = [{ value: document, path: "", depth: 0 }];
  for (
    let next = open.pop();
    next !== undefined && problems.length < MAX_PROBLEMS && !isTooDeep;
    next = open.pop()
  ) {
    const { value, path, depth } = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth >= MAX_DEPTH) {
      isTooDeep = true;
      problems.push({ path: cut(path, 200), message: `is nested deeper than ${MAX_DEPTH} levels` });
      continue;
    }
    const isArray = Array.isArray(value);
    for (const [key, part] of Object.entries(value)) {
      const place = path === "" ? shortKey(key) : `${path}.${shortKey(key)}`;
      if (!isArray && POISONED.has(key)) {
        problems.push({ path: cut(place, 200), message: "is not allowed as a key; use another name" });
      } else if (typeof part === "object" && part !== null) {
        open.push({ value: part, path: place, depth: depth + 1 });
      }
    }
  }
  return { problems, isTooDeep };
}
