import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { createConnection } from "../../src/discord/connection.ts";
import { createIdentifies } from "../../src/discord/identify.ts";
import { createSessionStore, type SessionMemory } from "../../src/discord/session-store.ts";
import type { Refusal } from "../../src/kernel/refusal.ts";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { createCuttable } from "../support/cuttable.ts";
import { person, startGuild } from "../support/guild.ts";
import { createBell, type Logged, movableClock, TOKEN } from "./discord-fixture.ts";

const SESSION = "discord/session";
const BEGUN = "discord/sessions-begun";

/** What outlives a connection, with doors that a test may close. */
function createMemory() {
  const memos = new Map<string, string>();
  const bell = createBell();
  const faults = {
    reading: undefined as Promise<never> | undefined,
    writing: undefined as Promise<never> | undefined,
  };
  let looks = 0;
  const memory: SessionMemory = {
    isOurs() {
      looks++;
      bell.ring();
      return true;
    },
    recall: async (name) => (await faults.reading) ?? memos.get(name),
    async remember(name, value) {
      await faults.writing;
      memos.set(name, value);
      bell.ring();
    },
  };
  const session = () => JSON.parse(memos.get(SESSION) || "null") as { sequence: number } | null;
  return {
    memory,
    memos,
    faults,
    session,
    /** Resolves once it was looked at whether there is something to keep. */
    async looked(): Promise<void> {
      const before = looks;
      await bell.until(() => looks > before);
    },
    /** Resolves once the kept session is as the function wants it. */
    async until(fits: (session: { sequence: number }) => boolean): Promise<void> {
      await bell.until(() => {
        const now = session();
        return now !== null && fits(now);
      });
    },
  };
}

/** Connections one after the other, as of one supervisor after the other. */
async function stage(t: TestContext) {
  const clock = movableClock();
  const guild = await startGuild(t, { now: clock.now });
  const kept = createMemory();
  const logs: Logged[] = [];
  const logBell = createBell();
  const logAs = (level: string) => (fields: object, message: string) => {
    logs.push({ level, fields, message });
    logBell.ring();
  };
  const log = { debug: logAs("debug"), info: logAs("info"), warn: logAs("warn"), error: logAs("error") };

  function connect(memory: SessionMemory = kept.memory, api = guild.restApi) {
    const heard = { how: [] as string[], messages: [] as string[], interactions: [] as string[] };
    const waits: (Refusal | undefined)[] = [];
    const bell = createBell();
    const onWait = (why: Refusal | undefined) => {
      waits.push(why);
      bell.ring();
    };
    const connection = createConnection({
      token: TOKEN,
      api,
      guildId: guild.guildId,
      sessions: memory,
      identifies: createIdentifies({ memory, now: clock.now, log, onWait }),
      now: clock.now,
      log,
      onConnected(_, how) {
        heard.how.push(how);
        bell.ring();
      },
      onDisconnected: bell.ring,
      onFatal: ({ message }) => heard.how.push(message),
      onInteraction({ id }) {
        heard.interactions.push(id);
        bell.ring();
      },
      onClient: (client) =>
        void client.on("messageCreate", ({ content, channelId }) => {
          // The channel is known before the first event comes.
          assert.ok(connection.client()?.channels.cache.has(channelId));
          heard.messages.push(content);
          bell.ring();
        }),
    });
    t.after(connection.stop);
    return { ...connection, heard, waits, until: bell.until };
  }

  const said = (words: RegExp) => logBell.until(() => logs.some(({ message }) => words.test(message)));
  return { clock, guild, kept, logs, said, connect, you: person(guild) };
}

const kindsOf = (guild: LocalGuild) => guild.inspect.handshakes().map(({ kind }) => kind);

/** Typed now, answered by nobody yet. */
const typed = (guild: LocalGuild, you: ReturnType<typeof person>) =>
  you.must<{ id: string }>("POST", "/local/commands", {
    channel: guild.inspect.channelId("technical"),
    name: "help",
    options: {},
  });

