import assert from "node:assert/strict";
import test from "node:test";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import { openPage, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();

/** Text as written, and the elements that the page makes of it (classes and attributes left out). */
const CASES: readonly (readonly [name: string, text: string, html: string])[] = [
  ["plain text keeps its lines", "one\ntwo", "<p>one\ntwo</p>"],
  [
    "marks nest",
    "**bold *and* more** __u__ ~~s~~",
    "<p><strong>bold <em>and</em> more</strong> <u>u</u> <s>s</s></p>",
  ],
  ["snake_case and 2 * 3 * 4 are no marks", "snake_case_name 2 * 3 * 4", "<p>snake_case_name 2 * 3 * 4</p>"],
  ["escapes show the mark", "\\*not\\* \\`code\\`", "<p>*not* `code`</p>"],
  ["code shows everything as it is", "`**a** <b>`", "<p><code>**a** &lt;b&gt;</code></p>"],
  ["an open mark is text", "**open", "<p>**open</p>"],
  [
    "a fence with its language, and text after it",
    "```csv\na,b\n**c**\n```\nafter",
    "<div><pre><code>a,b\n**c**</code></pre></div><p>after</p>",
  ],
  ["a fence that never closes is text", "```\nopen", "<p>```\nopen</p>"],
  ["headings of three sizes and small print", "# A\n### B\n-# c", "<div>A</div><div>B</div><p>c</p>"],
  [
    "lists nest by their indent",
    "- a\n  - b\n- c\n1. d",
    "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul><ol><li>d</li></ol>",
  ],
  ["a quote ends with its lines", "> a\n> b\nc", "<blockquote><p>a\nb</p></blockquote><p>c</p>"],
  ["a long quote takes the rest", ">>> a\nb", "<blockquote><p>a\nb</p></blockquote>"],
  [
    "links",
    "[here](https://a.example/x) <https://b.example> https://c.example/y.",
    "<p><a>here</a> <a>https://b.example</a> <a>https://c.example/y</a>.</p>",
  ],
  [
    "other protocols are no links",
    "[x](javascript:alert(1)) [y](data:text/html,1)",
    "<p>[x](javascript:alert(1)) [y](data:text/html,1)</p>",
  ],
  ["a spoiler is a button", "||hidden||", "<p><button><span>hidden</span></button></p>"],
  [
    "unknown mentions say so",
    "<@123456789> <#123456789> @here",
    "<p><span>@unknown</span> <span>#unknown</span> <span>@here</span></p>",
  ],
  [
    "a command and an emoji by name",
    "</delegate:123> <:ok:123456>",
    "<p><span>/delegate</span> <span>:ok:</span></p>",
  ],
  ["markup is text", "<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"],
];

test("the page reads Discord's markdown and makes elements, never markup", async (t) => {
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  t.after(() => guild.stop());
  const page = await openPage(t, browser(), guild.address);
  const made = (await page.evaluate(`
    import("/markdown.js").then(({ blocks }) => ${JSON.stringify(CASES.map(([, text]) => text))}.map((text) => {
      const host = document.createElement("div");
      host.append(...blocks(text));
      for (const node of host.querySelectorAll("*")) for (const { name } of [...node.attributes]) node.removeAttribute(name);
      return host.innerHTML;
    }))`)) as string[];
  for (const [index, [name, , html]] of CASES.entries()) assert.equal(made[index], html, name);
});

test("times follow the clock of the person who reads", async (t) => {
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  t.after(() => guild.stop());
  const page = await openPage(t, browser(), guild.address, { locale: "en-GB", timezoneId: "Europe/Paris" });
  const texts = await page.evaluate(`
    import("/markdown.js").then(({ inline }) => ["t", "T", "d", "D", "f"].map((style) => {
      const host = document.createElement("p");
      host.append(...inline("<t:1767225600:" + style + ">"));
      return host.textContent;
    }))`);
  assert.deepEqual(texts, ["01:00", "01:00:00", "01/01/2026", "January 1, 2026", "January 1, 2026 01:00"]);
});

test("a hostile text is read in time", async (t) => {
  const guild = await createLocalGuild({ port: 0, rates: false });
  await guild.start();
  t.after(() => guild.stop());
  const page = await openPage(t, browser(), guild.address);
  const tookMs = (await page.evaluate(`
    import("/markdown.js").then(({ blocks }) => {
      const texts = ["*", "**_", "||", "[", "[a](", "\`", "> ", "- ", "<@", "~~__"].map((part) => part.repeat(4000 / part.length));
      const begun = performance.now();
      for (const text of texts) blocks(text);
      return performance.now() - begun;
    })`)) as number;
  assert.ok(tookMs < 3000, `${Math.round(tookMs)} ms for ten texts of 4,000 characters`);
});
