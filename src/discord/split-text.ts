const FENCE = /^\s*(```+)([A-Za-z0-9_+.#-]*)\s*$/;

/** The fence that is open at the end of a text: its opening line, or undefined. */
function openFence(text: string, before: string | undefined): string | undefined {
  let open = before;
  for (const line of text.split("\n")) {
    const match = FENCE.exec(line);
    if (!match) {
      if ((line.split("```").length - 1) % 2 === 1) open = open ? undefined : "```";
      continue;
    }
    open = open ? undefined : `\`\`\`${match[2] ?? ""}`;
  }
  return open;
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

/**
 * Cuts text into parts of at most `most` characters (at least 40). A fence that a cut falls into is closed in the
 * one part and opened again in the next.
 */
export function splitText(text: string, most: number): readonly string[] {
  const parts: string[] = [];
  let rest = text.trim();
  let fence: string | undefined;
  while (rest) {
    const head = fence ? `${fence}\n` : "";
    if (head.length + rest.length <= most) {
      parts.push(head + rest);
      break;
    }
    const at = cutAt(rest, most - head.length - "\n```".length);
    const piece = rest.slice(0, at).trimEnd();
    rest = rest.slice(at).replace(/^\n+|^ /, "");
    const open = openFence(piece, fence);
    parts.push(`${head}${piece}${open ? "\n```" : ""}`);
    fence = open;
  }
  return parts;
}

/** The first part only, with an ellipsis when something was left out. */
export function leadingText(text: string, most: number): { readonly text: string; readonly isCut: boolean } {
  const [first = "", ...more] = splitText(text, most - 2);
  return more.length === 0 ? { text: first, isCut: false } : { text: `${first}\n…`, isCut: true };
}
