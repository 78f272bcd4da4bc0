import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
// The agents' HTTP library, loaded first, must not break uploads.
import "undici";
import { textsOf } from "../../src/discord/payload.ts";
import { DISCORD_RATES } from "../../src/local/rate-limits.ts";
import { ATOMIZER_HQ, P, type Seed } from "../../src/local/seed.ts";
import { AT, handoffOf, viewWith } from "../discord/view-fixture.ts";
import {
  cardEffect,
  logOf,
  movableClock,
  noticeOf,
  postOf,
  resultOf,
  startEdge,
  TOKEN,
} from "./discord-fixture.ts";

const shown = (message: unknown) => textsOf(message as never).join("\n");
const MINUTE = 60_000;

test("a result is posted once, and its receipt and the end of its effect are one commit", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  const effect = postOf(resultOf("orch-1"));
  assert.deepEqual(await edge.perform.post(effect), { kind: "recorded" });
  const [message, ...more] = guild.inspect.messages("results");
  assert.ok(message);
  assert.deepEqual(more, []);
  assert.match(shown(message), /### webster · done in 4m 12s/);
  assert.deepEqual(ledger.settled, [effect.id]);
  assert.deepEqual(
    ledger.receipts.map((receipt) => [receipt.delivery, receipt.part, receipt.message, receipt.channel]),
    [["orch-1/result", 0, message.id, guild.inspect.channelId("results")]],
  );
});

test("the log line goes to its own channel, as one line", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded", { objective: "two\nlines" }));
  await edge.perform.post(postOf(logOf("orch-1")));
  const [message] = guild.inspect.messages("agent-logs");
  assert.equal(message?.content, "✅ **webster · done in 4m 12s** · two lines · @ada · `orch-1/log`");
});

for (const [what, fault] of [
  ["Discord posts and then drops the connection", { kind: "drop" }],
  ["Discord posts and then answers 500", { kind: "status", status: 500, after: true }],
] as const) {
  test(`when ${what}, the message is there once`, async (t) => {
    const { edge, guild, ledger } = await startEdge(t);
    ledger.views.set("orch-1", viewWith("succeeded"));
    guild.faults.add({ ...fault, method: "POST", path: "/messages" });
    assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"))), { kind: "recorded" });
    assert.equal(guild.inspect.messages("results").length, 1);
    assert.equal(ledger.receipts[0]?.message, guild.inspect.messages("results")[0]?.id);
  });
}

test("while Discord answers 500, a post is given back for 2, 4, 8, 16, 32 seconds, and is posted once in the end", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  guild.faults.add({ kind: "status", status: 500, method: "POST", path: "/messages", times: 10 });
  for (const [index, seconds] of [2, 4, 8, 16, 32].entries()) {
    const before = clock.now();
    const outcome = await edge.perform.post(postOf(resultOf("orch-1"), { tries: index + 1 }));
    assert.equal(outcome.kind, "again");
    assert.ok(outcome.kind === "again" && Math.abs(outcome.dueAt - before - seconds * 1000) < 1000);
    assert.equal(edge.troubledPosts()?.count, index < 4 ? undefined : 1);
  }
  assert.match(edge.troubledPosts()?.reason ?? "", /Discord answered 500/);
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"), { tries: 6 })), { kind: "recorded" });
  assert.equal(guild.inspect.messages("results").length, 1);
  assert.equal(edge.troubledPosts(), undefined);
});

test("how often a post was claimed before, by a supervisor that died or beside one that failed, makes no later post wait longer", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  for (const id of ["orch-1", "orch-2"]) ledger.views.set(id, viewWith("succeeded"));
  const waitOf = async (run: string) => {
    guild.faults.add({ kind: "status", status: 500, method: "POST", path: "/messages", times: 2 });
    const outcome = await edge.perform.post(postOf(resultOf(run), { tries: 12 }));
    assert.equal(outcome.kind, "again");
    return outcome.kind === "again" ? Math.round((outcome.dueAt - clock.now()) / 1000) : 0;
  };
  assert.equal(await waitOf("orch-1"), 2);
  assert.equal(await waitOf("orch-1"), 4);
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"), { tries: 14 })), { kind: "recorded" });
  assert.equal(await waitOf("orch-2"), 2, "Discord answered between");
});

