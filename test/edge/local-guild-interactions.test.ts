import assert from "node:assert/strict";
import test from "node:test";
import {
  ActionRowBuilder,
  ApplicationCommandType,
  ButtonBuilder,
  ButtonStyle,
  type ChatInputCommandInteraction,
  type Client,
  ContainerBuilder,
  type Interaction as DiscordInteraction,
  Events,
  LabelBuilder,
  type MessageContextMenuCommandInteraction,
  MessageFlags,
  ModalBuilder,
  SlashCommandBuilder,
  StringSelectMenuBuilder,
  TextDisplayBuilder,
  TextInputBuilder,
  TextInputStyle,
} from "discord.js";
import { connectBot, person, startGuild } from "../support/guild.ts";

const GUILD = "1471858733452890132";

const COMMANDS = [
  new SlashCommandBuilder()
    .setName("delegate")
    .setDescription("Ask an agent")
    .addStringOption((o) => o.setName("agent").setDescription("Who").setRequired(true).setAutocomplete(true))
    .addStringOption((o) =>
      o.setName("objective").setDescription("What").setRequired(true).setMinLength(3).setMaxLength(4000),
    )
    .addIntegerOption((o) => o.setName("timeout").setDescription("Seconds").setMinValue(1).setMaxValue(3600))
    .addUserOption((o) => o.setName("for").setDescription("For whom"))
    .addAttachmentOption((o) => o.setName("file").setDescription("A file"))
    .toJSON(),
  new SlashCommandBuilder()
    .setName("workflow")
    .setDescription("Workflows")
    .addSubcommand((s) =>
      s
        .setName("run")
        .setDescription("Run one")
        .addStringOption((o) => o.setName("name").setDescription("Which").setRequired(true)),
    )
    .toJSON(),
  { name: "Delegate this message", type: ApplicationCommandType.Message as const },
];

async function withCommands(
  t: test.TestContext,
  onInteraction: (interaction: DiscordInteraction) => Promise<unknown>,
) {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const failures: unknown[] = [];
  client.on(Events.InteractionCreate, (interaction) => {
    onInteraction(interaction).catch((error: unknown) => failures.push(error));
  });
  await client.application.commands.set(COMMANDS, GUILD);
  t.after(() => assert.deepEqual(failures, []));
  return { guild, client, you: person(guild) };
}

const slash = (interaction: DiscordInteraction) => interaction as ChatInputCommandInteraction<"cached">;

test("a slash command is deferred, answered by an edit, and followed up", async (t) => {
  const { guild, you } = await withCommands(t, async (interaction) => {
    const command = slash(interaction);
    await command.deferReply();
    const { options } = command;
    assert.equal(options.getInteger("timeout"), 60);
    assert.equal(options.getUser("for")?.username, "ada");
    assert.equal(await (await fetch(options.getAttachment("file")?.url ?? "")).text(), "notes");
    assert.equal(
      command.member.roles.cache.some((role) => role.name === "Operators"),
      true,
    );
    await command.editReply(`${options.getString("agent")}: ${options.getString("objective")}`);
    await command.followUp({ content: "for you", flags: MessageFlags.Ephemeral });
  });
  const states: string[] = [];
  guild.inspect.on((event) => {
    if (event.kind === "interaction") states.push(event.interaction.state);
  });
  const followed = guild.inspect.next((event) =>
    event.kind === "interaction" && event.message?.content === "for you" ? event.message : undefined,
  );
  const reply = await you.command("technical", "delegate", {
    agent: "webster",
    objective: "Find the CTE",
    timeout: "60",
    for: "ada",
    file: { filename: "n.txt", base64: Buffer.from("notes").toString("base64") },
  });
  assert.equal(reply.state, "replied");
  assert.equal(reply.message?.content, "webster: Find the CTE");
  assert.equal(reply.message.type, 20);
  assert.equal((await followed).onlyFor, guild.inspect.memberId("you"));
  assert.deepEqual(states, ["thinking", "replied", "replied"]);
  // What only one person may see is in no channel.
  assert.deepEqual(
    guild.inspect.messages("technical").map((message) => message.content),
    ["webster: Find the CTE"],
  );
});

