import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Delivery } from "../../src/domain/effects.ts";
import { viewWith } from "../discord/view-fixture.ts";
import type { Supervisor } from "../support/supervisor.ts";
import { cardEffect, noticeOf, postOf, resultOf, startEdge } from "./discord-fixture.ts";
import { shown } from "./discord-person.ts";
import { outlivingGuild } from "./outliving-guild.ts";

const MINUTE = 60_000;

/** An edge whose logical channel for results the test moves, and what was left by one that died before its record. */
async function startMovable(t: TestContext) {
  let results = "results";
  const made = await startEdge(t, {
    config: (plain) => ({
      ...plain,
      get settings() {
        const { channels, ...rest } = plain.settings;
        return { ...rest, channels: { ...channels, roles: { ...channels.roles, results } } };
      },
    }),
  });
  const { edge, edgeOf, guild, ledger, clock } = made;
  async function postAndDie(deliveries: readonly Delivery[]): Promise<void> {
    const record = () => Promise.reject(new Error("killed"));
    const dying = edgeOf({ deliveries: { record } });
    await dying.start();
    const createdAt = clock.now();
    for (const delivery of deliveries)
      await assert.rejects(dying.perform.post(postOf(delivery, { createdAt })), /killed/);
    await dying.stop();
  }
  return {
    ...made,
    postAndDie,
    move: (to: string) => {
      results = to;
    },
    again: (delivery: Delivery, createdAt: number) =>
      edge.perform.post(postOf(delivery, { tries: 2, begunBefore: createdAt, createdAt })),
    counts: (...names: string[]) => names.map((name) => guild.inspect.messages(name).length),
    addView: (run: string) => ledger.views.set(run, viewWith("succeeded", { id: run })),
  };
}

for (const passed of [0, 10 * MINUTE]) {
  const when = passed === 0 ? "at once" : "ten minutes later";
  test(`a result that was left in one channel is not posted in another one ${when}, when config has moved it meanwhile`, async (t) => {
    const { clock, guild, ledger, postAndDie, move, again, counts, addView } = await startMovable(t);
    addView("orch-1");
    const createdAt = clock.now();
    await postAndDie([resultOf("orch-1")]);
    move("technical");
    clock.pass(passed);
    assert.deepEqual(await again(resultOf("orch-1"), createdAt), { kind: "recorded" });
    assert.deepEqual(counts("results", "technical"), [1, 0]);
    const [receipt] = ledger.receipts;
    const [message] = guild.inspect.messages("results");
    assert.deepEqual([receipt?.channel, receipt?.message], [guild.inspect.channelId("results"), message?.id]);
    addView("orch-2");
    await again(resultOf("orch-2"), clock.now());
    assert.deepEqual(counts("results", "technical"), [1, 1], "what is asked since goes to the new one");
  });
}

test("many that were left in one channel before an outage are found there; the rest goes to the new one as one message", async (t) => {
  const { clock, edge, ledger, postAndDie, move, counts, addView } = await startMovable(t);
  const runs = Array.from({ length: 30 }, (_, n) => `orch-${n}`);
  for (const run of runs) addView(run);
  const createdAt = clock.now();
  await postAndDie(runs.slice(0, 12).map(resultOf));
  move("technical");
  clock.pass(10 * MINUTE);
  const late = { tries: 2, createdAt };
  await Promise.all(runs.map((run) => edge.perform.post(postOf(resultOf(run), late))));
  await Promise.all(ledger.batches);
  assert.deepEqual(counts("results", "technical"), [12, 1]);
  const batch = ledger.inputs.find((input) => input.type === "batch");
  assert.equal(batch?.delivery.members?.length, 18);
});

