import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { type Client, type Interaction as DiscordInteraction, Events, Routes } from "discord.js";
import { connectBot, nextEvent, person, startGuild } from "../support/guild.ts";

// What Discord refuses is refused here too: a bot that goes beyond a limit must fail on the newcomer's machine first.

type Body = Record<string, unknown>;

const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));
const text = (length: number) => "x".repeat(length);

async function refusesAll(cases: Readonly<Record<string, unknown>>, ask: (body: never) => Promise<unknown>) {
  for (const [what, body] of Object.entries(cases)) {
    await assert.rejects(ask(body as never), { code: 50035 }, what);
  }
}

const row = (...components: Body[]) => ({ type: 1, components });
const button = (more: Body = {}) => ({ type: 2, style: 1, label: "x", custom_id: "b", ...more });
const select = (count: number, more: Body = {}) => ({
  type: 3,
  custom_id: "s",
  options: times(count, (n) => ({ label: `o${n}`, value: `o${n}` })),
  ...more,
});

test("buttons, selects and embeds beyond Discord's limits are refused", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const post = (body: Body) =>
    client.rest.post(Routes.channelMessages(guild.inspect.channelId("results")), { body });
  const refused = {
    "six buttons in a row": { components: [row(...times(6, (n) => button({ custom_id: `b${n}` })))] },
    "six rows": { components: times(6, (n) => row(button({ custom_id: `b${n}` }))) },
    "a row of nothing": { components: [row()] },
    "a select beside a button": { components: [row(select(1), button())] },
    "a label of 81": { components: [row(button({ label: text(81) }))] },
    "a custom id of 101": { components: [row(button({ custom_id: text(101) }))] },
    "a button without an id": { components: [row({ type: 2, style: 1, label: "x" })] },
    "a link with an id": { components: [row(button({ style: 5, url: "https://example.org" }))] },
    "26 options": { components: [row(select(26))] },
    "an option's label of 101": {
      components: [row(select(0, { options: [{ label: text(101), value: "o" }] }))],
    },
    "one value twice": {
      components: [
        row(
          select(0, {
            options: [
              { label: "a", value: "o" },
              { label: "b", value: "o" },
            ],
          }),
        ),
      ],
    },
    "11 embeds": { embeds: times(11, () => ({ title: "x" })) },
    "26 fields": { embeds: [{ fields: times(26, () => ({ name: "x", value: "x" })) }] },
    "a description of 4097": { embeds: [{ description: text(4097) }] },
  };
  await refusesAll(refused, (body: Body) => post({ content: "x", ...body }));
  assert.equal(guild.inspect.messages("results").length, 0);
  await post({
    content: text(2000),
    components: [
      row(...times(5, (n) => button({ label: text(80), custom_id: `${n}${text(99)}` }))),
      row(select(25)),
    ],
  });
  assert.equal(guild.inspect.messages("results").length, 1);
});

test("files of Components V2 are shown by their names, and a name that was not sent is refused", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const channel = guild.inspect.channelId("results");
  const flags = 1 << 15;
  const shown = (name: string) => ({ type: 13, file: { url: `attachment://${name}` } });
  const files = [{ name: "table.csv", data: Buffer.from("a,b") }];
  const post = (components: Body[]) =>
    client.rest.post(Routes.channelMessages(channel), { body: { flags, components }, files });
  await refusesAll(
    {
      "a file": [shown("tabel.csv")],
      "a picture": [{ type: 12, items: [{ media: { url: "attachment://none.png" } }] }],
      "a picture without an address": [{ type: 12, items: [{}] }],
      "a file from elsewhere": [{ type: 13, file: { url: "https://example.org/table.csv" } }],
    },
    post,
  );
  assert.equal(guild.inspect.messages("results").length, 0);
  const { id } = (await post([{ type: 17, components: [shown("table.csv")] }])) as { id: string };
  const edit = (body: Body) => client.rest.patch(Routes.channelMessage(channel, id), { body });
  await edit({ components: [shown("table.csv")] });
  await refusesAll({ "a file that the edit takes away": [] }, (attachments: []) =>
    edit({ attachments, components: [shown("table.csv")] }),
  );
});

