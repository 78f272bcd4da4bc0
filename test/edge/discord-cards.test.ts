import assert from "node:assert/strict";
import test from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { cardEffect, movableClock, startEdge } from "./discord-fixture.ts";

const shown = (message: unknown) => textsOf(message as never).join("\n");
const MINUTE = 60_000;
const waitingFor = (text: string, untilAt: number) =>
  ({ waiting: { reason: "agent_busy", text, untilAt } }) as const;

test("a card is posted once and then follows its delegation to the end", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "recorded" });
  const id = guild.inspect.messages("technical")[0]?.id;
  assert.match(shown(guild.inspect.messages("technical")[0]), /webster · queued/);
  for (const [status, words] of [
    ["dispatched", /webster · running/],
    ["succeeded", /webster · done in/],
  ] as const) {
    ledger.views.set("orch-1", viewWith(status));
    assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
    assert.match(shown(guild.inspect.messages("technical")[0]), words);
  }
  assert.deepEqual(
    guild.inspect.messages("technical").map((message) => message.id),
    [id],
  );
  assert.equal(ledger.receipts.length, 1);
});

test("a card that already shows the state is left alone", async (t) => {
  const { edge, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "unchanged" });
});

test("a new state is shown at once, other words of the same state only after the distance of config", async (t) => {
  const { edge, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  ledger.views.set("orch-1", viewWith("queued", waitingFor("busy", clock.now())));
  const outcome = await edge.perform.card(cardEffect("orch-1"));
  assert.ok(outcome.kind === "again" && outcome.dueAt > clock.now() && outcome.dueAt <= clock.now() + 2000);
  clock.pass(2000);
  assert.equal((await edge.perform.card(cardEffect("orch-1"))).kind, "done");
  ledger.views.set("orch-1", viewWith("dispatched"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
});

test("while one edit is on its way, only the newest of the states that follow is sent", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  const hold = guild.faults.hold({ method: "PATCH", path: "/messages/" });
  ledger.views.set("orch-1", viewWith("dispatched"));
  const first = edge.perform.card(cardEffect("orch-1"));
  await hold.arrived;
  ledger.views.set("orch-1", viewWith("dispatched", { attempt: 2 }));
  const second = edge.perform.card(cardEffect("orch-1"));
  ledger.views.set("orch-1", viewWith("succeeded"));
  const third = edge.perform.card(cardEffect("orch-1"));
  hold.release();
  assert.deepEqual(await Promise.all([first, second, third]), [
    { kind: "done", outcome: "edited" },
    { kind: "done", outcome: "edited" },
    { kind: "done", outcome: "shown by another" },
  ]);
  assert.match(shown(guild.inspect.messages("technical")[0]), /done in/);
});

test("a card that a person deleted is not posted again", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  const id = guild.inspect.messages("technical")[0]?.id;
  const gone = await fetch(`${guild.url}/local/messages/${id}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  ledger.views.set("orch-1", viewWith("dispatched"));
  for (let n = 0; n < 2; n++) {
    const outcome = await edge.perform.card(cardEffect("orch-1"));
    assert.deepEqual(outcome, { kind: "done", outcome: "a person deleted the card" });
  }
  assert.deepEqual(guild.inspect.messages("technical"), []);
});

test("after a crash between the card's post and its record it is found, young and old, and shows the state of now", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  const createdAt = clock.now();
  await edge.perform.card(cardEffect("orch-1"));
  for (const passed of [0, 10 * MINUTE]) {
    ledger.receipts.length = 0;
    ledger.views.set("orch-1", viewWith(passed === 0 ? "dispatched" : "succeeded"));
    clock.pass(passed);
    await edge.perform.card(cardEffect("orch-1", { tries: 2, begunBefore: createdAt, createdAt }));
    assert.equal(guild.inspect.messages("technical").length, 1);
    assert.equal(ledger.receipts[0]?.message, guild.inspect.messages("technical")[0]?.id);
    assert.match(shown(guild.inspect.messages("technical")[0]), passed === 0 ? /running/ : /done in/);
  }
});

test("a card that gets old while its work goes on is continued in a new one, and the old one says where", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("dispatched"));
  await edge.perform.card(cardEffect("orch-1"));
  clock.pass(56 * MINUTE);
  ledger.views.set("orch-1", viewWith("dispatched", { attempt: 2 }));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "recorded" });
  const [old, next, ...more] = guild.inspect.messages("technical");
  assert.deepEqual(more, []);
  assert.match(
    shown(old),
    new RegExp(`continued in https://discord.com/channels/${guild.guildId}/\\d+/${next?.id}`),
  );
  assert.match(shown(next), /attempt 2 of 2/);
  ledger.views.set("orch-1", viewWith("succeeded"));
  await edge.perform.card(cardEffect("orch-1"));
  assert.match(shown(guild.inspect.messages("technical")[1]), /done in/);
  assert.match(shown(guild.inspect.messages("technical")[0]), /continued in/);
});

test("a running card is edited where it is for 55 minutes, and not longer", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  clock.pass(54 * MINUTE);
  ledger.views.set("orch-1", viewWith("dispatched"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
  assert.equal(guild.inspect.messages("technical").length, 1);
  clock.pass(MINUTE);
  ledger.views.set("orch-1", viewWith("dispatched", { attempt: 2 }));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "recorded" });
  assert.equal(guild.inspect.messages("technical").length, 2);
});

