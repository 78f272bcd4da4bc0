import assert from "node:assert/strict";
import test from "node:test";
import { startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import {
  gone,
  hands,
  loseAnswer,
  openPage,
  sees,
  startPage,
  UNANSWERED,
  useBrowser,
} from "./page-fixture.ts";

const browser = useBrowser();

test("a message whose answer was lost is sent again by Enter and stands once", async (t) => {
  const { page, guild, box, write, message } = await startPage(t, browser());
  await loseAnswer(page, "messages");
  await write("a task");
  await sees(page.getByText(UNANSWERED));
  assert.equal(await box.inputValue(), "a task");
  await page.keyboard.press("Enter");
  await sees(page.getByRole("button", { name: "Send" }).and(page.locator(":disabled")));
  await write("the next");
  await sees(message("the next"));
  await write("a task");
  await sees(page.locator(".message").filter({ hasText: "a task" }).nth(1));
  const shown = guild.inspect.messages("technical").map(({ content }) => content);
  assert.deepEqual(shown, ["a task", "the next", "a task"], "who wants it twice writes it twice");
});

test("a message whose answer was lost stands once also when the page is loaded anew before it is sent again", async (t) => {
  const { page, guild, box, write, message } = await startPage(t, browser());
  await loseAnswer(page, "messages");
  await write("a task");
  await sees(page.getByText(UNANSWERED));
  await page.reload();
  await sees(message("a task"));
  assert.equal(await box.inputValue(), "a task");
  await box.press("Enter");
  await write("the next");
  await sees(message("the next"));
  const shown = guild.inspect.messages("technical").map(({ content }) => content);
  assert.deepEqual(shown, ["a task", "the next"]);
});

test("files whose answer was lost are sent again once, and other files under the same name are others", async (t) => {
  const { page, guild, box, message } = await startPage(t, browser());
  const give = async (text: string) => {
    const chooser = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Attach files" }).click();
    await (await chooser).setFiles([{ name: "table.csv", mimeType: "text/csv", buffer: Buffer.from(text) }]);
  };
  await loseAnswer(page, "messages");
  await give("1");
  await box.press("Enter");
  await sees(page.getByText(UNANSWERED));
  await box.press("Enter");
  await sees(message("table.csv"));
  await loseAnswer(page, "messages");
  await give("2");
  await box.press("Enter");
  await sees(page.getByText(UNANSWERED));
  await page.getByRole("button", { name: "Remove table.csv" }).click();
  await give("3");
  await box.press("Enter");
  await sees(page.locator(".message").filter({ hasText: "table.csv" }).nth(2));
  assert.equal(guild.inspect.messages("technical").length, 3);
});

for (const point of ["interaction:recorded", "interaction:acknowledged"])
  test(`a command killed at ${point}, its answer lost, is one delegation when it is sent again`, async (t) => {
    using folder = temporaryFolder();
    const first = await startSupervisor(folder.path, { HQ_CRASH_AT: point });
    t.after(() => first.child.kill("SIGKILL"));
    const guild = first.ready.guild ?? "";
    const page = await openPage(t, browser(), `${guild}/`);
    await sees(page.getByRole("heading", { name: "Welcome to #technical" }));
    const { option, message, suggestion } = hands(page);
    await page.keyboard.type("/delegate");
    await sees(suggestion(/^\/delegate\b/));
    await page.keyboard.type(" ");
    await sees(option("objective"));
    await page.keyboard.type("agent:webster objective:Find the CTE of Invar 36");
    await loseAnswer(page, "commands");
    await page.keyboard.press("Enter");
    assert.deepEqual(await first.exited, [null, "SIGKILL"]);
    await sees(page.getByText("The connection to the local guild is lost. Trying again…"));
    const second = await startSupervisor(folder.path, { HQ_GUILD_PORT: new URL(guild).port });
    t.after(second.stop);
    await gone(page.getByText("The connection to the local guild is lost. Trying again…"));
    assert.equal(await option("objective").inputValue(), "Find the CTE of Invar 36");
    await option("objective").press("Enter");
    await sees(page.getByRole("combobox", { name: "Message #technical" }));
    await sees(message("webster · done in"));
    const { body } = await second.call("GET", "/delegations");
    assert.equal(body.items.length, 1);
  });
