import { join, resolve } from "node:path";
import { addHandledTasks } from "../../app/handled-tasks.ts";
import { botTokenFrom } from "../../config/bot-token.ts";
import { writeChannels } from "../../config/channels-file.ts";
import { writeEnvFile } from "../../config/env-file.ts";
import { loadConfig } from "../../config/load.ts";
import { renderProblems } from "../../config/render-problems.ts";
import { Refusal } from "../../kernel/refusal.ts";
import { counted } from "../../kernel/text.ts";
import { createAsk } from "../doctor/discord-rest.ts";
import { readGuild } from "../doctor/guild.ts";
import { inviteLink } from "../doctor/permissions.ts";
import { runDoctor } from "../doctor/run-doctor.ts";
import { type Installation, readInstallation } from "../installation.ts";
import type { Io } from "../io.ts";
import type { SetupOptions } from "../setup.ts";
import { chooseGuild } from "./choose-guild.ts";
import { type Bot, cleanToken, findBot, noAnswer } from "./find-bot.ts";
import { type ChannelMap, mapChannels } from "./map-channels.ts";
import { createTerminalQuestions, type Questions } from "./questions.ts";
import { type Imported, readImport } from "./read-import.ts";

const GIVEN_UP = 130;

type TokenOptions = SetupOptions & { readonly imported: Imported | undefined };
type Chosen = { readonly token: string; readonly bot: Bot };

/**
 * Token, guild, channels; then writes `.env` and config/channels.yaml, and ends in doctor, whose exit code it has.
 * Nothing is written before the last answer.
 */
export async function runSetup(io: Io, options: SetupOptions, asked?: Questions): Promise<number> {
  const here = readInstallation(io);
  const questions = options.yes ? undefined : (asked ?? terminal(io, options.import));
  const say = (text: string, title?: string) =>
    questions ? questions.say(text, title) : io.err(`${title ? `${title}: ` : ""}${text}\n`);
  const loaded = loadConfig(here.place);
  if (!loaded.ok) {
    throw new Refusal("invalid_input", `The configuration in ${here.place.dir} is not valid.`, {
      hint: `${renderProblems(loaded.problems, io.cwd)}\nMend it, then run hq setup again.`,
    });
  }

  const imported = options.import === undefined ? undefined : readImport(resolve(io.cwd, options.import));
  for (const notice of imported?.notices ?? []) say(notice);
  const chosen = await chooseToken(io, here, { ...options, imported }, questions);
  if (!chosen) return giveUp(say);
  const { token, bot } = chosen;
  const { id, hasMessageContent } = bot.application;
  say(`The token belongs to ${bot.name}.`);
  say(`Invite link: ${inviteLink(id)}`);
  say(
    hasMessageContent
      ? "Message Content is switched on."
      : `switch on Message Content Intent at https://discord.com/developers/applications/${id}/bot (it is the only one needed).`,
    "Privileged intents",
  );

  const ask = createAsk({ api: here.env["DISCORD_API"], token });
  const given = options.guild ?? imported?.guild ?? here.env["GUILD_ID"];
  const guildId = await chooseGuild({ ask, given, applicationId: id, questions });
  if (guildId === undefined) return giveUp(say);
  const guild = await readGuild(ask, guildId, bot.id);
  if (!guild.ok) throw noAnswer(guild.said);
  const { channels } = loaded.config.settings;
  const there = new Set(guild.what.channels.map((channel) => channel.id));
  const old = Object.entries(imported?.channels ?? {});
  for (const [role, channel] of old.filter(([, channel]) => !there.has(channel)))
    say(
      `${guild.what.name} has no channel ${channel}, which was the one for ${role}: it is looked for by its name.`,
    );
  const found = Object.fromEntries(old.filter(([, channel]) => there.has(channel)));
  const wanted = { ...channels, roles: { ...channels.roles, ...found } };
  const map = await mapChannels(guild.what.channels, wanted, questions);
  if (!map) return giveUp(say);
  say(`${guild.what.name}\n${map.lines.join("\n")}`, "Channels");

  for (const line of write(io, here, { token, guildId, map, imported })) say(line);
  return runDoctor(io, options.json ? { json: true } : {});
}

function giveUp(say: (text: string) => void): number {
  say("Given up: nothing was written.");
  return GIVEN_UP;
}

