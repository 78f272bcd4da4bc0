import { Refusal } from "../../kernel/refusal.ts";
import type { Ask } from "../doctor/discord-rest.ts";
import { readGuilds } from "../doctor/guild.ts";
import { inviteLink } from "../doctor/permissions.ts";
import { noAnswer } from "./find-bot.ts";
import type { Questions } from "./questions.ts";

/** The guild to work in: the one that is given, the only one, or the one that is chosen. Undefined = given up. */
export async function chooseGuild(options: {
  readonly ask: Ask;
  readonly given: string | undefined;
  readonly applicationId: string;
  readonly questions: Questions | undefined;
}): Promise<string | undefined> {
  const { ask, given, questions } = options;
  const link = inviteLink(options.applicationId);
  if (given && !/^\d{17,20}$/.test(given)) {
    throw new Refusal("invalid_input", "A guild's id has 17 to 20 digits.", {
      hint: "In Discord: Settings, Advanced, Developer Mode; then right-click the server, Copy Server ID.",
    });
  }
  for (;;) {
    const read = await readGuilds(ask);
    if (!read.ok) throw noAnswer(read.said);
    const guilds = read.what;
    if (given && guilds.some(({ id }) => id === given)) return given;
    if (!given && guilds.length === 1) return guilds[0]?.id;
    if (questions && guilds.length > 0) return questions.guild(guilds);
    if (!given && guilds.length > 1) {
      const list = guilds.map(({ id, name }) => `${id} ${name}`).join(", ");
      throw new Refusal("invalid_input", `The bot is in ${guilds.length} guilds: ${list}.`, {
        hint: "Say which: hq setup --yes --guild <id>",
      });
    }
    if (!questions) {
      const text = given ? `The bot is not in the guild ${given}.` : "The bot is in no guild.";
      throw new Refusal("not_found", text, { hint: `Invite it, then run hq setup again: ${link}` });
    }
    if (!(await questions.invited(link))) return undefined;
  }
}
