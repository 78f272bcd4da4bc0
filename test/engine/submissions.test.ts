import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { Actor } from "../../src/domain/actor.ts";
import type { QueueChannel } from "../../src/engine/ports/queue-channel.ts";
import { createSubmissions, taggedText } from "../../src/engine/submissions.ts";
import type { SeenMessage, TaskView } from "../../src/engine/task-verbs.ts";
import { isRefusal, Refusal } from "../../src/kernel/refusal.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";

const OPERATOR: Actor = { kind: "operator" };
const KEY = { scope: "rest", key: "k-1" };

/** Discord as far as posting goes: one message a nonce, and answers that may be lost. */
function createChannel() {
  const messages = new Map<string, string>();
  const state: { trouble?: "away" | "answer-lost" | "forbidden" } = {};
  const posts: { text: string; since?: number | undefined; hops?: number | undefined }[] = [];
  const channel: Pick<QueueChannel, "post"> = {
    async post(text, nonce, options) {
      posts.push({ text, since: options?.since, hops: options?.hops });
      if (state.trouble === "away") throw new Refusal("no_discord", "Discord does not answer.");
      if (state.trouble === "forbidden") throw new Refusal("not_allowed", "The bot may not write there.");
      const message = messages.get(nonce) ?? `10000000000000000${messages.size}`;
      messages.set(nonce, message);
      if (state.trouble === "answer-lost") throw new Refusal("no_discord", "The connection broke.");
      const author = { id: "99", name: "hq", isBot: true };
      return { place: { channel: "5", message }, author, postedAt: 7 };
    },
  };
  return { channel: channel as QueueChannel, messages, state, posts };
}

async function openDesk(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "hq-submit-"));
  const ledger = await openSqliteLedger({ path: join(folder, "ledger.db"), now: Date.now });
  t.after(async () => {
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const discord = createChannel();
  const seen: SeenMessage[] = [];
  const views = new Map<string, TaskView>();
  let crashAt: string | undefined;
  const warned: string[] = [];
  const quiet = () => undefined;
  /** A life of the supervisor: what it remembers is in the ledger alone. */
  const live = () =>
    createSubmissions({
      tasks: {
        async see(message) {
          seen.push(message);
          const id = `task-${message.place.message}`;
          const view = { id, objective: message.text, task: { ...message, id } } as unknown as TaskView;
          views.set(id, view);
          return view;
        },
        async task(id) {
          const view = views.get(id);
          assert.ok(view, id);
          return view;
        },
      },
      ledger,
      async channel() {
        if (discord.state.trouble === "away") throw new Refusal("no_discord", "Discord is not connected.");
        return discord.channel;
      },
      elsewhere: async () => undefined,
      problemsIn: (text) =>
        text.includes("[model:chaep]") ? [{ path: "model", message: "there is no model chaep" }] : [],
      refusalOf: async (actor, text) =>
        actor.kind === "agent" && text.includes("[agent:manager]")
          ? "webster may not ask manager."
          : undefined,
      hopsOf: async (actor) => (actor.kind === "agent" ? 2 : 0),
      now: () => 1000,
      log: { debug: quiet, info: quiet, error: quiet, warn: (_, text) => void warned.push(text) },
      crash(point) {
        if (point === crashAt) throw new Error(`killed at ${point}`);
      },
    });
  return {
    ...discord,
    seen,
    warned,
    live,
    killAt: (point: string | undefined) => {
      crashAt = point;
    },
  };
}

const codeOf = async (work: Promise<unknown>) => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(isRefusal(error), String(error));
  return error.code;
};

test("what is said beside the text becomes its tags, and nothing is said twice", () => {
  assert.equal(
    taggedText({ text: ' Review\ncode | "all" ', model: "coder", thinking: "high", timeoutMs: 90_000 }),
    'Review\ncode | "all" [model:coder] [thinking:high] [timeout:90]',
  );
  assert.equal(
    taggedText({ text: "a", agent: "B", workflow: "w", worker: "x" }),
    "a [agent:B] [worker:x] [workflow:w]",
  );
  assert.throws(() => taggedText({ text: "a [ Model : x ]", model: "cheap" }), /model.*say it in one place/);
  assert.equal(taggedText({ text: "a `[model:x]`", model: "cheap" }), "a `[model:x]` [model:cheap]");
  assert.equal(taggedText({ text: "a [model:x]", agent: "B" }), "a [model:x] [agent:B]");
});

