import assert from "node:assert/strict";
import test from "node:test";
import type { Page } from "playwright-core";
import {
  gone,
  hands,
  intercept,
  openPage,
  readsFromTheRight,
  sees,
  startPage,
  useBrowser,
} from "./page-fixture.ts";

const browser = useBrowser();
const PATCH = "**/local/messages/*";

/** Somebody else acts, or the same person elsewhere. */
async function post(guild: { readonly url: string }, path: string, body: object): Promise<void> {
  const answer = await fetch(`${guild.url}/local/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
}

const editOf = (page: Page) => page.getByRole("textbox", { name: "Edit message" });

test("who edits a message loses nothing when somebody reacts to it meanwhile", async (t) => {
  const { page, guild, write, message } = await startPage(t, browser());
  await write("a task");
  await sees(message("a task"));
  const id = await message("a task").getAttribute("data-id");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.type(", and how");
  await page.keyboard.press("Home");
  await post(guild, "reactions", { as: "ada", channel: "technical", message: id, emoji: "👍" });
  await post(guild, "messages", { as: "ada", channel: "technical", content: "I saw it" });
  await sees(message("I saw it"));
  await page.keyboard.type("Please: ");
  await page.keyboard.press("Enter");
  await sees(message("Please: a task, and how"));
  await sees(message("Please: a task, and how").getByRole("button", { name: "thumbs up, 1" }));
});

test("an edit that does not get through is there again, with words", async (t) => {
  const { page, write, message } = await startPage(t, browser());
  await write("first");
  await sees(message("first"));
  await page.keyboard.press("ArrowUp");
  await intercept(page, PATCH, (route) => route.abort());
  await page.keyboard.type(" and second");
  await page.keyboard.press("Enter");
  await sees(page.getByText("The local guild does not answer. Try again when the connection is back."));
  await sees(editOf(page));
  assert.equal(await editOf(page).inputValue(), "first and second");
  await page.unroute(PATCH);
  await editOf(page).press("Enter");
  await sees(message("first and second"));
});

test("what was begun in a channel is there when one comes back: text, files, an answer, a command", async (t) => {
  const { page, write, message, messages, box, option, openChannel, suggestion } = await startPage(
    t,
    browser(),
  );
  await write("a question");
  await message("a question").hover();
  await message("a question").getByRole("button", { name: "Reply" }).click();
  await page.keyboard.type("half an answer");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).click();
  await (await chooser).setFiles([{ name: "table.csv", mimeType: "text/csv", buffer: Buffer.from("1") }]);
  await openChannel("results");
  await gone(page.getByText("Replying to You"));
  await gone(page.getByText("table.csv"));
  assert.equal(await box.inputValue(), "");
  await page.keyboard.type("/delegate ");
  await sees(suggestion("webster · ready"));
  await page.keyboard.type("webster");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Find the CTE of");
  await page.keyboard.press("Alt+ArrowUp");
  await sees(page.getByRole("heading", { name: "task-queue", level: 2 }).first());
  await sees(box);
  await openChannel("results");
  assert.equal(await option("objective").inputValue(), "Find the CTE of");
  await option("objective").press("End");
  await page.keyboard.type(" ULE");
  await page.keyboard.press("Enter");
  await sees(message("webster · running").getByText("Find the CTE of ULE", { exact: true }));
  await openChannel("technical");
  await sees(page.getByText("Replying to You"));
  assert.equal(await box.inputValue(), "half an answer");
  await box.press("Enter");
  const sent = messages.locator(":scope > .message").filter({ hasText: "half an answer" });
  await sees(sent.getByRole("button", { name: /^Reply to You: a question/ }));
  await sees(sent.getByRole("link", { name: "table.csv", exact: true }));
  await openChannel("results");
  await sees(box);
  assert.equal(await box.inputValue(), "", "what was sent is not there again");
});

test("what was begun and not sent is there after a reload, and what was sent is not", async (t) => {
  const { page, write, message, box, option, openChannel, suggestion } = await startPage(t, browser(), {
    channel: "technical",
  });
  await write("a question");
  await message("a question").hover();
  await message("a question").getByRole("button", { name: "Reply" }).click();
  await page.keyboard.type("half an answer");
  await openChannel("results");
  await page.keyboard.type("/delegate ");
  await sees(suggestion("webster · ready"));
  await page.keyboard.type("webster");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Find the CTE of ULE validate:");
  await page.keyboard.type("fal");
  await page.keyboard.press("Enter");
  await page.reload();
  await sees(option("objective"));
  assert.equal(await option("objective").inputValue(), "Find the CTE of ULE");
  await page.reload();
  await sees(option("objective"));
  await option("objective").press("Enter");
  await sees(message("webster · running").getByText(/agent=webster .*ULE validate=false/));
  await openChannel("technical");
  await sees(page.getByText("Replying to You"));
  assert.equal(await box.inputValue(), "half an answer");
  await box.press("Enter");
  await sees(message("half an answer").getByRole("button", { name: /^Reply to You/ }));
  await page.reload();
  await sees(message("half an answer"));
  assert.equal(await box.inputValue(), "");
  await openChannel("results");
  await sees(box);
});

test("a form opens in the tab that asked for it, and in no other one of the same person", async (t) => {
  const { page, guild } = await startPage(t, browser());
  const other = await openPage(t, browser(), guild.address);
  const { box, write, message } = hands(other);
  await sees(box);
  await page.keyboard.type("/form");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Why?" });
  await sees(dialog);
  await write("goes on undisturbed");
  await sees(message("goes on undisturbed"));
  assert.equal(await other.getByRole("dialog").count(), 0);
  await page.getByRole("textbox", { name: "Reason" }).fill("because");
  await page.keyboard.press("Enter");
  await gone(dialog);
  await sees(message("Form says because / nothing"));
});

test("a message that is too long is kept, and Enter says why it does not go", async (t) => {
  const { page, box, message } = await startPage(t, browser());
  await box.click();
  await page.keyboard.insertText("v".repeat(2003));
  await page.keyboard.press("Enter");
  const problem = page.getByText("At most 2000 characters in one message; these are 2003.");
  await sees(problem);
  for (let n = 0; n < 3; n++) await page.keyboard.press("Backspace");
  await gone(problem);
  await page.keyboard.press("Enter");
  await sees(message("v".repeat(2000)));
});

test("ten files with long names stay in their place, and each can be taken out with the mouse", async (t) => {
  const { page, box } = await startPage(t, browser(), { how: { viewport: { width: 640, height: 400 } } });
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).click();
  const name = (at: number) => `${at}${"a".repeat(120)}.txt`;
  const mimeType = "text/plain";
  const files = Array.from({ length: 10 }, (_, at) => ({
    name: name(at),
    mimeType,
    buffer: Buffer.from("x"),
  }));
  await (await chooser).setFiles(files);
  const list = page.getByRole("list", { name: "Files to send" });
  await sees(list.getByRole("listitem").last());
  const room = await list.boundingBox();
  assert.ok(room && room.y >= 48, "the list leaves the name of the channel in view");
  for (let at = 9; at >= 0; at--) {
    const remove = page.getByRole("button", { name: `Remove ${name(at)}` });
    const { x, width } = (await remove.boundingBox()) ?? { x: 1000, width: 0 };
    assert.ok(x + width <= room.x + room.width, `file ${at} ends at ${x + width}`);
    await remove.click();
    await gone(remove);
    await sees(box);
  }
});

test("in a low window, as at 200 %, suggestions and every option of a command are in reach", async (t) => {
  const { page, option, suggestion, message, reach } = await startPage(t, browser(), {
    how: { viewport: { width: 640, height: 400 } },
  });
  await page.keyboard.type("/delegate ");
  await sees(suggestion("webster · ready"));
  await page.keyboard.press("Escape");
  for (const name of ["timeout", "validate", "format", "context"]) {
    await reach(page.getByRole("button", { name: new RegExp(`^Add option ${name}`) }));
    await page.keyboard.press("Enter");
  }
  await option("agent").click();
  await page.keyboard.type("web");
  await gone(suggestion("auditor · ready"));
  const chosen = suggestion("webster · ready");
  const top = (await page.locator(".suggest").boundingBox())?.y ?? -1;
  assert.ok(top >= 0, `the list begins at ${top}`);
  await sees(chosen.and(page.locator("[aria-selected=true]")));
  await chosen.click();
  await option("objective").fill("Find the CTE");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await sees(message("webster · running"));
});

test("what is written from right to left is read from right to left", async (t) => {
  const { page, write, message } = await startPage(t, browser());
  await write("שלום עולם.");
  const text = message("שלום עולם.").locator(".markdown p");
  await sees(text);
  assert.equal(await readsFromTheRight(text), true);
  await write("Hello.");
  await sees(message("Hello."));
  assert.equal(await readsFromTheRight(message("Hello.").locator(".markdown p")), false);
  const bidi = "getComputedStyle(document.querySelector('#composer-text')).unicodeBidi";
  assert.equal(await page.evaluate(bidi), "plaintext");
});

test("Escape puts the members away where they lie over the messages", async (t) => {
  const { page } = await startPage(t, browser(), { how: { viewport: { width: 390, height: 800 } } });
  const members = page.getByRole("complementary", { name: "Members" });
  await page.getByRole("button", { name: "Members", exact: true }).click();
  await sees(members);
  await page.keyboard.press("Escape");
  await gone(members);
});

test("who passes by an option that is chosen with Tab leaves it as it is, and Enter sends", async (t) => {
  const { page, option, suggestion, message, reach } = await startPage(t, browser());
  await page.keyboard.type("/delegate ");
  await sees(suggestion("webster · ready"));
  await page.keyboard.type("webster");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Find it validate:");
  await sees(suggestion("False"));
  await page.keyboard.type("fal");
  await page.keyboard.press("Enter");
  await page.keyboard.type(" context:");
  await sees(suggestion("#results"));
  await page.keyboard.type("results");
  await page.keyboard.press("Enter");
  await reach(option("agent"), "Shift+Tab");
  await sees(suggestion("webster · ready"));
  await reach(page.getByRole("button", { name: "Send", exact: true }));
  for (const [name, value] of [
    ["agent", "webster · ready"],
    ["validate", "False"],
    ["context", "#results"],
  ] as const)
    assert.equal(await option(name).inputValue(), value);
  await reach(option("context"), "Shift+Tab");
  await sees(suggestion("#results"));
  await page.keyboard.press("Enter");
  await sees(message("webster · running").getByText(/validate=false/));
});
