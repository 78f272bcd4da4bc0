import assert from "node:assert/strict";
import { test } from "node:test";
import { gateStep, inputWith, runWith, stepWith, workflowWith } from "../discord/run-fixture.ts";
import { cardEffect, postOf } from "./discord-fixture.ts";
import { startWithRuns } from "./discord-runs.ts";
import { gone, hands, loseAnswer, openPage, sees, switchTo, UNANSWERED, useBrowser } from "./page-fixture.ts";

const browser = useBrowser();
const TWELVE = workflowWith(
  "twelve",
  Array.from({ length: 12 }, (_, n) => inputWith(`input-${n + 1}`, { maxLength: 100 })),
);
const MIXED = workflowWith("mixed", [
  inputWith("question", { maxLength: 400 }),
  inputWith("depth", { type: "choice", options: ["quick", "normal", "deep"], required: false }),
  inputWith("strict", { type: "boolean", default: true }),
  inputWith("count", { type: "number", min: 1, max: 10, required: false, default: 3 }),
]);

type Given = Parameters<typeof openPage>[0];

async function open(t: Given, how: Parameters<typeof openPage>[3] = {}) {
  const stage = await startWithRuns(t, [TWELVE, MIXED]);
  const page = await openPage(t, browser(), `${stage.guild.address}#channel=technical`, how);
  await page.getByRole("heading", { level: 2 }).first().waitFor();
  const hand = hands(page);
  return {
    ...stage,
    ...hand,
    page,
    /** By keyboard: the subcommand, the name with the bot's suggestions, Enter. */
    async run(name: string): Promise<void> {
      await page.keyboard.type("/workflow run ");
      await sees(hand.option("name"));
      await page.keyboard.type(name);
      await sees(hand.suggestion(new RegExp(name)));
      await page.keyboard.press("Enter");
      await page.keyboard.press("Enter");
    },
  };
}

test("twelve inputs by keyboard alone: three forms, then the card", async (t) => {
  const { page, run, message, started, reach } = await open(t);
  await run("twelve");
  for (const [title, first, last] of [
    ["twelve (1–5 of 12)", 1, 5],
    ["twelve (6–10 of 12)", 6, 10],
    ["twelve (11–12 of 12)", 11, 12],
  ] as const) {
    const dialog = page.getByRole("dialog", { name: title });
    await sees(dialog);
    for (let n = first; n <= last; n++) {
      await page.keyboard.type(`value ${n}`);
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await gone(dialog);
    if (last === 12) break;
    const button = message("Nothing has begun yet").getByRole("button", { name: /^Continue/ });
    await sees(button);
    await reach(button, "Shift+Tab");
    await page.keyboard.press("Enter");
  }
  await sees(message(/twelve · running 0\/1/));
  await sees(message("Started twelve").getByText("/workflow run", { exact: true }));
  assert.equal(await message("Nothing has begun yet").count(), 0, "the answer took its place");
  assert.deepEqual(
    started.map(({ request }) => request.inputs),
    [Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`input-${n + 1}`, `value ${n + 1}`]))],
  );
});

test("choices and truth values are selects with their default, chosen and taken back by keyboard", async (t) => {
  const { page, run, message, started, fill, reach } = await open(t);
  await run("mixed");
  const dialog = page.getByRole("dialog", { name: "mixed" });
  await sees(dialog.getByText("the count · a number from 1 to 10"));
  assert.equal(await dialog.getByLabel("count").inputValue(), "3");
  const depth = dialog.getByRole("combobox", { name: "depth" });
  const strict = dialog.getByRole("combobox", { name: "strict" });
  assert.equal((await strict.textContent())?.trim(), "yes");
  const choose = async (option: string) => {
    await reach(depth);
    await page.keyboard.press("Enter");
    const list = page.getByRole("listbox", { name: "depth" });
    await sees(list);
    await reach(list.getByRole("option", { name: option }), "ArrowDown");
    await page.keyboard.press("Enter");
    await gone(list);
    assert.equal(await page.locator(":focus").getAttribute("role"), "combobox");
  };
  await choose("deep");
  assert.equal((await depth.textContent())?.trim(), "deep");
  await choose("deep");
  assert.equal((await depth.textContent())?.trim(), "Choose, or leave it");
  await choose("quick");
  await strict.click();
  await page.getByRole("listbox", { name: "strict" }).getByRole("option", { name: "no" }).click();
  await fill(dialog.getByLabel("question"), "two\nlines");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await sees(message("Started mixed"));
  assert.deepEqual(started[0]?.request.inputs, {
    question: "two\nlines",
    depth: "quick",
    strict: "false",
    count: "3",
  });
});

