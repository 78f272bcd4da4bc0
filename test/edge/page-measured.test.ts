import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { ROOT } from "../support/supervisor.ts";
import { go, useConsole } from "./console-fixture.ts";
import { hands, openPage, sees } from "./page-fixture.ts";

const hq = useConsole();
/** Gives each control that is seen a number, and says how many there are. */
const MARK = `(() => {
  document.querySelectorAll("[data-mark]").forEach((one) => delete one.dataset.mark);
  const all = [...document.querySelectorAll("button, a[href], input, select, textarea, summary, [tabindex]")].filter(
    (one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({ visibilityProperty: true }));
  all.forEach((one, index) => (one.dataset.mark = String(index)));
  return all.length;
})()`;
const FOCUSED = `(() => {
  const one = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(one);
  // A node of the graph shows it by the line around it.
  const box = one.querySelector(":scope > .node-box");
  const isSeen = box
    ? parseFloat(getComputedStyle(box).strokeWidth) >= 3
    : outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  return [one?.dataset?.mark ?? "", isSeen, one?.textContent?.slice(0, 40) ?? ""];
})()`;
const MEASURE = readFileSync(join(ROOT, "test/support/measure-page.js"), "utf8");
type View = readonly [hash: string, heading: string];
const VIEWS: readonly View[] = [
  ["now", "Now"],
  ["runs", "Runs"],
  ["gates", "Gates"],
  ["agents", "Agents"],
  ["agents/webster", "webster"],
  ["queue", "Queue"],
  ["metrics", "Metrics"],
  ["search?q=note", "Search"],
];

let all: Promise<readonly View[]> | undefined;

/** With work in each state that a view can show. */
const views = () => (all ??= begin());
async function begin(): Promise<readonly View[]> {
  const done = await hq.delegate("secretary", "Take a note of the meeting.");
  const failed = await hq.delegate("webster", "[fail] Find it.", { retries: 0 });
  for (const id of [done, failed]) await hq.settled(id);
  await hq.delegate("auditor", "[slow 10m] Look for long.");
  const run = await hq.run("design-review", { design: "A mirror of Zerodur" });
  return [
    ...VIEWS,
    [`runs/${run}`, "design-review"],
    [`delegations/${done}`, "secretary"],
    [`delegations/${failed}`, "webster"],
  ];
}

/** What somebody with weak eyes, or who uses keys or a reader of the screen, would miss there. */
async function missedIn(page: Page, place: string): Promise<string[]> {
  await page.evaluate("document.activeElement?.blur()");
  return (await page.evaluate<string[]>(MEASURE)).map((one) => `${place}: ${one}`);
}

async function lookAtAll(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const [hash, name] of await views()) {
    await go(page, `#/${hash}`);
    await sees(page.getByRole("heading", { name, level: 1 }));
    await page.waitForFunction("!document.querySelector('main [aria-busy=true]')");
    found.push(...(await missedIn(page, hash)));
  }
  return found;
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`everything on the page stands out from what is behind it, and every control has a name (${colorScheme})`, async (t) => {
    const page = await hq.open(t, { colorScheme });
    const found = await lookAtAll(page);
    await go(page, "#/now");
    await page.keyboard.press("?");
    await sees(page.getByRole("dialog", { name: "Keys" }));
    found.push(...(await missedIn(page, "keys")));
    await page.keyboard.press("Escape");
    await go(page, `#/${(await views()).at(-3)?.[0]}`);
    await page.getByRole("button", { name: "Cancel design-review …" }).click();
    await sees(page.getByRole("dialog"));
    found.push(...(await missedIn(page, "a dialog")));
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Sign out" }).click();
    await sees(page.getByRole("heading", { name: /sign in/i }));
    found.push(...(await missedIn(page, "sign-in")));
    assert.deepEqual(found, []);
  });

  test(`everything in the guild stands out from what is behind it, and every control has a name (${colorScheme})`, async (t) => {
    await views();
    const page = await openPage(t, hq.browser(), hq.supervisor().ready.guild ?? "", { colorScheme });
    const hand = hands(page);
    const found: string[] = [];
    for (const channel of ["technical", "results", "agent-logs", "ceo-office"]) {
      await hand.openChannel(channel);
      found.push(...(await missedIn(page, channel)));
    }
    await hand.box.click();
    await page.keyboard.type("/workflow ");
    await sees(page.locator(".suggest").getByRole("option").first());
    found.push(...(await missedIn(page, "commands")));
    await hand.box.fill("");
    await page.keyboard.type("/workflow run ");
    await sees(hand.option("name"));
    await page.keyboard.type("quick-research");
    await sees(hand.suggestion(/quick-research/));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await sees(page.getByRole("dialog", { name: "quick-research" }));
    found.push(...(await missedIn(page, "a form")));
    assert.deepEqual(found, []);
  });
}

for (const [width, height] of [
  [640, 400],
  [320, 256],
] as const) {
  test(`zoomed until a window of 1280 by ${(height * 1280) / width} has room for ${width}, nothing is lost beside it`, async (t) => {
    const page = await hq.open(t, { viewport: { width, height } });
    assert.deepEqual(await lookAtAll(page), []);
  });
}

test("Tab leads to every control of each view, and what has the focus is seen to have it", async (t) => {
  const page = await hq.open(t);
  const missed: string[] = [];
  for (const [hash, name] of await views()) {
    await go(page, `#/${hash}`);
    await sees(page.getByRole("heading", { name, level: 1 }));
    await page.evaluate("document.activeElement?.blur()");
    const wanted = await page.evaluate<number>(MARK);
    const reached = new Set<string>();
    for (let presses = 0; presses < 3 * wanted + 10 && reached.size < wanted; presses++) {
      await page.keyboard.press("Tab");
      const [mark, isSeen, words] = await page.evaluate<[string, boolean, string]>(FOCUSED);
      if (mark) reached.add(mark);
      if (mark && !isSeen) missed.push(`${hash}: the focus is not seen on ${words}`);
    }
    if (reached.size < wanted) missed.push(`${hash}: ${reached.size} of ${wanted} are reached`);
  }
  assert.deepEqual(missed, []);
});