test("what Discord's client would not send is refused with every problem named", async (t) => {
  const { guild, you } = await withCommands(t, async () => undefined);
  const ask = (options: object, name = "delegate", channel = "technical") =>
    you.ask<{ detail: string; problems?: { path: string }[] }>("POST", "/local/commands", {
      channel,
      name,
      options,
    });
  const bad = await ask({ objective: "x", timeout: 4000, colour: "red" });
  assert.equal(bad.status, 400);
  assert.deepEqual(bad.body.problems?.map((problem) => problem.path).sort(), [
    "options.agent",
    "options.colour",
    "options.objective",
    "options.timeout",
  ]);
  assert.equal((await ask({}, "nothing")).status, 404);
  assert.match((await ask({}, "workflow")).body.detail, /subcommand: run/);
  assert.equal((await ask({}, "delegate", "nowhere")).status, 404);
  assert.equal(guild.inspect.messages("technical").length, 0);
});

test("subcommands, autocomplete and context menus arrive as discord.js expects them", async (t) => {
  const { you } = await withCommands(t, async (interaction) => {
    if (interaction.isAutocomplete()) {
      const typed = interaction.options.getFocused(true);
      assert.equal(typed.name, "agent");
      return interaction.respond([{ name: `${typed.value}ster`, value: "webster" }]);
    }
    if (interaction.isMessageContextMenuCommand()) {
      const menu = interaction as MessageContextMenuCommandInteraction<"cached">;
      return menu.reply(`about: ${menu.targetMessage.content}`);
    }
    const { options } = slash(interaction);
    return slash(interaction).reply(`${options.getSubcommand()} ${options.getString("name")}`);
  });
  const { choices } = await you.must<{ choices: unknown }>("POST", "/local/autocomplete", {
    channel: "technical",
    name: "delegate",
    options: { agent: "web" },
    focused: "agent",
  });
  assert.deepEqual(choices, [{ name: "webster", value: "webster" }]);
  const run = await you.command("technical", "workflow run", { name: "design-review" });
  assert.equal(run.message?.content, "run design-review");
  const { id } = await you.say("technical", "please do");
  const menu = await you.command("technical", "Delegate this message", {}, { target: id });
  assert.equal(menu.message?.content, "about: please do");
  assert.equal(menu.message.type, 23);
});

test("a card's button opens a form, and the form's answer updates the card", async (t) => {
  const { guild, client, you } = await withCommands(t, async (interaction) => {
    if (interaction.isButton()) {
      const form = new ModalBuilder().setCustomId("reject").setTitle("Why?");
      form.addLabelComponents(
        new LabelBuilder()
          .setLabel("Reason")
          .setTextInputComponent(
            new TextInputBuilder().setCustomId("reason").setStyle(TextInputStyle.Paragraph).setMinLength(3),
          ),
        new LabelBuilder()
          .setLabel("How bad")
          .setStringSelectMenuComponent(
            new StringSelectMenuBuilder().setCustomId("grade").addOptions({ label: "Bad", value: "bad" }),
          ),
      );
      return interaction.showModal(form);
    }
    if (!interaction.isModalSubmit() || !interaction.isFromMessage()) throw new Error("unexpected");
    const reason = interaction.fields.getTextInputValue("reason");
    const [grade] = interaction.fields.getStringSelectValues("grade");
    return interaction.update({ components: [card(`rejected: ${reason} (${grade})`)] });
  });
  const channel = client.channels.cache.get(guild.inspect.channelId("results"));
  assert.ok(channel?.isSendable());
  const posted = await channel.send({
    flags: MessageFlags.IsComponentsV2,
    components: [card("waiting", "no")],
  });

  const opened = await you.press(posted.id, "no");
  assert.equal(opened.state, "modal");
  assert.equal(opened.modal?.title, "Why?");
  const empty = await you.ask<{ problems: { path: string }[] }>("POST", "/local/modals", {
    interaction: opened.id,
    fields: { reason: "x" },
  });
  assert.equal(empty.status, 400);
  assert.deepEqual(
    empty.body.problems.map((problem) => problem.path),
    ["fields.reason", "fields.grade"],
  );
  const done = await you.submit(opened.id, { reason: "too thin", grade: ["bad"] });
  assert.equal(done.state, "updated");
  assert.match(JSON.stringify(done.message?.components), /rejected: too thin \(bad\)/);
  // The button is gone now.
  assert.equal(
    (await you.ask("POST", "/local/components", { message: posted.id, custom_id: "no" })).status,
    404,
  );
});