test("after a crash between post and record the same nonce finds the message again", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  await edge.perform.post(postOf(resultOf("orch-1")));
  ledger.receipts.length = 0;
  const again = postOf(resultOf("orch-1"), { tries: 2, begunBefore: clock.now() - 10_000 });
  assert.deepEqual(await edge.perform.post(again), { kind: "recorded" });
  assert.equal(guild.inspect.messages("results").length, 1);
  assert.equal(ledger.receipts[0]?.message, guild.inspect.messages("results")[0]?.id);
});

test("long after a crash the channel's history is asked, behind hundreds of other messages too", async (t) => {
  const { edge, guild, ledger, clock, act } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  ledger.views.set("orch-2", viewWith("succeeded", { id: "orch-2" }));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-1"), { createdAt }));
  const posted = guild.inspect.messages("results")[0]?.id;
  for (let n = 0; n < 120; n++) await act("messages", { channel: "results", content: `orch-1/result ${n}` });
  ledger.receipts.length = 0;
  clock.pass(10 * MINUTE);
  const late = { tries: 2, begunBefore: createdAt, createdAt };
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"), late)), { kind: "recorded" });
  assert.equal(ledger.receipts[0]?.message, posted);
  assert.equal(guild.inspect.messages("results").length, 121);
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-2"), late)), { kind: "recorded" });
  assert.equal(guild.inspect.messages("results").length, 122, "what was never posted is posted now");
});

test("on a machine whose clock is ahead, a post that Discord took long ago is found by Discord's clock", async (t) => {
  const theirs = movableClock();
  const { edge, guild, ledger, clock, act } = await startEdge(t, { guild: { now: theirs.now } });
  clock.pass(5 * MINUTE);
  ledger.views.set("orch-1", viewWith("succeeded"));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-1"), { createdAt }));
  const posted = guild.inspect.messages("results")[0]?.id;
  for (let n = 0; n < 120; n++) await act("messages", { channel: "results", content: "x" });
  ledger.receipts.length = 0;
  for (const one of [theirs, clock]) one.pass(10 * MINUTE);
  const late = { tries: 2, begunBefore: createdAt, createdAt };
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"), late)), { kind: "recorded" });
  assert.equal(ledger.receipts[0]?.message, posted);
  assert.equal(guild.inspect.messages("results").length, 121);
});

test("a post that may be there is looked for behind any number of messages, some at a time, and is not posted meanwhile", async (t) => {
  const { edge, guild, ledger, clock, act } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-1"), { createdAt }));
  const posted = guild.inspect.messages("results")[0]?.id;
  for (let n = 0; n < 320; n++) {
    await Promise.all(
      Array.from({ length: 10 }, () => act("messages", { channel: "results", content: "x" })),
    );
  }
  ledger.receipts.length = 0;
  clock.pass(10 * MINUTE);
  const late = { tries: 2, begunBefore: createdAt, createdAt };
  const first = await edge.perform.post(postOf(resultOf("orch-1"), late));
  assert.ok(first.kind === "again");
  assert.match(first.reason, /looked for among many messages/);
  assert.equal(ledger.receipts.length, 0);
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"), late)), { kind: "recorded" });
  assert.equal(ledger.receipts[0]?.message, posted);
  assert.equal(guild.inspect.messages("results").length, 3201);
});

test("where the bot may not read the history any more, what may be there is not posted again", async (t) => {
  const seed = resultsWithout(P.ReadMessageHistory);
  const { edge, guild, ledger, clock } = await startEdge(t, { guild: { seed } });
  ledger.views.set("orch-1", viewWith("succeeded"));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-1"), { createdAt }));
  ledger.receipts.length = 0;
  clock.pass(10 * MINUTE);
  const late = postOf(resultOf("orch-1"), { tries: 2, begunBefore: createdAt, createdAt });
  const again = await edge.perform.post(late);
  assert.ok(again.kind === "again");
  assert.match(again.reason, /without View Channel and Read Message History: .*403 \(50013\)/);
  assert.equal(guild.inspect.messages("results").length, 1);
});

/** The guild with a channel for results in which the bot lacks a permission. */
function resultsWithout(deny: bigint): Seed {
  const categories = ATOMIZER_HQ.categories.map((category) => ({
    ...category,
    channels: category.channels.map((channel) =>
      channel.name === "results" ? { ...channel, overwrites: [{ role: "bot", deny }] } : channel,
    ),
  }));
  return { ...ATOMIZER_HQ, categories };
}

