import { plainLetters } from "../kernel/text.ts";

/** Words of a document that are indexed; whatever stands behind them is not found by what it says. */
const MOST_WORDS = 1500;
const LONGEST_WORD = 48;
/** Characters of a text that are looked at. */
const MOST_TEXT = 64 * 1024;
/** A search for more would be a copied text; the others are left out. */
const MOST_ASKED = 12;

/** Writing without spaces: each sign is a word of its own. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu;
const WORD = /[\p{L}\p{N}]+/gu;

/**
 * The words of a text as they are indexed and asked for: small letters, without accents, split wherever anything but
 * letters and digits stands. So an id is found by each of its parts.
 */
export function wordsIn(text: string): readonly string[] {
  const plain = plainLetters(text.slice(0, MOST_TEXT));
  const words = plain.replace(UNSPACED, " $& ").match(WORD) ?? [];
  return words.map((word) => word.slice(0, LONGEST_WORD));
}

/** Each word of some texts once, in the order in which they come. */
export function distinctWords(texts: readonly (string | undefined)[]): readonly string[] {
  const words = new Set<string>();
  for (const text of texts) {
    if (text === undefined) continue;
    for (const word of wordsIn(text)) {
      words.add(word);
      if (words.size >= MOST_WORDS) return [...words];
    }
  }
  return [...words];
}

/** What somebody typed: all of `words`, and something that begins with `beginning`, which may not be finished yet. */
export type Asked = { readonly words: readonly string[]; readonly beginning?: string };

/** Nothing that can be typed is wrong: signs between words mean nothing. */
export function askedIn(typed: string): Asked {
  const words = [...new Set(wordsIn(typed))].slice(0, MOST_ASKED);
  const isFinished = /[^\p{L}\p{N}\p{M}]$/u.test(typed);
  const last = isFinished ? undefined : wordsIn(typed).at(-1);
  if (last === undefined || !words.includes(last)) return { words };
  return { words: words.filter((word) => word !== last), beginning: last };
}

/** Where in a text these words stand, as they are written there: pairs of from and to, in order. */
export function marksIn(text: string, { words, beginning }: Asked): readonly (readonly [number, number])[] {
  const wanted = new Set(words);
  const marks: (readonly [number, number])[] = [];
  // A letter and its accents are one word here, whether they are one sign or several.
  for (const match of text.matchAll(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu)) {
    const from = match.index;
    const parts = wordsIn(match[0]);
    const isWhole = parts.some((part) => wanted.has(part));
    const isBegun = beginning !== undefined && parts.some((part) => part.startsWith(beginning));
    if (isWhole || isBegun) marks.push([from, from + match[0].length]);
  }
  return marks;
}