test("on a machine whose clock is hours ahead a running card is edited where it is, until it is old by Discord's", async (t) => {
  const theirs = movableClock();
  const { edge, guild, ledger, clock } = await startEdge(t, { guild: { now: theirs.now } });
  clock.pass(180 * MINUTE);
  for (const attempt of [1, 2, 3]) {
    ledger.views.set("orch-1", viewWith("dispatched", { attempt }));
    await edge.perform.card(cardEffect("orch-1", { createdAt: clock.now() }));
    for (const one of [theirs, clock]) one.pass(MINUTE);
  }
  assert.equal(guild.inspect.messages("technical").length, 1);
  for (const one of [theirs, clock]) one.pass(54 * MINUTE);
  ledger.views.set("orch-1", viewWith("dispatched", { attempt: 4 }));
  await edge.perform.card(cardEffect("orch-1", { createdAt: clock.now() }));
  assert.equal(guild.inspect.messages("technical").length, 2);
});

test("a settled card is never rolled over, however old", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("dispatched"));
  await edge.perform.card(cardEffect("orch-1"));
  clock.pass(120 * MINUTE);
  ledger.views.set("orch-1", viewWith("succeeded"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
  assert.equal(guild.inspect.messages("technical").length, 1);
});

test("a card that was shown often does not wait longer for it when Discord fails once", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  ledger.views.set("orch-1", viewWith("dispatched"));
  guild.faults.add({ kind: "status", status: 500, method: "PATCH", path: "/messages", times: 2 });
  const outcome = await edge.perform.card(cardEffect("orch-1", { tries: 30 }));
  assert.ok(outcome.kind === "again");
  assert.equal(Math.round((outcome.dueAt - clock.now()) / 1000), 2);
});

test("among many cards, those that changed state go first", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  const runs = ["a", "b", "c"].map((name) => `orch-${name}`);
  for (const run of runs) ledger.views.set(run, viewWith("dispatched", { id: run }));
  for (const run of runs) await edge.perform.card(cardEffect(run));
  clock.pass(5000);
  const order: string[] = [];
  const note = (run: string) => edge.perform.card(cardEffect(run)).then(() => order.push(run));
  const hold = guild.faults.hold({ method: "PATCH", path: "/messages/" });
  ledger.views.set("orch-a", viewWith("dispatched", { id: "orch-a", attempt: 2 }));
  const all = [note("orch-a")];
  await hold.arrived;
  ledger.views.set("orch-b", viewWith("dispatched", { id: "orch-b", attempt: 2 }));
  ledger.views.set("orch-c", viewWith("succeeded", { id: "orch-c" }));
  all.push(note("orch-b"), note("orch-c"));
  hold.release();
  await Promise.all(all);
  assert.deepEqual(order, ["orch-a", "orch-c", "orch-b"]);
});