function card(text: string, button?: string): ContainerBuilder {
  const container = new ContainerBuilder()
    .setAccentColor(0x3498db)
    .addTextDisplayComponents(new TextDisplayBuilder().setContent(text));
  if (!button) return container;
  return container.addActionRowComponents(
    new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId(button).setLabel("Reject").setStyle(ButtonStyle.Danger),
    ),
  );
}

test("selects bring their values, a deferred update keeps the message, a click on an ephemeral one works", async (t) => {
  const { you, guild } = await withCommands(t, async (interaction) => {
    if (interaction.isChatInputCommand()) {
      const row = new ActionRowBuilder<StringSelectMenuBuilder>().addComponents(
        new StringSelectMenuBuilder()
          .setCustomId("which")
          .setMaxValues(2)
          .addOptions(["a", "b", "c"].map((value) => ({ label: value, value }))),
      );
      return interaction.reply({ content: "choose", components: [row], flags: MessageFlags.Ephemeral });
    }
    if (!interaction.isStringSelectMenu()) throw new Error("unexpected");
    await interaction.deferUpdate();
    return interaction.editReply({ content: interaction.values.join("+"), components: [] });
  });
  const asked = await you.command("technical", "workflow run", { name: "x" });
  assert.equal(asked.ephemeral, true);
  assert.equal(Number(asked.message?.flags) & 64, 64);
  const id = asked.message?.id ?? "";
  const ask = (as: string, values: string[]) =>
    person(guild, as).ask("POST", "/local/components", { message: id, custom_id: "which", values });
  assert.equal((await ask("ada", ["a"])).status, 404);
  assert.equal((await ask("you", ["z"])).status, 400);
  const chosen = await you.press(id, "which", { values: ["a", "c"] });
  assert.equal(chosen.state, "updated");
  assert.equal(chosen.message?.content, "a+c");
});

test("an interaction is answered once, within three seconds, by one who knows it", async (t) => {
  let now = Date.now();
  const guild = await startGuild(t, { now: () => now });
  const client = await connectBot(t, guild);
  await client.application.commands.set(COMMANDS, GUILD);
  const next = () =>
    new Promise<ChatInputCommandInteraction>((resolve) => {
      client.once(Events.InteractionCreate, (interaction) => resolve(slash(interaction)));
    });
  const you = person(guild);
  const start = async () => {
    const arrives = next();
    await you.ask("POST", "/local/commands", {
      channel: "technical",
      name: "workflow run",
      options: { name: "x" },
    });
    return arrives;
  };
  const answer = (interaction: ChatInputCommandInteraction, token = interaction.token) =>
    client.rest.post(`/interactions/${interaction.id}/${token}/callback`, {
      body: { type: 4, data: { content: "hi" } },
      auth: false,
    });

  const first = await start();
  await answer(first);
  await assert.rejects(answer(first), { code: 40060 });
  await assert.rejects(answer(first, "wrong-token"), { code: 10062 });

  const second = await start();
  now += 3001;
  await assert.rejects(answer(second), { code: 10062 });

  const third = await start();
  const hook = (method: "GET" | "PATCH" | "DELETE") =>
    client.rest.request({
      method: method as never,
      fullRoute: `/webhooks/${client.user.id}/${third.token}/messages/%40original`,
      auth: false,
      ...(method === "PATCH" ? { body: { content: "later" } } : {}),
    });
  await assert.rejects(hook("PATCH"), { code: 10015 });
  await answer(third);
  now += 14 * 60_000;
  await hook("PATCH");
  assert.equal(((await hook("GET")) as { content: string }).content, "later");
  await hook("DELETE");
  await assert.rejects(hook("GET"), { code: 10008 });
  now += 2 * 60_000;
  await assert.rejects(hook("PATCH"), { code: 50027 });

  guild.faults.addEvent({ kind: "stale-interaction" });
  await assert.rejects(answer(await start()), { code: 10062 });
});

