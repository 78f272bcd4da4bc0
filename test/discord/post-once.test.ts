import assert from "node:assert/strict";
import test from "node:test";
import { DiscordError } from "../../src/discord/discord-failure.ts";
import { ownHistory, wholeHistory } from "../../src/discord/own-history.ts";
import type { Payload } from "../../src/discord/payload.ts";
import { createPostOnce, doubtOf, isOld, type PostOnce } from "../../src/discord/post-once.ts";
import type { DiscordRest } from "../../src/discord/rest.ts";
import { idAt } from "../../src/discord/snowflake.ts";
import type { DeliveryInput, Receipt } from "../../src/domain/delivery-types.ts";
import type { Delivery } from "../../src/domain/effects.ts";
import type { ClaimedEffect } from "../../src/engine/ports/ledger.ts";

const NOW = 1_700_000_000_000;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DELIVERY: Delivery = { id: "n-1/notice", kind: "notice", to: { role: "results" } };

type Message = Awaited<ReturnType<DiscordRest["history"]>>[number];
const messageOf = (id: number | string, at: number, content = "x", author = "bot") =>
  ({ id: String(id), timestamp: new Date(at).toISOString(), content, author: { id: author } }) as Message;

/** A channel, newest first, of which pages can be read; what is posted and asked is kept. */
function channel(messages: readonly Message[], refuse: (payload: Payload) => boolean = () => false) {
  const gone = new DiscordError({ kind: "unreachable-place", text: "404", code: 10008 });
  const asked: (string | undefined)[] = [];
  const posted: { part: number; payload: Payload }[] = [];
  const rest = {
    aheadMs: () => 0,
    raw: { get: () => Promise.reject(gone) } as unknown as DiscordRest["raw"],
    async history(_: string, { limit, after }: { limit: number; after?: string }) {
      asked.push(after);
      const later = messages.filter(({ id }) => after === undefined || BigInt(id) > BigInt(after));
      return after === undefined ? later.slice(0, limit) : later.slice(-limit);
    },
    async post(_: string, _delivery: string, part: number, payload: Payload) {
      posted.push({ part, payload });
      if (refuse(payload)) throw new DiscordError({ kind: "refused", text: "400" });
      return messageOf(9000 + part, NOW - 5);
    },
  } satisfies Partial<DiscordRest> as unknown as DiscordRest;
  return { rest, asked, posted };
}

function effectOf(more: Partial<ClaimedEffect> = {}): ClaimedEffect {
  const body = { type: "post", delivery: DELIVERY } as const;
  return { id: "e1", tries: 1, createdAt: NOW, body, ...more } as ClaimedEffect;
}

function poster(rest: DiscordRest, known: readonly Receipt[] = []) {
  const recorded: { input: DeliveryInput; settles: readonly string[] }[] = [];
  const errors: string[] = [];
  const log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (_: object, text: string) => void errors.push(text),
  };
  const postOnce = createPostOnce({
    rest,
    deliveries: {
      receipts: async () => known,
      shownBy: () => Promise.reject(new Error("not asked for")),
      record: async (input, settles) => void recorded.push({ input, settles }),
      view: () => Promise.reject(new Error("not asked for")),
      batchBody: async () => undefined,
    },
    places: { note: async () => undefined, others: async () => [] },
    botId: () => "bot",
    now: () => NOW,
    log,
    crash: () => undefined,
  });
  const job = (more: Partial<PostOnce> = {}): PostOnce => ({
    delivery: DELIVERY,
    channel: "5",
    parts: ["one", "two", "three"].map((content) => ({ content, files: [] })),
    effect: effectOf(),
    sent: "post:sent",
    ...more,
  });
  return { post: (more: Partial<PostOnce> = {}) => postOnce(job(more)), recorded, errors };
}

test("only what was begun before, or may be there by what an audit knows, is in doubt, and since when", () => {
  assert.equal(doubtOf(effectOf()), undefined);
  assert.deepEqual(doubtOf(effectOf({ tries: 2 })), { since: NOW });
  assert.deepEqual(doubtOf(effectOf({ begunBefore: NOW + 5 })), { since: NOW });
  const audited = { type: "post", delivery: DELIVERY, mayBeThereSince: 7 } as const;
  assert.deepEqual(doubtOf(effectOf({ body: audited })), { since: 7 });
});