function terminal(io: Io, imported: string | undefined): Questions {
  if (process.stdin.isTTY) {
    // A terminal that does not say how wide it is would get one letter a line.
    if (process.stderr.columns === 0) process.stderr.columns = io.errSize().columns;
    return createTerminalQuestions({ input: process.stdin, output: process.stderr });
  }
  const answers = imported === undefined ? "--token-env DISCORD_TOKEN --guild <id>" : `--import ${imported}`;
  throw new Refusal("invalid_input", "hq setup asks questions, and there is no terminal to answer them.", {
    hint: `Give the answers: hq setup --yes ${answers}   (or --token-stdin)`,
  });
}

async function chooseToken(
  io: Io,
  here: Installation,
  options: TokenOptions,
  questions: Questions | undefined,
): Promise<Chosen | undefined> {
  const api = here.env["DISCORD_API"];
  const test = async (token: string): Promise<Chosen | undefined> => {
    const bot = token === "" ? undefined : await findBot(createAsk({ api, token }));
    return bot && { token, bot };
  };
  const given = await givenToken(io, here, options);
  const first = given && (await test(cleanToken(given.token)));
  if (!questions || (given && given.isExplicit)) {
    if (first) return first;
    throw given
      ? new Refusal("invalid_input", `Discord refuses the token in ${given.source}.`, {
          hint: "Make a new one: discord.com/developers/applications, your application, Bot, Reset Token.",
        })
      : new Refusal("invalid_input", "There is no bot token.", {
          hint: "Put it into the environment and name it: hq setup --yes --token-env DISCORD_TOKEN",
        });
  }
  if (first && given) {
    const keeps = await questions.keepToken(given.source, first.bot.name);
    if (keeps === undefined) return undefined;
    if (keeps) return first;
  }
  let why = given && !first ? `Discord refuses the token in ${given.source}.` : undefined;
  for (;;) {
    const text = await questions.token(why);
    if (text === undefined) return undefined;
    const found = await test(cleanToken(text));
    if (found) return found;
    why = "Discord refuses this token. Copy it again, or reset it and copy the new one.";
  }
}

async function givenToken(io: Io, here: Installation, { tokenEnv, tokenStdin, imported }: TokenOptions) {
  if (tokenStdin)
    return { token: cleanToken(await io.readInput()), source: "standard input", isExplicit: true };
  if (tokenEnv !== undefined) {
    const token = here.env[tokenEnv];
    if (token) return { token, source: tokenEnv, isExplicit: true };
    throw new Refusal("invalid_input", `The environment variable ${tokenEnv} is not set.`, {
      hint: `Set it for this one command: ${tokenEnv}=… hq setup --yes --token-env ${tokenEnv}`,
    });
  }
  if (imported?.token) {
    const { token, variable } = imported.token;
    return { token, source: `${variable} of the imported file`, isExplicit: true };
  }
  const kept = botTokenFrom(here.env);
  return kept && { token: kept.token, source: kept.variable, isExplicit: false };
}

function write(
  io: Io,
  { envFile, place }: Installation,
  answers: {
    readonly token: string;
    readonly guildId: string;
    readonly map: ChannelMap;
    readonly imported: Imported | undefined;
  },
): readonly string[] {
  const channels = join(place.dir, "channels.yaml");
  writeChannels(channels, answers.map);
  const api = io.env["DISCORD_API"];
  const { imported } = answers;
  const values: Readonly<Record<string, string>> = {
    ...imported?.settings,
    DISCORD_TOKEN: answers.token,
    GUILD_ID: answers.guildId,
  };
  writeEnvFile(envFile, api ? { ...values, DISCORD_API: api } : values);
  const stronger = Object.entries(values).filter(([name, value]) => io.env[name] && io.env[name] !== value);
  return [
    `Written: ${envFile} (mode 0600), ${channels}`,
    ...(imported ? [rememberHandled(place.home, imported)] : []),
    ...stronger.map(
      ([name]) => `${name} is also set in the environment, to something else, and the environment wins.`,
    ),
  ];
}

function rememberHandled(home: string, { handled, handledFrom }: Imported): string {
  if (handledFrom === undefined)
    return "No assigned-tasks.txt lies near the imported file: every message without ✅ counts as open.";
  const added = addHandledTasks(home, handled);
  const [are, they] = handled.length === 1 ? ["is", "it is"] : ["are", "they are"];
  return `${counted(handled.length, "task")} of ${handledFrom} ${are} remembered as handled (${added} new): ${they} not done again.`;
}
