import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { textsOf } from "../../src/discord/payload.ts";
import { ATOMIZER_HQ, BOT_PERMISSIONS, P, type Seed } from "../../src/local/seed.ts";
import { viewWith } from "../discord/view-fixture.ts";
import { cardEffect, noticeOf, postOf, startEdge, TOKEN } from "./discord-fixture.ts";

const RUN = "orch-20260801-120000-aaaaaaaa";

/** A card in a thread, of a delegation that ends while the thread is archived. */
async function startInThread(t: TestContext, seed: Seed = ATOMIZER_HQ) {
  const { guild, edge, ledger, logs } = await startEdge(t, { guild: { seed } });
  const rest = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${guild.restApi}/v10${path}`, {
      method,
      headers: { authorization: `Bot ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.ok(answer.ok, await answer.clone().text());
    return (await answer.json()) as { readonly id: string };
  };
  const channel = guild.inspect.channelId("technical");
  const { id: thread } = await rest("POST", `/channels/${channel}/threads`, { name: "study", type: 11 });
  const body = { type: "card", run: RUN, to: { channel: thread } } as const;
  ledger.views.set(RUN, viewWith("dispatched", { id: RUN }));
  await edge.perform.card(cardEffect(RUN, { body }));
  return {
    guild,
    logs,
    post: (id: string) => edge.perform.post(postOf(noticeOf(id, "It waits.", { channel: thread }))),
    close: (more: object = {}) => rest("PATCH", `/channels/${thread}`, { archived: true, ...more }),
    async end() {
      ledger.views.set(RUN, viewWith("succeeded", { id: RUN }));
      return edge.perform.card(cardEffect(RUN, { body }));
    },
    shown: () => guild.inspect.messages(thread).map((message) => textsOf(message as never).join("\n")),
  };
}

test("a card in a thread that Discord archived meanwhile says how it ended, and the thread is open again", async (t) => {
  const { guild, close, end, shown } = await startInThread(t);
  assert.match(shown()[0] ?? "", /webster · running/);
  await close();
  assert.deepEqual(await end(), { kind: "done", outcome: "edited" });
  assert.match(shown()[0] ?? "", /webster · done/);
  assert.equal(shown().length, 1);
  assert.equal(guild.inspect.threads()[0]?.archived, false);
});

test("a thread that somebody locked stays as it is, and its card is not taken for one with wrong words", async (t) => {
  const { guild, close, end, shown, logs } = await startInThread(t);
  await close({ locked: true });
  const { kind } = await end();
  assert.equal(kind, "done");
  assert.match(shown()[0] ?? "", /webster · running/);
  assert.equal(guild.inspect.threads()[0]?.archived, true);
  assert.ok(!logs.some(({ message }) => /Discord refused a message/.test(message)));
});

test("a thread that somebody locked stays as it is also where the bot may manage threads", async (t) => {
  const bot = { permissions: BOT_PERMISSIONS | P.ManageThreads };
  const { guild, close, end, shown } = await startInThread(t, { ...ATOMIZER_HQ, bot });
  await close({ locked: true });
  assert.equal((await end()).kind, "done");
  assert.match(shown()[0] ?? "", /webster · running/);
  assert.equal(guild.inspect.threads()[0]?.archived, true);
});

for (const [name, code] of [
  ["locked and archived", undefined],
  ["locked and still open", 160005],
] as const) {
  test(`a post for a thread that is ${name} waits whole, and is not tried in other words`, async (t) => {
    const { guild, close, post, shown, logs } = await startInThread(t);
    const body = { code, message: "Thread is locked" };
    if (code === undefined) await close({ locked: true });
    else guild.faults.add({ kind: "status", status: 400, body, method: "POST", path: "/messages" });
    const waiting = await post("n-1/notice");
    assert.ok(waiting.kind === "again");
    assert.match(waiting.reason, code === undefined ? /50083/ : /160005/);
    assert.equal(shown().length, 1, "the card alone");
    assert.ok(!logs.some(({ message }) => /Discord refused a message/.test(message)));
  });
}