test("a card in a channel that was closed to the bot when its work ended says so once the bot is let in again", async (t) => {
  const { edge, guild, ledger, clock } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("dispatched"));
  await edge.perform.card(cardEffect("orch-1"));
  const body = { code: 50001, message: "Missing Access" };
  guild.faults.add({ kind: "status", status: 403, body, method: "PATCH", path: "/messages/", times: 3 });
  // What only goes on is told by the next change.
  const other = { waiting: { reason: "agent_busy", text: "busy", untilAt: 1 } } as const;
  ledger.views.set("orch-1", viewWith("dispatched", other));
  clock.pass(MINUTE);
  assert.equal((await edge.perform.card(cardEffect("orch-1"))).kind, "done");
  ledger.views.set("orch-1", viewWith("succeeded"));
  const outcome = await edge.perform.card(cardEffect("orch-1"));
  assert.ok(outcome.kind === "again");
  assert.equal(Math.round((outcome.dueAt - clock.now()) / MINUTE), 5);
  const late = await edge.perform.card(cardEffect("orch-1", { tries: 288 }));
  assert.equal(late.kind, "done", "after a day it stays as it is");
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1", { tries: 2 })), {
    kind: "done",
    outcome: "edited",
  });
  assert.match(shown(guild.inspect.messages("technical")[0]), /webster · done in/);
});

test("a card for a place that the bot cannot reach is left out, since the result has its own channel", async (t) => {
  const { edge, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  const effect = cardEffect("orch-1", {
    body: { type: "card", run: "orch-1", to: { channel: "123456789012345678" } },
  });
  const outcome = await edge.perform.card(effect);
  assert.ok(outcome.kind === "done" && /404/.test(outcome.outcome), JSON.stringify(outcome));
});

const TOO_LONG = "@ada".padEnd(5000, "a");

test("an edit over Discord's limits shows the card shortened, with its buttons, and the next state as ever", async (t) => {
  const { edge, guild, ledger, logs } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  ledger.views.set("orch-1", viewWith("dispatched", { asker: TOO_LONG }));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
  const [card] = guild.inspect.messages("technical");
  assert.match(shown(card), /^### webster · running\n[\s\S]*Find CTE[\s\S]*\n-# …a+ · orch-1\/card$/);
  assert.match(JSON.stringify(card?.components), /"label":"Cancel"[\s\S]*"label":"Details"/);
  assert.ok(logs.some(({ level, message }) => level === "error" && message.includes("shown shortened")));
  ledger.views.set("orch-1", viewWith("succeeded"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
  assert.match(shown(guild.inspect.messages("technical")[0]), /done in[\s\S]*asked by @ada · orch-1\/card$/);
});

test("a card that is too long from the first is one that can be edited all the same", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued", { asker: TOO_LONG }));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "recorded" });
  assert.match(shown(guild.inspect.messages("technical")[0]), /^### webster · queued[\s\S]* · orch-1\/card$/);
  ledger.views.set("orch-1", viewWith("dispatched"));
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
  assert.match(shown(guild.inspect.messages("technical")[0]), /running/);
});

test("an edit that Discord does not take is shown shortened", async (t) => {
  const { edge, guild, ledger } = await startEdge(t);
  ledger.views.set("orch-1", viewWith("queued"));
  await edge.perform.card(cardEffect("orch-1"));
  ledger.views.set("orch-1", viewWith("dispatched"));
  guild.faults.add({ kind: "status", status: 400, method: "PATCH", path: "/messages", times: 1 });
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1")), { kind: "done", outcome: "edited" });
  assert.match(shown(guild.inspect.messages("technical")[0]), /webster · running/);
});
