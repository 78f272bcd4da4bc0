import assert from "node:assert/strict";
import test from "node:test";
import {
  type Client,
  Events,
  GatewayIntentBits,
  type Message,
  MessageFlags,
  type TextChannel,
  type ThreadChannel,
} from "discord.js";
import { WebSocket } from "ws";
import { ATOMIZER_HQ, P } from "../../src/local/seed.ts";
import { connectBot, nextEvent, person, startGuild } from "../support/guild.ts";

const channelOf = (client: Client, id: string) => client.channels.cache.get(id) as TextChannel;

test("with Manage Messages the bot deletes in bulk and clears reactions, without it neither", async (t) => {
  const seed = { ...ATOMIZER_HQ, bot: { permissions: P.ManageMessages | P.ManageThreads } };
  const guild = await startGuild(t, { seed });
  const client = await connectBot(t, guild);
  const you = person(guild);
  const channel = channelOf(client, guild.inspect.channelId("task-queue"));
  const posted = [
    await you.say("task-queue", "a"),
    await you.say("task-queue", "b"),
    await you.say("task-queue", "c"),
  ];
  const last = posted[2]?.id ?? "";
  await you.react(last, "✅");
  await (await channel.messages.fetch(last)).reactions.removeAll();
  assert.deepEqual(guild.inspect.message(last)?.reactions, []);
  const gone = new Promise<number>((resolve) => {
    client.once(Events.MessageBulkDelete, (messages) => resolve(messages.size));
  });
  await channel.bulkDelete(posted.slice(0, 2).map((one) => one.id));
  assert.equal(await gone, 2);
  assert.deepEqual(
    guild.inspect.messages("task-queue").map((message) => message.id),
    [last],
  );
  await person(guild, "ada").react(last, "👍");
  await (await channel.messages.fetch(last)).reactions.cache
    .get("👍")
    ?.users.remove(guild.inspect.memberId("ada"));
  assert.deepEqual(guild.inspect.message(last)?.reactions, []);

  const plain = await startGuild(t);
  const least = await connectBot(t, plain);
  const { id } = await person(plain).say("task-queue", "a");
  const strange = await channelOf(least, plain.inspect.channelId("task-queue")).messages.fetch(id);
  await assert.rejects(strange.delete(), { code: 50013 });
  await assert.rejects(strange.edit("mine now"), { code: 50005 });
  await person(plain).react(id, "✅");
  await assert.rejects(strange.reactions.removeAll(), { code: 50013 });
});

test("a thread without a message has members who come and go, and is told in its channel", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const channel = channelOf(client, guild.inspect.channelId("technical"));
  const created = nextEvent<ThreadChannel>(client, Events.ThreadCreate);
  const thread = await channel.threads.create({ name: "logs" });
  assert.equal((await created).id, thread.id);
  await thread.members.add(guild.inspect.memberId("ada"));
  assert.deepEqual((await thread.members.fetch()).size, 2);
  await thread.members.remove(guild.inspect.memberId("ada"));
  assert.deepEqual([...(await thread.members.fetch()).keys()], [client.user.id]);
  const renamed = await thread.setName("logs of the run");
  assert.equal(renamed.name, "logs of the run");
  assert.deepEqual(
    guild.inspect.messages("technical").map((message) => [message.type, message.content]),
    [[18, "logs"]],
  );
  await person(guild, "ada").say("logs of the run", "by name");
  assert.equal(guild.inspect.messages(thread.id).length, 1);
});

test("typing, replies by people, and messages edited by people reach the bot", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const channel = channelOf(client, guild.inspect.channelId("technical"));
  await channel.sendTyping();
  const answer = await channel.send("question?");
  const arrives = nextEvent<Message>(client, Events.MessageCreate, (message) => !message.author.bot);
  const { id } = await person(guild, "ada").say("technical", "yes", { reply_to: answer.id });
  const reply = await arrives;
  assert.equal(reply.reference?.messageId, answer.id);
  assert.deepEqual(guild.inspect.message(id)?.pinged, [client.user.id]);
  const edits = new Promise<string>((resolve) => {
    client.once(Events.MessageUpdate, (_, message) => resolve(message.content));
  });
  await person(guild, "ada").must("PATCH", `/local/messages/${id}`, { content: "no" });
  assert.equal(await edits, "no");
  const foreign = await person(guild, "guest").ask("PATCH", `/local/messages/${id}`, { content: "x" });
  assert.equal(foreign.status, 403);
  const missing = await person(guild).ask("POST", "/local/messages", { channel: "technical", content: " " });
  assert.deepEqual([missing.status, missing.body["code"]], [400, "invalid_input"]);
  const stranger = await person(guild, "nobody").ask("POST", "/local/messages", {
    channel: "technical",
    content: "x",
  });
  assert.match(String(stranger.body["hint"]), /you, ada, guest/);
});