test("a form whose answer was lost is handed in once more as it is, and starts one run", async (t) => {
  const { page, run, message, started, fill } = await open(t);
  await run("mixed");
  const dialog = page.getByRole("dialog", { name: "mixed" });
  await fill(dialog.getByLabel("question"), "once");
  await loseAnswer(page, "modals");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await sees(page.getByText(UNANSWERED));
  await sees(message("Started mixed"));
  await dialog.getByRole("button", { name: "Submit" }).click();
  await gone(dialog);
  assert.equal(started.length, 1);
});

test("what does not fit is told, and Mend opens the form with what was written", async (t) => {
  const { page, run, message, script, fill } = await open(t);
  script.problems = ({ inputs }) =>
    Number(inputs["count"]) > 10 ? [{ path: "inputs.count", message: "must be at most 10" }] : [];
  await run("mixed");
  const dialog = page.getByRole("dialog", { name: "mixed" });
  await fill(dialog.getByLabel("question"), "kept");
  await fill(dialog.getByLabel("count"), "11");
  await dialog.getByRole("button", { name: "Submit" }).click();
  const answer = message("was not started");
  await sees(answer.getByText("must be at most 10"));
  await answer.getByRole("button", { name: "Mend" }).click();
  await sees(dialog);
  assert.equal(await dialog.getByLabel("question").inputValue(), "kept");
  assert.equal(await dialog.getByLabel("count").inputValue(), "11");
  await fill(dialog.getByLabel("count"), "10");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await sees(message("Started mixed"));
});

test("a gate: its approver sees the ping, rejects with a reason, and everybody reads it", async (t) => {
  const { page, message, show, showGate, guild, runs, reach } = await open(t);
  const origin = { door: "discord", channel: guild.inspect.channelId("technical") } as const;
  const gate = { step: "sign-off", generation: 1 };
  show(
    runWith("running", [stepWith("technical", "succeeded", { result: "Sound." }), gateStep("open")], {
      origin,
      waiting: "gate",
    }),
  );
  await showGate("wf-design-review-1", gate);
  await switchTo(page, "Ada");
  const card = message("Approval needed");
  await sees(card.getByText("@Engineering"));
  const reject = card.getByRole("button", { name: "Reject…" });
  await reach(reject, "Shift+Tab");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Reject sign-off" });
  await sees(dialog);
  await page.keyboard.press("Escape");
  await gone(dialog);
  // The form is out of sight a moment before the focus is back.
  await sees(page.locator("button:focus", { hasText: "Reject…" }));
  await page.keyboard.press("Enter");
  await sees(dialog);
  await page.keyboard.type("From 2019");
  await dialog.getByRole("button", { name: "Submit" }).click();
  await sees(message("Rejected design-review / sign-off").getByText("Only you can see this"));
  await showGate("wf-design-review-1", gate);
  const decided = message("❌ Rejected");
  await sees(decided.getByText("From 2019"));
  assert.equal(await decided.getByRole("button", { name: "Approve" }).count(), 0);
  assert.equal(runs.get("wf-design-review-1")?.steps[1]?.gate?.status, "rejected");
});

test("the question after too many failures has its four buttons on a narrow screen", async (t) => {
  const { page, message, show, edge, told } = await open(t, { viewport: { width: 360, height: 740 } });
  const id = "wf-design-review-1";
  show(
    runWith("running", [stepWith("a", "failed", { reason: "timed out" }), stepWith("b", "pending")], {
      waiting: "answer",
      stopped: { failures: 3, at: 0 },
    }),
  );
  await edge.perform.card(cardEffect(id));
  const to = { channel: "technical" } as const;
  await edge.perform.post(postOf({ id: `${id}/ask-1`, kind: "ask", to, subject: id }));
  const question = message("stopped after 3 failures");
  for (const name of ["Retry failed", "Adjust…", "Accept partial", "Cancel"]) {
    await sees(question.getByRole("button", { name }));
  }
  const overflow = await page.evaluate<number>(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  assert.ok(overflow <= 0, `${overflow} pixels too wide`);
  await question.getByRole("button", { name: "Retry failed" }).click();
  await sees(message("what failed is done once more"));
  assert.deepEqual(
    told.map(({ what }) => what),
    ["retry"],
  );
});
