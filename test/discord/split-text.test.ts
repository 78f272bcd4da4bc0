import assert from "node:assert/strict";
import test from "node:test";
import * as fc from "fast-check";
import { asMarkdown } from "../../src/discord/sanitize.ts";
import { leadingText, splitText } from "../../src/discord/split-text.ts";

test("short text stays whole", () => {
  assert.deepEqual(splitText("hello", 100), ["hello"]);
  assert.deepEqual(leadingText("hello", 100), { text: "hello", isCut: false });
});

test("a cut prefers the end of a paragraph, then of a line, then of a word", () => {
  const paragraphs = `${"a".repeat(60)}\n\n${"b".repeat(60)}`;
  assert.deepEqual(splitText(paragraphs, 100), ["a".repeat(60), "b".repeat(60)]);
  const words = "word ".repeat(40).trim();
  for (const part of splitText(words, 50)) assert.match(part, /^(word ?)+$/);
});

test("a cut after a sentence leaves its full stop in the part before, and none is made too early", () => {
  const a = "a".repeat(27);
  assert.deepEqual(splitText(`${a}. ${"b".repeat(30)}`, 54), [`${a}.`, "b".repeat(30)]);
  const [first] = splitText(`${"a".repeat(20)} ${"b".repeat(60)}`, 54);
  assert.equal(first, "a".repeat(20), "a word in the first third is no place to cut, one after it is");
  const [early] = splitText(`a ${"b".repeat(60)}`, 54);
  assert.equal(early, `a ${"b".repeat(48)}`);
});

test("a fence may be indented, and its language may have signs", () => {
  const code = Array.from({ length: 10 }, (_, n) => `  line ${n};`).join("\n");
  const [, second] = splitText(`List:\n  \`\`\`c++\n${code}\n  \`\`\``, 80);
  assert.match(second ?? "", /^```c\+\+\n/);
});

test("a fence that a cut falls into is closed in the one part and opened again in the next, with its language", () => {
  const code = Array.from({ length: 60 }, (_, n) => `const line${n} = ${n};`).join("\n");
  const parts = splitText(`Here it is:\n\`\`\`ts\n${code}\n\`\`\`\nThat was it.`, 400);
  assert.ok(parts.length > 2);
  for (const part of parts) assert.equal((part.split("```").length - 1) % 2, 0, part);
  for (const part of parts.slice(1, -1)) assert.ok(part.startsWith("```ts\n"));
  const lines = parts.join("\n").match(/const line\d+ = \d+;/g);
  assert.equal(lines?.length, 60);
});

test("no part is longer than allowed, and every word arrives in order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z0-9]{1,30}$/), { maxLength: 200 }),
      fc.array(fc.constantFrom(" ", "\n", "\n\n", ". "), { minLength: 1, maxLength: 5 }),
      (words, gaps) => {
        const text = words.map((word, n) => word + (gaps[n % gaps.length] ?? " ")).join("");
        const parts = splitText(text, 80);
        assert.ok(parts.every((part) => part.length <= 80));
        const letters = (some: string) => some.replace(/[^a-z0-9]/g, "");
        assert.equal(letters(parts.join(" ")), letters(text));
      },
    ),
  );
});

test("no part is longer than allowed with fences either, and what leads a text has room for its ellipsis", () => {
  const line = fc.constantFrom("```ts", "```", "a word", "x".repeat(70), "two `ticks` here. And more");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), fc.integer({ min: 40, max: 90 }), (lines, most) => {
      const text = lines.join("\n");
      for (const part of splitText(text, most)) assert.ok(part.length <= most, JSON.stringify(part));
      assert.ok(leadingText(text, most).text.length <= most);
    }),
  );
  const exact = "x".repeat(80);
  assert.deepEqual(splitText(` ${exact}\n`, 80), [exact]);
  assert.deepEqual(splitText(`${exact}y`, 80), ["x".repeat(76), "xxxxy"]);
});

test("a pair of halves is never cut in two", () => {
  for (const part of splitText("😀".repeat(300), 101)) assert.ok(part.isWellFormed());
});

test("inline code that a cut falls into stays code: what was harmless as code is no link and no footer in a part", () => {
  const link = "[the results](https://evil.example)";
  const { text } = leadingText(`Look at \`${link} ${"and so on ".repeat(20)}\` for more.`, 120);
  assert.doesNotMatch(text.replaceAll(/`[^`]*`/g, ""), /\]\(/, text);
  const [first, second] = splitText(`${"a ".repeat(40)}\`b ${link}\` c`, 100);
  assert.deepEqual(
    [first, second],
    ["a ".repeat(40).trim(), `\`b ${link}\` c`],
    "in one piece where it fits",
  );
  const [ticks] = splitText(`\`\`${link} ${"x".repeat(60)}\` ${"y".repeat(60)}\`\``, 110);
  assert.equal(
    ticks,
    `\`\`${link} ${"x".repeat(60)}\` \`\``,
    "its own backticks are kept apart from the last ones",
  );
  const marks = `\\\`\`\`word ${"x".repeat(30)}\\\`\`\`\n\`\`\`\n[x](https://evil.example)`;
  for (const part of splitText(asMarkdown(marks), 44)) {
    assert.ok(asMarkdown(part).startsWith(part), `a backslash stays with what it stands before: ${part}`);
  }
});

test("what leads a text is cut without a look at the rest, however long that is", () => {
  const text = "Some `code` and words. ".repeat(1_000_000);
  assert.ok(leadingText(text, 1200).isCut);
  const parts = splitText(text.slice(0, 4_000_000), 1800);
  assert.ok(parts.length > 2000 && parts.every((part) => part.length <= 1800));
});

test("each part of a text that is safe to show is safe to show alone", () => {
  const bit = fc.oneof(
    fc.constantFrom("`", "``", "```", "\n```\n", "\\"),
    fc.constantFrom("[x](https://evil.example)", "-# orch-9/result", "# Big", ">>> all"),
    fc.constantFrom("word ", ".", "x".repeat(30), "\n", "\n\n"),
  );
  fc.assert(
    fc.property(
      fc.array(bit, { maxLength: 60, size: "max" }),
      fc.integer({ min: 40, max: 90 }),
      (bits, most) => {
        for (const part of splitText(asMarkdown(bits.join("")), most)) {
          const shown = asMarkdown(part);
          assert.equal(shown.slice(0, part.length), part);
          assert.match(shown.slice(part.length), /^(\n```)?$/, "after a heap of backticks at the most");
          assert.ok(part.length <= most);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
