import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { go, line, useConsole } from "./console-fixture.ts";
import { intercept, openPage, readsFromTheRight, sees } from "./page-fixture.ts";

const hq = useConsole();
const HOSTILE = `<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script><b>bold</b>`;

test("an old delegation is found as one types and read: prompt, attempt, handoff, where it was posted", async (t) => {
  const id = await hq.delegate("webster", "Find the CTE of Zerodur Class 0 between 20 and 40 °C");
  await hq.delegate("secretary", "Write the minutes of Tuesday");
  assert.equal((await hq.settled(id)).status, "succeeded");
  const page = await hq.open(t);
  await page.keyboard.press("/");
  await sees(page.getByRole("searchbox", { name: "Search all history" }));
  await page.keyboard.type("zerod");
  const found = line(page, "Found", "Zerodur Class 0");
  await sees(found);
  await sees(page.locator("mark").first());
  await line(page, "Found", "minutes of Tuesday").waitFor({ state: "detached" });
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await sees(page.getByRole("heading", { name: "webster", level: 1 }));
  await sees(page.locator(".view-head .pill", { hasText: "succeeded" }));
  await sees(page.getByRole("region", { name: "Handoff" }).getByText(/Zerodur Expansion Class 0/));
  const attempt = page.getByRole("region", { name: "Attempt" });
  await attempt.locator("summary").press("Enter");
  const prompt = attempt.locator("pre");
  await sees(prompt.filter({ hasText: `${id}.json` }));
  assert.match(await prompt.innerText(), /You are Webster/);
  const seen = page.getByRole("region", { name: "Seen in Discord" });
  const posted = seen.getByRole("listitem").filter({ hasText: "result" }).getByRole("link");
  const guild = await openPage(t, hq.browser(), String(await posted.getAttribute("href")));
  await sees(guild.getByRole("listitem").filter({ hasText: "Zerodur Expansion Class 0" }));
  await sees(page.getByRole("region", { name: "Story" }).getByRole("listitem").first());
  await page.keyboard.press("Escape");
  await sees(found);
});

test("what is found is shown without the signs that make words bold or code", async (t) => {
  await hq.settled(await hq.delegate("webster", "The **tilted mirror** of `m2.prt` at 2**3 mm"));
  const page = await hq.open(t, { at: "#/search?q=tilted" });
  await sees(line(page, "Found", "The tilted mirror of m2.prt at 2**3 mm"));
  await sees(page.locator("mark").filter({ hasText: /^tilted$/ }));
});

test("what people type into the search never breaks it, and the address keeps it", async (t) => {
  const page = await hq.open(t, { at: "#/search" });
  const field = page.getByRole("searchbox", { name: "Search all history" });
  await field.fill(`"unclosed AND (* OR NEAR/ ' -- <b>`);
  await sees(page.getByText(/^Nothing matches/));
  await field.fill("minutes");
  await sees(line(page, "Found", "minutes of Tuesday"));
  await page.reload();
  await sees(line(page, "Found", "minutes of Tuesday"));
  await page.getByRole("button", { name: "Runs", exact: true }).click();
  await sees(page.getByText(/^Nothing matches/));
});

test("another address of the search says in its field what it shows, and / leaves both as they are", async (t) => {
  const page = await hq.open(t, { at: "#/search?q=minutes" });
  const field = page.getByRole("searchbox", { name: "Search all history" });
  await sees(line(page, "Found", "minutes of Tuesday"));
  await go(page, "#/search?q=Zerodur");
  await sees(line(page, "Found", "Zerodur Class 0"));
  assert.equal(await field.inputValue(), "Zerodur");
  await page.goBack();
  await sees(line(page, "Found", "minutes of Tuesday"));
  assert.equal(await field.inputValue(), "minutes");
  await field.press("ArrowDown");
  await page.keyboard.press("/");
  await sees(page.locator("#search-field:focus"));
  await page.reload();
  await sees(line(page, "Found", "minutes of Tuesday"));
  assert.equal(await field.inputValue(), "minutes");
});