test("Discord's memory of a nonce is trusted for two minutes, not longer", () => {
  assert.ok(!isOld({ since: NOW }, NOW + 2 * MINUTE - 1));
  assert.ok(isOld({ since: NOW }, NOW + 2 * MINUTE));
  assert.ok(isOld({ since: NOW }, NOW - 1), "the clock was set back: nobody knows how long ago it was");
});

test("while the nonce is remembered nothing is read back; after that what is there is not posted again", async () => {
  const there = [messageOf(3, NOW - MINUTE, "three\n-# n-1/notice (3)")];
  const young = channel(there);
  await poster(young.rest).post({ effect: effectOf({ tries: 2, createdAt: NOW - MINUTE }) });
  assert.deepEqual([young.asked.length, young.posted.length], [0, 3]);
  const old = channel(there);
  const { post, recorded } = poster(old.rest);
  const brought: string[] = [];
  await post({
    effect: effectOf({ tries: 2, createdAt: NOW - 3 * MINUTE }),
    refresh: async ({ message }) => void brought.push(message),
  });
  assert.deepEqual(
    old.posted.map(({ part }) => part),
    [0, 1],
  );
  assert.equal(old.asked.length, 1, "read once, for all parts");
  const found = recorded.at(-1)?.input as Extract<DeliveryInput, { type: "part-posted" }>;
  assert.deepEqual([found.receipt.message, found.receipt.postedAt], ["3", NOW - MINUTE]);
  assert.deepEqual(brought, ["9000", "9001", "3"], "what may be of an earlier try is brought up to date");
});

test("the history is read from before the doubt by the clocks' difference on, our own messages only", async () => {
  const at = (n: number) => NOW - n * 5 * SECOND;
  const messages = Array.from({ length: 1000 }, (_, n) =>
    messageOf(idAt(at(n)), at(n), "x", n % 2 === 0 ? "bot" : "another"),
  );
  const { rest, asked } = channel(messages);
  const since = NOW - 10 * MINUTE;
  assert.equal((await ownHistory(rest, "5", "bot", since)).length, 50 + 50);
  assert.deepEqual(
    asked,
    [undefined, idAt(since - MINUTE)],
    "a minute before it counts, as two clocks may differ",
  );
  const last = channel(messages);
  await ownHistory(last.rest, "5", "bot", at(99) + MINUTE + 1);
  assert.deepEqual(last.asked, [undefined], "the last hundred messages are all of the time in question");
  const short = channel(messages.slice(0, 99));
  assert.equal((await ownHistory(short.rest, "5", "bot", 0)).length, 50);
  assert.deepEqual(short.asked, [undefined], "the page is not full");
  const ahead = channel(messages);
  assert.equal(
    (await ownHistory(ahead.rest, "5", "bot", NOW + 60 * MINUTE)).length,
    50,
    "a clock that was set back",
  );
});

test("of more messages than are read in one go nothing is said before all are read, by as many looks as that takes", async () => {
  const at = (n: number) => NOW - n * SECOND;
  const all = Array.from({ length: 7000 }, (_, n) => messageOf(idAt(at(n)), at(n)));
  const { rest, asked } = channel(all);
  const look = (since = at(6999)) => ownHistory(rest, "5", "bot", since);
  const unsure = (thrown: unknown) => thrown instanceof DiscordError && thrown.failure.kind === "unsure";
  await assert.rejects(look(), unsure);
  assert.equal(asked.length, 31);
  await assert.rejects(look(at(5000)), unsure, "what is asked for is among what is looked through");
  const seen = await look();
  assert.deepEqual(new Set(seen.map(({ id }) => id)), new Set(all.map(({ id }) => id)));
  await assert.rejects(look(at(5000)), unsure);
  const before = asked.length;
  await assert.rejects(look(), unsure, "of a longer time nothing was read yet");
  assert.equal(asked[before + 1], idAt(at(6999) - MINUTE));
});

test("a look goes on where Discord failed, and several at once through one channel read to its end together", async () => {
  const at = (n: number) => NOW - n * SECOND;
  const all = Array.from({ length: 7000 }, (_, n) => messageOf(idAt(at(n)), at(n)));
  const { rest, asked } = channel(all);
  const { history } = rest;
  let failsAt = 20;
  const failing = {
    ...rest,
    history: async (...query: Parameters<typeof history>) => {
      if (asked.length === failsAt) throw new DiscordError({ kind: "unsure", text: "503" });
      return history(...query);
    },
  };
  const look = (read: typeof ownHistory) => read(failing, "5", "bot", at(6999));
  await assert.rejects(look(ownHistory), /503/);
  failsAt = 0;
  const before = asked.length;
  await assert.rejects(look(ownHistory), /many messages/);
  assert.equal(asked[before + 1], all[7000 - 19 * 100]?.id, "after what was read before");
  const ids = new Set(all.map(({ id }) => id));
  for (const seen of await Promise.all([look(wholeHistory), look(wholeHistory), look(wholeHistory)]))
    assert.deepEqual(new Set(seen.map(({ id }) => id)), ids);
});

