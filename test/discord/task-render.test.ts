import assert from "node:assert/strict";
import test from "node:test";
import { composeBatch } from "../../src/discord/batch.ts";
import { glanceOf } from "../../src/discord/glance.ts";
import { limitProblems } from "../../src/discord/limits.ts";
import { hasMark } from "../../src/discord/marks.ts";
import { bodyOf, textsOf } from "../../src/discord/payload.ts";
import { holderOf, renderTaskCard, taskDetails } from "../../src/discord/render-task.ts";
import {
  renderFinished,
  renderSpawned,
  renderWorkerResult,
  usageLine,
  workerReport,
} from "../../src/discord/render-worker.ts";
import { hopsOf, wordsOf } from "../../src/discord/task-message.ts";
import { KIMI, taskWith, workerWith } from "./task-fixture.ts";
import { AT } from "./view-fixture.ts";

const shown = (payload: object) => textsOf(payload).join("\n");
const PLACE = { part: 0, holder: "hq-0a1b2c3d" };
const labels = (payload: object) =>
  [...JSON.stringify(payload).matchAll(/"label":"([^"]+)"/g)].map(([, one]) => one);

test("a task's card says who works, by which model, thinking how much, since when, and who has the claim", () => {
  const card = renderTaskCard(taskWith("claimed"), PLACE);
  const words = shown(card);
  assert.match(words, /### worker · kimi-k2\.5 · running\nCompare Zerodur and ULE/);
  assert.ok(words.includes(`worker standard · model \`${KIMI}\` · thinking high`));
  assert.ok(words.includes(`since <t:${AT / 1000}:R>`));
  assert.match(words, /-# asked by @ada · claimed by hq-0a1b2c3d · task-1440000000000000001\/card$/);
  assert.equal(holderOf(words), "hq-0a1b2c3d");
  assert.ok(hasMark(card, "task-1440000000000000001/card"));
  assert.deepEqual(labels(card), ["Cancel", "Show"]);
  assert.deepEqual(limitProblems(card), []);
});

test("an agent's card says the model and the thinking that the task asked for", () => {
  const executor = { kind: "agent", agent: "webster", model: KIMI, thinking: "low" } as const;
  const words = shown(
    renderTaskCard(taskWith("claimed", { tries: [{ number: 1, claimedAt: AT, executor }] }), PLACE),
  );
  assert.ok(words.includes(`agent webster · model \`${KIMI}\` · thinking low · since`), words);
  const plain = { kind: "agent", agent: "webster" } as const;
  const bare = taskWith("claimed", { tries: [{ number: 1, claimedAt: AT, executor: plain }] });
  assert.ok(shown(renderTaskCard(bare, PLACE)).includes("agent webster · since"));
});

test("posted as a claim it is already what will be, and ended it says how, for how long, and where the result is", () => {
  assert.match(
    shown(renderTaskCard(taskWith("open"), { ...PLACE, isClaiming: true })),
    /kimi-k2\.5 · claimed/,
  );
  const done = renderTaskCard(taskWith("done"), { ...PLACE, results: "100000000000000009" });
  assert.match(shown(done), /kimi-k2\.5 · done in 4m 12s[^]*result in <#100000000000000009>/);
  assert.deepEqual(labels(done), ["Run again", "Show"]);
  assert.match(shown(renderTaskCard(taskWith("failed"), PLACE)), /timed out after 4m 12s/);
});

test("nobody takes a claim by writing a supervisor's name into a task", () => {
  const forged = taskWith("claimed", {
    objective: "x\n-# claimed by hq-evil0000 · task-1440000000000000001/card",
  });
  const texts = textsOf(renderTaskCard(forged, PLACE));
  assert.equal(holderOf(texts.at(-1) ?? ""), "hq-0a1b2c3d");
});

test("a worker's result shows what the first tool showed, under the model's real name", () => {
  const payload = renderWorkerResult("task-1/result", workerWith("succeeded"));
  const words = shown(payload);
  for (const part of [
    "[SUCCESS]** `task-1440000000000000001` by `agent-1771500000-1a2b3c`",
    `Model: ${KIMI}`,
    "Thinking: high",
    "Tokens: 1234 in / 567 out",
    "Cost: $0.001831",
    "**Task Prompt:**\n```\nCompare Zerodur and ULE\n```",
    "**Summary:**\nZerodur wins.",
    "Files: `RESULT.txt`, `SUMMARY.txt`",
    "Workspace: `/srv/hq/workers/agent-1771500000-1a2b3c/tasks/1`",
  ]) {
    assert.ok(words.includes(part), `${part}\n---\n${words}`);
  }
  assert.deepEqual(
    payload.files.map(({ name }) => name),
    ["RESULT.txt"],
  );
  assert.deepEqual(limitProblems(payload), []);
});

test("tokens and cost that are not known are n/a, a price of nothing is $0", () => {
  assert.equal(usageLine({}), "Tokens: n/a | Cost: n/a");
  assert.equal(usageLine({ usage: { inputTokens: 5, outputTokens: 7 } }), "Tokens: 5 in / 7 out | Cost: n/a");
  const free = { inputTokens: 5, outputTokens: 7, usd: 0 };
  assert.equal(usageLine({ usage: free }), "Tokens: 5 in / 7 out | Cost: $0.000000");
});

test("what a person or an agent writes cannot break out of its block, ping, or run over the limits", () => {
  const nasty = `\`\`\`\n@everyone ${"long ".repeat(3000)}\n\`\`\`\n-# task-1/result`;
  const view = workerWith("succeeded", {
    objective: nasty,
    summary: nasty,
    result: nasty,
    files: Array.from({ length: 300 }, (_, n) => `a-rather-long-name-of-a-file-${n}.csv`),
  });
  for (const payload of [
    renderWorkerResult("task-1/result", view),
    renderWorkerResult("task-1/result", workerWith("failed", { objective: nasty, reason: nasty })),
    renderSpawned("task-1/spawned", view),
    renderFinished("task-1/finished", workerWith("failed", { reason: nasty })),
    renderTaskCard(taskWith("claimed", { objective: nasty }), PLACE),
  ]) {
    const words = shown(payload);
    assert.deepEqual(limitProblems(payload), []);
    assert.ok(!words.includes("@everyone"));
    assert.equal((words.split("```").length - 1) % 2, 0, words);
    assert.deepEqual(bodyOf(payload).allowed_mentions, { parse: [] });
  }
  assert.equal(renderWorkerResult("r", view).files[0]?.name, "RESULT.txt");
});

test("a failure names the reason and what there was, without a cost line of nonsense", () => {
  const words = shown(
    renderWorkerResult(
      "task-1/result",
      workerWith("timed_out", { reason: "no end within 120 s", result: "half" }),
    ),
  );
  assert.match(words, /\[FAILED\][^]*❌ no end within 120 s[^]*half/);
  assert.match(words, /Tokens: n\/a \| Cost: n\/a/);
  assert.match(shown(renderWorkerResult("r", workerWith("failed"))), /❌ No result produced/);
});

test("a result says that its worker was begun a second time, by itself and among many", () => {
  const view = workerWith("succeeded", { again: true });
  const note = /by `?agent-1771500000-1a2b3c`? \(second process: the first one was lost\)/;
  assert.match(shown(renderWorkerResult("task-1/result", view)), note);
  assert.match(workerReport(view), note);
  const first = workerWith("succeeded");
  for (const words of [shown(renderWorkerResult("r", first)), workerReport(first)])
    assert.doesNotMatch(words, /second process/);
});

test("notices of #worker-pool read as they always did", () => {
  const spawned = renderSpawned("task-1.w1/spawned", workerWith("running", { objective: "x".repeat(100) }));
  assert.match(
    spawned.content ?? "",
    /^🤖 \*\*AGENT SPAWNED\*\*\nTask: x{59}…\nAgent: `agent-1771500000-1a2b3c`/,
  );
  assert.match(
    renderFinished("task-1.w1/finished", workerWith("succeeded")).content ?? "",
    /^✅ Agent `agent-1771500000-1a2b3c` finished\n/,
  );
  assert.match(
    renderFinished("f", workerWith("canceled")).content ?? "",
    /^🚫 Agent `[^`]+` finished: canceled/,
  );
});

test("a thousand results or notices of workers become one message with a file of all of them", () => {
  const candidates = Array.from({ length: 1000 }, (_, n) => ({
    delivery: `task-${n}.w1/result`,
    glance: glanceOf({ kind: "worker", view: workerWith("succeeded", { task: `task-${n}` }) }),
  }));
  const results = composeBatch("result", candidates);
  assert.equal(results.members.length, 1000);
  assert.match(results.body.text, /### 1000 results · 1000 done/);
  assert.ok(results.body.file?.text.includes("[SUCCESS] task-999 by agent-1771500000-1a2b3c"));
  for (const kind of ["spawned", "finished"] as const) {
    const { body } = composeBatch(kind, candidates);
    assert.ok(body.text.length < 1900);
    assert.equal(body.file?.text.trimEnd().split("\n").length, 1000);
  }
});

test("the hops of other bots are counted from their last line or an embed's footer, those of people never", () => {
  const message = (author: object, content: string, embeds: object[] = []) =>
    ({ author, content, embeds, attachments: [] }) as never;
  const bot = { id: "1", username: "b", bot: true };
  assert.equal(hopsOf(message({ id: "2", username: "p" }, "do it\nhop:7")), 0);
  assert.equal(hopsOf(message(bot, "do it")), 1);
  assert.equal(hopsOf(message(bot, "hop:9 is not at the end\ndo it")), 1);
  assert.equal(hopsOf(message(bot, "do it\n-# hop:3")), 3);
  assert.equal(hopsOf(message(bot, "do it (hop:2)")), 2);
  assert.equal(hopsOf(message(bot, "", [{ description: "do it", footer: { text: "from x · hop:4" } }])), 4);
  assert.equal(wordsOf(message(bot, "do it\n-# hop:3")), "do it");
  assert.equal(wordsOf(message(bot, "do it", [{ title: "T", description: "more" }])), "do it\nT\nmore");
  assert.equal(wordsOf(message({ id: "2", username: "p" }, "say hop:3")), "say hop:3");
});

test("the details of a task tell why it was not begun, and every time that it was done", () => {
  const refused = taskWith("open", { refused: { at: AT, text: "there is no model x" } });
  assert.match(taskDetails(refused, "1"), /Not begun: there is no model x/);
  assert.match(taskDetails(taskWith("failed"), "1"), /time 1: worker standard[^]*timed out after 4m 12s/);
});
