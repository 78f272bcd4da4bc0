import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { AttachmentBuilder, ComponentType, MessageFlags } from "discord.js";
import { gone, sees, startPage, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();
/** A red dot of 2 × 2. */
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==",
  "base64",
);

test("an own message is replied to, edited with ArrowUp, and deleted after a question", async (t) => {
  const { page, write, message, messages, box } = await startPage(t, browser());
  await write("first version");
  const own = message("first version");
  await own.hover();
  await own.getByRole("button", { name: "Reply" }).click();
  await sees(page.getByText("Replying to You"));
  await page.keyboard.type("the answer");
  await page.keyboard.press("Enter");
  const reply = message("the answer");
  await sees(reply.getByRole("button", { name: "Reply to You: first version. Go there" }));
  await gone(page.getByText("Replying to You"));
  await page.keyboard.press("ArrowUp");
  const area = page.getByRole("textbox", { name: "Edit message" });
  await sees(area);
  await page.keyboard.type(", corrected");
  await page.keyboard.press("Enter");
  await sees(message("the answer, corrected").getByText("(edited)"));
  await sees(page.locator("#composer-text:focus"));
  await page.keyboard.press("ArrowUp");
  await page.keyboard.type("unwanted");
  await page.keyboard.press("Escape");
  await gone(area);
  await reply.click({ button: "right" });
  await page.getByRole("menuitem", { name: "Delete message" }).click();
  const question = page.getByRole("dialog", { name: "Delete this message?" });
  await question.getByRole("button", { name: "Cancel" }).click();
  await gone(question);
  await sees(reply);
  await reply.click({ button: "right" });
  await page.getByRole("menuitem", { name: "Delete message" }).click();
  await question.getByRole("button", { name: "Delete" }).click();
  await gone(messages.getByText("the answer"));
  await sees(own);
  assert.equal(await box.isVisible(), true);
});

test("files go up from the chooser, are listed before, and come back with preview and download", async (t) => {
  const { page, message } = await startPage(t, browser());
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Attach files" }).click();
  const text = Array.from({ length: 20 }, (_, line) => `row ${line + 1}`).join("\n");
  await (await chooser).setFiles([
    { name: "table.csv", mimeType: "text/csv", buffer: Buffer.from(text) },
    { name: "dot.png", mimeType: "image/png", buffer: PNG },
    { name: "wrong.txt", mimeType: "text/plain", buffer: Buffer.from("no") },
  ]);
  await page.getByRole("button", { name: "Remove wrong.txt" }).click();
  await page.keyboard.type("two files");
  await page.keyboard.press("Enter");
  const sent = message("two files");
  await sees(sent.getByText("row 8"));
  await gone(sent.getByText("row 9"));
  await sent.getByRole("button", { name: "Show all 20 lines" }).click();
  await sees(sent.getByText("row 20"));
  assert.equal(await sent.getByText("wrong.txt").count(), 0);
  const download = page.waitForEvent("download");
  await sent.getByRole("link", { name: "Download table.csv" }).click();
  const saved = await download;
  assert.equal(saved.suggestedFilename(), "table.csv");
  assert.equal(readFileSync(await saved.path(), "utf8"), text);
  await sent.getByRole("button", { name: "Picture: dot.png" }).click();
  const large = page.getByRole("dialog", { name: "dot.png" });
  await sees(large.getByRole("img", { name: "dot.png" }));
  await page.keyboard.press("Escape");
  await gone(large);
});