test("a card that was left in one channel is recorded there, when its logical channel is another one afterwards", async (t) => {
  const { clock, edge, edgeOf, guild, ledger, move, counts, addView } = await startMovable(t);
  addView("orch-1");
  const createdAt = clock.now();
  const body = { type: "card", run: "orch-1", to: { role: "results" } } as const;
  const dying = edgeOf({ deliveries: { record: () => Promise.reject(new Error("killed")) } });
  await dying.start();
  await assert.rejects(dying.perform.card(cardEffect("orch-1", { body, createdAt })), /killed/);
  await dying.stop();
  move("technical");
  clock.pass(10 * MINUTE);
  const again = { body, createdAt, tries: 2, begunBefore: createdAt };
  assert.deepEqual(await edge.perform.card(cardEffect("orch-1", again)), { kind: "recorded" });
  assert.deepEqual(counts("results", "technical"), [1, 0]);
  assert.equal(ledger.receipts[0]?.channel, guild.inspect.channelId("results"));
});

test("what was posted in #results in place of a channel is not posted again when that channel is made", async (t) => {
  const { clock, guild, edgeOf, postAndDie, counts } = await startMovable(t);
  const notice = noticeOf("n-1/notice", "Here it is.", { channel: "reports" });
  guild.channels.remove("reports");
  const createdAt = clock.now();
  await postAndDie([notice]);
  assert.deepEqual(counts("results"), [1]);
  guild.channels.add("reports");
  clock.pass(10 * MINUTE);
  const next = edgeOf();
  t.after(next.stop);
  await next.start();
  const late = { tries: 2, begunBefore: createdAt, createdAt };
  assert.deepEqual(await next.perform.post(postOf(notice, late)), { kind: "recorded" });
  assert.deepEqual(counts("results", "reports"), [1, 0]);
});

test("what was left in a channel that was deleted since is posted in the one that took its place", async (t) => {
  const { clock, guild, postAndDie, move, again, counts, addView } = await startMovable(t);
  addView("orch-1");
  const createdAt = clock.now();
  await postAndDie([resultOf("orch-1")]);
  guild.channels.remove("results");
  move("technical");
  clock.pass(10 * MINUTE);
  assert.deepEqual(await again(resultOf("orch-1"), createdAt), { kind: "recorded" });
  assert.deepEqual(counts("technical"), [1]);
});

test("while the channel of before cannot be read, what may be there waits; what was asked since the move does not", async (t) => {
  const { clock, guild, postAndDie, move, again, counts, addView } = await startMovable(t);
  addView("orch-1");
  addView("orch-2");
  const createdAt = clock.now();
  await postAndDie([resultOf("orch-1")]);
  move("technical");
  await again(resultOf("orch-2"), clock.now());
  clock.pass(10 * MINUTE);
  const path = `/channels/${guild.inspect.channelId("results")}/messages`;
  guild.faults.add({ kind: "status", status: 500, method: "GET", path, times: 100 });
  assert.equal((await again(resultOf("orch-1"), createdAt)).kind, "again");
  addView("orch-3");
  assert.equal((await again(resultOf("orch-3"), clock.now())).kind, "recorded");
  assert.deepEqual(counts("results", "technical"), [1, 2]);
});

test("killed between a post and its record, and its logical channel is another one afterwards: it is there once", async (t) => {
  const { guild, start } = await outlivingGuild(t);
  const rolesAt = (channel: string) => ({ results: channel, agentLogs: channel });
  const first = await start(rolesAt("results"), { HQ_CRASH_AT: "post:sent#2" });
  const ask = async (supervisor: Supervisor): Promise<string> => {
    const asked = await supervisor.call("POST", "/delegations", {
      agent: "webster",
      objective: "Take a note.",
    });
    return asked.body.id;
  };
  const id = await ask(first.supervisor);
  assert.deepEqual(await first.supervisor.exited, [null, "SIGKILL"]);
  const { person, supervisor } = await start(rolesAt("technical"));
  const later = await ask(supervisor);
  await person.until("technical", (all) => all.some((one) => shown(one).includes(`${later}/log`)));
  const { items } = (await supervisor.call("GET", `/delegations/${id}/receipts`)).body;
  const results = guild.inspect.channelId("results");
  assert.deepEqual(
    (items as { channel: string }[]).map(({ channel }) => channel),
    [results, results],
  );
  const all = [...(await person.messages("results")), ...(await person.messages("technical"))];
  for (const kind of ["result", "log"])
    assert.equal(all.filter((one) => shown(one).includes(`${id}/${kind}`)).length, 1, kind);
});
