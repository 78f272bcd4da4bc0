import { h } from "./node.js";

const INLINE = /\*\*(?<strong>[^*\n]+)\*\*|`(?<code>[^`\n]+)`/g;

/**
 * Text that others wrote, with what is usual in it: **bold**, `code`, and headings. Everything stays text; lines and
 * lists stay as they were written.
 */
export function rich(text) {
  const lines = text.split("\n");
  return lines.map((line, at) => {
    const [, heading] = /^#{1,6}\s+(.+)$/.exec(line) ?? [];
    const end = at < lines.length - 1 ? "\n" : "";
    if (heading !== undefined) return [h("strong", { class: "rich-heading" }, inline(heading)), end];
    return [inline(line.replace(/^(\s*)[-*] (?=\S)/, "$1• ")), end];
  });
}

/** The same within one line. */
export function inline(line) {
  const parts = [];
  let at = 0;
  for (const { index, 0: whole, groups } of line.matchAll(INLINE)) {
    parts.push(line.slice(at, index));
    parts.push(groups.strong === undefined ? h("code", {}, groups.code) : h("strong", {}, groups.strong));
    at = index + whole.length;
  }
  return [...parts, line.slice(at)];
}

/** A part of such a line, without the signs that make words bold or code. */
export function bare(line, from, end) {
  const signs = [...line.matchAll(INLINE)].flatMap(({ index, 0: whole, groups }) => {
    const size = groups.strong === undefined ? 1 : 2;
    return [
      [index, index + size],
      [index + whole.length - size, index + whole.length],
    ];
  });
  const isSign = (at) => signs.some(([first, last]) => at >= first && at < last);
  return Array.from({ length: end - from }, (_, n) => from + n)
    .filter((at) => !isSign(at))
    .map((at) => line[at])
    .join("");
}