for (const [passed, asks] of [
  [115_000, "the nonce"],
  [120_000, "the channel's history"],
] as const) {
  test(`${passed / 1000} s after a post that may be there, ${asks} is trusted`, async (t) => {
    const { edge, guild, ledger, clock } = await startEdge(t);
    ledger.views.set("orch-1", viewWith("succeeded"));
    const createdAt = clock.now();
    await edge.perform.post(postOf(resultOf("orch-1"), { createdAt }));
    ledger.receipts.length = 0;
    clock.pass(passed);
    const channel = guild.inspect.channelId("results");
    guild.faults.add({ kind: "status", status: 403, method: "GET", path: `/channels/${channel}/messages` });
    const again = postOf(resultOf("orch-1"), { tries: 2, begunBefore: createdAt, createdAt });
    const { kind } = await edge.perform.post(again);
    assert.equal(kind, asks === "the nonce" ? "recorded" : "again");
    assert.equal(guild.inspect.messages("results").length, 1);
  });
}

test("a post that Discord took long ago is found however short the last try is ago", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-1"), { createdAt }));
  ledger.receipts.length = 0;
  clock.pass(10 * MINUTE);
  const again = { tries: 9, begunBefore: clock.now() - 5000, createdAt };
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"), again)), { kind: "recorded" });
  assert.equal(guild.inspect.messages("results").length, 1);
});

test("an agent that writes another delivery's mark is not taken for it", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const forged = handoffOf({
    result: "done\n-# orch-2/result",
    notes: "orch-2/result",
    artifacts: ["orch-2/result"],
  });
  ledger.views.set("orch-1", viewWith("succeeded", { handoff: forged }));
  ledger.views.set("orch-2", viewWith("succeeded", { id: "orch-2" }));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-1")));
  clock.pass(10 * MINUTE);
  await edge.perform.post(postOf(resultOf("orch-2"), { tries: 2, begunBefore: createdAt, createdAt }));
  assert.equal(guild.inspect.messages("results").length, 2);
});

test("a part that has a receipt is not posted again", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const long = noticeOf("note-1", "A sentence of some length. ".repeat(300));
  await edge.perform.post(postOf(long));
  const count = guild.inspect.messages("technical").length;
  assert.ok(count > 3);
  assert.deepEqual(
    ledger.receipts.map(({ part }) => part),
    Array.from({ length: count }, (_, part) => part),
  );
  ledger.receipts.splice(2);
  clock.pass(10 * MINUTE);
  await edge.perform.post(postOf(long, { tries: 2, begunBefore: clock.now() - 10 * MINUTE }));
  assert.equal(guild.inspect.messages("technical").length, count);
  assert.equal(new Set(ledger.receipts.map(({ message }) => message)).size, count);
});

test("a short rate limit is waited for, a long one goes back to the outbox with Discord's own time", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  guild.faults.add({ kind: "rate-limit", retryAfterMs: 200, method: "POST", path: "/messages" });
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"))), { kind: "recorded" });
  for (const retryAfterMs of [16_000, 90_000]) {
    guild.faults.add({ kind: "rate-limit", retryAfterMs, method: "POST", path: "/messages" });
    const before = clock.now();
    const outcome = await edge.perform.post(postOf(noticeOf(`note-${retryAfterMs}`, "hello")));
    assert.ok(outcome.kind === "again" && outcome.dueAt >= before + retryAfterMs, JSON.stringify(outcome));
    clock.pass(retryAfterMs);
  }
});

test("a message that Discord refuses is posted as plain words with everything in a file", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  const body = { message: "Invalid Form Body", code: 50035 };
  guild.faults.add({ kind: "status", status: 400, body, method: "POST", path: "/messages" });
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"))), { kind: "recorded" });
  const [message, ...more] = guild.inspect.messages("results");
  assert.deepEqual(more, []);
  assert.match(message?.content ?? "", /Discord did not take the full message/);
  assert.deepEqual(
    message?.attachments.map(({ filename }) => filename),
    ["message.md"],
  );
});

