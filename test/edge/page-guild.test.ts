import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import { startBot } from "./page-bot.ts";
import { gone, hands, openPage, sees, startPage, switchTo, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();

test("looking as somebody else shows what they may see, and they act under their own name", async (t) => {
  const { page, write, message, openChannel } = await startPage(t, browser());
  const channels = page.getByRole("navigation", { name: "Channels" });
  await sees(channels.getByRole("button", { name: "ceo-office" }));
  await switchTo(page, "Guest");
  await gone(channels.getByRole("button", { name: "ceo-office" }));
  await openChannel("announcements");
  await sees(page.getByText("You cannot write in this channel."));
  await openChannel("technical");
  await write("I am a guest");
  await sees(message("I am a guest").getByText("Guest", { exact: true }));
  await switchTo(page, "You");
  await sees(message("I am a guest"));
  await message("I am a guest").click({ button: "right" });
  await sees(page.getByRole("menuitem", { name: "Delete message" }));
  assert.equal(await page.getByRole("menuitem", { name: "Edit message" }).count(), 0);
});

test("a banner says that the bot is offline, and goes when it is back", async (t) => {
  const { page, bot, guild } = await startPage(t, browser());
  const banner = page.getByText(/Atomizer HQ is offline/);
  await gone(banner);
  await bot.stop();
  await sees(banner);
  const again = await startBot(guild.restApi, guild.guildId);
  try {
    await gone(banner);
  } finally {
    await again.stop();
  }
});

test("the page comes back by itself after the guild was away, and misses nothing", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "guild-page-"));
  const first = await createLocalGuild({ port: 0, dir, rates: false });
  await first.start();
  const port = Number(new URL(first.url).port);
  const page = await openPage(t, browser(), first.address);
  const { write, message } = hands(page);
  await write("before");
  await sees(message("before"));
  await first.stop();
  await sees(page.getByText("The connection to the local guild is lost. Trying again…"));
  const second = await createLocalGuild({ port, dir, rates: false });
  await second.start();
  t.after(async () => {
    await second.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  await fetch(`${second.url}/local/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ as: "ada", channel: "technical", content: "meanwhile" }),
  });
  await gone(page.getByText("The connection to the local guild is lost. Trying again…"));
  await sees(message("meanwhile"));
  await write("after");
  await sees(message("after"));
  assert.equal(await message("before").count(), 1);
});

test("with a key: without it the page says what to do, with it the address bar loses it at once", async (t) => {
  const { page, guild, write, message } = await startPage(t, browser(), { guild: { key: "s3cret-key" } });
  assert.equal(page.url().includes("s3cret"), false);
  await write("with the key");
  await sees(message("with the key"));
  await page.reload();
  await sees(message("with the key"));
  const stranger = await openPage(t, browser(), guild.url);
  await sees(stranger.getByRole("heading", { name: "This page needs its key" }));
  await sees(stranger.getByText("Open the address that npm start printed"));
});

test("the page keeps a strict policy: no inline script or style, nothing from elsewhere", async (t) => {
  const { guild } = await startPage(t, browser());
  const response = await fetch(guild.url);
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  const html = await response.text();
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:\/\//);
});

test("what is written while the guild is away stays in the box with words that help, and goes when it is back", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "guild-page-"));
  const first = await createLocalGuild({ port: 0, dir, rates: false });
  await first.start();
  const port = Number(new URL(first.url).port);
  const page = await openPage(t, browser(), first.address);
  const { write, message, box, openChannel } = hands(page);
  await write("before");
  await sees(message("before"));
  await fetch(`${first.url}/local/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ as: "ada", channel: "materials-data", content: "never opened before" }),
  });
  const lost = page.getByText("The connection to the local guild is lost. Trying again…");
  await first.stop();
  await sees(lost);
  await write("while it is away");
  const words = "The local guild does not answer. Try again when the connection is back.";
  const problem = page.getByRole("alert").filter({ hasText: words });
  await sees(problem);
  assert.equal(await box.inputValue(), "while it is away");
  assert.equal(await page.getByText("Failed to fetch").count(), 0);
  await openChannel("materials-data");
  const second = await createLocalGuild({ port, dir, rates: false });
  await second.start();
  t.after(async () => {
    await second.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  await gone(lost);
  await sees(message("never opened before"));
  await openChannel("technical");
  await sees(message("before"));
  await gone(problem);
  await box.click();
  await page.keyboard.press("Enter");
  await sees(message("while it is away"));
});

test("a window that becomes narrow puts the members away, and has them again when it is wide", async (t) => {
  const { page, write, message } = await startPage(t, browser(), {
    how: { viewport: { width: 1280, height: 800 } },
  });
  const members = page.getByRole("complementary", { name: "Members" });
  const toggle = page.getByRole("button", { name: "Members", exact: true });
  await sees(members);
  await toggle.click();
  await gone(members);
  await toggle.click();
  await sees(members);
  await page.setViewportSize({ width: 390, height: 800 });
  await gone(members);
  await write("is in reach");
  await message("is in reach").click();
  await toggle.click();
  await sees(members);
  await page.reload();
  await sees(message("is in reach"));
  await gone(members);
  await page.setViewportSize({ width: 1280, height: 800 });
  await sees(members);
});

