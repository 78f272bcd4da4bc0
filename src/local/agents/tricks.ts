import { parseDuration } from "../../kernel/time.ts";

const LONGEST_MS = 3_600_000;
const LONGEST_CHARS = 900_000;

/** What the words in square brackets ask a sample agent to do instead of its best. */
export type Tricks = {
  readonly slowMs?: number;
  readonly longChars?: number;
  readonly fail?: "always" | "once";
  readonly words: ReadonlySet<string>;
};

const PLAIN = [
  "blocked",
  "partial",
  "bad json",
  "wrong run",
  "truncated",
  "silent",
  "twice",
  "artifact",
  "busy",
] as const;
export type PlainTrick = (typeof PLAIN)[number];

/** Reads the words and gives the text without them. Case and inner spaces do not matter; unknown words stay. */
export function tricksIn(text: string): { readonly tricks: Tricks; readonly rest: string } {
  const words = new Set<string>();
  let slowMs: number | undefined;
  let longChars: number | undefined;
  let fail: Tricks["fail"];
  const rest = text.replace(/\[([a-z][a-z0-9. ]{2,24})\]/gi, (whole, inner: string) => {
    const word = inner.trim().toLowerCase().replace(/\s+/g, " ");
    const [name, amount] = word.split(" ");
    if (PLAIN.includes(word as PlainTrick)) words.add(word);
    else if (word === "fail") fail ??= "always";
    else if (word === "fail once") fail = "once";
    else if (name === "slow" && amount !== undefined && parseDuration(amount) !== undefined) {
      slowMs = Math.min(parseDuration(amount) ?? 0, LONGEST_MS);
    } else if (name === "long" && /^\d+$/.test(amount ?? ""))
      longChars = Math.min(Number(amount), LONGEST_CHARS);
    else return whole;
    return "";
  });
  return {
    tricks: {
      words,
      ...(slowMs === undefined ? {} : { slowMs }),
      ...(longChars === undefined ? {} : { longChars }),
      ...(fail === undefined ? {} : { fail }),
    },
    rest: rest.replace(/[ \t]{2,}/g, " ").trim(),
  };
}