test("after a refused token nothing is sent any more, each post waits a minute and a person is told why", async (t) => {
  const { edge, guild, ledger, clock, failures } = await startEdge(t);
  for (const id of ["orch-1", "orch-2"]) ledger.views.set(id, viewWith("succeeded", { id }));
  const body = { code: 0, message: "401: Unauthorized" };
  guild.faults.add({ kind: "status", status: 401, body, method: "POST", path: "/messages" });
  for (const post of [postOf(resultOf("orch-1")), postOf(logOf("orch-2")), postOf(resultOf("orch-1"))]) {
    const outcome = await edge.perform.post(post);
    assert.equal(outcome.kind, "again");
    if (outcome.kind === "again") assert.equal(Math.round((outcome.dueAt - clock.now()) / 1000), 60);
  }
  for (const channel of ["results", "agent-logs"]) assert.deepEqual(guild.inspect.messages(channel), []);
  assert.match(failures[0] ?? "", /refuses the bot token.*DISCORD_TOKEN.*restart/);
});

test("a closed channel is tried each five minutes, and people hear of it after five tries", async (t) => {
  const { edge, ledger, clock } = await startEdge(t, { guild: { seed: resultsWithout(P.SendMessages) } });
  ledger.views.set("orch-1", viewWith("succeeded"));
  for (let tries = 1; tries <= 5; tries++) {
    const before = clock.now();
    const outcome = await edge.perform.post(postOf(resultOf("orch-1"), { tries }));
    assert.ok(
      outcome.kind === "again" && outcome.dueAt >= before + 5 * MINUTE - 1000,
      JSON.stringify(outcome),
    );
    assert.equal(ledger.inputs.length, tries < 5 ? 0 : 1);
  }
  assert.match(JSON.stringify(ledger.inputs[0]), /"type":"trouble".*403/);
});

test("a logical channel that the guild lacks is reported at the start, and its posts wait", async (t) => {
  const { edge, ledger, logs } = await startEdge(t, {
    config: (config) => ({
      ...config,
      settings: {
        ...config.settings,
        channels: { ...config.settings.channels, roles: { results: "no-such-place" } },
      },
    }),
  });
  assert.deepEqual(edge.missingChannels(), [{ role: "results", wanted: "no-such-place" }]);
  assert.ok(logs.some(({ message }) => /lacks a channel/.test(message)));
  ledger.views.set("orch-1", viewWith("succeeded"));
  const outcome = await edge.perform.post(postOf(resultOf("orch-1")));
  assert.ok(outcome.kind === "again" && /config\/channels\.yaml/.test(outcome.reason));
});

test("whoever has left Discord since gives a post and a card back at once, instead of saying that there is no channel", async (t) => {
  const { edge, ledger, logs, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  await edge.leave();
  for (const outcome of [
    await edge.perform.post(postOf(resultOf("orch-1"))),
    await edge.perform.card(cardEffect("orch-1")),
  ]) {
    assert.equal(outcome.kind, "again");
    assert.ok(outcome.kind === "again" && outcome.dueAt <= clock.now() + 1000, JSON.stringify(outcome));
  }
  assert.deepEqual(
    logs.filter(({ message }) => message.includes("no channel")),
    [],
  );
});

test("nobody is pinged, no link is previewed, and secrets are blacked out", async (t) => {
  const { edge, guild, ledger } = await startEdge(t, { redact: (text) => text.replaceAll("sk-hush", "…") });
  const ada = guild.inspect.memberId("ada");
  const said = `@everyone <@${ada}> key sk-hush see https://example.org`;
  const handoff = handoffOf({ result: said, notes: said });
  ledger.views.set("orch-1", viewWith("succeeded", { handoff, objective: said, asker: "@ada" }));
  await edge.perform.post(postOf(resultOf("orch-1")));
  await edge.perform.post(postOf(logOf("orch-1")));
  await edge.perform.post(postOf(noticeOf("note-1", said)));
  for (const channel of ["results", "agent-logs", "technical"]) {
    const [message] = guild.inspect.messages(channel);
    assert.ok(message);
    assert.equal(message.mentionEveryone, false);
    assert.deepEqual(message.pinged, []);
    assert.deepEqual(message.embeds, []);
  }
  assert.doesNotMatch(shown(guild.inspect.messages("results")[0]), /sk-hush/);
});

test("half a character of an agent or an asker is sent as the sign that stands for it, in cards and results", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  const half = "a\ud83db \udc00";
  ledger.views.set("orch-1", viewWith("dispatched", { objective: half, asker: half }));
  await edge.perform.card(cardEffect("orch-1"));
  const handoff = handoffOf({ result: half, notes: half });
  ledger.views.set("orch-1", viewWith("succeeded", { objective: half, asker: half, handoff }));
  await edge.perform.card(cardEffect("orch-1"));
  await edge.perform.post(postOf(resultOf("orch-1")));
  for (const channel of ["technical", "results"]) {
    const [message] = guild.inspect.messages(channel);
    const words = textsOf(message as never).join("\n");
    assert.ok(words.isWellFormed() && words.includes("a\ufffdb"), channel);
  }
});

