import assert from "node:assert/strict";
import test from "node:test";
import {
  AttachmentBuilder,
  ChannelType,
  type Client,
  DiscordAPIError,
  Events,
  GatewayIntentBits,
  type GuildTextBasedChannel,
  type Message,
  type MessageReaction,
} from "discord.js";
import { ATOMIZER_HQ } from "../../src/local/seed.ts";
import { connectBot, nextEvent, person, startGuild } from "../support/guild.ts";

const GUILD = "1471858733452890132";

function channelOf(client: Client, name: string): GuildTextBasedChannel {
  const found = client.guilds.cache.get(GUILD)?.channels.cache.find((channel) => channel.name === name);
  assert.ok(found?.isTextBased());
  return found;
}

const codeOf = (error: unknown) => (error instanceof DiscordAPIError ? error.code : error);

test("discord.js logs in and finds the guild with its categories, channels and people", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const seen = client.guilds.cache.get(GUILD);
  assert.equal(seen?.name, "Atomizer-HQ");
  const channels = seen.channels.cache.filter((channel) => channel.type === ChannelType.GuildText);
  assert.equal(channels.size, 21);
  assert.ok(channels.some((channel) => channel.name === "nx-cad"));
  assert.equal(channelOf(client, "technical").parent?.name, "🔧 ENGINEERING");
  const members = await seen.members.list({ limit: 100 });
  assert.deepEqual(members.map((member) => member.displayName).sort(), [
    "Ada",
    "Atomizer HQ",
    "Guest",
    "You",
  ]);
  assert.ok(seen.roles.cache.some((role) => role.name === "Operators"));
  assert.equal((await client.application.fetch()).id, client.user.id);
  assert.equal(seen.members.me?.permissions.has("SendMessages"), true);
});

test("what a person writes reaches the bot, and what the bot writes reaches the channel", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const arrives = nextEvent<Message>(client, Events.MessageCreate);
  const posted = await person(guild, "ada").say("technical", "CTE of Zerodur?");
  const message = await arrives;
  assert.equal(message.id, posted.id);
  assert.equal(message.content, "CTE of Zerodur?");
  assert.equal(message.author.username, "ada");
  assert.deepEqual(message.member?.roles.cache.map((role) => role.name).sort(), ["@everyone", "Engineering"]);

  const answer = await message.reply("0 ± 0.02 ppm/K");
  const edited = await answer.edit("0 ± 0.02 ppm/K, class 0");
  assert.ok(edited.editedTimestamp);
  const history = await person(guild).get<{ content: string; referenced_message?: { id: string } }[]>(
    "/local/channels/technical/messages",
  );
  assert.deepEqual(
    history.map((one) => one.content),
    ["0 ± 0.02 ppm/K, class 0", "CTE of Zerodur?"],
  );
  assert.equal(history[0]?.referenced_message?.id, posted.id);

  const goes = nextEvent<Message>(client, Events.MessageDelete);
  await person(guild, "ada").ask("DELETE", `/local/messages/${posted.id}?as=ada`);
  assert.equal((await goes).id, posted.id);
  await assert.rejects(channelOf(client, "technical").messages.fetch({ message: posted.id, force: true }), {
    code: 10008,
  });
});

test("history pages before, after and around, newest first", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const ids: string[] = [];
  for (let i = 0; i < 12; i++) ids.push((await person(guild).say("technical", `m${i}`)).id);
  const { messages } = channelOf(client, "technical");
  const contents = async (options: Parameters<typeof messages.fetch>[0]) =>
    [...(await messages.fetch(options as { limit: number })).values()].map((one) => one.content);
  assert.deepEqual(await contents({ limit: 3 }), ["m11", "m10", "m9"]);
  assert.deepEqual(await contents({ limit: 2, before: ids[5] ?? "" }), ["m4", "m3"]);
  assert.deepEqual(await contents({ limit: 2, after: ids[5] ?? "" }), ["m7", "m6"]);
  assert.deepEqual(await contents({ limit: 3, around: ids[5] ?? "" }), ["m6", "m5", "m4"]);
  assert.equal((await contents({ limit: 100, after: "0" })).length, 12);
});

