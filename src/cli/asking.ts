import type { Readable, Writable } from "node:stream";
import { onGivenUp } from "./given-up.ts";

export type Choice = { readonly value: string; readonly label: string };

/** What a person at this terminal may be asked. Undefined = given up (Ctrl-C, Ctrl-D), or taken back by the signal. */
export type Asking = {
  readonly choose: (
    message: string,
    choices: readonly Choice[],
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  readonly write: (message: string, signal: AbortSignal) => Promise<string | undefined>;
};

/** Asks on a terminal; stdout stays free for data. The library is loaded at the first question. */
export function createTerminalAsking(streams: {
  readonly input: Readable;
  readonly output: Writable;
}): Asking {
  const ask = async <Answer>(
    signal: AbortSignal,
    question: (over: AbortSignal) => Promise<Answer>,
  ): Promise<Answer | undefined> => {
    const ended = new AbortController();
    const stopListening = onGivenUp(streams.input, () => ended.abort());
    if (streams.input.readableEnded) ended.abort();
    try {
      return await question(AbortSignal.any([signal, ended.signal]));
    } finally {
      stopListening();
    }
  };
  return {
    async choose(message, choices, signal) {
      const { select } = await import("@clack/prompts");
      const options = [...choices];
      const answer = await ask(signal, (over) => select({ ...streams, message, options, signal: over }));
      return typeof answer === "string" ? answer : undefined;
    },
    async write(message, signal) {
      const { text } = await import("@clack/prompts");
      const answer = await ask(signal, (over) => text({ ...streams, message, signal: over }));
      return typeof answer === "symbol" ? undefined : (answer ?? "");
    },
  };
}