test("each part is recorded by itself, and the effect ends with the last one only", async () => {
  const { rest } = channel([]);
  const { post, recorded } = poster(rest);
  const { receipts, isRecorded } = await post();
  assert.deepEqual([receipts.map(({ part }) => part), isRecorded], [[0, 1, 2], true]);
  assert.deepEqual(
    recorded.map(({ settles }) => settles),
    [[], [], ["e1"]],
  );
  assert.equal(receipts[0]?.postedAt, NOW - 5, "Discord's own time");
});

test("a part with a receipt is told and not posted; when it is the last one, the effect is still to be ended", async () => {
  const receipt: Receipt = {
    delivery: DELIVERY.id,
    part: 2,
    nonce: "n",
    channel: "5",
    message: "77",
    postedAt: 1,
  };
  const { rest, posted } = channel([]);
  const { receipts, isRecorded } = await poster(rest, [receipt]).post({ effect: effectOf({ tries: 2 }) });
  assert.deepEqual(
    receipts.map(({ message }) => message),
    ["9000", "9001", "77"],
  );
  assert.deepEqual([posted.length, isRecorded], [2, false]);
});

test("a card that rolled over goes on counting its parts, and knows the receipts of its earlier ones", async () => {
  const receipt: Receipt = {
    delivery: DELIVERY.id,
    part: 4,
    nonce: "n",
    channel: "5",
    message: "77",
    postedAt: 1,
  };
  const { rest, posted } = channel([]);
  const { post, recorded } = poster(rest, [receipt]);
  const { receipts } = await post({ firstPart: 4 });
  assert.deepEqual(
    receipts.map(({ part, message }) => [part, message]),
    [
      [4, "77"],
      [5, "9005"],
      [6, "9006"],
    ],
  );
  assert.deepEqual(
    posted.map(({ part }) => part),
    [5, 6],
  );
  const [input] = recorded.map((one) => one.input);
  assert.equal(input?.type === "part-posted" && input.of, 7);
});

test("what breaks a limit is not even sent as it is; what Discord refuses is sent once more, plain, and it is told", async () => {
  const long = { content: "word ".repeat(1000), files: [] };
  const { rest, posted } = channel([]);
  const { post, errors } = poster(rest);
  await post({ parts: [long] });
  assert.equal(posted.length, 1);
  assert.equal(posted[0]?.payload.files.length, 1);
  assert.match(errors.join("\n"), /breaks Discord's limits/);
  const picky = channel([], ({ files }) => files.length === 0);
  const second = poster(picky.rest);
  await second.post({ parts: [{ content: "short", files: [] }] });
  assert.deepEqual(
    picky.posted.map(({ payload }) => payload.files.length),
    [0, 1],
  );
  assert.match(second.errors.join("\n"), /Discord refused a message/);
});

test("a failure that is no refusal is thrown, and nothing is sent in its place", async () => {
  const posts: string[] = [];
  const rest = {
    async post(_: string, delivery: string) {
      posts.push(delivery);
      throw new DiscordError({ kind: "unsure", text: "502" });
    },
  } satisfies Partial<DiscordRest> as unknown as DiscordRest;
  await assert.rejects(poster(rest).post(), /502/);
  assert.equal(posts.length, 1);
});

test("what will be edited is shortened when it is too long, and never becomes a file", async () => {
  const { rest, posted } = channel([], ({ components }) => JSON.stringify(components ?? []).length > 2000);
  const long = {
    components: [
      {
        type: 17 as const,
        components: [{ type: 10 as const, content: `${"word ".repeat(700)}\n-# n-1/notice` }],
      },
    ],
    files: [],
  };
  await poster(rest).post({ parts: [long], isKeptUpToDate: true });
  const last = posted.at(-1)?.payload;
  assert.ok(posted.length > 1 && last);
  assert.deepEqual(last.files, []);
  assert.match(JSON.stringify(last), /n-1\/notice/);
});