test("long results come with a file whose bytes arrive whole", async (t) => {
  const long = "Zerodur Class 0. ".repeat(500);
  const { edge, guild, ledger } = await startEdge(t, {
    attachable: async () => [{ name: "table.csv", bytes: Buffer.from("a,b\n1,2\n") }],
  });
  ledger.views.set("orch-1", viewWith("succeeded", { handoff: handoffOf({ result: long }) }));
  await edge.perform.post(postOf(resultOf("orch-1")));
  const [message] = guild.inspect.messages("results");
  assert.deepEqual(
    message?.attachments.map(({ filename, size }) => [filename, size]),
    [
      ["result.md", long.length],
      ["table.csv", 8],
    ],
  );
});

test("among many results those that carry files are posted by themselves, with them", async (t) => {
  const csv = [{ name: "table.csv", bytes: Buffer.from("a,b\n1,2\n") }];
  const carrying = new Set(["orch-0", "orch-7"]);
  const asked: string[] = [];
  const attachable = async (run: string) => {
    asked.push(run);
    if (run === "orch-8") throw new Error("the disk is away");
    return carrying.has(run) ? csv : [];
  };
  const { edge, guild, ledger } = await startEdge(t, { attachable });
  const runs = Array.from({ length: 20 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const ended = await Promise.allSettled(runs.map((run) => edge.perform.post(postOf(resultOf(run)))));
  await Promise.all(ledger.batches);
  const messages = guild.inspect.messages("results");
  for (const run of carrying) {
    const own = messages.filter((message) => shown(message).includes(`${run}/result`));
    assert.deepEqual(
      own.map(({ attachments }) => attachments.map(({ filename }) => filename)),
      [["table.csv"]],
    );
  }
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.equal(batch?.delivery.members?.length, 17);
  assert.equal(messages.length, 3);
  assert.deepEqual(
    ended.flatMap(({ status }, n) => (status === "rejected" ? [n] : [])),
    [8],
    "what cannot be read is the trouble of its own result",
  );
  assert.equal(asked.filter((run) => run === "orch-19").length, 1, "each is looked at once");
});

test("few results beside many that carry files are no batch", async (t) => {
  const attachable = async (run: string) =>
    run === "orch-1" ? [] : [{ name: "table.csv", bytes: Buffer.from("a,b\n1,2\n") }];
  const { edge, guild, ledger } = await startEdge(t, { attachable });
  const runs = Array.from({ length: 12 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run)))));
  const files = guild.inspect.messages("results").map(({ attachments }) => attachments.length);
  assert.deepEqual(files, [1, 0, ...Array.from({ length: 10 }, () => 1)]);
});

test("posts of one channel keep their order", async (t) => {
  const { edge, guild } = await startEdge(t);
  const words = Array.from({ length: 30 }, (_, n) => `word ${n}`);
  await Promise.all(words.map((word, n) => edge.perform.post(postOf(noticeOf(`note-${n}`, word)))));
  const said = guild.inspect.messages("technical").map(({ content }) => content.split("\n")[0]);
  assert.deepEqual(said, words);
});

