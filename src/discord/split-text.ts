import { pieces } from "./sanitize.ts";

/** The code that a cut divides: where it begins, and what opens it again. */
type Around = { readonly from: number; readonly opens: string };

const FENCE = "```";

function codeAround(text: string, at: number): Around | undefined {
  let from = 0;
  for (const piece of pieces(text, at)) {
    const to = from + piece.text.length;
    if (at < to) return piece.code && at > from ? { from, opens: opening(piece.text) } : undefined;
    from = to;
  }
  return undefined;
}

/** The backticks of code in a line, or the first line of a fence. */
function opening(code: string): string {
  const ticks = /^`+/.exec(code)?.[0] ?? "";
  if (ticks.length < FENCE.length) return ticks;
  const language = /^`+([A-Za-z0-9_+.#-]{0,20})\s*\n/.exec(code)?.[1] ?? "";
  return `${FENCE}${language}\n`;
}

/** Where to cut within `room`: after a paragraph, a line or a word, in this order, but not too early. */
function cutAt(text: string, room: number): number {
  const window = text.slice(0, room);
  for (const [mark, least] of [
    ["\n\n", 0.5],
    ["\n", 0.3],
    [". ", 0.5],
    [" ", 0.3],
  ] as const) {
    const at = window.lastIndexOf(mark);
    if (at > room * least) return at + (mark === ". " ? 1 : 0);
  }
  const last = text.charCodeAt(room - 1);
  return last >= 0xd800 && last <= 0xdbff ? room - 1 : room;
}

/** Never between two backticks or after a backslash: fewer of them, or what follows alone, mean something else. */
function besideMarks(text: string, at: number): number {
  let from = at;
  while (from > 0 && (text[from - 1] === "\\" || (text[from - 1] === "`" && text[from] === "`"))) from--;
  return from > 0 ? from : at;
}

/** Words from the middle of a line, where they begin a message: still no heading, list, quote or small print. */
function asRunOn(text: string): string {
  return text.trimStart().replace(/^(?=#{1,3}\s|-#|>>>|[>*-]\s)/, "\\");
}

/**
 * Cuts text into parts of at most `most` characters (at least 40), each as harmless to show as the whole: code that a
 * cut falls into is closed in the one part and opened again in the next, since what is words there may be a link or
 * a heading without it. Code in a line stays in one part where it can.
 */
export function splitText(text: string, most: number): readonly string[] {
  return [...partsOf(text, most)];
}

function* partsOf(text: string, most: number): Generator<string> {
  let rest = text.trim();
  let head = "";
  while (rest) {
    if (head.length + rest.length <= most) {
      yield head + rest;
      return;
    }
    const room = most - head.length - `\n${FENCE}`.length;
    const wish = besideMarks(rest, cutAt(rest, room));
    const code = codeAround(head + rest, head.length + wish);
    const isFence = code?.opens.startsWith(FENCE) ?? false;
    const before = code && !isFence ? code.from - head.length : 0;
    const at = before > room * 0.3 ? before : wish;
    const piece = rest.slice(0, at).trimEnd();
    const after = rest.slice(at);
    const isInside = code !== undefined && at === wish;
    const gap = piece.endsWith("`") ? " " : "";
    yield `${head}${piece}${isInside ? (isFence ? `\n${FENCE}` : `${gap}${code.opens}`) : ""}`;
    const isMidLine = !isInside && !/^\s*\n/.test(after);
    rest = isMidLine ? asRunOn(after) : after.replace(/^\n+|^ /, "");
    head = isInside ? `${code.opens}${!isFence && rest.startsWith("`") ? " " : ""}` : "";
  }
}

/** The first part only, with an ellipsis when something was left out. */
export function leadingText(text: string, most: number): { readonly text: string; readonly isCut: boolean } {
  const parts = partsOf(text, most - 2);
  const { value: first = "" } = parts.next();
  return parts.next().done ? { text: first, isCut: false } : { text: `${first}\n…`, isCut: true };
}
