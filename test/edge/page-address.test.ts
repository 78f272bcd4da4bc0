import assert from "node:assert/strict";
import test from "node:test";
import { gone, hands, openPage, sees, startPage, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();

test("an open page follows its address: a pasted channel, back and forward, after mouse and keyboard", async (t) => {
  const { page, guild, write, message, openChannel } = await startPage(t, browser(), {
    channel: "technical",
  });
  const welcome = (name: string) => page.getByRole("heading", { name: `Welcome to #${name}` });
  const current = (name: string) =>
    page
      .getByRole("navigation", { name: "Channels" })
      .locator("[aria-current=page]")
      .filter({ hasText: name });
  await page.evaluate("globalThis.isSame = true");
  await openChannel("results");
  await page.keyboard.press("Alt+ArrowDown");
  await sees(welcome("worker-pool"));
  await page.goBack();
  await sees(welcome("results"));
  await page.goBack();
  await sees(welcome("technical"));
  await sees(current("technical"));
  await page.goForward();
  await sees(welcome("results"));
  assert.match(page.url(), /#channel=results$/);
  await page.goto(`${guild.address}#channel=reports`);
  await sees(welcome("reports"));
  await sees(current("reports"));
  await sees(page.locator("#composer-text:focus"));
  await page.keyboard.type("came by a link");
  await page.keyboard.press("Enter");
  await sees(message("came by a link"));
  await page.goto(`${guild.address}#channel=nowhere`);
  await sees(page.getByText("There is no channel #nowhere here."));
  await sees(message("came by a link"));
  assert.match(page.url(), /#channel=reports$/);
  await write("still here");
  await sees(message("still here"));
  assert.equal(await page.evaluate("isSame"), true, "it was never loaded anew");
});

test("a thread that is called like a channel has an address of its own", async (t) => {
  const { page, bot } = await startPage(t, browser());
  const reports = await bot.channel("reports");
  assert.ok("threads" in reports);
  const first = await reports.send("begins a thread");
  const thread = await first.startThread({ name: "results" });
  await thread.send("in the thread");
  await page
    .getByRole("navigation", { name: "Channels" })
    .locator(".channel-thread", { hasText: "results" })
    .click();
  await sees(page.getByText("in the thread"));
  await page.reload();
  await sees(page.getByText("in the thread"));
});

test("the way past the channels leads to the message box and changes no address", async (t) => {
  const { page, openChannel } = await startPage(t, browser(), { channel: "technical" });
  await openChannel("results");
  const address = page.url();
  await page.getByRole("link", { name: "Skip to the message box" }).focus();
  await page.keyboard.press("Enter");
  await sees(page.locator("#composer-text:focus"));
  assert.equal(page.url(), address);
  await page.goBack();
  await sees(page.getByRole("heading", { name: "Welcome to #technical" }));
});

test("the address with the key opens the guild also in the tab that asks for it", async (t) => {
  const { guild } = await startPage(t, browser(), { guild: { key: "s3cret-key" } });
  const page = await openPage(t, browser(), `${guild.url}/#channel=results`);
  const refused = page.getByRole("heading", { name: "This page needs its key" });
  await sees(refused);
  await page.goto(guild.address);
  await gone(refused);
  const { write, message } = hands(page);
  await write("let in");
  await sees(message("let in"));
  assert.equal(page.url().includes("s3cret"), false);
});
