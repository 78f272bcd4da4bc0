import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  visit,
  type YAMLMap,
  YAMLParseError,
} from "yaml";
import type { ConfigProblem } from "../domain/config.ts";

const MAX_YAML_BYTES = 1024 * 1024;
const KIB = 1024;
/** The parser's open constructs; our deepest file needs about ten. */
const MAX_DEPTH = 60;
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

type Path = readonly PropertyKey[];
export type Place = { readonly line?: number; readonly column?: number };

/** A parsed file that still knows where everything stands. */
export type YamlSource = {
  readonly file: string;
  readonly value: unknown;
  /** Where a value stands, or with "key" the word that names it; the nearest parent when it is not there. */
  readonly placeOf: (path: Path, part?: "key" | "value") => Place;
};

export type YamlResult =
  | { readonly kind: "parsed"; readonly source: YamlSource; readonly text: string }
  | { readonly kind: "missing" }
  | { readonly kind: "bad"; readonly problems: readonly ConfigProblem[] };

/** Reads and parses one file. Never throws for what the file holds or for a file that cannot be read. */
export function readYaml(file: string, maxBytes = MAX_YAML_BYTES): YamlResult {
  let bytes: Buffer;
  try {
    bytes = readCapped(file, maxBytes);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    const message = code ? `cannot be read (${code})` : (cause as Error).message;
    return { kind: "bad", problems: [{ file, path: "", message }] };
  }
  try {
    return parseYaml(file, new TextDecoder("utf-8", { fatal: true }).decode(bytes), maxBytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    return { kind: "bad", problems: [{ file, path: "", message: "is not UTF-8 text" }] };
  }
}

function readCapped(file: string, maxBytes: number): Buffer {
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error("is not a regular file");
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    if (length > maxBytes) throw new Error(tooLarge(maxBytes));
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function tooLarge(maxBytes: number): string {
  return `is larger than ${maxBytes / KIB / KIB} MiB`;
}

export function parseYaml(file: string, text: string, maxBytes = MAX_YAML_BYTES): YamlResult {
  const counter = new LineCounter();
  if (Buffer.byteLength(text) > maxBytes) return bad(file, counter, [[undefined, tooLarge(maxBytes)]]);
  const document = composed(text, counter);
  if (!document) return bad(file, counter, [[undefined, "is nested too deeply"]]);
  const found: [number | undefined, string][] = [...document.errors, ...document.warnings].map((error) => [
    error.pos[0],
    spoken(error.code, error.message),
  ]);
  visit(document, (_, node) => {
    if (isAlias(node))
      found.push([node.range?.[0], "aliases (*name) are not read here: write the value out"]);
    if (isMap(node)) for (const offset of repeatedKeys(node)) found.push([offset, "this key is here twice"]);
    if (isPair(node) && isScalar(node.key) && FORBIDDEN_KEYS.has(String(node.key.value))) {
      found.push([node.key.range?.[0], `the key ${String(node.key.value)} is not allowed`]);
    }
    // An id of 17 digits and more loses its end as a number: without quotes it is still meant as text.
    if (isScalar(node) && typeof node.value === "number" && !Number.isSafeInteger(node.value)) {
      if (node.source !== undefined && /^\d+$/.test(node.source)) node.value = node.source;
    }
  });
  if (found.length > 0) return bad(file, counter, found);
  const value: unknown = document.toJS({ maxAliasCount: 0 }) ?? {};
  return {
    kind: "parsed",
    source: { file, value, placeOf: (path, part = "value") => placeOf(document, counter, path, part) },
    text,
  };
}

const TOO_DEEP = new Error("nested too deeply");

/** The depth is watched while the text is read: before the composer, which calls itself, sees any of it. */
function* tokensOf(text: string, counter: LineCounter): Generator<CST.Token> {
  const parser = new Parser(counter.addNewLine);
  counter.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > MAX_DEPTH) throw TOO_DEEP;
  }
  yield* parser.end();
}

/** The first document of a text; undefined when it is nested too deeply. */
function composed(text: string, counter: LineCounter): Document.Parsed | undefined {
  const composer = new Composer({
    version: "1.2",
    lineCounter: counter,
    prettyErrors: false,
    // Looked at below: the library compares every key with every other one.
    uniqueKeys: false,
    stringKeys: true,
  });
  let document: Document.Parsed | undefined;
  try {
    for (const next of composer.compose(tokensOf(text, counter), true, text.length)) {
      if (document) {
        document.errors.push(
          new YAMLParseError(next.range.slice(0, 2) as [number, number], "MULTIPLE_DOCS", ""),
        );
        break;
      }
      document = next;
    }
  } catch (cause) {
    if (cause !== TOO_DEEP) throw cause;
    return undefined;
  }
  return document;
}

function repeatedKeys(map: YAMLMap): readonly number[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const word = String(key.value);
    if (!seen.has(word)) {
      seen.add(word);
      return [];
    }
    return [key.range?.[0] ?? 0];
  });
}

function spoken(code: string, message: string): string {
  if (code === "TAG_RESOLVE_FAILED") return "tags (!name) are not read here";
  if (code === "MULTIPLE_DOCS") return "one file holds one document: take the second --- away";
  return message;
}

function bad(file: string, counter: LineCounter, found: readonly [number | undefined, string][]): YamlResult {
  const problems = found.map(([offset, message]) => ({ file, ...place(counter, offset), path: "", message }));
  return { kind: "bad", problems };
}

function place(counter: LineCounter, offset: number | undefined): Place {
  if (offset === undefined) return {};
  const { line, col } = counter.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function placeOf(document: Document, counter: LineCounter, path: Path, part: "key" | "value"): Place {
  let node: unknown = document.contents;
  let best = offsetOf(node);
  for (const [depth, step] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (!pair) break;
      node = pair.value;
      best = (isLast && part === "value" ? offsetOf(node) : undefined) ?? offsetOf(pair.key) ?? best;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      best = offsetOf(node) ?? best;
    } else break;
  }
  return place(counter, best);
}

function offsetOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0];
}