test("a hundred and twenty messages: the newest are shown first, older ones come by scrolling up", async (t) => {
  const { page, bot, openChannel, message, messages } = await startPage(t, browser());
  const reports = await bot.channel("reports");
  for (let n = 1; n <= 120; n++) await reports.send(`report number ${n}.`);
  await openChannel("reports");
  await sees(message("report number 120."));
  assert.equal(await messages.getByText("report number 60.").count(), 0);
  await message("report number 120.").hover();
  for (
    let turn = 0;
    turn < 40 && (await messages.getByText("report number 1.", { exact: true }).count()) === 0;
    turn++
  ) {
    await page.mouse.wheel(0, -1500);
    await page.waitForFunction(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
    );
  }
  await sees(messages.getByText("report number 1.", { exact: true }));
  const numbers = await messages.locator(".markdown").allTextContents();
  assert.deepEqual(
    numbers,
    Array.from({ length: 120 }, (_, index) => `report number ${index + 1}.`),
  );
  await reports.send("report number 121.");
  const jump = page.getByRole("button", { name: "New messages" });
  await sees(jump);
  await jump.click();
  await sees(message("report number 121."));
  await gone(jump);
});

test("Components V2, embeds, threads and attachments of a bot are shown", async (t) => {
  const { page, bot, message, openChannel } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  await technical.send({
    flags: MessageFlags.IsComponentsV2,
    files: [
      new AttachmentBuilder(Buffer.from("material,cte\nZerodur,0"), { name: "table.csv" }),
      new AttachmentBuilder(PNG, { name: "dot.png" }),
      new AttachmentBuilder(Buffer.from("no component shows it"), { name: "unseen.txt" }),
    ],
    components: [
      {
        type: ComponentType.Container,
        accent_color: 0x3aa55d,
        components: [
          {
            type: ComponentType.Section,
            components: [
              {
                type: ComponentType.TextDisplay,
                content: "### webster · done in 4s\nClass 0: **0 ± 0.02 ppm/K**",
              },
            ],
            accessory: {
              type: ComponentType.Thumbnail,
              media: { url: "attachment://dot.png" },
              description: "a dot",
            },
          },
          { type: ComponentType.Separator, divider: true },
          { type: ComponentType.File, file: { url: "attachment://table.csv" } },
          {
            type: ComponentType.MediaGallery,
            items: [{ media: { url: "attachment://dot.png" }, description: "the chart" }],
          },
        ],
      },
    ],
  });
  const card = message("done in 4s");
  await sees(card.getByRole("heading", { name: "webster · done in 4s" }));
  await sees(card.locator("strong", { hasText: "0 ± 0.02 ppm/K" }));
  await sees(card.getByRole("button", { name: "Picture: a dot" }));
  await sees(card.getByRole("button", { name: "Picture: the chart" }));
  await sees(card.getByText("material,cte"));
  assert.equal(await card.getByRole("link", { name: "Download table.csv" }).count(), 1);
  // As on Discord, where a message of components shows only the files that they name.
  assert.equal(await card.getByText("unseen.txt").count(), 0);
  const line = await page.evaluate("getComputedStyle(document.querySelector('.container')).borderLeftColor");
  assert.equal(line, "rgb(58, 165, 93)");

  const posted = await technical.send({
    embeds: [
      {
        title: "An embed",
        description: "with *text*",
        color: 0xff0000,
        fields: [{ name: "Field", value: "Value", inline: true }],
        footer: { text: "small print" },
      },
    ],
  });
  const shown = message("An embed");
  for (const text of ["with text", "Field", "Value", "small print"]) await sees(shown.getByText(text));
  const thread = await posted.startThread({ name: "study 12" });
  await thread.send("inside the thread");
  await sees(shown.getByText("1 message"));
  await shown.getByRole("button", { name: /study 12/ }).click();
  await sees(message("inside the thread"));
  await sees(
    page.getByRole("navigation", { name: "Channels" }).getByRole("button", { name: "study 12", exact: true }),
  );
  await page.getByRole("main").getByRole("button", { name: "technical" }).click();
  await sees(card);
  await openChannel("study 12");
  await page.getByRole("button", { name: "Threads" }).click();
  await page.getByRole("menuitem", { name: "study 12" }).click();
  await sees(message("inside the thread"));
});

