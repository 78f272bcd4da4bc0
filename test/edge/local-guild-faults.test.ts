import assert from "node:assert/strict";
import test from "node:test";
import { type Client, Events, type Message, type TextChannel } from "discord.js";
import { connectBot, nextEvent, person, startGuild } from "../support/guild.ts";

const textChannel = (client: Client, id: string) => client.channels.cache.get(id) as TextChannel;

const wentThrough = (client: Client, event: string) =>
  new Promise<void>((resolve) => {
    client.once(event, () => resolve());
  });

test("a dropped socket is resumed and no event is lost or doubled", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const seen: string[] = [];
  client.on(Events.MessageCreate, (message) => seen.push(message.content));
  const you = person(guild);
  await you.say("technical", "before");
  const resumed = wentThrough(client, Events.ShardResume);
  guild.faults.dropGateway();
  for (const text of ["gap 1", "gap 2", "gap 3"]) await you.say("technical", text);
  await resumed;
  const last = nextEvent<Message>(client, Events.MessageCreate, (message) => message.content === "after");
  await you.say("technical", "after");
  await last;
  assert.deepEqual(seen, ["before", "gap 1", "gap 2", "gap 3", "after"]);
  assert.equal(guild.inspect.sessions().length, 1);
});

test("an invalid session makes the bot identify again", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const [before] = guild.inspect.sessions();
  const ready = wentThrough(client, Events.ShardReady);
  guild.faults.refuseResume();
  guild.faults.dropGateway();
  await ready;
  const [after] = guild.inspect.sessions();
  assert.notEqual(after?.id, before?.id);
  assert.equal(after?.isConnected, true);
});

test("asked to reconnect, the bot resumes the same session", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const [before] = guild.inspect.sessions();
  const resumed = wentThrough(client, Events.ShardResume);
  guild.faults.askToReconnect();
  await resumed;
  assert.deepEqual(
    guild.inspect.sessions().map((session) => session.id),
    [before?.id],
  );
});

test("an event can come twice, or not at all", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const raw: string[] = [];
  client.ws.on("MESSAGE_CREATE" as never, (message: { content: string }) => raw.push(message.content));
  guild.faults.addEvent({ kind: "duplicate-event", event: "MESSAGE_CREATE" });
  await person(guild).say("technical", "twice");
  guild.faults.addEvent({ kind: "lose-event", event: "MESSAGE_CREATE" });
  await person(guild).say("technical", "never");
  const last = nextEvent<Message>(client, Events.MessageCreate, (message) => message.content === "end");
  await person(guild).say("technical", "end");
  await last;
  assert.deepEqual(raw, ["twice", "twice", "end"]);
});

test("a post whose answer was lost is there, and an enforced nonce keeps it single", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const channel = textChannel(client, guild.inspect.channelId("results"));
  guild.faults.add({ kind: "drop", method: "POST", path: /\/messages$/ });
  const sent = await channel.send({ content: "once", nonce: "n1", enforceNonce: true });
  assert.deepEqual(
    guild.inspect.messages("results").map((message) => message.id),
    [sent.id],
  );

  // A clean close is not tried again by discord.js: it throws although the message exists.
  guild.faults.add({ kind: "drop", clean: true, method: "POST", path: /\/messages$/ });
  await assert.rejects(channel.send({ content: "thrown" }));
  guild.faults.add({ kind: "status", status: 502, after: true, method: "POST", times: 2 });
  await channel.send({ content: "three times" });
  guild.faults.add({ kind: "drop", after: false, clean: true, method: "POST" });
  await assert.rejects(channel.send({ content: "never carried out" }));
  assert.deepEqual(
    guild.inspect.messages("results").map((message) => message.content),
    ["once", "thrown", "three times", "three times", "three times"],
  );
});

