import assert from "node:assert/strict";
import test from "node:test";
import { asCode, asLine, asMarkdown, inFence, plain } from "../../src/discord/sanitize.ts";

test("mass mentions are broken wherever they stand, in code as well", () => {
  for (const shown of [asMarkdown, asLine, inFence, asCode].map((make) => make("hi @everyone and `@here`"))) {
    assert.doesNotMatch(shown, /@everyone|@here/);
    assert.match(shown, /@\u200beveryone/);
  }
});

test("a masked link shows where it leads", () => {
  for (const text of [
    "[open](https://evil.example)",
    "[open](<https://evil.example>)",
    "**[open](https://evil.example)**",
    "\\`[open](https://evil.example)`",
    "`open [open](https://evil.example)",
    '[a [b] c](https://evil.example "title")',
  ]) {
    assert.doesNotMatch(asMarkdown(text), /\]\(/, text);
    assert.match(asMarkdown(text), /evil\.example/);
  }
});

test("code keeps its brackets", () => {
  const text = "call `list[0](x)` or\n```js\nlist[0](x)\n# comment\n```";
  assert.equal(asMarkdown(text), text);
});

test("headings become bold, small print and endless quotes are words", () => {
  assert.equal(
    asMarkdown("# One\n## **Two**\n> ### Three\n- # Four"),
    "**One**\n**Two**\n> **Three**\n- **Four**",
  );
  assert.equal(asMarkdown("-# orch-9/result"), "\\-# orch-9/result");
  assert.equal(asMarkdown(">>> all of it"), "\\>>> all of it");
});

test("what is code is looked at anew when backticks have moved", () => {
  const text = "# Big``\\```-# orch-9/result``";
  assert.equal(asMarkdown(asMarkdown(text)), asMarkdown(text));
});

test("a fence that was left open is closed", () => {
  assert.equal(asMarkdown("see\n```ts\nconst a = 1;"), "see\n```ts\nconst a = 1;\n```");
});

test("the fences inside a fence of ours become tildes", () => {
  assert.equal(inFence("a\n```\nb"), "a\n~~~\nb");
});

test("three and more line breaks become two, and nothing invisible stays", () => {
  assert.equal(plain("a\r\n\r\n\r\n\r\nb\u202e\u0007\u2066c"), "a\n\nbc");
});

test("a line of others has no formatting of its own", () => {
  assert.equal(
    asLine("# **big**\n`x` ~~y~~ [a](b) <@1>"),
    "\\# \\*\\*big\\*\\* \\`x\\` \\~\\~y\\~\\~ \\[a\\](b) \\<@1\\>",
  );
  assert.equal(asLine("20. of May"), "20\\. of May");
  assert.equal(asLine("-# small"), "\\-# small");
});

test("invitations to other guilds are no links", () => {
  const shown = asMarkdown(
    "join discord.gg/abc or https://discord.com/invite/abc or discordapp.com/invite/x",
  );
  assert.doesNotMatch(shown, /discord\.gg|\.com\/invite/);
});

test("an id or path between backticks stays between them", () => {
  assert.equal(asCode("a`b\nc"), "`a'b c`");
});

test("a million brackets and backticks take no time", () => {
  const started = performance.now();
  asMarkdown("[`".repeat(100_000));
  asMarkdown(`${"`".repeat(50_000)} ${"``` ".repeat(50_000)}`);
  assert.ok(performance.now() - started < 2000);
});
