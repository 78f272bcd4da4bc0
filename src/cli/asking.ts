import type { Readable, Writable } from "node:stream";

export type Choice = { readonly value: string; readonly label: string };

/** What a person at this terminal may be asked. Undefined = given up (Ctrl-C), or taken back by the signal. */
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
  return {
    async choose(message, choices, signal) {
      const { select } = await import("@clack/prompts");
      const answer = await select({ ...streams, message, options: [...choices], signal });
      return typeof answer === "string" ? answer : undefined;
    },
    async write(message, signal) {
      const { text } = await import("@clack/prompts");
      const answer = await text({ ...streams, message, signal });
      return typeof answer === "symbol" ? undefined : (answer ?? "");
    },
  };
}
