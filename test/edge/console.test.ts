import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { jump, useConsole } from "./console-fixture.ts";
import { gone, openPage, sees } from "./page-fixture.ts";

const hq = useConsole();
const SIGN_IN = "Sign in to Atomizer HQ";

test("the link of hq page signs in once, and its code leaves the address at once", async (t) => {
  const link = await hq.link();
  const page = await openPage(t, hq.browser(), link);
  await sees(page.getByRole("heading", { name: "Now", level: 1 }));
  assert.doesNotMatch(page.url(), /code/);
  await sees(page.getByRole("status", { name: "Connection: Live" }));
  await page.reload();
  await sees(page.getByRole("heading", { name: "Now", level: 1 }));
  // Whoever is signed in needs no code: one that is spent does no harm.
  await page.goto(link);
  await sees(page.getByRole("status", { name: "Connection: Live" }));
  assert.doesNotMatch(page.url(), /code/);

  const second = await openPage(t, hq.browser(), link);
  await sees(second.getByRole("heading", { name: SIGN_IN }));
  await sees(second.getByRole("alert").filter({ hasText: "hq page" }));
  assert.doesNotMatch(second.url(), /code/);
});

test("the key signs in by keyboard alone; a wrong one is refused in words; signing out ends it", async (t) => {
  const page = await openPage(t, hq.browser(), `${hq.supervisor().ready.api}/`);
  await sees(page.getByRole("heading", { name: SIGN_IN }));
  await page.keyboard.type("not the key");
  await page.keyboard.press("Enter");
  await sees(page.getByRole("alert"));
  await page.keyboard.type(readFileSync(join(hq.home, "api.key"), "utf8").trim());
  await page.keyboard.press("Enter");
  await sees(page.getByRole("heading", { name: "Now", level: 1 }));
  await page.getByRole("button", { name: "Sign out" }).click();
  await sees(page.getByRole("heading", { name: SIGN_IN }));
  await page.reload();
  await sees(page.getByRole("heading", { name: SIGN_IN }));
});

test("every view is reached by keys, says what to do when it is empty, and breaks no rule of its policy", async (t) => {
  const page = await hq.open(t);
  await page.evaluate(
    "globalThis.broken = []; document.addEventListener('securitypolicyviolation', (event) => broken.push(event.violatedDirective))",
  );
  await sees(page.getByText("Nothing runs, nothing waits, nothing is late."));
  await jump(page, "r", "Runs");
  await sees(page.getByText("No workflow has been run yet."));
  await jump(page, "g", "Gates");
  await sees(page.getByText("No gate is open."));
  await jump(page, "a", "Agents");
  await sees(page.getByRole("article", { name: "webster" }));
  await jump(page, "q", "Queue");
  await sees(page.getByText("The queue is empty."));
  await jump(page, "m", "Metrics");
  await sees(page.getByText("Nothing has ended in this time."));
  await page.keyboard.press("/");
  await sees(page.getByText("Nothing has been asked yet."));
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await sees(page.getByRole("dialog", { name: "Keys" }).getByText("Search all history"));
  await page.keyboard.press("Escape");
  await gone(page.getByRole("dialog"));
  await jump(page, "n", "Now");
  assert.deepEqual(await page.evaluate("broken"), []);
});

test("the way past the views leads to the content of the view that is open", async (t) => {
  const page = await hq.open(t, { at: "#/agents/webster" });
  await sees(page.getByRole("heading", { name: "webster", level: 1 }));
  await page.getByRole("link", { name: "Skip to the content" }).focus();
  await page.keyboard.press("Enter");
  await sees(page.locator("#main:focus"));
  await sees(page.getByRole("heading", { name: "webster", level: 1 }));
  assert.match(page.url(), /#\/agents\/webster$/);
});

test("nothing but the page's own files can run in it", async (t) => {
  // The browser says what it refused: a page of its own, whose complaints are what is wanted.
  const page = await hq.browser().newPage();
  t.after(() => page.close());
  await page.goto(await hq.link());
  await sees(page.getByRole("heading", { name: "Now", level: 1 }));
  const code = "globalThis.hacked = true";
  for (const attempt of [
    `const made = document.createElement("script"); made.append("${code}"); document.head.append(made)`,
    `document.body.setAttribute("onclick", "${code}"); document.body.click()`,
    `document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='${code}'>")`,
    `const link = document.createElement("a"); link.href = "javascript:${code}"; link.click()`,
  ]) {
    // A policy may refuse by throwing or by doing nothing.
    await page.evaluate(`try { ${attempt} } catch {}`);
  }
  await page.evaluate("new Promise((then) => setTimeout(then))");
  assert.equal(await page.evaluate("'hacked' in globalThis"), false);
});

test("light and dark follow the system until somebody chooses, and the choice stays", async (t) => {
  const page = await hq.open(t, { colorScheme: "light" });
  const shade = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const light = await shade();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await shade();
  assert.notEqual(light, dark);
  await page.getByRole("button", { name: "Colours: as the system. Switch" }).click();
  await sees(page.getByRole("button", { name: "Colours: light. Switch" }));
  assert.equal(await shade(), light);
  await page.reload();
  await sees(page.getByRole("button", { name: "Colours: light. Switch" }));
  assert.equal(await shade(), light);
});

test("on a phone nothing is wider than the screen, and the views are under the thumb", async (t) => {
  const page = await hq.open(t, { viewport: { width: 360, height: 740 }, hasTouch: true });
  const views = page.getByRole("navigation", { name: "Views" });
  for (const name of ["Runs", "Gates", "Agents", "Queue", "Metrics", "Now"]) {
    await views.getByRole("link", { name: new RegExp(`^${name}`) }).tap();
    await sees(page.getByRole("heading", { name, level: 1 }));
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 360, name);
  }
  const box = await views.boundingBox();
  assert.ok(box && box.y + box.height > 700, "the views are at the lower edge");
});
