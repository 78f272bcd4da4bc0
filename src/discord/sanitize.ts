/**
 * Text of agents and strangers on its way into a message: it may be formatted, but it may not ping, hide an
 * address behind words, break the layout, imitate our footers, or be something else than it looks.
 */

const FENCE = "```";
const MOST_LOOKS = 8;
const ZERO_WIDTH = "\u200b";
// Control characters except tab and line feed, and the marks that turn the direction of text.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Line breaks as \n, nothing invisible, at most one empty line in a row. */
export function plain(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(INVISIBLE, "")
    .replace(/[ \t]+$/gm, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/** Mass mentions and invitations, in code as well: they are shown as words. */
function defuse(text: string): string {
  return text
    .replace(/@(everyone|here)/gi, `@${ZERO_WIDTH}$1`)
    .replace(
      /\b(discord(?:app)?)\.(gg|com\/invite)\/(?=\S)/gi,
      (_, host: string, rest: string) => `${host}[.]${rest}/`,
    );
}

function line(text: string): string {
  const heading = /^((?:\s*(?:>|[-*]|\d+\.)\s+)*\s*)#{1,3}\s+(.+)$/.exec(text);
  if (heading) return `${heading[1] ?? ""}**${(heading[2] ?? "").replaceAll("**", "")}**`;
  return text.replace(/^(\s*(?:>\s+)?)(-#|>>>)/, "$1\\$2");
}

/** Outside code: headings become bold, small print and endless quotes are escaped, masked links show their address. */
function prose(text: string): string {
  return text
    .split("\n")
    .map((part) => line(part))
    .join("\n")
    .replaceAll("](", "] (");
}

export type Piece = { readonly code: boolean; readonly text: string };

/**
 * Splits at code that Discord would show as code: fenced, or in one line between equal runs of backticks. Code that
 * begins at `until` or later is not looked for.
 */
export function* pieces(text: string, until = text.length): Generator<Piece> {
  let at = 0;
  let from = 0;
  while (at < until) {
    const char = text[at];
    if (char === "\\") {
      at += 2;
      continue;
    }
    if (char !== "`") {
      at++;
      continue;
    }
    const run = /^`+/.exec(text.slice(at))?.[0] ?? "`";
    const fenced = run.length >= FENCE.length;
    const close = text.indexOf(fenced ? FENCE : run, at + run.length);
    const inside = close < 0 ? "" : text.slice(at + run.length, close);
    const closes = close >= 0 && (fenced || (!inside.includes("\n\n") && text[close + run.length] !== "`"));
    if (!closes) {
      at += run.length;
      continue;
    }
    if (at > from) yield { code: false, text: text.slice(from, at) };
    from = close + (fenced ? FENCE.length : run.length);
    yield { code: true, text: text.slice(at, from) };
    at = from;
  }
  if (from < text.length) yield { code: false, text: text.slice(from) };
}

/** Untrusted text as formatted text. A fence that was left open is closed. */
export function asMarkdown(text: string): string {
  let shown = marked(text);
  if (!shown.includes("`")) return shown;
  // What was changed may have moved backticks, and with them what is code: then it is looked at anew.
  for (let again = marked(shown), looks = 1; again !== shown && looks < MOST_LOOKS; looks++) {
    shown = again;
    again = marked(shown);
  }
  return shown;
}

function marked(text: string): string {
  const clean = plain(text);
  const fences = clean.split(FENCE).length - 1;
  const closed = fences % 2 === 0 ? clean : `${clean}\n${FENCE}`;
  return defuse([...pieces(closed)].map((piece) => (piece.code ? piece.text : prose(piece.text))).join(""));
}

/** Untrusted text as one line without any formatting of its own. */
export function asLine(text: string): string {
  const words = plain(text).replace(/\s+/g, " ");
  return defuse(
    words
      .replace(/[\\*_~`|[\]<>]/g, "\\$&")
      .replace(/^(#{1,3}|-#|-)(?=\s|$)/, "\\$1")
      .replace(/^(\d+)\.(?=\s)/, "$1\\."),
  );
}

/** Untrusted text for the inside of a fence of ours. */
export function inFence(text: string): string {
  return defuse(plain(text).replaceAll(FENCE, "~~~"));
}

/** A path or an id between backticks, on one line. */
export function asCode(text: string): string {
  return `\`${defuse(plain(text).replace(/\s+/g, " ").replaceAll("`", "'")) || " "}\``;
}