test("a thousand results for one channel are seen within five seconds without one 429, each exactly once", async (t) => {
  const { edge, guild, ledger, logs } = await startEdge(t, { guild: { rates: DISCORD_RATES } });
  const runs = Array.from({ length: 1000 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const started = performance.now();
  const outcomes = await Promise.all(
    runs.flatMap((run) => [edge.perform.post(postOf(resultOf(run))), edge.perform.post(postOf(logOf(run)))]),
  );
  outcomes.push(...(await Promise.all(ledger.batches)));
  const tookMs = performance.now() - started;
  assert.ok(outcomes.every(({ kind }) => kind === "recorded"));
  assert.ok(tookMs < 5000, `${Math.round(tookMs)} ms`);
  assert.ok(!logs.some(({ message }) => /slow down/.test(message)));
  const seen = ledger.inputs.flatMap((input) =>
    input.type === "batch"
      ? (input.delivery.members ?? [])
      : input.type === "part-posted"
        ? [input.delivery.id]
        : [],
  );
  for (const run of runs) assert.equal(seen.filter((id) => id === `${run}/result`).length, 1);
  assert.equal(ledger.settled.length, 2000 + ledger.batches.length);
  assert.ok(guild.inspect.messages("results").length <= 3);
});

test("after an outage of minutes, what may have been posted is looked up once and the rest goes as one batch", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const runs = Array.from({ length: 40 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const createdAt = clock.now();
  for (const run of runs.slice(0, 3)) await edge.perform.post(postOf(resultOf(run)));
  ledger.receipts.length = 0;
  clock.pass(10 * MINUTE);
  const late = { tries: 3, createdAt };
  await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run), late))));
  await Promise.all(ledger.batches);
  assert.equal(guild.inspect.messages("results").length, 4);
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.equal(batch?.delivery.members?.length, 37);
});

test("what may be there since a moment is posted by itself beside many, and Discord answers with the message that is there", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const runs = Array.from({ length: 20 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-0")));
  ledger.receipts.length = 0;
  const post = (run: string, n: number) =>
    edge.perform.post(postOf(resultOf(run), n === 0 ? { tries: 2, createdAt } : {}));
  await Promise.all(runs.map(post));
  await Promise.all(ledger.batches);
  assert.equal(guild.inspect.messages("results").length, 2);
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.equal(batch?.delivery.members?.length, 19);
  assert.ok(ledger.receipts.some(({ delivery }) => delivery === "orch-0/result"));
});

test("what one message's file cannot hold of many results follows after it, each once", async (t) => {
  const { edge, ledger } = await startEdge(t);
  const runs = Array.from({ length: 20 }, (_, n) => `orch-${n}`);
  const handoff = handoffOf({ result: "x".repeat(200_000) });
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run, handoff }));
  await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run)))));
  await Promise.all(ledger.batches);
  const batches = ledger.inputs.flatMap((input) =>
    input.type === "batch" ? [input.delivery.members ?? []] : [],
  );
  assert.ok(batches.length > 1);
  const alone = ledger.receipts.filter(({ delivery }) => delivery.startsWith("orch-"));
  const seen = [...batches.flat(), ...new Set(alone.map(({ delivery }) => delivery))];
  assert.deepEqual(seen.toSorted(), runs.map((run) => `${run}/result`).toSorted());
});

test("a result whose message a person took away after it was recorded is not told again among many", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const runs = Array.from({ length: 40 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const createdAt = clock.now();
  await edge.perform.post(postOf(resultOf("orch-0"), { createdAt }));
  const [message] = guild.inspect.messages("results");
  await fetch(`${guild.restApi}/v10/channels/${message?.channelId}/messages/${message?.id}`, {
    method: "DELETE",
    headers: { authorization: `Bot ${TOKEN}` },
  });
  assert.deepEqual(guild.inspect.messages("results"), []);
  clock.pass(10 * MINUTE);
  const late = { tries: 3, createdAt };
  const outcomes = await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run), late))));
  await Promise.all(ledger.batches);
  assert.deepEqual(outcomes[0], { kind: "done", outcome: "posted before" });
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.equal(batch?.delivery.members?.length, 39);
});

