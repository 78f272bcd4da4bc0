import type { Readable, Writable } from "node:stream";
import { confirm, isCancel, log, note, password, select } from "@clack/prompts";
import { onGivenUp } from "../given-up.ts";

/** What setup may ask a person. Undefined = given up (Ctrl-C, Ctrl-D). */
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

/** Those that are called so; Discord lets several have one name. */
export function named<C extends Choice>(choices: readonly C[], word: string): readonly C[] {
  return choices.filter(({ name }) => name.toLowerCase() === word.toLowerCase());
}

/** Asks on a terminal; stdout stays free for data. */
export function createTerminalQuestions(given: {
  readonly input: Readable;
  readonly output: Writable;
}): Questions {
  const ended = new AbortController();
  onGivenUp(given.input, () => ended.abort());
  const streams = { ...given, signal: ended.signal };
  const answerTo = async <Answer>(
    question: Promise<Answer>,
  ): Promise<Exclude<Answer, symbol> | undefined> => {
    const value = await question;
    return isCancel(value) ? undefined : (value as Exclude<Answer, symbol>);
  };
  const options = (choices: readonly Choice[], sign: string) =>
    choices.map(({ id, name }) => ({ value: id, label: `${sign}${name}` }));
  return {
    token(why) {
      if (why !== undefined) log.warn(why, streams);
      return answerTo(
        password({
          ...streams,
          message: "The bot token (discord.com/developers/applications, your application, Bot, Reset Token)",
          validate: (text) => (text?.trim() ? undefined : "Paste the token."),
        }),
      );
    },
    keepToken: (variable, bot) =>
      answerTo(confirm({ ...streams, message: `${variable} holds the token of ${bot}. Use it?` })),
    guild: (guilds) =>
      answerTo(select({ ...streams, message: "Which guild?", options: options(guilds, "") })),
    channel(purpose, wanted, channels) {
      const many = named(channels, wanted).length;
      // Two of one name are told apart by their ids, which Discord's developer mode shows.
      const told = channels.map(({ id, name }) => ({
        id,
        name: named(channels, name).length > 1 ? `${name} (${id})` : name,
      }));
      return answerTo(
        select({
          ...streams,
          message: `${purpose} ${many > 1 ? `${many} channels are called` : "There is no"} #${wanted}.`,
          maxItems: 12,
          options: [
            {
              value: "",
              label: many > 1 ? "None of them for now" : `None of them: I will make #${wanted} later`,
            },
            ...options(told, "#"),
          ],
        }),
      );
    },
    invited(link) {
      log.info(link, streams);
      return answerTo(
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
