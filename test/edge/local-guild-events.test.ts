import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { Events, MessageFlags, SlashCommandBuilder } from "discord.js";
import type { LocalGuild } from "../../src/local/local-guild.ts";
import { connectBot, type Json, person, startGuild } from "../support/guild.ts";

type Told = { readonly id: string; readonly name: string; readonly data: Json };

/** Reads the event stream as the page does, by fetch. */
async function follow(t: test.TestContext, guild: LocalGuild, as: string, after?: string) {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const query = new URLSearchParams({ as, ...(after === undefined ? {} : { after }) });
  const response = await fetch(`${guild.url}/local/events?${query.toString()}`, { signal: stop.signal });
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.ok(response.body);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  async function next(): Promise<Told> {
    for (;;) {
      const end = rest.indexOf("\n\n");
      if (end === -1) {
        const { value, done } = await reader.read();
        if (done) throw new Error("the stream ended");
        rest += value;
        continue;
      }
      const block = rest.slice(0, end);
      rest = rest.slice(end + 2);
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const name = field("event");
      if (name !== undefined) return { id: field("id") ?? "", name, data: JSON.parse(field("data") ?? "{}") };
    }
  }
  return { next, stop: () => stop.abort() };
}

test("the stream tells what happens in order, and goes on where a reader stopped", async (t) => {
  const guild = await startGuild(t);
  const you = person(guild);
  const state = await you.get<{ events: string }>("/local/state");
  const { id } = await you.say("technical", "one");
  const first = await follow(t, guild, "you", state.events);
  const created = await first.next();
  assert.deepEqual([created.name, created.data["content"]], ["message-create", "one"]);
  await you.react(id, "✅");
  const reaction = await first.next();
  assert.equal(reaction.name, "reaction-add");
  assert.deepEqual(reaction.data, {
    channel_id: guild.inspect.channelId("technical"),
    message_id: id,
    user_id: guild.inspect.memberId("you"),
    emoji: { id: null, name: "✅" },
    count: 1,
  });
  first.stop();
  await you.unreact(id, "✅");
  await you.must("PATCH", `/local/messages/${id}`, { content: "two" });
  await you.ask("DELETE", `/local/messages/${id}`);
  const second = await follow(t, guild, "you", reaction.id);
  const names = [(await second.next()).name, (await second.next()).name, (await second.next()).name];
  assert.deepEqual(names, ["reaction-remove", "message-update", "message-delete"]);
  const lost = await follow(t, guild, "you", "of-another-run-17");
  assert.equal((await lost.next()).name, "reset");
});

test("nobody hears of channels that they cannot see, nor of what is for another's eyes", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  await client.application.commands.set(
    [new SlashCommandBuilder().setName("ask").setDescription("x").toJSON()],
    guild.guildId,
  );
  client.once(Events.InteractionCreate, (interaction) => {
    if (!interaction.isChatInputCommand()) return;
    interaction.reply({ content: "only you", flags: MessageFlags.Ephemeral }).catch(assert.fail);
  });
  const mine = await follow(t, guild, "you");
  const theirs = await follow(t, guild, "guest");
  await person(guild).say("ceo-office", "private");
  await person(guild).command("technical", "ask");
  await person(guild).say("technical", "public");
  assert.equal((await mine.next()).data["content"], "private");
  const reply = await mine.next();
  assert.equal(reply.name, "interaction-reply");
  assert.equal(reply.data["state"], "replied");
  assert.equal((reply.data["message"] as Json)["content"], "only you");
  assert.equal((await theirs.next()).data["content"], "public");

  const asGuest = person(guild, "guest");
  const state = await asGuest.get<{ categories: { channels: { name: string; can_send: boolean }[] }[] }>(
    "/local/state",
  );
  const channels = state.categories.flatMap((category) => category.channels);
  assert.equal(
    channels.some((channel) => channel.name === "ceo-office"),
    false,
  );
  assert.equal(channels.find((channel) => channel.name === "announcements")?.can_send, false);
  assert.equal(
    (await asGuest.ask("POST", "/local/messages", { channel: "announcements", content: "x" })).status,
    403,
  );
});

test("the bot's comings, goings and commands are told", async (t) => {
  const guild = await startGuild(t);
  const stream = await follow(t, guild, "you");
  const client = await connectBot(t, guild);
  assert.equal((await stream.next()).name, "bot-online");
  await client.application.commands.set([{ name: "ask", description: "x" }], guild.guildId);
  const update = await stream.next();
  assert.equal(update.name, "commands-update");
  assert.equal((update.data["commands"] as Json[])[0]?.["name"], "ask");
  await client.destroy();
  assert.equal((await stream.next()).name, "bot-offline");
});

test("the OpenAPI document names every route of /local, and no other", async (t) => {
  const guild = await startGuild(t, { allowFaults: true });
  const root = join(import.meta.dirname, "../..");
  const document = JSON.parse(readFileSync(join(root, "docs/specs/local-guild.openapi.json"), "utf8")) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = globSync("src/local/person/*.ts", { cwd: root }).flatMap((file) => {
    const source = readFileSync(join(root, file), "utf8");
    const routes = source.matchAll(/\.(get|post|put|patch|delete)(?:<[^"]*>)?\(\s*"(\/local[^"]*)"/g);
    return [...routes].map(([, method = "", path = ""]) => {
      return `${method.toUpperCase()} ${path.replace(/:(\w+)/g, "{$1}")}`;
    });
  });
  assert.deepEqual(documented.sort(), served.sort());
  const missing = await person(guild).ask("GET", "/local/nothing");
  assert.deepEqual([missing.status, missing.body["detail"]], [404, "There is no such route."]);
});