test("many that an audit takes for missing are looked for as far back as they may be there", async (t) => {
  const { edge, guild, ledger, clock, act } = await startEdge(t);
  const runs = Array.from({ length: 12 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const since = clock.now();
  for (const run of runs) await edge.perform.post(postOf(resultOf(run)));
  for (let n = 0; n < 100; n++) await act("messages", { channel: "results", content: `talk ${n}` });
  ledger.receipts.length = 0;
  clock.pass(30 * MINUTE);
  const again = runs.map((run) => {
    const delivery = resultOf(run);
    const body = { type: "post", delivery, mayBeThereSince: since } as const;
    return edge.perform.post(postOf(delivery, { body, createdAt: clock.now() }));
  });
  await Promise.all(again);
  await Promise.all(ledger.batches);
  assert.equal(guild.inspect.messages("results").length, 112);
});

test("a result of several messages that was begun before an outage is ended by itself among many, every file of it", async (t) => {
  const files = Array.from({ length: 12 }, (_, n) => ({ name: `f${n}.txt`, bytes: Buffer.from(`${n}`) }));
  const attachable = async (run: string) => (run === "orch-0" || run === "orch-1" ? files : []);
  const { edge, edgeOf, guild, ledger, clock } = await startEdge(t, { attachable });
  const runs = Array.from({ length: 40 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const createdAt = clock.now();
  for (const isRecorded of [false, true]) {
    const dying = edgeOf({
      deliveries: {
        async record(input, settles) {
          if (isRecorded) await ledger.deliveries.record(input, settles);
          throw new Error("killed");
        },
      },
    });
    await dying.start();
    const run = isRecorded ? "orch-1" : "orch-0";
    await assert.rejects(dying.perform.post(postOf(resultOf(run), { createdAt })), /killed/);
    await dying.stop();
  }
  assert.equal(guild.inspect.messages("results").length, 2, "the first message of each");
  clock.pass(10 * MINUTE);
  const late = { tries: 3, createdAt };
  await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run), late))));
  await Promise.all(ledger.batches);
  for (const run of ["orch-0", "orch-1"]) {
    const own = guild.inspect.messages("results").filter((one) => shown(one).includes(`${run}/result`));
    assert.equal(own.length, 2, run);
    const names = own.flatMap(({ attachments }) => attachments.map(({ filename }) => filename));
    assert.deepEqual(names.toSorted(), files.map(({ name }) => name).toSorted());
    const parts = ledger.receipts.filter(({ delivery }) => delivery === `${run}/result`);
    assert.deepEqual(parts.map(({ part }) => part).toSorted(), [0, 1]);
  }
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.equal(batch?.delivery.members?.length, 38);
});

test("a post that is found again and cannot be recorded is given back, and the others go on", async (t) => {
  const { edge, edgeOf, guild, ledger, clock } = await startEdge(t);
  const runs = Array.from({ length: 12 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const createdAt = clock.now();
  for (const run of runs.slice(0, 3)) await edge.perform.post(postOf(resultOf(run)));
  ledger.receipts.length = 0;
  clock.pass(10 * MINUTE);
  const other = edgeOf({
    deliveries: {
      async record(input, settles) {
        if (input.delivery.id === "orch-1/result") throw new Error("the disk is full");
        await ledger.deliveries.record(input, settles);
      },
    },
  });
  t.after(other.stop);
  await other.start();
  const late = { tries: 3, createdAt };
  const ends = new Map<string, string>();
  const posts = runs.map((run) =>
    other.perform.post(postOf(resultOf(run), late)).then(
      ({ kind }) => ends.set(run, kind),
      (error: Error) => ends.set(run, error.message),
    ),
  );
  await Promise.all(posts.filter((_, n) => n !== 1));
  await Promise.all(ledger.batches);
  assert.equal(ends.get("orch-1"), "the disk is full");
  assert.deepEqual([...ends.values()].filter((kind) => kind === "recorded").length, 11);
  assert.equal(guild.inspect.messages("results").length, 4);
});

test("when a batch cannot be recorded, each of its posts is given back", async (t) => {
  const { edge, edgeOf, guild, ledger } = await startEdge(t);
  await edge.stop();
  const runs = Array.from({ length: 12 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const other = edgeOf({
    deliveries: { record: () => Promise.reject(new Error("the disk is full")) },
  });
  t.after(other.stop);
  await other.start();
  let failed = 0;
  const posts = runs.map((run) =>
    other.perform.post(postOf(resultOf(run))).catch(() => {
      failed += 1;
    }),
  );
  await Promise.race(posts);
  await new Promise(setImmediate);
  assert.equal(failed, 12);
  assert.equal(guild.inspect.messages("results").length, 0);
});

test("what waits behind a post that Discord keeps out of the channel is given back with it, untried", async (t) => {
  const { edge, guild } = await startEdge(t);
  guild.faults.add({ kind: "status", status: 403, method: "POST", path: "/messages", times: 1 });
  const posts = ["a", "b", "c"].map((id) => edge.perform.post(postOf(noticeOf(id, id))));
  const outcomes = await Promise.all(posts);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["again", "again", "again"],
  );
  assert.equal(guild.inspect.messages("technical").length, 0);
});

/** An edge, and twelve results that it may have posted longer ago than Discord remembers. */
async function startDoubtful(t: TestContext) {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const runs = Array.from({ length: 12 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  const late = { tries: 3, createdAt: clock.now() };
  clock.pass(10 * MINUTE);
  return { edge, guild, postAll: () => runs.map((run) => edge.perform.post(postOf(resultOf(run), late))) };
}

test("when the channel's history cannot be read, what may be there waits and is not posted", async (t) => {
  const { guild, postAll } = await startDoubtful(t);
  guild.faults.add({ kind: "status", status: 500, method: "GET", path: "/messages", times: 2 });
  const outcomes = await Promise.all(postAll().map((post) => post.catch(String)));
  assert.deepEqual(
    new Set(outcomes.map((end) => (typeof end === "string" ? end : end.kind))),
    new Set(["again"]),
  );
  assert.equal(guild.inspect.messages("results").length, 0);
});

test("when the channel's history is nothing that can be read, each post is failed once and none is tried on", async (t) => {
  const { edge, guild, postAll } = await startDoubtful(t);
  guild.faults.add({ kind: "status", status: 200, body: [{}], method: "GET", path: "/messages", times: 40 });
  const ends = await Promise.allSettled(postAll());
  assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(["rejected"]));
  await edge.stop();
  assert.equal(guild.inspect.messages("results").length, 0);
});

test("a batch is never composed again: its words are those that were agreed", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  const runs = Array.from({ length: 12 }, (_, n) => `orch-${n}`);
  for (const run of runs) ledger.views.set(run, viewWith("succeeded", { id: run }));
  ledger.onBatch = undefined;
  await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run)))));
  for (const run of runs) ledger.views.set(run, viewWith("failed", { id: run, settledAt: AT }));
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.ok(batch);
  await edge.perform.post(postOf(batch.delivery));
  assert.match(shown(guild.inspect.messages("results").at(-1)), /\d+ results · \d+ done/);
});

