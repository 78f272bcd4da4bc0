import assert from "node:assert/strict";
import { after, before, type TestContext } from "node:test";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { createLocalGuild, type LocalGuildOptions } from "../../src/local/local-guild.ts";
import { launchBrowser } from "../support/chromium.ts";
import { startBot } from "./page-bot.ts";

const PATIENCE_MS = 45_000;
/** A refused request is news for the person, not a fault of the page. */
const EXPECTED = /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|net::ERR/;

/** One browser for the tests of a file. */
export function useBrowser(): () => Browser {
  let browser: Browser | undefined;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());
  return () => {
    assert.ok(browser);
    return browser;
  };
}

/** Opens an address as a person would; whatever the page's console complains of fails the test. `stop` runs after it. */
export async function openPage(
  t: TestContext,
  browser: Browser,
  address: string,
  how: BrowserContextOptions = {},
  stop: () => Promise<void> = () => Promise.resolve(),
) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    colorScheme: "dark",
    ...how,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  t.after(async () => {
    // What the person saw instead tells where to look.
    if ("error" in t && t.error)
      t.diagnostic(`${page.url()} showed:\n${await page.locator("body").innerText()}`);
    await context.close();
    await stop();
    assert.deepEqual(complaints, []);
  });
  await page.goto(address);
  return page;
}

/** A fresh guild with the scripted bot, and its page in the browser. */
export async function startPage(
  t: TestContext,
  browser: Browser,
  {
    guild: more = {},
    how = {},
    as = "",
    channel = "",
  }: {
    guild?: Partial<LocalGuildOptions>;
    how?: BrowserContextOptions;
    as?: string;
    channel?: string;
  } = {},
) {
  const guild = await createLocalGuild({ port: 0, rates: false, ...more });
  await guild.start();
  const bot = await startBot(guild.restApi, guild.guildId);
  const stop = async () => {
    await bot.stop();
    await guild.stop();
  };
  const address = channel ? `${guild.address}#channel=${channel}` : guild.address;
  const page = await openPage(t, browser, address, how, stop);
  t.after(() => assert.deepEqual(bot.errors, []));
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  if (as) await switchTo(page, as);
  return { guild, bot, page, ...hands(page) };
}

export const UNANSWERED = "The local guild does not answer. Try again when the connection is back.";

const PROBE = "/intercepted";

/**
 * From here on what an open page asks of the address comes to the handler. The browser calls that done when requests
 * may still go past it for a moment.
 */
export async function intercept(page: Page, ...how: Parameters<Page["route"]>): Promise<void> {
  await page.route(...how);
  await page.route(`**${PROBE}`, (route) => route.fulfill({ body: PROBE }));
  const ask = `fetch("${PROBE}").then((answer) => answer.text(), () => "")`;
  while ((await page.evaluate(ask)) !== PROBE);
  await page.unroute(`**${PROBE}`);
}

/** The guild does what is asked, and its answer gets lost. */
export async function loseAnswer(page: Page, path: string): Promise<void> {
  await intercept(page, `**/local/${path}`, async (route) => {
    await route.fetch().catch(() => undefined);
    await route.abort();
    await page.unroute(`**/local/${path}`);
  });
}

/** Chooses the person in the user panel. */
export async function switchTo(page: Page, display: string): Promise<void> {
  await page.getByRole("button", { name: /^You are .* Switch person$/ }).click();
  await page.getByRole("menuitemradio", { name: display }).click();
  await page.getByRole("button", { name: `You are ${display}. Switch person` }).waitFor();
}

/** What a person looks at and touches. */
export function hands(page: Page) {
  const isFocused = async (target: Locator) => (await target.and(page.locator(":focus")).count()) > 0;
  const messages = page.getByRole("list", { name: /^Messages in / });
  return {
    messages,
    /** A message that contains the text. */
    message: (text: string | RegExp) =>
      messages.locator(":scope > .message").filter({ hasText: text }).last(),
    box: page.getByRole("combobox", { name: /^Message / }),
    /** The field of a command's option. */
    option: (name: string) =>
      page
        .locator(".command-form")
        .getByRole("combobox", { name, exact: true })
        .or(page.locator(".command-form").getByRole("textbox", { name, exact: true })),
    suggestion: (name: string | RegExp) => page.locator(".suggest").getByRole("option", { name }),
    write: async (text: string): Promise<void> => {
      await page.getByRole("combobox", { name: /^Message / }).click();
      await page.keyboard.type(text);
      await page.keyboard.press("Enter");
    },
    /** Replaces what stands in a field: by mouse and keyboard, and a long text as it comes from the clipboard. */
    fill: async (field: Locator, text: string): Promise<void> => {
      await field.click();
      await page.keyboard.press("ControlOrMeta+a");
      if (text.length > 200) await page.keyboard.insertText(text);
      else await page.keyboard.type(text);
    },
    /** Goes there with one key alone, as somebody without a mouse does; fails when that does not lead there. */
    reach: async (target: Locator, key = "Tab"): Promise<void> => {
      await sees(target);
      for (let presses = 0; !(await isFocused(target)); presses++) {
        assert.ok(presses < 60, `${key} does not lead to ${String(target)}`);
        await page.keyboard.press(key);
      }
    },
    openChannel: async (name: string): Promise<void> => {
      await page
        .getByRole("navigation", { name: "Channels" })
        .getByRole("button", { name: new RegExp(`^${name}(,|$)`) })
        .click();
      await page.getByRole("heading", { name, level: 2 }).first().waitFor();
    },
    /** The name of what has the focus. */
    focused: async (): Promise<string> => {
      const active = page.locator(":focus");
      if ((await active.count()) === 0) return "";
      return (await active.getAttribute("aria-label")) ?? (await active.textContent())?.trim() ?? "";
    },
  };
}

/** Whether the last letter of a text stands to the left of the first one. */
export async function readsFromTheRight(text: Locator): Promise<boolean> {
  return await text.evaluate((node: any) => {
    const inside = node.firstChild;
    const [first, last] = [0, inside.length - 1].map((at) => {
      const range = node.ownerDocument.createRange();
      range.setStart(inside, at);
      range.setEnd(inside, at + 1);
      return range.getBoundingClientRect().x;
    }) as [number, number];
    return last < first;
  });
}

export async function sees(locator: Locator): Promise<void> {
  await locator.waitFor({ state: "visible" });
}

export async function gone(locator: Locator): Promise<void> {
  await locator.waitFor({ state: "hidden" });
}