test("more than ten files, or 25 MiB together, are refused", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const route = Routes.channelMessages(guild.inspect.channelId("results"));
  const post = (count: number, bytes: number) =>
    client.rest.post(route, {
      files: times(count, (n) => ({ name: `${n}.bin`, data: Buffer.alloc(bytes) })),
    });
  await assert.rejects(post(11, 1), { status: 413, code: 40005 });
  await assert.rejects(post(3, 9 * 1024 * 1024), { status: 413, code: 40005 });
  assert.equal(guild.inspect.messages("results").length, 0);
  await post(10, 1);
});

const COMMAND = { name: "ask", description: "x" };
const option = (more: Body = {}) => ({ type: 3, name: "o", description: "x", ...more });
const branch = (more: Body = {}) => ({ type: 1, name: "run", description: "x", ...more });

test("commands beyond Discord's limits are refused, and nothing of them is registered", async (t) => {
  const guild = await startGuild(t);
  const client = await connectBot(t, guild);
  const route = Routes.applicationGuildCommands(client.user.id, guild.guildId);
  const put = (commands: readonly Body[]) => client.rest.put(route, { body: commands });
  const withOptions = (...options: Body[]) => [{ ...COMMAND, options }];
  const refused: Record<string, readonly Body[]> = {
    "101 slash commands": times(101, (n) => ({ ...COMMAND, name: `ask-${n}` })),
    "16 message commands": times(16, (n) => ({ type: 3, name: `Ask ${n}` })),
    "one name twice": [COMMAND, { ...COMMAND, description: "another" }],
    "a name of 33": [{ ...COMMAND, name: text(33) }],
    "a description of 101": [{ ...COMMAND, description: text(101) }],
    "26 options": withOptions(...times(26, (n) => option({ name: `o${n}` }))),
    "26 subcommands": withOptions(...times(26, (n) => branch({ name: `run-${n}` }))),
    "26 choices": withOptions(option({ choices: times(26, (n) => ({ name: `c${n}`, value: `c${n}` })) })),
    "a choice's value of 101": withOptions(option({ choices: [{ name: "c", value: text(101) }] })),
    "a choice twice": withOptions(option({ choices: times(2, (n) => ({ name: "c", value: `c${n}` })) })),
    "a choice that is no number": withOptions(option({ type: 4, choices: [{ name: "c", value: "c" }] })),
    "choices and autocomplete": withOptions(
      option({ autocomplete: true, choices: [{ name: "c", value: "c" }] }),
    ),
    "a longest text of 6001": withOptions(option({ max_length: 6001 })),
    "an option of no type": withOptions({ name: "o", description: "x" }),
    "a required option behind an optional one": withOptions(option(), option({ name: "p", required: true })),
    "a subcommand beside an option": withOptions(branch(), option()),
    "more than 8000 characters": withOptions(
      ...times(3, (n) =>
        option({
          name: `o${n}`,
          choices: times(25, (m) => ({ name: `${m}${text(90)}`, value: `${m}${text(90)}` })),
        }),
      ),
    ),
  };
  await refusesAll(refused, put);
  assert.deepEqual(await client.rest.get(route), []);
  await put([
    ...times(15, (n) => ({ type: 3, name: `Ask ${n}` })),
    ...withOptions(
      ...times(25, (n) =>
        option({ name: `o${n}`, max_length: 6000, choices: [{ name: text(100), value: text(100) }] }),
      ),
    ),
  ]);
  assert.equal(((await client.rest.get(route)) as unknown[]).length, 16);
});

/** An interaction that nobody has answered yet, and the way to answer it with any body. */
async function asked(t: TestContext, begin: (you: ReturnType<typeof person>) => Promise<unknown>) {
  const guild = await startGuild(t);
  const client: Client<true> = await connectBot(t, guild);
  await client.application.commands.set(
    [{ ...COMMAND, options: [option({ autocomplete: true })] }],
    guild.guildId,
  );
  const arrives = nextEvent<DiscordInteraction>(client, Events.InteractionCreate);
  const begun = begin(person(guild));
  const { id, token } = await arrives;
  const answer = (type: number, data: unknown) =>
    client.rest.post(Routes.interactionCallback(id, token), { body: { type, data }, auth: false });
  return { guild, client, token, begun, answer };
}