test("thinking shows until the answer is there, and an edit never moves the focus away", async (t) => {
  const { page, bot, message, box, reach } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  const sent = await technical.send({
    content: "state one",
    components: [
      {
        type: ComponentType.ActionRow,
        components: [{ type: ComponentType.Button, style: 2, custom_id: "stay", label: "Stay" }],
      },
    ],
  });
  await reach(message("state one").getByRole("button", { name: "Stay" }), "Shift+Tab");
  await sent.edit({ content: "state two" });
  await sees(message("state two").getByText("(edited)"));
  assert.equal(await page.locator(":focus").textContent(), "Stay");
  await technical.sendTyping();
  await sees(page.getByText("Atomizer HQ is typing…"));
  await technical.send("typed");
  await gone(page.getByText("Atomizer HQ is typing…"));
  await sees(box);
});

test("where a control or a message goes that has the focus, the focus goes no further than beside it", async (t) => {
  const { page, bot, write, message, messages, reach } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  const actions = {
    type: ComponentType.ActionRow as const,
    components: [
      { type: ComponentType.Button as const, style: 2 as const, custom_id: "approve", label: "Approve" },
    ],
  };
  await write("before it");
  await sees(message("before it"));
  const sent = await technical.send({ content: "shall it go on?", components: [actions] });
  await reach(message("shall it go on?").getByRole("button", { name: "Approve" }), "Shift+Tab");
  await sent.edit({ content: "it goes on", components: [] });
  await sees(message("it goes on"));
  await sees(message("it goes on").and(page.locator(":focus")));
  await sent.delete();
  await gone(messages.getByText("it goes on"));
  await sees(message("before it").and(page.locator(":focus")));
});

test("a click counts although the message changes while the button is down", async (t) => {
  const { page, bot, message } = await startPage(t, browser());
  const technical = await bot.channel("technical");
  const sent = await technical.send({
    content: "state one",
    components: [
      {
        type: ComponentType.ActionRow,
        components: [{ type: ComponentType.Button, style: 2, custom_id: "stay", label: "Stay" }],
      },
    ],
  });
  await message("state one").getByRole("button", { name: "Stay" }).hover();
  await page.mouse.down();
  await sent.edit({ content: "state two" });
  await (await bot.channel("reports")).send("the edit came before this");
  await sees(page.getByRole("button", { name: "reports, unread" }));
  await page.mouse.up();
  await sees(message("You clicked stay."));
  await sees(message("state two"));
});

test("nothing that somebody writes becomes markup, a script or a foreign request", async (t) => {
  const { page, bot, write, message } = await startPage(t, browser());
  const foreign: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("http://127.0.0.1:")) foreign.push(request.url());
  });
  const technical = await bot.channel("technical");
  const attacks = [
    `<img src=x onerror="document.title='owned'"> <script>document.title='owned'</script>`,
    "[click](javascript:document.title='owned') [ok](https://example.com/?a=1)",
    "**bold <b>not</b>** `<i>code</i>` ||<svg onload=alert(1)>||",
  ];
  await technical.send({
    content: attacks.join("\n"),
    embeds: [{ title: "<img src=x onerror=alert(1)>", image: { url: "https://example.com/pixel.png" } }],
  });
  const shown = message("onerror");
  await sees(shown);
  await write("<b>mine</b>");
  await sees(message("<b>mine</b>"));
  assert.equal(await shown.locator("script, svg[onload], b, i, img[src='x']").count(), 0);
  const found = await shown.getByRole("link").all();
  const links = await Promise.all(found.map((one) => one.getAttribute("href")));
  assert.deepEqual(links, ["https://example.com/?a=1", "https://example.com/pixel.png"]);
  assert.doesNotMatch(await page.title(), /owned/);
  await shown.getByRole("button", { name: "Spoiler, show it" }).click();
  await sees(shown.getByText("<svg onload=alert(1)>"));
  assert.deepEqual(foreign, []);
});