test("a held request waits until it is let go, before or after it is carried out", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const channel = textChannel(client, guild.inspect.channelId("results"));
  const before = guild.faults.hold({ method: "POST", path: /\/messages$/ });
  const first = channel.send("first");
  await before.arrived;
  assert.equal(guild.inspect.messages("results").length, 0);
  before.release();
  await first;
  const after = guild.faults.hold({ method: "POST", path: /\/messages$/, after: true });
  const second = channel.send("second");
  await after.arrived;
  assert.equal(guild.inspect.messages("results").length, 2);
  after.release();
  await second;
});

test("a rate limit is told in headers, refused with 429, and waited for by discord.js", async (t) => {
  let now = Date.now();
  const guild = await startGuild(t, {
    now: () => now,
    rates: { routes: { "POST /channels/:channel/messages": { limit: 2, windowMs: 400 } } },
  });
  const client = await connectBot(t, guild);
  const id = guild.inspect.channelId("results");
  const post = () =>
    fetch(`${guild.restApi}/v10/channels/${id}/messages`, {
      method: "POST",
      headers: { authorization: "Bot x", "content-type": "application/json" },
      body: JSON.stringify({ content: "x" }),
    });
  const first = await post();
  assert.equal(first.headers.get("x-ratelimit-limit"), "2");
  assert.equal(first.headers.get("x-ratelimit-remaining"), "1");
  assert.equal(first.headers.get("x-ratelimit-reset-after"), "0.400");
  await post();
  const third = await post();
  assert.equal(third.status, 429);
  assert.deepEqual(await third.json(), {
    message: "You are being rate limited.",
    retry_after: 0.4,
    global: false,
  });
  assert.equal(third.headers.get("x-ratelimit-scope"), "user");
  assert.equal(guild.inspect.messages("results").length, 2);

  now += 400;
  guild.faults.add({ kind: "rate-limit", retryAfterMs: 60, path: /\/messages$/, method: "POST" });
  const started = performance.now();
  await textChannel(client, id).send("waited");
  assert.ok(performance.now() - started >= 60);
  assert.equal(guild.inspect.messages("results").at(-1)?.content, "waited");
});

test("edits of messages older than an hour are scarce", async (t) => {
  let now = Date.now();
  const guild = await startGuild(t, { now: () => now, rates: { routes: {} } });
  const client = await connectBot(t, guild);
  const message = await textChannel(client, guild.inspect.channelId("results")).send("0");
  now += 3_600_001;
  for (const text of ["1", "2", "3"]) await message.edit(text);
  const fourth = await fetch(`${guild.restApi}/v10/channels/${message.channelId}/messages/${message.id}`, {
    method: "PATCH",
    headers: { authorization: "Bot x", "content-type": "application/json" },
    body: JSON.stringify({ content: "4" }),
  });
  assert.equal(fourth.status, 429);
  assert.equal(fourth.headers.get("retry-after"), "6");
  assert.deepEqual(await fourth.json(), {
    message: "Maximum number of edits to messages older than 1 hour reached. Try again later.",
    code: 30046,
    retry_after: 6,
    global: false,
  });

  // discord.js waits as long as it is told, and asks once more; told nothing it would ask without a pause.
  const asked: string[] = [];
  client.rest.on("response", ({ method }, { status }) => {
    asked.push(`${method} ${status}`);
    if (status === 429) now += 5;
  });
  now += 5995;
  await message.edit("5");
  assert.deepEqual(asked, ["PATCH 429", "PATCH 200"]);
});

test("an outage refuses everything, and after it the bot is back with what it missed", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const seen = nextEvent<Message>(client, Events.MessageCreate, (message) => message.content === "meanwhile");
  client.on(Events.Error, () => undefined);
  guild.faults.outage(true);
  await person(guild).say("technical", "meanwhile");
  const back = Promise.race([
    wentThrough(client, Events.ShardResume),
    wentThrough(client, Events.ShardReady),
  ]);
  const refused = await fetch(`${guild.restApi}/v10/users/@me`, { headers: { authorization: "Bot x" } });
  assert.equal(refused.status, 503);
  guild.faults.outage(false);
  await back;
  assert.equal((await seen).content, "meanwhile");
});