test("reactions on messages that the bot never saw arrive as partials, and a reaction is no lock", async (t) => {
  const guild = await startGuild(t);
  const { id } = await person(guild).say("task-queue", "an old task");
  const client = await connectBot(t, guild);
  const added = nextEvent<MessageReaction>(client, Events.MessageReactionAdd);
  await person(guild, "ada").react(id, "✅");
  const reaction = await added;
  assert.equal(reaction.message.partial, true);
  assert.equal(reaction.emoji.name, "✅");

  const message = await reaction.message.fetch();
  await message.react("✅");
  await message.react("✅");
  const users = await message.reactions.cache.get("✅")?.users.fetch();
  assert.deepEqual(users?.map((user) => user.username).sort(), ["Atomizer HQ", "ada"]);
  const again = await message.fetch(true);
  assert.equal(again.reactions.cache.get("✅")?.me, true);
  assert.equal(again.reactions.cache.get("✅")?.count, 2);

  const removed = nextEvent<MessageReaction>(client, Events.MessageReactionRemove);
  await person(guild, "ada").unreact(id, "✅");
  assert.equal((await removed).message.id, id);
  await assert.rejects(message.react("not an emoji"), { code: 10014 });
});

test("a message starts one thread, and the second start is refused with 160004", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const { id } = await person(guild).say("technical", "run");
  const message = await channelOf(client, "technical").messages.fetch(id);
  const thread = await message.startThread({ name: "design-review" });
  assert.equal(thread.id, id);
  await thread.send("step 1");
  const again = client.rest.post(`/channels/${message.channelId}/messages/${id}/threads`, {
    body: { name: "again" },
  });
  await assert.rejects(again, { code: 160004 });
  const inside = await person(guild).get<{ content: string }[]>(`/local/channels/${thread.id}/messages`);
  assert.deepEqual(
    inside.map((one) => one.content),
    ["step 1"],
  );
  await thread.setArchived(true);
  await thread.send("wakes it");
  assert.equal(guild.inspect.threads()[0]?.archived, false);
});

test("files go up and come down unchanged, by an address that cannot be guessed", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
  const sent = await channelOf(client, "results").send({
    content: "with a table",
    files: [
      new AttachmentBuilder(bytes, { name: "table.csv", description: "numbers" }),
      new AttachmentBuilder(Buffer.from("<script>alert(1)</script>"), { name: "../evil.html" }),
    ],
  });
  const [table, page] = [...sent.attachments.values()];
  assert.equal(table?.size, bytes.length);
  assert.equal(table.description, "numbers");
  const down = await fetch(table.url);
  assert.deepEqual(Buffer.from(await down.arrayBuffer()), bytes);
  assert.equal((await fetch(table.url.replace(/hm=..../, "hm=0000"))).status, 404);

  assert.equal(page?.name, "evil.html");
  const shown = await fetch(page.url);
  assert.equal(shown.headers.get("content-type"), "application/octet-stream");
  assert.match(shown.headers.get("content-disposition") ?? "", /^attachment/);
  assert.match(shown.headers.get("content-security-policy") ?? "", /sandbox/);

  const arrives = nextEvent<Message>(client, Events.MessageCreate);
  const form = new FormData();
  form.set("payload_json", JSON.stringify({ channel: "technical", content: "see file" }));
  form.set("files[0]", new Blob([bytes]), "data.bin");
  assert.equal((await fetch(`${guild.url}/local/messages`, { method: "POST", body: form })).status, 201);
  const url = (await arrives).attachments.first()?.url ?? "";
  assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, bytes.length);
});

test("a file above 10 MiB is refused and nothing is posted", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const send = channelOf(client, "results").send({ files: [Buffer.alloc(10 * 1024 * 1024 + 1)] });
  await assert.rejects(send, (error) => error instanceof DiscordAPIError && error.code === 40005);
  assert.equal(guild.inspect.messages("results").length, 0);
});

test("the same enforced nonce makes one message, and both senders get it", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const channel = channelOf(client, "results");
  const once = { content: "result", nonce: "abc123", enforceNonce: true };
  const [first, second] = await Promise.all([channel.send(once), channel.send(once)]);
  assert.equal(first.id, second.id);
  assert.equal(guild.inspect.messages("results").length, 1);
  await channel.send({ ...once, enforceNonce: false });
  assert.equal(guild.inspect.messages("results").length, 2);
  await assert.rejects(channel.send({ content: "x", nonce: "n".repeat(26) }), { code: 50035 });
});