async function withCommands(guild: LocalGuild): Promise<void> {
  const { id } = (await (
    await fetch(`${guild.restApi}/v10/applications/@me`, { headers: { authorization: `Bot ${TOKEN}` } })
  ).json()) as { id: string };
  const response = await fetch(`${guild.restApi}/v10/applications/${id}/guilds/${guild.guildId}/commands`, {
    method: "PUT",
    headers: { authorization: `Bot ${TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify([{ name: "help", description: "Help", type: 1, options: [] }]),
  });
  assert.equal(response.status, 200, await response.text());
}

test("who connects next goes on with the session that was left, and gets what was sent in between", async (t) => {
  const { guild, kept, connect, you } = await stage(t);
  const first = connect();
  await first.start(10_000);
  await withCommands(guild);
  await you.say("technical", "before");
  await first.until(() => first.heard.messages.length === 1);
  await first.stop();
  assert.deepEqual(kindsOf(guild), ["identified"]);

  await you.say("technical", "in between");
  const { id } = await typed(guild, you);
  const second = connect();
  await second.start(10_000);
  assert.deepEqual(kindsOf(guild), ["identified", "resumed"]);
  assert.deepEqual(second.heard, { how: ["resumed"], messages: ["in between"], interactions: [id] });
  const client = second.client();
  assert.equal(client?.user?.id, first.client()?.user?.id);
  assert.ok(client?.guilds.cache.get(guild.guildId)?.members.me);
  const namesOf = (of: ReturnType<(typeof second)["client"]>) => [
    ...new Set(of?.guilds.cache.get(guild.guildId)?.channels.cache.map(({ name }) => name)),
  ];
  assert.deepEqual(namesOf(client).sort(), namesOf(first.client()).sort(), "the channels that the bot sees");
  assert.equal(guild.inspect.sessions().length, 1);
  assert.equal(JSON.parse(kept.memos.get(BEGUN) ?? "[]").length, 1);

  await you.say("technical", "after");
  await second.until(() => second.heard.messages.length === 2);
});

test("an interaction is not left behind as seen until nobody can answer it any more", async (t) => {
  const { guild, clock, kept, connect, you } = await stage(t);
  const first = connect();
  await first.start(10_000);
  await withCommands(guild);
  await typed(guild, you);
  await first.until(() => first.heard.interactions.length === 1);
  await you.say("technical", "later");
  await first.until(() => first.heard.messages.length === 1);
  const [{ seq } = { seq: 0 }] = guild.inspect.sessions();
  await first.stop();
  assert.equal(kept.session()?.sequence, seq - 2, "as it was before the interaction");

  const second = connect();
  await second.start(10_000);
  assert.deepEqual(second.heard.interactions, first.heard.interactions, "it comes again");
  clock.pass(3000);
  await kept.until(({ sequence }) => sequence >= seq);
});

test("an interaction may be needed again for exactly the three seconds in which it can be answered", async () => {
  const kept = createMemory();
  let now = 1_000_000;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const store = createSessionStore({ memory: kept.memory, token: TOKEN, intents: 1, now: () => now, log });
  const session = { sessionId: "s", sequence: 4, resumeURL: "ws://x", shardId: 0, shardCount: 1 };
  await store.take(session);
  store.hold(5);
  store.change({ ...session, sequence: 7 });
  now += 2999;
  await store.flush();
  assert.equal(kept.session()?.sequence, 4, "it may still be answered");
  now += 1;
  await store.flush();
  assert.equal(kept.session()?.sequence, 7, "nobody can answer it any more");
});

test("an interaction that a heartbeat told as arrived comes again all the same while it may be answered", async (t) => {
  const { guild, connect, you } = await stage(t);
  const first = connect();
  await first.start(10_000);
  await withCommands(guild);
  await typed(guild, you);
  await first.until(() => first.heard.interactions.length === 1);
  const [{ seq } = { seq: 0 }] = guild.inspect.sessions();
  first.client()?.ws.shards.first()?.send({ op: 1, d: seq });
  await you.say("technical", "later");
  await first.until(() => first.heard.messages.length === 1);
  await first.stop();

  const second = connect();
  await second.start(10_000);
  assert.deepEqual(kindsOf(guild), ["identified", "resumed"]);
  assert.deepEqual(second.heard.interactions, first.heard.interactions);
});

test("when nobody can answer an interaction any more it counts as seen, also when nothing else happens", async (t) => {
  const { guild, clock, kept, connect, you } = await stage(t);
  const one = connect();
  await one.start(10_000);
  await withCommands(guild);
  const seqNow = () => guild.inspect.sessions()[0]?.seq ?? 0;
  const before = seqNow();
  await kept.until(({ sequence }) => sequence === before);
  await typed(guild, you);
  await one.until(() => one.heard.interactions.length === 1);
  await kept.looked();
  assert.equal(kept.session()?.sequence, before);
  clock.pass(3000);
  await kept.until(({ sequence }) => sequence === seqNow());
});

test("a session that is taken over is left alone by whoever had it, and none is begun in turns for ever", async (t) => {
  const { guild, clock, kept, connect } = await stage(t);
  let leads = true;
  const first = connect({ ...kept.memory, isOurs: () => leads });
  await first.start(10_000);
  await kept.until(({ sequence }) => sequence > 0);
  clock.pass(60_000);
  leads = false;
  const second = connect();
  await second.start(10_000);
  await first.until(() => first.heard.how.length === 2);
  assert.deepEqual(kindsOf(guild), ["identified", "resumed", "identified"]);
  assert.ok(second.isConnected() && first.isConnected());
  const [taken, own] = guild.inspect.sessions();
  await first.stop();
  assert.deepEqual(
    guild.inspect.sessions().map(({ id }) => id),
    [taken?.id],
    "what nobody may go on with is ended",
  );
  assert.notEqual(own?.id, taken?.id);
  assert.equal(JSON.parse(kept.memos.get(BEGUN) ?? "[]").length, 2);
});

for (const [what, arm] of [
  ["Discord refuses", ({ guild }) => guild.faults.refuseResume()],
  [
    "was begun with another token",
    ({ kept }) => {
      const session = { ...kept.session(), begunWith: "another" };
      kept.memos.set(SESSION, JSON.stringify(session));
    },
  ],
  ["is too old", ({ clock }) => clock.pass(11 * 60_000)],
  [
    "would be resumed at another place",
    ({ kept }) => {
      const session = { ...kept.session(), resumeURL: "ws://127.0.0.1:1/gateway" };
      kept.memos.set(SESSION, JSON.stringify(session));
    },
  ],
  [
    "needs a guild that cannot be read",
    ({ guild }) => guild.faults.add({ kind: "status", status: 403, path: "/threads/active" }),
  ],
] as const satisfies readonly (readonly [string, (world: Awaited<ReturnType<typeof stage>>) => void])[]) {
  test(`in place of a session that ${what} a new one is begun, counted and kept`, async (t) => {
    const world = await stage(t);
    const { guild, clock, kept, connect, you } = world;
    const first = connect();
    await first.start(10_000);
    await first.stop();
    clock.pass(60_000);
    arm(world);
    const second = connect();
    await second.start(10_000);
    assert.deepEqual(second.heard.how, ["ready"]);
    assert.deepEqual(
      kindsOf(guild).filter((kind) => kind === "identified"),
      ["identified", "identified"],
    );
    assert.equal(JSON.parse(kept.memos.get(BEGUN) ?? "[]").length, 2);
    await you.say("technical", "heard");
    await second.until(() => second.heard.messages.length === 1);
    await second.stop();
    const third = connect();
    await third.start(10_000);
    assert.deepEqual(third.heard.how, ["resumed"]);
    assert.equal(guild.inspect.handshakes().at(-1)?.session, guild.inspect.sessions().at(-1)?.id);
  });
}

test("sessions that others began count: the thousandth is not begun, and it is said when the next one is", async (t) => {
  const { guild, clock, kept, connect } = await stage(t);
  const begun = Array.from({ length: 975 }, (_, n) => clock.now() - 3_600_000 + n);
  kept.memos.set(BEGUN, JSON.stringify(begun));
  const one = connect();
  void one.start(60_000);
  await one.until(() => one.waits.length === 1);
  const why = one.waits[0];
  assert.equal(why?.code, "no_discord");
  assert.match(why.message, /975 were begun .* the next one is begun in 22h 59m, at 20\d\d-\d\d-\d\dT/);
  assert.match(why.hint ?? "", /Nothing has to be done.*what restarts or disconnects/);
  await one.stop();
  assert.deepEqual(one.waits, [why, undefined], "closed, it waits no more");
  assert.deepEqual(kindsOf(guild), []);
  assert.equal(JSON.parse(kept.memos.get(BEGUN) ?? "[]").length, 975);
});

test("with no session left for the day, one that is left is gone on with all the same", async (t) => {
  const { guild, kept, connect } = await stage(t);
  const first = connect();
  await first.start(10_000);
  await first.stop();
  const session_start_limit = { total: 1000, remaining: 0, reset_after: 7_200_000, max_concurrency: 1 };
  const body = { url: `${guild.url.replace("http", "ws")}/gateway`, shards: 1, session_start_limit };
  guild.faults.add({ kind: "status", status: 200, body, path: "/gateway/bot", times: 9 });
  const second = connect();
  await second.start(10_000);
  assert.deepEqual(second.heard.how, ["resumed"]);
  await second.stop();
  kept.memos.delete(SESSION);
  const third = connect();
  void third.start(60_000);
  await third.until(() => third.waits.length === 1);
  assert.match(third.waits[0]?.message ?? "", /Discord has 0 of a day's 1000 sessions left .* in 2h 00m/);
});

for (const [how, broken] of [
  ["does not answer", () => new Promise<never>(() => undefined)],
  ["fails", () => Promise.reject(new Error("the database is away"))],
] as const) {
  test(`a ledger that ${how} stops no connection; the next one begins a session of its own`, async (t) => {
    const { guild, clock, kept, connect, logs, you } = await stage(t);
    const trouble = broken();
    trouble.catch(() => undefined);
    kept.faults.reading = trouble;
    kept.faults.writing = trouble;
    const first = connect();
    await first.start(10_000);
    assert.deepEqual(first.heard.how, ["ready"]);
    await you.say("technical", "heard");
    await first.until(() => first.heard.messages.length === 1);
    guild.faults.dropGateway();
    await first.until(() => first.heard.how.length === 2);
    assert.deepEqual(first.heard.how, ["ready", "resumed"], "its own session it knows by itself");
    await first.stop();
    assert.deepEqual(guild.inspect.sessions(), [], "nobody knows it, so it is ended");
    const said = logs.filter(({ message }) => /could not be kept/.test(message));
    assert.equal(said.length, how === "fails" ? 1 : 0, "said once, however often it is tried");
    kept.faults.reading = undefined;
    kept.faults.writing = undefined;
    clock.pass(60_000);
    const second = connect();
    await second.start(10_000);
    assert.deepEqual(kindsOf(guild), ["identified", "resumed", "identified"]);
    await kept.until(({ sequence }) => sequence > 0);
  });
}

test("a ledger that was away for a while is told of the session when it is back", async (t) => {
  const { kept, connect } = await stage(t);
  const trouble = Promise.reject(new Error("the database is away"));
  trouble.catch(() => undefined);
  kept.faults.writing = trouble;
  const one = connect();
  await one.start(10_000);
  kept.faults.writing = undefined;
  await kept.until(({ sequence }) => sequence > 0);
});

test("who does not lead takes no session and leaves none; a connection can be stopped and started again", async (t) => {
  const { guild, clock, kept, connect, you } = await stage(t);
  const leader = connect();
  await leader.start(10_000);
  await kept.until(({ sequence }) => sequence > 0);
  clock.pass(60_000);
  const other = connect({ ...kept.memory, isOurs: () => false });
  await other.start(10_000);
  assert.deepEqual(kindsOf(guild), ["identified", "identified"]);
  await other.stop();
  assert.equal(guild.inspect.sessions().length, 1);

  await leader.stop();
  await you.say("technical", "in between");
  await leader.start(10_000);
  assert.deepEqual(kindsOf(guild), ["identified", "identified", "resumed"]);
  assert.deepEqual(leader.heard.messages, ["in between"]);
  assert.ok(leader.isConnected());
});

test("while nothing of Discord is reached, not even where it is, the session is kept and resumed when the way is back", async (t) => {
  const { guild, kept, said, connect } = await stage(t);
  const way = await createCuttable({ isNamed: true });
  t.after(way.stop);
  const api = new URL(guild.restApi);
  way.leadTo(Number(api.port));
  api.port = `${way.port}`;
  const one = connect(kept.memory, api.href);
  await one.start(5000);
  way.cut();
  await said(/Discord does not say where it is reached/);
  way.mend();
  await one.until(() => one.heard.how.length === 2);
  assert.deepEqual(one.heard.how, ["ready", "resumed"]);
  assert.deepEqual(kindsOf(guild), ["identified", "resumed"]);
});