test("on a phone the channels are a drawer, and everything is in reach", async (t) => {
  const how = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };
  const { page, box, message } = await startPage(t, browser(), { how });
  const sidebar = page.getByRole("complementary", { name: "Server and channels" });
  await gone(sidebar);
  await page.getByRole("button", { name: "Channels", exact: true }).tap();
  await sees(sidebar);
  await sidebar.getByRole("button", { name: "materials-data" }).tap();
  await gone(sidebar);
  await sees(page.getByRole("heading", { name: "Welcome to #materials-data" }));
  await box.tap();
  await page.keyboard.type("from a phone");
  await page.getByRole("button", { name: "Send", exact: true }).tap();
  await sees(message("from a phone"));
  await message("from a phone").getByRole("button", { name: "More" }).tap();
  await sees(page.getByRole("menuitem", { name: "Delegate this message" }));
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Commands" }).tap();
  await page
    .locator(".suggest")
    .getByRole("option", { name: /\/delegate/ })
    .tap();
  await sees(page.getByLabel("objective"));
  const wide = await page.evaluate(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  );
  assert.equal(wide, false, "nothing sticks out to the side");
});

test("on a phone a message is edited without Escape and Enter, and all of it is seen", async (t) => {
  const how = { viewport: { width: 380, height: 700 }, hasTouch: true, isMobile: true };
  const { page, write, message, fill } = await startPage(t, browser(), { how });
  await write("first version");
  const edit = page.getByRole("textbox", { name: "Edit message" });
  for (const [end, text] of [
    ["Cancel", "first version"],
    ["Save", "words that take many lines"],
  ] as const) {
    await message("first version").getByRole("button", { name: "More" }).tap();
    await page.getByRole("menuitem", { name: "Edit message" }).tap();
    const low = (await edit.boundingBox())?.height ?? 0;
    await fill(edit, "words that take many lines ".repeat(7).trim());
    const high = (await edit.boundingBox())?.height ?? 0;
    assert.ok(high > 1.5 * low, `${low} px for one line, ${high} px for many`);
    await page.getByRole("button", { name: end, exact: true }).tap();
    await gone(edit);
    await sees(message(text));
  }
});

test("channels by keyboard: Alt with the arrows, and every control has a name", async (t) => {
  const { page, write, message } = await startPage(t, browser());
  await page.keyboard.press("Alt+ArrowDown");
  await sees(page.getByRole("heading", { name: "Welcome to #code-review" }));
  await page.keyboard.press("Alt+ArrowUp");
  await sees(page.getByRole("heading", { name: "Welcome to #technical" }));
  await write("read me");
  await sees(message("read me"));
  const nameless = await page.evaluate(
    `[...document.querySelectorAll("button, a, input, textarea")]
      .filter((node) => !node.closest("[hidden]") && node.getAttribute("aria-hidden") !== "true")
      .filter((node) => !(node.getAttribute("aria-label") || node.textContent.trim() || node.labels?.length))
      .map((node) => node.outerHTML)`,
  );
  assert.deepEqual(nameless, []);
});

test("people who listen hear names and times instead of numbers, also in a reply", async (t) => {
  const { page, bot, guild, message } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  const results = await bot.channel("results");
  const { you, roles } = (await (await fetch(`${guild.url}/local/state?as=you`)).json()) as {
    you: { id: string };
    roles: { id: string; name: string }[];
  };
  const role = roles.find(({ name }) => name === "Operators")?.id;
  const place = `https://discord.com/channels/${guild.guildId}/${results.id}`;
  await technical.send(
    `in <#${results.id}>, at ${place}/123456789 by <@${you.id}> for <@&${role}>: </status:123456789>, at <t:0:R>`,
  );
  const year = new Date(0).getFullYear() % 100;
  const words = "in #results, at #results › message by @You for @Operators: /status, at ";
  await sees(page.locator("#announcer", { hasText: words }));
  const item = message("in #results");
  const name = (await item.getAttribute("aria-label")) ?? "";
  assert.ok(name.includes(words), name);
  assert.match(name, new RegExp(`/${year} `));
  await item.hover();
  await item.getByRole("button", { name: "Reply" }).click();
  await sees(page.locator(".reply-bar", { hasText: words }));
});

test("people who listen hear new messages, and nothing when only an edit comes", async (t) => {
  const { page, bot } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  const sent = await technical.send("**webster** is done");
  await sees(page.locator("#announcer", { hasText: "Atomizer HQ: webster is done" }));
  await sent.edit("webster is done, twice");
  await sees(page.getByText("webster is done, twice"));
  assert.equal(await page.locator("#announcer").textContent(), "Atomizer HQ: webster is done");
});
