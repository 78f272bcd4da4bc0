import assert from "node:assert/strict";
import test from "node:test";
import { ComponentType } from "discord.js";
import { button } from "./page-bot.ts";
import { gone, intercept, sees, startPage, switchTo, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();

test("the guild shows its channels in their categories, and one opens with a click", async (t) => {
  const { page, openChannel, box } = await startPage(t, browser());
  const channels = page.getByRole("navigation", { name: "Channels" });
  const shown: Record<string, string> = {};
  for (const category of await channels.locator(".category").all()) {
    const name = await category.getByRole("heading", { level: 3 }).textContent();
    shown[name?.replace(/[^A-Z]/g, "") ?? ""] = (
      await category.locator(".channel-name").allTextContents()
    ).join(" ");
  }
  assert.deepEqual(shown, {
    COMMAND: "ceo-office announcements daily-standup",
    ENGINEERING: "technical code-review fea-analysis nx-cad",
    OPERATIONS: "task-board meeting-notes reports",
    RESEARCH: "literature materials-data",
    PROJECTS: "active-projects",
    KNOWLEDGE: "knowledge-base lessons-learned",
    SYSTEM: "agent-logs inter-agent it-ops",
    QUEUE: "task-queue results worker-pool",
  });
  assert.deepEqual(
    Object.keys(shown),
    "COMMAND ENGINEERING OPERATIONS RESEARCH PROJECTS KNOWLEDGE SYSTEM QUEUE".split(" "),
  );
  await openChannel("materials-data");
  await sees(page.getByRole("heading", { name: "Welcome to #materials-data" }));
  await sees(page.getByRole("main").getByText("Properties of materials, with sources").first());
  assert.equal(await box.getAttribute("placeholder"), "Message #materials-data");
  assert.match(await page.title(), /^#materials-data · Atomizer-HQ$/);
});

test("a person writes, breaks a line with Shift+Enter, and sees markdown, name and time", async (t) => {
  const { page, box, message } = await startPage(t, browser());
  await box.click();
  await page.keyboard.type("Good **morning**");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second `line`");
  await page.keyboard.press("Enter");
  const sent = message("Good morning");
  await sees(sent.locator("strong", { hasText: "morning" }));
  await sees(sent.locator("code", { hasText: "line" }));
  await sees(sent.getByText("You", { exact: true }));
  await sees(sent.locator("time").first());
  assert.equal(await box.inputValue(), "");
});

test("messages in other channels leave an unread mark, mentions a number, and opening clears both", async (t) => {
  const { page, bot, guild, openChannel, message } = await startPage(t, browser());
  const channels = page.getByRole("navigation", { name: "Channels" });
  const results = await bot.channel("results");
  await results.send("webster is done");
  await sees(channels.getByRole("button", { name: "results, unread", exact: true }));
  const state = await (await fetch(`${guild.url}/local/state?as=you`)).json();
  const you = (state as { you: { id: string } }).you.id;
  await results.send(`<@${you}> look at this`);
  await sees(channels.getByRole("button", { name: "results, unread, 1 mention" }));
  assert.match(await page.title(), /^\(1\) #technical/);
  await openChannel("results");
  await sees(page.getByRole("separator").filter({ hasText: "New" }).or(message("webster is done")).first());
  await sees(message("@You look at this"));
  await openChannel("technical");
  await sees(channels.getByRole("button", { name: "results", exact: true }));
});

test("what is read in one tab is read in the person's other ones, and stays so", async (t) => {
  const { page, bot, guild, message, openChannel } = await startPage(t, browser(), { channel: "technical" });
  const other = await page.context().newPage();
  await other.goto(`${guild.address}#channel=reports`);
  const channels = (tab: typeof page, name: string) =>
    tab.getByRole("navigation", { name: "Channels" }).getByRole("button", { name, exact: true });
  await sees(channels(other, "results"));
  await (await bot.channel("results")).send("webster is done");
  await sees(channels(other, "results, unread"));
  await openChannel("results");
  await sees(message("webster is done"));
  await sees(channels(other, "results"));
  await (await bot.channel("reports")).send("a report");
  await sees(other.locator(".message", { hasText: "a report" }));
  await page.bringToFront();
  await sees(channels(page, "results"));
  await page.reload();
  await sees(message("webster is done"));
  await openChannel("technical");
  await sees(channels(page, "results"));
  await other.close();
});

test("/delegate by keyboard alone: picker, autocomplete from the bot, options, card, and its button", async (t) => {
  const { page, message, option, suggestion, reach } = await startPage(t, browser());
  await page.keyboard.type("/del");
  await sees(suggestion(/\/delegate/));
  await sees(page.getByText("Hand a task to an agent and wait for its answer"));
  await page.keyboard.press("Enter");
  await sees(suggestion("webster · ready"));
  await page.keyboard.type("web");
  await gone(suggestion("auditor · ready"));
  await page.keyboard.press("Enter");
  assert.equal(await option("agent").inputValue(), "webster · ready");
  await page.keyboard.type("Find the CTE of Zerodur Class 0 between 20 and 40 °C");
  await reach(page.getByRole("button", { name: /^Add option timeout/ }));
  await page.keyboard.press("Enter");
  await page.keyboard.type("120");
  await reach(page.getByRole("button", { name: /^Add option validate/ }));
  await page.keyboard.press("Enter");
  await page.keyboard.type("tr");
  await sees(suggestion("True"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  const card = message("webster · running");
  await sees(card);
  await sees(card.getByText("You used", { exact: false }));
  await sees(card.getByText("/delegate"));
  await sees(card.getByText("timeout=120 validate=true"));
  await sees(card.getByText(/\d+ seconds? ago/));
  await sees(page.locator("#composer-text:focus"));
  await reach(card.getByRole("button", { name: "Cancel" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await sees(message("webster · canceled"));
  await gone(message("webster · running"));
  await sees(message("(edited)"));
});

for (const key of ["Enter", "Escape"]) {
  test(`after ${key}, a late answer of the bot does not open the list again, and the next Enter sends`, async (t) => {
    const { page, message, option, suggestion, fill } = await startPage(t, browser());
    await page.keyboard.type("/delegate ");
    await sees(suggestion("webster · ready"));
    await fill(option("objective"), "Find the CTE of ULE");
    await option("agent").click();
    await sees(suggestion("webster · ready"));
    const held = Promise.withResolvers<void>();
    await intercept(page, "**/autocomplete", async (route) => {
      await held.promise;
      await route.continue();
    });
    const asked = page.waitForRequest("**/autocomplete");
    await page.keyboard.type("webster");
    await gone(suggestion("auditor · ready"));
    await asked;
    await page.keyboard.press(key);
    const answered = page.waitForResponse("**/autocomplete");
    held.resolve();
    await (await answered).finished();
    await page.keyboard.press("Enter");
    await sees(message("webster · running"));
  });
}

test("missing and wrong options are said at the field, and nothing is sent", async (t) => {
  const { page, option, suggestion, messages, fill } = await startPage(t, browser());
  await page.keyboard.type("/delegate ");
  await sees(suggestion("webster · ready"));
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  await sees(page.getByText("This option is required.").first());
  await fill(option("agent"), "webster");
  await page.keyboard.press("Escape");
  await fill(option("objective"), "x".repeat(6001));
  await sees(page.getByText("At most 6000 characters; these are 6001."));
  await page.keyboard.press("Enter");
  await fill(option("objective"), "short");
  await page.getByRole("button", { name: /^Add option timeout/ }).click();
  await page.keyboard.type("5");
  await page.keyboard.press("Enter");
  await sees(page.getByText("At least 10."));
  await page.getByRole("button", { name: /^Add option format/ }).click();
  await sees(suggestion("JSON document"));
  await page.keyboard.type("nonsense");
  await sees(page.getByText("No such choice"));
  await page.keyboard.press("Enter");
  await sees(page.getByText("Choose one of the list."));
  await page.getByRole("button", { name: "Cancel the command" }).click();
  await gone(option("objective"));
  assert.equal(await messages.getByRole("listitem").count(), 0);
});

test("an error is for the person alone: it says so, and can be dismissed", async (t) => {
  const { page, message, suggestion, reach } = await startPage(t, browser());
  await page.keyboard.type("/delegate");
  await sees(suggestion(/\/delegate/));
  await page.keyboard.press("Enter");
  await page.keyboard.type("nobody");
  await sees(page.getByText("No suggestions. You can type anything."));
  await page.keyboard.press("Tab");
  await page.keyboard.type("anything");
  await page.keyboard.press("Enter");
  const error = message("There is no agent nobody");
  await sees(error);
  await sees(error.getByText("Only you can see this"));
  await switchTo(page, "Ada");
  await gone(error);
  await switchTo(page, "You");
  await page.keyboard.type("/status");
  await page.keyboard.press("Enter");
  await reach(page.getByRole("button", { name: "Send", exact: true }));
  await page.keyboard.press("Enter");
  const fine = message("All is well in status");
  await sees(fine);
  await fine.getByRole("button", { name: "Dismiss message" }).click();
  await gone(fine);
});

test("a bot that never answers is said so after three seconds", async (t) => {
  const { page, message, suggestion } = await startPage(t, browser());
  await page.keyboard.type("/deaf");
  await sees(suggestion("/deaf"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await sees(message("Sending command…"));
  const failed = message("The application did not respond.");
  await sees(failed);
  await failed.getByRole("button", { name: "Dismiss message" }).click();
  await gone(failed);
});

test("subcommands are entries of their own", async (t) => {
  const { page, message, suggestion } = await startPage(t, browser());
  await page.keyboard.type("/workflow");
  await sees(suggestion(/\/workflow list/));
  await sees(suggestion(/\/workflow run/));
  await page.keyboard.type(" run ");
  await page.keyboard.type("design-review");
  await page.keyboard.press("Enter");
  await sees(message("All is well in workflow."));
});

test("message commands: by right click and by keyboard", async (t) => {
  const { page, write, message, reach } = await startPage(t, browser());
  await write("Find CTE of ULE");
  await message("Find CTE of ULE").click({ button: "right" });
  const menu = page.getByRole("menu", { name: "Message actions" });
  await sees(menu.getByText("Apps"));
  await menu.getByRole("menuitem", { name: "Delegate this message" }).click();
  await sees(message("Delegated: Find CTE of ULE"));
  await message("Delegated: Find CTE of ULE").getByRole("button", { name: "Dismiss message" }).click();
  await reach(message("Find CTE of ULE"), "Shift+Tab");
  await page.keyboard.press("Enter");
  await sees(menu);
  await page.keyboard.press("d");
  await page.keyboard.press("Enter");
  await sees(message("Delegated: Find CTE of ULE"));
});

test("a form: problems stay in it, Escape leaves it, the focus stays inside, and it is sent", async (t) => {
  const { page, message, suggestion, fill } = await startPage(t, browser());
  const openForm = async () => {
    await page.keyboard.type("/form");
    await sees(suggestion("/form"));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await sees(page.getByRole("dialog", { name: "Why?" }));
  };
  await openForm();
  const dialog = page.getByRole("dialog", { name: "Why?" });
  await page.keyboard.press("Escape");
  await gone(dialog);
  await openForm();
  await sees(dialog.getByText("In a few words"));
  await dialog.getByRole("button", { name: "Submit" }).click();
  await sees(dialog.getByText("This is required."));
  await page.keyboard.type("ab");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await sees(dialog.getByRole("alert").filter({ hasText: /3/ }));
  for (let tab = 0; tab < 12; tab++) {
    await page.keyboard.press("Tab");
    assert.equal(await page.locator(":focus:not(dialog *)").count(), 0, "the focus left the form");
  }
  await fill(dialog.getByLabel("Reason"), "because");
  await fill(dialog.getByLabel("More"), "line one");
  await page.keyboard.press("Control+Enter");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await gone(dialog);
  await sees(message("Form says because / line one"));
});

test("buttons show that they work, selects list their options, links open elsewhere", async (t) => {
  const { page, bot, message } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  await technical.send({
    content: "Choose",
    components: [
      {
        type: ComponentType.ActionRow,
        components: [
          button("hold", "Hold on"),
          { ...button("off", "Not now"), disabled: true },
          { type: ComponentType.Button, style: 5, label: "Read", url: "https://example.com/a" },
        ],
      },
      {
        type: ComponentType.ActionRow,
        components: [
          {
            type: ComponentType.StringSelect,
            custom_id: "pick",
            placeholder: "Delegate on…",
            min_values: 1,
            max_values: 2,
            options: ["webster", "auditor", "secretary"].map((value) => ({
              label: value,
              value,
              description: `ask ${value}`,
            })),
          },
        ],
      },
    ],
  });
  const hold = message("Choose").getByRole("button", { name: "Hold on" });
  const clicks: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/local/components")) clicks.push(request.method());
  });
  await hold.dblclick();
  await bot.heldButton;
  // The bot may hear of it before the next picture is drawn.
  const working = message("Choose").locator('button[aria-busy="true"]', { hasText: "Hold on" });
  await sees(working);
  bot.release();
  await sees(message("Done waiting."));
  assert.deepEqual(clicks, ["POST"], "a double click is one");
  await gone(working);
  assert.equal(await message("Choose").getByRole("button", { name: "Not now" }).isDisabled(), true);
  const link = message("Choose").getByRole("link", { name: "Read" });
  assert.equal(await link.getAttribute("rel"), "noopener noreferrer nofollow");
  assert.equal(await link.getAttribute("target"), "_blank");
  await message("Choose").getByRole("combobox", { name: "Delegate on…" }).click();
  const list = page.getByRole("listbox", { name: "Delegate on…" });
  await list.getByRole("option", { name: /webster/ }).click();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await sees(page.getByText("2 chosen, 1 to 2 possible"));
  await page.getByRole("button", { name: "Done" }).click();
  await sees(message("Chosen: webster, auditor"));
});

test("reactions: added from the picker, taken back with a click, and the bot's are seen at once", async (t) => {
  const { page, bot, write, message } = await startPage(t, browser());
  await write("What do you think?");
  const said = message("What do you think?");
  await said.hover();
  await said.getByRole("button", { name: "Add a reaction" }).click();
  await page.getByRole("button", { name: "rocket" }).click();
  const mine = said.getByRole("button", { name: "rocket, 1, you too" });
  await sees(mine);
  const technical = await bot.channel("technical");
  const seen = await technical.messages.fetch({ limit: 1 });
  await seen.first()?.react("🚀");
  await seen.first()?.react("✅");
  await sees(said.getByRole("button", { name: "rocket, 2, you too" }));
  await sees(said.getByRole("button", { name: "check mark, 1" }));
  await said.getByRole("button", { name: "rocket, 2, you too" }).click();
  await sees(said.getByRole("button", { name: "rocket, 1", exact: true }));
});
