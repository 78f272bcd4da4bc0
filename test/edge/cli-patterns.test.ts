import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { REFERENCE_CARD, SHORT_CARD } from "../../src/domain/playbook/reference-card.ts";
import { hq, INSTALLATION } from "./cli-harness.ts";

/** Every `hq …` in a text: the words of the command, and its flags. */
function commandsIn(text: string) {
  return [...text.matchAll(/(?:`|^)hq ((?:[a-z][a-z-]*[a-z] ?)+)([^`\n]*)/gm)].map(
    ([, words = "", rest = ""]) => ({
      words: words.trim().split(" "),
      flags: [...rest.matchAll(/--[a-z-]+/g)].map(([flag]) => flag),
    }),
  );
}

/** The help of the longest command that the words name. */
async function helpOf(words: readonly string[]): Promise<string> {
  const { code, out } = await hq(["help", ...words]);
  if (code === 0) return out;
  assert.ok(words.length > 1, words.join(" "));
  return helpOf(words.slice(0, -1));
}

test("hq help patterns prints the reference card, and a word near it is suggested", async () => {
  const { code, out, err } = await hq(["help", "patterns"]);
  assert.deepEqual([code, out, err], [0, REFERENCE_CARD, ""]);
  for (const word of [
    "PATTERNS",
    "DECIDE",
    "CONTEXT",
    "START",
    "TRACK",
    "RETRY",
    "WORKERS",
    "COST",
    "RECOVER",
  ])
    assert.match(out, new RegExp(`^ {2}${word} `, "m"));
  const wrong = await hq(["help", "paterns"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /Did you mean "patterns"\?/);
  assert.match((await hq(["help", "workflow", "run"])).out, /Usage: hq workflow run/);
});

for (const [name, text] of [
  ["the reference card", REFERENCE_CARD],
  ["the guide", readFileSync(join(INSTALLATION, "docs", "guide", "playbook.md"), "utf8")],
] as const) {
  test(`every command that ${name} names is one, with its flags`, async () => {
    const commands = commandsIn(text);
    assert.ok(commands.length > 10);
    for (const { words, flags } of commands) {
      const help = await helpOf(words);
      for (const flag of flags) assert.ok(help.includes(flag), `hq ${words.join(" ")} ${flag}`);
    }
  });
}

test("the short card of /help names all patterns", () => {
  for (const word of ["/delegate", "fan-out", "pipeline", "panel", "map-reduce", "supervisor", "hq plan"])
    assert.ok(SHORT_CARD.toLowerCase().includes(word), word);
});