test("a bot that asks for an intent that is switched off is refused with close code 4014", async (t) => {
  const guild = await startGuild(t, { seed: { ...ATOMIZER_HQ, bot: { messageContent: false } } });
  await assert.rejects(connectBot(t, guild), /disallowed intents/i);
  assert.deepEqual(guild.inspect.sessions(), []);
});

test("where Message Content is switched off, a stranger's text is empty over REST too, unless it names the bot", async (t) => {
  const guild = await startGuild(t, { seed: { ...ATOMIZER_HQ, bot: { messageContent: false } } });
  const client = await connectBot(t, guild, { intents: [GatewayIntentBits.Guilds] });
  const channel = channelOf(client, guild.inspect.channelId("technical"));
  await person(guild).say("technical", "secret");
  await person(guild).say("technical", `<@${client.user.id}> hello`);
  await channel.send("mine");
  const history = await channel.messages.fetch({ limit: 10 });
  assert.deepEqual(
    [...history.values()].map(({ content }) => content),
    ["mine", `<@${client.user.id}> hello`, ""],
  );
});

test("what one person alone may see is out of reach for the bot's token", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  await client.application.commands.set([{ name: "ask", description: "x" }], guild.guildId);
  client.once(Events.InteractionCreate, (interaction) => {
    if (!interaction.isChatInputCommand()) return;
    interaction.reply({ content: "only you", flags: MessageFlags.Ephemeral }).catch(assert.fail);
  });
  const { message } = await person(guild).command("technical", "ask");
  assert.ok(message);
  const channel = channelOf(client, guild.inspect.channelId("technical"));
  const { messages } = channel;
  await assert.rejects(messages.fetch({ message: message.id, force: true }), { code: 10008 });
  await assert.rejects(messages.edit(message.id, "public"), { code: 10008 });
  await assert.rejects(messages.react(message.id, "✅"), { code: 10008 });
  await assert.rejects(messages.delete(message.id), { code: 10008 });
  assert.equal((await messages.fetch({ limit: 10 })).size, 0);
});

test("sessions are counted, and after a thousand in a day the token is not taken any more", async (t) => {
  let now = Date.now();
  const guild = await startGuild(t, { now: () => now });
  const limit = async () => {
    const response = await fetch(`${guild.restApi}/v10/gateway/bot`, { headers: { authorization: "Bot x" } });
    const { session_start_limit: told } = (await response.json()) as { session_start_limit: object };
    return told;
  };
  /** Whether the token was taken; the number of the close where it was not. */
  async function identify(): Promise<true | number> {
    const socket = new WebSocket(`${guild.url.replace("http", "ws")}/gateway`);
    const { promise, resolve } = Promise.withResolvers<true | number>();
    socket.on("open", () => socket.send(JSON.stringify({ op: 2, d: { token: "x", intents: 0 } })));
    socket.on("message", (bytes: Buffer) => {
      if ((JSON.parse(bytes.toString()) as { t: unknown }).t === "READY") resolve(true);
    });
    socket.on("close", resolve);
    const taken = await promise;
    socket.terminate();
    return taken;
  }
  const total = { total: 1000, max_concurrency: 1 };
  assert.deepEqual(await limit(), { ...total, remaining: 1000, reset_after: 0 });
  assert.equal(await identify(), true);
  now += 60_000;
  assert.deepEqual(await limit(), { ...total, remaining: 999, reset_after: 86_340_000 });
  for (let n = 1; n < 1000; n++) assert.equal(await identify(), true);
  assert.deepEqual(await limit(), { ...total, remaining: 0, reset_after: 86_340_000 });
  assert.equal(await identify(), 4004);
  now += 86_340_000;
  assert.equal(await identify(), true);
});

test("what doctor asks for is told: the application, its flags, the session limit, the bot's roles", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const get = (path: `/${string}`) => client.rest.get(path) as Promise<Record<string, never>>;
  const limit = (await get("/gateway/bot"))["session_start_limit"] as unknown as { remaining: number };
  assert.ok(limit.remaining > 0);
  assert.equal(Number((await get("/applications/@me"))["flags"]) & (1 << 19), 1 << 19);
  assert.equal((await get("/users/@me"))["id"], client.user.id);
  const roles = (await get(`/guilds/${guild.guildId}/roles`)) as unknown as {
    id: string;
    permissions: string;
  }[];
  const member = await get(`/guilds/${guild.guildId}/members/@me`);
  const [own] = member["roles"] as unknown as string[];
  assert.equal(roles.find((role) => role.id === own)?.permissions, "309237763136");
  await assert.rejects(get("/guilds/1471858733452890000/channels"), { code: 10004 });
  await assert.rejects(get("/nothing/here"), { status: 404 });
});
