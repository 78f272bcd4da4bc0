import assert from "node:assert/strict";
import test from "node:test";
import {
  type Interaction as DiscordInteraction,
  Events,
  ModalBuilder,
  SlashCommandBuilder,
  TextInputStyle,
} from "discord.js";
import { createLocalGuild } from "../../src/local/local-guild.ts";
import {
  connectBot,
  type Interaction,
  type Json,
  person,
  startGuild,
  temporaryFolder,
} from "../support/guild.ts";

const GUILD = "1471858733452890132";
const COMMANDS = ["ask", "fill-in"].map((name) =>
  new SlashCommandBuilder()
    .setName(name)
    .setDescription("Asks")
    .addStringOption((option) => option.setName("what").setDescription("What"))
    .toJSON(),
);
const FORM = new ModalBuilder({
  custom_id: "form",
  title: "Why?",
  components: [
    { type: 1, components: [{ type: 4, custom_id: "why", label: "Why?", style: TextInputStyle.Short }] },
  ],
});

/** A guild with a bot that answers what `isAnswered` says; `heard` = what came to it, in order. */
async function withBot(
  t: test.TestContext,
  isAnswered: (id: string) => boolean = () => true,
  now: () => number = Date.now,
) {
  const guild = await startGuild(t, { now });
  const client = await connectBot(t, guild);
  const heard: string[] = [];
  const failures: unknown[] = [];
  const answer = async (interaction: DiscordInteraction) => {
    if (!interaction.isChatInputCommand() && !interaction.isModalSubmit()) return;
    heard.push(interaction.id);
    if (!isAnswered(interaction.id)) return;
    if (interaction.isChatInputCommand() && interaction.commandName === "fill-in")
      await interaction.showModal(FORM);
    else await interaction.reply("done");
  };
  client.on(Events.InteractionCreate, (interaction) => {
    answer(interaction).catch((error: unknown) => failures.push(error));
  });
  await client.application.commands.set(COMMANDS, GUILD);
  t.after(() => assert.deepEqual(failures, []));
  return { guild, heard, you: person(guild) };
}

test("what a person writes again under the same nonce stands once, each person's own", async (t) => {
  const { guild, you } = await withBot(t);
  const first = await you.say("technical", "a task", { nonce: "n1" });
  assert.equal((await you.say("technical", "a task", { nonce: "n1" })).id, first.id);
  const other = await you.say("technical", "a task", { nonce: "n2" });
  const hers = await person(guild, "ada").say("technical", "a task", { nonce: "n1" });
  const shown = guild.inspect.messages("technical").map(({ id }) => id);
  assert.deepEqual(shown, [first.id, other.id, hers.id]);
});

test("a command under the same nonce is one command, with its answer; other nonces and persons begin others", async (t) => {
  let aheadMs = 0;
  const { guild, heard, you } = await withBot(t, undefined, () => Date.now() + aheadMs);
  const first = await you.command("technical", "ask", {}, { nonce: "n1" });
  assert.equal(first.state, "replied");
  aheadMs = 60_000;
  const again = await you.command("technical", "ask", {}, { nonce: "n1", wait: false });
  assert.deepEqual([again.id, again.state, again.message?.content], [first.id, "replied", "done"]);
  const others = [
    await you.command("technical", "ask", {}, { nonce: "n2" }),
    await you.command("technical", "ask"),
    await you.command("technical", "ask"),
    await person(guild, "ada").command("technical", "ask", {}, { nonce: "n1" }),
  ];
  assert.deepEqual(heard, [first.id, ...others.map(({ id }) => id)]);
  const refused = await you.ask("POST", "/local/commands", {
    channel: "technical",
    name: "ask",
    nonce: "x".repeat(26),
  });
  assert.equal(refused.status, 400);
});

test("a command that nobody answered is sent once more under the same nonce, as the same interaction", async (t) => {
  let isDeaf = true;
  const { heard, you } = await withBot(t, () => !isDeaf);
  const begun = await you.command("technical", "ask", {}, { nonce: "n1", wait: false });
  const first = await you.command("technical", "ask", {}, { nonce: "n1" });
  assert.deepEqual([begun.state, first.id, first.state], ["pending", begun.id, "failed"]);
  assert.deepEqual(heard, [first.id], "not before it had its time");
  isDeaf = false;
  const again = await you.command("technical", "ask", {}, { nonce: "n1" });
  assert.deepEqual([again.id, again.state], [first.id, "replied"]);
  assert.deepEqual(heard, [first.id, first.id]);
});

test("a form that is handed in again under the same nonce is handed in once, and answered at once", {
  timeout: 60_000,
}, async (t) => {
  const { heard, you } = await withBot(t);
  const opened = await you.command("technical", "fill-in");
  const form: Json = {
    interaction: opened.id,
    fields: { why: "so" },
    nonce: "n1",
    wait: true,
    wait_ms: 120_000,
  };
  const first = await you.must<Interaction>("POST", "/local/modals", form);
  const again = await you.must<Interaction>("POST", "/local/modals", form);
  assert.deepEqual([again.id, again.state], [first.id, "replied"]);
  assert.deepEqual(heard, [opened.id, first.id]);
});

test("nonces hold over a restart of the guild", async (t) => {
  const dir = temporaryFolder(t);
  const before = await createLocalGuild({ port: 0, dir, rates: false });
  await before.start();
  const client = await connectBot(t, before);
  await client.application.commands.set(COMMANDS, GUILD);
  const asked = { nonce: "n2", wait: false };
  const said = await person(before).say("technical", "a task", { nonce: "n1" });
  const command = await person(before).command("technical", "ask", {}, asked);
  await client.destroy();
  await before.stop();
  const after = await createLocalGuild({ port: 0, dir, rates: false });
  await after.start();
  t.after(after.stop);
  assert.equal((await person(after).say("technical", "a task", { nonce: "n1" })).id, said.id);
  const heard: string[] = [];
  const bot = await connectBot(t, after);
  bot.on(Events.InteractionCreate, (interaction) => {
    heard.push(interaction.id);
    if (interaction.isChatInputCommand()) void interaction.reply("done");
  });
  const again = await person(after).command("technical", "ask", {}, { ...asked, wait: true });
  assert.deepEqual(
    [again.id, again.state],
    [command.id, "replied"],
    "nobody answers it any more that was asked before",
  );
  assert.deepEqual(heard, [command.id]);
});
