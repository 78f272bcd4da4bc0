import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { hitOf, type Searched, wordsOf } from "../../src/domain/search.ts";
import { askedIn, distinctWords, marksIn, wordsIn } from "../../src/domain/search-words.ts";

const searched = (more: Partial<Searched> = {}): Searched => ({
  kind: "delegation",
  id: "orch-1m7y0abc",
  status: "succeeded",
  agent: "webster",
  title: "Find the CTE of Zerodur",
  askedAt: 5,
  texts: ["Find the CTE of Zerodur", "0.02 ppm/K, Schott data sheet"],
  names: ["webster"],
  ...more,
});
const marked = (text: string, typed: string) =>
  marksIn(text, askedIn(typed)).map(([from, to]) => text.slice(from, to));

test("words are small letters without accents, split at every other sign", () => {
  assert.deepEqual(wordsIn("Ångström: α-SiC, x² & 20–40 °C"), [
    "angstrom",
    "α",
    "sic",
    "x2",
    "20",
    "40",
    "c",
  ]);
  assert.deepEqual(wordsIn("wf-design_review.step~2"), ["wf", "design", "review", "step", "2"]);
  assert.deepEqual(wordsIn("鏡の熱"), ["鏡", "の", "熱"]);
  assert.deepEqual(wordsIn("!?…"), []);
});

test("the last word may be a beginning, unless something stands behind it", () => {
  assert.deepEqual(askedIn("Zerodur ct"), { words: ["zerodur"], beginning: "ct" });
  assert.deepEqual(askedIn("zerodur cte "), { words: ["zerodur", "cte"] });
  assert.deepEqual(askedIn('"zerodur cte"'), { words: ["zerodur", "cte"] });
  assert.deepEqual(askedIn("orch-1m7y"), { words: ["orch"], beginning: "1m7y" });
  assert.deepEqual(askedIn("cte cte"), { words: [], beginning: "cte" });
  assert.deepEqual(askedIn("  "), { words: [] });
});

test("a copied text asks for its first words only, and has no beginning that was left out", () => {
  const { words, beginning } = askedIn(Array.from({ length: 100 }, (_, i) => `w${i}`).join(" "));
  assert.deepEqual([words.length, beginning], [12, undefined]);
});

test("whatever is typed is a question, and asks for words alone", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (typed) => {
      const { words, beginning } = askedIn(typed);
      for (const word of [...words, ...(beginning === undefined ? [] : [beginning])])
        assert.match(word, /^[\p{L}\p{N}]+$/u);
    }),
  );
});

test("every word of a text is found in it again", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const known = new Set(distinctWords([text]));
      for (const word of askedIn(`${text} `).words) assert.ok(known.has(word), word);
    }),
  );
});

test("what was found is marked as it is written", () => {
  assert.deepEqual(marked("The CTE of Zerodur®", "zero"), ["Zerodur"]);
  assert.deepEqual(marked("Ångström, Cafe\u0301", "angstrom cafe "), ["Ångström", "Cafe\u0301"]);
  assert.deepEqual(marked("cost", "cos t"), []);
  assert.deepEqual(marked("a b", ""), []);
});

test("something is found by its id, its names, and all that was said", () => {
  const words = wordsOf(searched());
  for (const word of ["orch", "1m7y0abc", "webster", "zerodur", "schott", "02"])
    assert.ok(words.includes(word), word);
  assert.equal(new Set(words).size, words.length);
});

test("a huge result is found by its beginning, and costs no more than that", () => {
  const huge = Array.from({ length: 100_000 }, (_, i) => `n${i}`).join(" ");
  const words = wordsOf(searched({ texts: [huge] }));
  assert.equal(words.length, 1500);
  assert.ok(words.includes("n7"));
});

test("an excerpt shows where a word stands; without one, how it ended", () => {
  const hit = hitOf(searched(), askedIn("schott"));
  assert.equal(hit.excerpt, "0.02 ppm/K, Schott data sheet");
  assert.deepEqual(hit.marks, [[12, 18]]);
  assert.equal(hitOf(searched(), askedIn("webster")).excerpt, "0.02 ppm/K, Schott data sheet");
  const long = `${"filler ".repeat(200)}needle ${"more ".repeat(200)}`;
  const far = hitOf(searched({ texts: [long] }), askedIn("needle"));
  assert.ok(far.excerpt.length <= 240 && far.excerpt.startsWith("…"));
  assert.deepEqual(
    far.marks.map(([from, to]) => far.excerpt.slice(from, to)),
    ["needle"],
  );
});

test("excerpts are one line, whatever an agent wrote", () => {
  const hit = hitOf(
    searched({ title: "a\u001b[31m\nb", texts: ["x\n\n<b>y</b>\u0007 needle"] }),
    askedIn("needle"),
  );
  assert.doesNotMatch(hit.title + hit.excerpt, /[\u0000-\u001f]/);
  assert.match(hit.excerpt, /<b>y<\/b>/);
});