test("only those are pinged whom the sender allows", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const { inspect } = guild;
  const [ada, guest, role] = [
    inspect.memberId("ada"),
    inspect.memberId("guest"),
    inspect.roleId("Engineering"),
  ];
  const channel = channelOf(client, "results");
  const text = `<@${ada}> <@${guest}> <@&${role}> @everyone`;
  const pingedBy = async (allowedMentions: object) => {
    const { id } = await channel.send({ content: text, allowedMentions });
    return inspect.message(id)?.pinged;
  };
  assert.deepEqual(await pingedBy({ parse: [] }), []);
  assert.deepEqual(await pingedBy({ users: [guest] }), [guest]);
  assert.deepEqual(await pingedBy({ roles: [role] }), [ada]);
  // Without the permission to mention everyone, @everyone is only text.
  assert.deepEqual(await pingedBy({ parse: ["everyone"] }), []);

  const { id } = await person(guild).say("technical", "@ada look at `@guest`, #results");
  assert.deepEqual(inspect.message(id)?.pinged, [ada]);
  assert.match(inspect.message(id)?.content ?? "", /`@guest`, <#\d+>/);
});

test("without the Message Content intent, strangers' text is empty", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild, {
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages],
  });
  const arrives = nextEvent<Message>(client, Events.MessageCreate);
  await person(guild).say("technical", "secret");
  assert.equal((await arrives).content, "");
  const mentioned = nextEvent<Message>(client, Events.MessageCreate);
  await person(guild).say("technical", `<@${client.user.id}> hello`);
  assert.match((await mentioned).content, /hello/);
});

test("channels that the bot may not see or write in are refused as on Discord", async (t) => {
  const { ATOMIZER_HQ, P } = await import("../../src/local/seed.ts");
  const guild = await startGuild(t, {
    seed: {
      ...ATOMIZER_HQ,
      categories: [
        {
          name: "ALL",
          channels: [
            { name: "open" },
            { name: "quiet", overwrites: [{ role: "bot", deny: P.SendMessages }] },
            { name: "hidden", overwrites: [{ role: "@everyone", deny: P.ViewChannel }] },
          ],
        },
      ],
    },
  });
  const client = await connectBot(t, guild);
  await channelOf(client, "open").send("hello");
  const post = (channel: string) =>
    client.rest.post(`/channels/${channel}/messages`, { body: { content: "hello" } });
  await assert.rejects(post(guild.inspect.channelId("quiet")), { code: 50013 });
  await assert.rejects(post(guild.inspect.channelId("hidden")), { code: 50001 });
  await assert.rejects(post("1471858733452890999"), { code: 10003 });
  assert.equal(
    (await person(guild, "guest").ask("POST", "/local/messages", { channel: "hidden", content: "x" })).status,
    404,
  );
  assert.equal(
    client.guilds.cache.first()?.channels.cache.some((one) => one.name === "hidden"),
    false,
  );
});

test("a bot of others with a token of its own is itself: it writes, reacts, is told and registers as another one", async (t) => {
  const seed = { ...ATOMIZER_HQ, bots: [{ name: "second", roles: ["bot"], token: "another-token" }] };
  const guild = await startGuild(t, { seed });
  const first = await connectBot(t, guild);
  const second = await connectBot(t, guild, {}, "another-token");
  assert.equal(second.user.username, "second");
  assert.notEqual(second.user.id, first.user.id);
  const heard = nextEvent<Message>(first, Events.MessageCreate);
  const written = await channelOf(second, "technical").send("from the second bot");
  assert.equal((await heard).author.id, second.user.id);
  await written.react("✅");
  const seen = await channelOf(first, "technical").messages.fetch(written.id);
  assert.equal(seen.reactions.cache.get("✅")?.me, false, "its reaction is not the first bot's");
  await assert.rejects(seen.edit("mine now"), (error) => codeOf(error) === 50005);
  const guildOf = (bot: Client<true>) => bot.guilds.cache.get(GUILD);
  await guildOf(second)?.commands.set([{ name: "second", description: "of the second bot" }]);
  assert.deepEqual([...((await guildOf(first)?.commands.fetch())?.values() ?? [])], []);
  const { body } = await person(guild).ask<{ commands: unknown[] }>("GET", "/local/state");
  assert.deepEqual(body.commands, [], "people are shown the commands of the guild's own bot");
});