test("where nothing is found among some, it does not say that nothing was ever asked", async (t) => {
  const page = await hq.open(t);
  await page.getByRole("link", { name: "0 Waiting" }).click();
  await sees(page.getByText("Nothing is like that."));
  await page.getByRole("button", { name: "Do not narrow to status queued" }).click();
  await sees(page.locator("#search-field:focus"));
  await page.getByRole("button", { name: "Work items" }).click();
  await page.getByRole("searchbox", { name: "Search all history" }).fill("minutes");
  await sees(page.getByText("Nothing matches “minutes” among these."));
  await page.getByRole("button", { name: "Look among everything" }).click();
  await sees(line(page, "Found", "minutes of Tuesday"));
  assert.match(page.url(), /#\/search\?q=minutes$/);
});

test("who types on right after / loses no letter", async (t) => {
  const page = await hq.open(t);
  const focused = await page.evaluate(
    `(document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true })), document.activeElement.id)`,
  );
  assert.equal(focused, "search-field");
});

test("what was not in the index yet appears by itself when it is", async (t) => {
  const page = await hq.open(t, { at: "#/search" });
  await sees(line(page, "Found", "minutes of Tuesday"));
  const behind = { items: [], indexed: { position: 0, head: 1, isComplete: false } };
  await intercept(page, /search\?q=minutes/, (route) => route.fulfill({ json: behind }), { times: 1 });
  await page.getByRole("searchbox", { name: "Search all history" }).fill("minutes");
  await sees(page.getByText(/^Old history is still being read/));
  await sees(line(page, "Found", "minutes of Tuesday"));
});

test("what is written from right to left is read from right to left", async (t) => {
  const id = await hq.delegate("secretary", "שלום עולם.");
  const page = await hq.open(t, { at: `#/delegations/${id}` });
  const text = page.getByRole("main").getByText("שלום עולם.").first();
  await sees(text);
  assert.equal(await readsFromTheRight(text), true);
});

test("what agents write is text wherever it is shown", async (t) => {
  const id = await hq.delegate("auditor", `Check this ${HOSTILE} [silent]`);
  const page = await hq.open(t);
  await sees(line(page, "Agents at work", "<b>bold</b>"));
  const document = {
    schemaVersion: "1.0",
    runId: id,
    agent: "auditor",
    status: "complete",
    result: `Result ${HOSTILE}`,
    artifacts: [`javascript:globalThis.hacked=1`],
    confidence: "low",
    notes: `Notes ${HOSTILE}`,
    timestamp: new Date().toISOString(),
  };
  writeFileSync(join(hq.home, "handoffs", `${id}.json`), JSON.stringify(document));
  await hq.settled(id);
  await go(page, `#/delegations/${id}`);
  await sees(page.getByText("Result <img src=x").first());
  await sees(page.getByText("Notes <img src=x"));
  await page.keyboard.press("/");
  await page.keyboard.type("onerror");
  await sees(line(page, "Found", "<b>bold</b>"));
  assert.equal(await page.evaluate("'hacked' in globalThis"), false);
  assert.equal(await page.locator("main b, main img, main script, a[href^=javascript]").count(), 0);
});

test("a task of the queue is followed to its end and done again", async (t) => {
  const { id } = await hq.call("POST", "/tasks", { text: "Compare Zerodur and ULE [agent:webster]" });
  const page = await hq.open(t, { at: "#/queue" });
  await line(page, "Tasks", "Compare Zerodur and ULE").getByRole("link").press("Enter");
  await sees(page.getByText(id, { exact: true }));
  await sees(page.locator(".view-head .pill", { hasText: "done" }));
  await page.getByRole("button", { name: "Run again" }).press("Enter");
  await sees(page.getByRole("listitem").filter({ hasText: "Try 2 by webster" }).getByText("done"));
});

test("figures and charts of what ended", async (t) => {
  const page = await hq.open(t, { at: "#/metrics" });
  const webster = page.getByRole("row").filter({ hasText: "webster" });
  await sees(webster);
  await sees(webster.getByText(/^[1-9]\d* ms$/).first());
  const chart = page.getByRole("img", { name: "Delegations by agent" });
  await sees(chart);
  const width = `document.querySelector('img[alt="Delegations by agent"]')`;
  assert.ok(Number(await page.evaluate(`${width}.decode().then(() => ${width}.naturalWidth)`)) > 100);
});