test("stopping gives back what was not sent and keeps what was", async (t) => {
  const { edge, guild } = await startEdge(t);
  const hold = guild.faults.hold({ method: "POST", path: "/messages" });
  const posts = ["a", "b", "c"].map((id) => edge.perform.post(postOf(noticeOf(id, id))));
  await hold.arrived;
  const stopped = edge.stop();
  hold.release();
  await stopped;
  const outcomes = await Promise.all(posts);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["recorded", "again", "again"],
  );
  assert.equal((await edge.perform.post(postOf(noticeOf("d", "d")))).kind, "again");
  assert.equal(guild.inspect.messages("technical").length, 1);
});

test("a second channel of the same name is told as such, and nothing goes into either", async (t) => {
  const { guild, edge, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("succeeded"));
  const first = guild.inspect.channelId("results");
  guild.channels.add("results");
  while (!edge.missingChannels().some(({ role }) => role === "results"))
    await new Promise((resolve) => setImmediate(resolve));
  const outcome = await edge.perform.post(postOf(resultOf("orch-1")));
  assert.ok(outcome.kind === "again");
  assert.match(outcome.reason ?? "", /no channel for the logical channel results, or has it twice;/);
  assert.match(edge.troubledPosts()?.reason ?? "", /or has it twice/);
  assert.equal(guild.inspect.messages(first).length, 0);
});

test("a result whose files Discord does not take is posted without them, once, and names them", async (t) => {
  const files = [
    { name: "result.md", bytes: Buffer.from("words") },
    { name: "mesh.bin", bytes: Buffer.alloc(1000) },
  ];
  const { guild, edge, ledger, logs } = await startEdge(t, { attachable: async () => files });
  ledger.views.set("orch-1", viewWith("succeeded"));
  const body = { code: 40005, message: "Request entity too large" };
  guild.faults.add({ kind: "status", status: 413, body, method: "POST", path: "/messages", times: 2 });
  assert.deepEqual(await edge.perform.post(postOf(resultOf("orch-1"))), { kind: "recorded" });
  const [message, ...more] = guild.inspect.messages("results");
  assert.ok(message);
  assert.deepEqual(more, []);
  assert.match(shown(message), /webster · done/);
  assert.deepEqual(
    message.attachments.map(({ filename }) => filename),
    ["message.md", "result.md"],
  );
  assert.ok(logs.some(({ message: text }) => /posted without them/.test(text)));
});
