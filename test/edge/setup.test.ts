import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { createTerminalQuestions, type Questions } from "../../src/cli/setup/questions.ts";
import { runSetup } from "../../src/cli/setup/run-setup.ts";
import { readEnvFile } from "../../src/config/env-file.ts";
import { loadConfig } from "../../src/config/load.ts";
import { GUILD_ID } from "../../src/local/local-guild.ts";
import { ATOMIZER_HQ } from "../../src/local/seed.ts";
import { openTerminal } from "../support/terminal.ts";
import { channels, discordWith, newInstallation, nobody, TOKEN } from "./setup-fixture.ts";

const configOf = (root: string) => {
  const loaded = loadConfig({
    dir: join(root, "config"),
    installation: root,
    home: join(root, ".hq"),
    env: {},
  });
  assert.ok(loaded.ok);
  return loaded.config.settings.channels;
};

test("setup without questions writes .env and channels.yaml, and ends in a doctor that is content", async (t) => {
  const guild = await discordWith(t);
  const { root, run } = newInstallation(t);
  const { code, out, err } = await run(["setup", "--yes", "--token-env", "MY_BOT", "--json"], {
    MY_BOT: ` Bot ${TOKEN} `,
    DISCORD_API: guild.restApi,
  });
  assert.equal(code, 0, `${err}\n${out}`);
  assert.deepEqual(readEnvFile(join(root, ".env")), {
    DISCORD_TOKEN: TOKEN,
    GUILD_ID,
    DISCORD_API: guild.restApi,
  });
  assert.equal(statSync(join(root, ".env")).mode & 0o777, 0o600);
  const { ids, roles } = configOf(root);
  assert.equal(ids["results"], guild.inspect.channelId("results"));
  assert.equal(Object.keys(ids).length, 21);
  assert.equal(roles.results, "results");
  const yaml = readFileSync(join(root, "config", "channels.yaml"), "utf8");
  assert.match(yaml, /results: results # results in full/);
  assert.match(
    err,
    /https:\/\/discord\.com\/oauth2\/authorize\?client_id=\d+&scope=bot\+applications\.commands&permissions=309237763136/,
  );
  assert.match(err, /Message Content is switched on/);
  assert.equal((JSON.parse(out) as { ok: boolean }).ok, true);
  assert.doesNotMatch(`${out}${err}`, new RegExp(TOKEN));

  // What it wrote is enough for the next command.
  assert.equal((await run(["doctor", "--json"])).code, 0);
  assert.equal((await run(["check"])).code, 0);
});

test("the token comes from standard input too, and a missing or refused one is said without writing anything", async (t) => {
  const guild = await discordWith(t);
  const { root, run } = newInstallation(t);
  const env = { DISCORD_API: guild.restApi };
  const none = await run(["setup", "--yes"], env);
  assert.equal(none.code, 2);
  assert.match(none.err, /There is no bot token/);
  const unset = await run(["setup", "--yes", "--token-env", "NOPE"], env);
  assert.equal(unset.code, 2);
  assert.match(unset.err, /NOPE is not set/);
  const both = await run(
    ["setup", "--yes", "--token-env", "MINE", "--token-stdin"],
    { ...env, MINE: TOKEN },
    TOKEN,
  );
  assert.equal(both.code, 2);
  assert.match(both.err, /--token-env and --token-stdin are given together\.\n.*choose one/);
  assert.equal(existsSync(join(root, ".env")), false);
  guild.faults.add({ kind: "status", path: "/users/@me", status: 401 });
  const refused = await run(["setup", "--yes", "--token-stdin"], env, `${TOKEN}\n`);
  assert.equal(refused.code, 2);
  assert.match(refused.err, /Discord refuses the token in standard input/);
  assert.equal(existsSync(join(root, ".env")), false);
  assert.equal((await run(["setup", "--yes", "--token-stdin"], env, `${TOKEN}\n`)).code, 0);
  assert.equal(readEnvFile(join(root, ".env"))["DISCORD_TOKEN"], TOKEN);
});

test("a guild the bot is not in is refused with the invite link", async (t) => {
  const guild = await discordWith(t);
  const { run } = newInstallation(t);
  const env = { DISCORD_API: guild.restApi, DISCORD_TOKEN: TOKEN };
  const stranger = await run(["setup", "--yes", "--guild", "123456789012345678"], env);
  assert.equal(stranger.code, 2);
  assert.match(stranger.err, /not in the guild 123456789012345678\.\nInvite it.*permissions=309237763136/);
  const name = await run(["setup", "--yes", "--guild", "Atomizer-HQ"], env);
  assert.match(name.err, /17 to 20 digits/);
  guild.faults.add({
    kind: "status",
    path: "/users/@me/guilds",
    status: 200,
    body: [
      { id: GUILD_ID, name: "Atomizer-HQ" },
      { id: "123456789012345678", name: "Other" },
    ],
  });
  const two = await run(["setup", "--yes"], env);
  assert.match(two.err, /in 2 guilds: 1471858733452890132 Atomizer-HQ, 123456789012345678 Other/);
});

test("a Discord that does not answer ends with exit code 5", async (t) => {
  const { run } = newInstallation(t);
  const { code, err } = await run(["setup", "--yes"], {
    DISCORD_API: `${await nobody()}/api`,
    DISCORD_TOKEN: TOKEN,
  });
  assert.equal(code, 5);
  assert.match(err, /127\.0\.0\.1:\d+ does not answer: ECONNREFUSED/);
});

test("decorated names are found, absent channels are told, and doctor fails for them", async (t) => {
  const guild = await discordWith(
    t,
    channels((channel) => {
      if (channel.name === "results") return { ...channel, name: "📊-results" };
      return channel.name === "task-queue" ? undefined : channel;
    }),
  );
  const { root, run } = newInstallation(t);
  const { code, out, err } = await run(["setup", "--yes"], {
    DISCORD_API: guild.restApi,
    DISCORD_TOKEN: TOKEN,
  });
  assert.equal(code, 1);
  assert.match(err, /results → #📊-results/);
  assert.match(err, /taskQueue → #task-queue, which the guild does not have yet/);
  assert.match(out, /✗ channel taskQueue +there is no #task-queue/);
  assert.equal(configOf(root).roles.results, "📊-results");
  assert.equal(configOf(root).roles.taskQueue, "task-queue");
});

test("of two channels with one name setup takes neither by itself: it says so, or asks and keeps the id", async (t) => {
  const guild = await discordWith(
    t,
    channels((channel) => {
      if (channel.name === "lessons-learned")
        return { ...channel, id: "1471864000000000001", name: "results" };
      return channel.name === "literature"
        ? { ...channel, id: "1471864000000000002", name: "it-ops" }
        : channel;
    }),
  );
  const env = { DISCORD_API: guild.restApi, DISCORD_TOKEN: TOKEN };
  const { root, run } = newInstallation(t);
  const { code, err } = await run(["setup", "--yes"], env);
  assert.equal(code, 1);
  assert.match(err, /results → #results, of which the guild has 2: rename one, or put its id into/);
  assert.match(err, /itOps → #agent-logs \(2 are called #it-ops\)/);
  const asked: string[] = [];
  const picked: string[] = [];
  const { questions, said } = scripted({
    keepToken: async () => true,
    channel: async (_, wanted, all) => {
      asked.push(wanted);
      const last = all.filter(({ name }) => name === wanted).at(-1);
      picked.push(last?.id ?? "");
      return last?.id;
    },
  });
  assert.equal(await runSetup(silentIo(root, env), {}, questions), 0, said.join("\n"));
  assert.deepEqual(asked, ["results", "it-ops"]);
  const { roles } = configOf(root);
  assert.deepEqual([roles.results, roles.itOps], picked);
});

test("without a terminal and without --yes it says how to give the answers", async (t) => {
  const { run } = newInstallation(t);
  const { code, err } = await run(["setup"]);
  assert.equal(code, 2);
  assert.match(err, /hq setup --yes --token-env DISCORD_TOKEN/);
  const imports = await run(["setup", "--import", "discord-config.env"]);
  assert.equal(imports.code, 2);
  assert.match(imports.err, /hq setup --yes --import discord-config\.env/);
});

/** Answers as a person would; what was asked and said is kept. */
function scripted(answers: Partial<Questions>) {
  const said: string[] = [];
  const unexpected = () => {
    throw new Error("nobody expected this question");
  };
  const questions: Questions = {
    token: unexpected,
    keepToken: unexpected,
    guild: unexpected,
    channel: unexpected,
    invited: unexpected,
    say: (text) => said.push(text),
    ...answers,
  };
  return { questions, said };
}

function silentIo(root: string, env: Readonly<Record<string, string>>) {
  const io = {
    out: () => undefined,
    taken: async () => undefined,
    err: () => undefined,
    isErrTerminal: false,
    errSize: () => ({ columns: 80, rows: 24 }),
    env: { HQ_AGENTS: "sample", ...env },
    cwd: root,
    installation: root,
    readInput: async () => "",
    now: Date.now,
    onInterrupt: () => () => undefined,
  };
  return io;
}

test("with questions: a refused token is asked again, the bot is waited for, and channels are chosen", async (t) => {
  const guild = await discordWith(t, {
    ...channels((channel) => (channel.name === "results" ? { ...channel, name: "ergebnisse" } : channel)),
    bot: { ...ATOMIZER_HQ.bot, messageContent: false },
  });
  const { root } = newInstallation(t);
  guild.faults.add({ kind: "status", path: "/users/@me", status: 401 });
  guild.faults.add({ kind: "status", path: "/users/@me/guilds", status: 200, body: [] });
  const whys: (string | undefined)[] = [];
  const links: string[] = [];
  const { questions, said } = scripted({
    token: async (why) => {
      whys.push(why);
      return TOKEN;
    },
    invited: async (link) => {
      links.push(link);
      return true;
    },
    channel: async (purpose, wanted, all) => {
      assert.match(purpose, /results/);
      assert.equal(wanted, "results");
      return all.find(({ name }) => name === "ergebnisse")?.id ?? "";
    },
  });
  const code = await runSetup(silentIo(root, { DISCORD_API: guild.restApi }), {}, questions);
  assert.equal(code, 1, "Message Content is off, so doctor is not content");
  assert.deepEqual(whys, [
    undefined,
    "Discord refuses this token. Copy it again, or reset it and copy the new one.",
  ]);
  assert.equal(links.length, 1);
  assert.match(said.join("\n"), /switch on Message Content Intent/);
  assert.equal(configOf(root).roles.results, "ergebnisse");
  assert.equal(readEnvFile(join(root, ".env"))["GUILD_ID"], GUILD_ID);
});

test("giving up at any question writes nothing and exits 130", async (t) => {
  const guild = await discordWith(
    t,
    channels((channel) => (channel.name === "results" ? undefined : channel)),
  );
  const { root } = newInstallation(t);
  const before = readFileSync(join(root, "config", "channels.yaml"), "utf8");
  const env = { DISCORD_API: guild.restApi, DISCORD_TOKEN: TOKEN };
  for (const answers of [
    { keepToken: async () => undefined },
    { keepToken: async () => false, token: async () => undefined },
    { keepToken: async () => true, channel: async () => undefined },
  ] satisfies Partial<Questions>[]) {
    const { questions, said } = scripted(answers);
    assert.equal(await runSetup(silentIo(root, env), {}, questions), 130);
    assert.equal(said.at(-1), "Given up: nothing was written.");
  }
  assert.equal(existsSync(join(root, ".env")), false);
  assert.equal(readFileSync(join(root, "config", "channels.yaml"), "utf8"), before);
});

test("the questions work on a terminal: the token is masked, a channel is chosen by keys, Ctrl-C and Ctrl-D give up", async () => {
  const { input, output, shown, shows } = openTerminal();
  const questions = createTerminalQuestions({ input, output });
  const token = questions.token("Discord refuses this token.");
  await shows("The bot token");
  input.write("secret-token\r");
  assert.equal(await token, "secret-token");
  assert.ok(!shown().includes("secret-token"));
  assert.ok(shown().includes("Discord refuses this token."));
  const channel = questions.channel("Where shall results be posted?", "results", [
    { id: "1", name: "general" },
    { id: "2", name: "ergebnisse" },
  ]);
  await shows("There is no #results");
  input.write("\u001b[B\u001b[B\r");
  assert.equal(await channel, "2");
  const guild = questions.guild([{ id: "1", name: "One" }]);
  await shows("Which guild?");
  input.write("\u0003");
  assert.equal(await guild, undefined);
  const twins = questions.channel("Where shall results be posted?", "results", [
    { id: "1", name: "results" },
    { id: "2", name: "Results" },
  ]);
  await shows("2 channels are called #results.");
  await shows("#Results (2)");
  input.write("\u0004");
  assert.equal(await twins, undefined, "Ctrl-D gives up too");
});