test("bugs 3 and 4: a task is posted once, with its tags, and taken in the name of who asked, and its key answers it after a restart", async (t) => {
  const desk = await openDesk(t);
  const agent: Actor = { kind: "agent", id: "webster" };
  const first = await desk.live().submit(agent, { text: "a", model: "cheap", key: KEY });
  assert.deepEqual([first.repeated, first.task.id], [false, "task-100000000000000000"]);
  const { actor, text, checks, hops } = desk.seen[0] ?? {};
  assert.deepEqual([actor, text, checks, hops], [agent, "a [model:cheap]", { others: [], own: false }, 2]);
  assert.equal(desk.posts[0]?.hops, 2, "and it says over how many bots it came");
  const again = await desk.live().submit(agent, { text: "a", model: "cheap", key: KEY });
  assert.deepEqual([again.repeated, again.task.id, desk.posts.length], [true, first.task.id, 1]);
  assert.equal(await codeOf(desk.live().submit(agent, { text: "b", key: KEY })), "key_reused");
  assert.equal(
    await codeOf(desk.live().submit(OPERATOR, { text: "a", model: "cheap", key: KEY })),
    "key_reused",
  );
  await desk.live().submit(OPERATOR, { text: "a" });
  await desk.live().submit(OPERATOR, { text: "a" });
  assert.equal(desk.messages.size, 3, "without a key every call is a task of its own");
});

test("the same key at the same moment is one message and one task", async (t) => {
  const desk = await openDesk(t);
  const life = desk.live();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => life.submit(OPERATOR, { text: "a", key: KEY })),
  );
  assert.equal(new Set(answers.map(({ task }) => task.id)).size, 1);
  assert.deepEqual([desk.messages.size, desk.posts.length, desk.seen.length], [1, 1, 1]);
});

test("what is wrong is refused before anything is kept or posted", async (t) => {
  const desk = await openDesk(t);
  const life = desk.live();
  assert.equal(await codeOf(life.submit(OPERATOR, { text: "a", model: "chaep", key: KEY })), "invalid_input");
  assert.equal(await codeOf(life.submit(OPERATOR, { text: "x".repeat(4001), key: KEY })), "too_large");
  const webster = life.submit({ kind: "agent", id: "webster" }, { text: "a", agent: "manager", key: KEY });
  assert.equal(await codeOf(webster), "not_allowed");
  desk.state.trouble = "away";
  assert.equal(await codeOf(life.submit(OPERATOR, { text: "a", key: KEY })), "no_discord");
  delete desk.state.trouble;
  await life.finishSubmissions();
  assert.deepEqual([desk.posts, desk.seen], [[], []]);
  await life.submit(OPERATOR, { text: "b", key: KEY });
});

test("a kill between any two moments loses no task and posts none twice", async (t) => {
  for (const point of ["submission:kept", "submission:posted"]) {
    const desk = await openDesk(t);
    desk.killAt(point);
    await assert.rejects(desk.live().submit(OPERATOR, { text: "a", key: KEY }), /killed at/);
    assert.equal(desk.seen.length, 0);
    desk.killAt(undefined);
    const next = desk.live();
    await next.finishSubmissions();
    assert.deepEqual([desk.messages.size, desk.seen.length], [1, 1], point);
    assert.equal(desk.posts.at(-1)?.since, 1000, "an earlier message is looked for");
    const asked = await next.submit(OPERATOR, { text: "a", key: KEY });
    assert.equal(asked.repeated, true);
    await next.finishSubmissions();
    assert.deepEqual([desk.messages.size, desk.seen.length], [1, 1], point);
  }
});

test("an answer of Discord that was lost is found again, by the caller or without", async (t) => {
  const desk = await openDesk(t);
  const life = desk.live();
  desk.state.trouble = "answer-lost";
  await assert.rejects(life.submit(OPERATOR, { text: "a", key: KEY }), /The connection broke/);
  await assert.rejects(life.submit(OPERATOR, { text: "b" }), (error: Refusal) =>
    /is kept/.test(error.hint ?? ""),
  );
  await life.finishSubmissions();
  assert.equal(desk.seen.length, 0, "Discord still does not answer");
  delete desk.state.trouble;
  const asked = await life.submit(OPERATOR, { text: "a", key: KEY });
  assert.equal(asked.repeated, true);
  await life.finishSubmissions();
  assert.deepEqual([desk.messages.size, desk.seen.map(({ text }) => text)], [2, ["a", "b"]]);
});

test("a post that Discord refuses for good is not tried again, and stops no other", async (t) => {
  const desk = await openDesk(t);
  desk.killAt("submission:kept");
  await assert.rejects(desk.live().submit(OPERATOR, { text: "a" }), /killed/);
  desk.killAt(undefined);
  desk.state.trouble = "forbidden";
  const life = desk.live();
  assert.equal(await codeOf(life.submit(OPERATOR, { text: "b", key: KEY })), "not_allowed");
  await life.finishSubmissions();
  assert.equal(desk.warned.length, 1);
  delete desk.state.trouble;
  await life.finishSubmissions();
  assert.deepEqual([desk.messages.size, desk.seen.length], [0, 0]);
  const later = await life.submit(OPERATOR, { text: "b", key: KEY });
  assert.deepEqual([later.repeated, desk.seen.length], [false, 1]);
});