test("forms beyond Discord's limits are refused, and one of five inputs is shown", async (t) => {
  const input = (n: number, more: Body = {}) => ({ type: 4, custom_id: `i${n}`, style: 1, ...more });
  const label = (n: number, more: Body = {}) => ({
    type: 18,
    label: `${n}`.padEnd(45, "x"),
    component: input(n),
    ...more,
  });
  const form = (more: Body = {}) => ({
    custom_id: "f",
    title: text(45),
    components: times(5, label),
    ...more,
  });
  const { begun, answer } = await asked(t, (you) =>
    you.must<{ state: string; modal: Body }>("POST", "/local/commands", {
      channel: "technical",
      name: "ask",
      wait: true,
    }),
  );
  await refusesAll(
    {
      "six inputs": form({ components: times(6, label) }),
      "no input": form({ components: [] }),
      "a title of 46": form({ title: text(46) }),
      "no title": form({ title: "" }),
      "a custom id of 101": form({ custom_id: text(101) }),
      "a label of 46": form({ components: [label(0, { label: text(46) })] }),
      "a description of 101": form({ components: [label(0, { description: text(101) })] }),
      "a value of 4001": form({ components: [label(0, { component: input(0, { value: text(4001) }) })] }),
      "a longest text of 4001": form({
        components: [label(0, { component: input(0, { max_length: 4001 }) })],
      }),
      "a placeholder of 101": form({
        components: [label(0, { component: input(0, { placeholder: text(101) }) })],
      }),
      "one id twice": form({ components: [label(0), label(1, { component: input(0) })] }),
      "a select outside of a label": form({ components: [row(select(1))] }),
      "26 options": form({ components: [label(0, { component: select(26) })] }),
      "a button": form({ components: [label(0, { component: button() })] }),
    },
    (body: Body) => answer(9, body),
  );
  await answer(9, form());
  assert.equal(((await begun) as { state: string }).state, "modal");
});

test("suggestions beyond Discord's limits are refused, and 25 of them are shown", async (t) => {
  const { begun, answer } = await asked(t, (you) =>
    you.must<{ choices: unknown[] }>("POST", "/local/autocomplete", {
      channel: "technical",
      name: "ask",
      focused: "o",
      options: {},
    }),
  );
  const choice = (n: number) => ({ name: `${n}`.padEnd(100, "x"), value: `${n}`.padEnd(100, "y") });
  await refusesAll(
    {
      "26 of them": { choices: times(26, choice) },
      "a name of 101": { choices: [{ name: text(101), value: "x" }] },
      "a name of nothing": { choices: [{ name: "", value: "x" }] },
      "a value of 101": { choices: [{ name: "x", value: text(101) }] },
    },
    (body: Body) => answer(8, body),
  );
  await assert.rejects(answer(4, { content: "no suggestions" }), { code: 50035 });
  await answer(8, { choices: times(25, choice) });
  assert.equal(((await begun) as { choices: unknown[] }).choices.length, 25);
});

test("a nonce keeps messages of a channel single, and nothing that follows an interaction", async (t) => {
  const { guild, client, token, begun, answer } = await asked(t, (you) =>
    you.command("technical", "ask", {}),
  );
  const once = { content: "again", nonce: "one", enforce_nonce: true };
  await answer(4, once);
  await begun;
  const follow = () =>
    client.rest.post(Routes.webhook(client.user.id, token), { body: once, auth: false }) as Promise<{
      id: string;
    }>;
  assert.notEqual((await follow()).id, (await follow()).id);
  await client.rest.post(Routes.channelMessages(guild.inspect.channelId("technical")), { body: once });
  assert.equal(guild.inspect.messages("technical").length, 4);
});