test("nobody who answers is told to the person after three seconds", async (t) => {
  const { you, guild } = await withCommands(t, async () => undefined);
  const started = performance.now();
  const failed = await you.command("technical", "workflow run", { name: "x" });
  assert.equal(failed.state, "failed");
  assert.ok(performance.now() - started >= 2900);
  assert.equal(guild.inspect.interaction(failed.id)?.state, "failed");
});

test("commands keep their ids, and what is registered is what comes back", async (t) => {
  const { client, you, guild } = await withCommands(t, async () => undefined);
  const before = await client.application.commands.fetch({ guildId: GUILD });
  await client.application.commands.set(COMMANDS.slice(0, 2), GUILD);
  const after = await client.application.commands.fetch({ guildId: GUILD });
  assert.deepEqual(
    [...after.keys()],
    [...before.filter((one) => one.type === ApplicationCommandType.ChatInput).keys()],
  );
  assert.equal(
    [...after.values()].every((one) => one.version === before.get(one.id)?.version),
    true,
  );
  const state = await you.get<{ commands: { name: string; can_use: boolean }[]; bot: { online: boolean } }>(
    "/local/state",
  );
  assert.deepEqual(
    state.commands.map((one) => one.name),
    ["delegate", "workflow"],
  );
  assert.equal(state.bot.online, true);
  await assert.rejects(client.application.commands.create({ name: "Bad Name", description: "x" }, GUILD), {
    code: 50035,
  });
  await client.application.commands.create(
    { name: "ops", description: "x", defaultMemberPermissions: "8192" },
    GUILD,
  );
  const asGuest = await person(guild, "guest").ask("POST", "/local/commands", {
    channel: "technical",
    name: "ops",
  });
  assert.equal(asGuest.status, 403);
});

test("the rules of Components V2 are kept by the guild, not only by the builders", async (t) => {
  const { client, guild } = await withCommands(t, async () => undefined);
  const post = (body: object) =>
    client.rest.post(`/channels/${guild.inspect.channelId("results")}/messages`, { body });
  const text = (content: string) => ({ type: 10, content });
  const button = (id: string) => ({
    type: 1,
    components: [{ type: 2, style: 1, label: "x", custom_id: id }],
  });
  const flags = 1 << 15;
  const refused: object[] = [
    { flags, components: Array.from({ length: 41 }, () => text("x")) },
    { flags, components: [text("x".repeat(2001)), text("y".repeat(2001))] },
    { flags, content: "x", components: [text("x")] },
    { flags, components: [{ type: 17, components: [{ type: 17, components: [text("x")] }] }] },
    { flags, components: [button("a"), button("a")] },
    { flags, components: [button("a".repeat(101))] },
    { components: [text("x")] },
    { content: "x".repeat(2001) },
    { embeds: [{ description: "x".repeat(4096) }, { description: "y".repeat(2000) }] },
  ];
  for (const body of refused)
    await assert.rejects(post(body), { code: 50035 }, JSON.stringify(body).slice(0, 90));
  await assert.rejects(post({ content: "" }), { code: 50006 });
  await post({ flags, components: [{ type: 17, components: [text("x".repeat(4000)), button("a")] }] });
  assert.equal(guild.inspect.messages("results").length, 1);
});

test("two clients on one token both hear of it, and one of them answers", async (t) => {
  const guild = await startGuild(t);
  const answerOf = (client: Client) =>
    new Promise<unknown>((resolve) => {
      client.once(Events.InteractionCreate, (interaction) => {
        slash(interaction)
          .reply("mine")
          .then(() => resolve("answered"))
          .catch((error: { code: number }) => resolve(error.code));
      });
    });
  const [first, second] = [await connectBot(t, guild), await connectBot(t, guild)];
  const outcomes = Promise.all([answerOf(first), answerOf(second)]);
  await first.application.commands.set(COMMANDS, GUILD);
  const reply = await person(guild).command("technical", "workflow run", { name: "x" });
  assert.equal(reply.message?.content, "mine");
  assert.deepEqual((await outcomes).sort(), [40060, "answered"]);
});
