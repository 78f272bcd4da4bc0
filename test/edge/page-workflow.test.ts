import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Supervisor, startSupervisor, temporaryFolder } from "../support/supervisor.ts";
import { gone, hands, openPage, sees, switchTo, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();
const folder = temporaryFolder("page-workflow-");
let supervisor: Supervisor;
before(async () => {
  supervisor = await startSupervisor(folder.path);
});
after(async () => {
  await supervisor.stop();
  folder.remove();
});

type Given = Parameters<typeof openPage>[0];

async function open(t: Given, channel: string) {
  const page = await openPage(t, browser(), `${supervisor.ready.guild}/#channel=${channel}`);
  await sees(page.getByRole("heading", { name: channel, level: 2 }).first());
  const hand = hands(page);
  return {
    page,
    ...hand,
    /** By keyboard: the subcommand, the name with the bot's suggestions, Enter; then the form. */
    async run(name: string) {
      await hand.box.click();
      await page.keyboard.type("/workflow run ");
      await sees(hand.option("name"));
      await page.keyboard.type(name);
      await sees(hand.suggestion(new RegExp(name)));
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name });
      await sees(dialog);
      return dialog;
    },
  };
}

test("material-trade-study by keyboard: the form, one card with three steps, right numbers in #results", async (t) => {
  const { page, run, message, messages, openChannel, reach } = await open(t, "technical");
  const dialog = await run("material-trade-study");
  await page.keyboard.type("Zerodur, Clearceram-Z HS, ULE");
  await page.keyboard.press("Tab");
  await page.keyboard.type("CTE < 0.01 ppm/K");
  await reach(dialog.getByRole("button", { name: "Submit" }));
  await page.keyboard.press("Enter");
  await gone(dialog);
  await sees(message("Started material-trade-study"));
  const card = message(/material-trade-study · (running|done)/);
  await sees(card);
  await sees(message(/material-trade-study · done in/));
  for (const step of ["✅ research · webster", "✅ evaluation · tech-lead", "✅ review · auditor"]) {
    await sees(card.getByText(step));
  }
  const cards = messages.locator(":scope > .message").filter({ hasText: /material-trade-study · done in/ });
  assert.equal(await cards.count(), 1);
  await openChannel("results");
  const result = message("material-trade-study · done in");
  await sees(result);
  await sees(result.getByText("material-trade-study.md").first());
  await result.getByRole("button", { name: /^Show all/ }).click();
  const text = (await result.textContent()) ?? "";
  for (const [material, tolerance, worst] of [
    ["Zerodur (class not stated)", "0 ± 0.1 ppm/K", "0.1"],
    ["Clearceram-Z HS", "0 ± 0.02 ppm/K", "0.02"],
    ["ULE 7972", "0 ± 0.03 ppm/K", "0.03"],
  ] as const) {
    assert.ok(text.includes(`**${material}**: mean CTE **${tolerance}**`), text);
    assert.ok(text.includes(`FAIL ${material}: worst case ${worst} ppm/K`), text);
  }
  assert.match(text, /confidence: research \w+ · evaluation \w+ · review \w+/);
  await result.getByRole("button", { name: "Show", exact: true }).click();
  await sees(message("Only you can see this").getByText("CTE < 0.01 ppm/K").first());
});

test("design-review: who asked may not approve, Ada does, and the auditor goes on", async (t) => {
  const { page, run, message, openChannel, fill, reach } = await open(t, "fea-analysis");
  const dialog = await run("design-review");
  await fill(dialog.getByLabel("design"), "The M2 mirror cell in Invar with three flexures");
  await dialog.getByRole("combobox", { name: "depth" }).click();
  await page.getByRole("listbox", { name: "depth" }).getByRole("option", { name: "deep" }).click();
  await dialog.getByRole("button", { name: "Submit" }).click();
  await gone(dialog);
  const gate = message("Approval needed · design-review / sign-off");
  await sees(gate);
  await sees(gate.getByText("@Engineering"));
  await sees(message(/design-review · waits for approval/));
  await gate.getByRole("button", { name: "Approve" }).click();
  await sees(message(/asked for wf-design-review.* may not decide/).getByText("Only you can see this"));
  await switchTo(page, "Guest");
  await openChannel("fea-analysis");
  await gate.getByRole("button", { name: "Approve" }).click();
  await sees(message(/@guest may not decide/));
  await switchTo(page, "Ada");
  await openChannel("fea-analysis");
  await reach(gate.getByRole("button", { name: "Approve" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await sees(message("Approved design-review / sign-off").getByText("Only you can see this"));
  const decided = message("✅ Approved · design-review / sign-off");
  await sees(decided.getByText(/By @ada/));
  assert.equal(await decided.getByRole("button", { name: /^(Approve|Reject|Open run)/ }).count(), 0);
  await sees(decided.and(page.locator(":focus")));
  await sees(message(/design-review · done in/));
  await openChannel("results");
  await sees(message("design-review · done in").getByText("design-review.md").first());
});

test("design-review rejected with a reason: the run fails, the message and the result say why", async (t) => {
  const { page, run, message, openChannel, fill } = await open(t, "code-review");
  const dialog = await run("design-review");
  await fill(dialog.getByLabel("design"), "A mirror of ice");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await gone(dialog);
  await sees(message("Approval needed"));
  await switchTo(page, "Ada");
  await openChannel("code-review");
  await message("Approval needed").getByRole("button", { name: "Reject…" }).click();
  const reason = page.getByRole("dialog", { name: "Reject sign-off" });
  await fill(reason.getByLabel("Reason"), "Ice melts");
  await reason.getByRole("button", { name: "Submit" }).click();
  await gone(reason);
  await sees(message("❌ Rejected · design-review / sign-off").getByText("Ice melts"));
  const card = message(/design-review · failed/);
  await sees(card);
  await openChannel("results");
  await sees(
    message("design-review · failed")
      .getByText(/Ice melts/)
      .first(),
  );
});
