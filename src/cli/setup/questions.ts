import type { Readable, Writable } from "node:stream";
import { confirm, isCancel, log, note, password, select } from "@clack/prompts";

/** What setup may ask a person. Undefined = given up (Ctrl-C). */
export type Questions = {
  readonly token: (why: string | undefined) => Promise<string | undefined>;
  readonly keepToken: (variable: string, bot: string) => Promise<boolean | undefined>;
  readonly guild: (guilds: readonly Choice[]) => Promise<string | undefined>;
  /** "" = none of them for now. */
  readonly channel: (
    purpose: string,
    wanted: string,
    channels: readonly Choice[],
  ) => Promise<string | undefined>;
  /** True = look again. */
  readonly invited: (link: string) => Promise<boolean | undefined>;
  readonly say: (text: string, title?: string) => void;
};
export type Choice = { readonly id: string; readonly name: string };

/** Asks on a terminal; stdout stays free for data. */
export function createTerminalQuestions(streams: {
  readonly input: Readable;
  readonly output: Writable;
}): Questions {
  const given = async <Answer>(answer: Promise<Answer>): Promise<Exclude<Answer, symbol> | undefined> => {
    const value = await answer;
    return isCancel(value) ? undefined : (value as Exclude<Answer, symbol>);
  };
  const options = (choices: readonly Choice[], sign: string) =>
    choices.map(({ id, name }) => ({ value: id, label: `${sign}${name}` }));
  return {
    token(why) {
      if (why !== undefined) log.warn(why, streams);
      return given(
        password({
          ...streams,
          message: "The bot token (discord.com/developers/applications, your application, Bot, Reset Token)",
          validate: (text) => (text?.trim() ? undefined : "Paste the token."),
        }),
      );
    },
    keepToken: (variable, bot) =>
      given(confirm({ ...streams, message: `${variable} holds the token of ${bot}. Use it?` })),
    guild: (guilds) => given(select({ ...streams, message: "Which guild?", options: options(guilds, "") })),
    channel: (purpose, wanted, channels) =>
      given(
        select({
          ...streams,
          message: `${purpose} There is no #${wanted}.`,
          maxItems: 12,
          options: [
            { value: "", label: `None of them: I will make #${wanted} later` },
            ...options(channels, "#"),
          ],
        }),
      ),
    invited(link) {
      log.info(link, streams);
      return given(
        confirm({
          ...streams,
          message: "The bot is not in the guild. Invite it with this link, then go on.",
          active: "It is in, look again",
          inactive: "Stop here",
        }),
      );
    },
    say(text, title) {
      if (title === undefined) log.info(text, streams);
      else note(text, title, streams);
    },
  };
}
