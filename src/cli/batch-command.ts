import type { Command } from "commander";
import { Refusal } from "../kernel/refusal.ts";
import type { Call, Client } from "./client.ts";
import { BadJson } from "./failure.ts";
import type { Hq } from "./hq.ts";
import { jsonText } from "./print.ts";

/** What the commands about batches share. */
export type BatchCommand = {
  readonly io: Hq["io"];
  readonly ledger: () => string | undefined;
  /** Runs one. `reads` = the command takes an old ledger. */
  readonly run: (command: () => Promise<void>, reads?: { readonly ledger: true }) => Promise<void>;
  readonly ask: <T>(call: Call) => Promise<T>;
  /** The text of an argument, or of standard input for `-`. */
  readonly text: (said: string) => Promise<string>;
  readonly print: (value: object) => void;
  readonly line: (text: string) => void;
};

export function createBatchCommand(hq: Hq, group: Command): BatchCommand {
  const { io } = hq;
  let client: Client | undefined;
  const ledger = () => group.opts<{ ledger?: string }>().ledger;
  return {
    io,
    ledger,
    run: (command, reads) =>
      hq.run(async () => {
        if (!reads && ledger() !== undefined) throw keptElsewhere(ledger() ?? "");
        await command();
        return 0;
      }),
    ask(call) {
      client ??= hq.client("always");
      return client.ask(call);
    },
    text: (said) => (said === "-" ? io.readInput() : Promise.resolve(said)),
    print: (value) => io.out(`${jsonText(value)}\n`),
    line: (text) => io.out(`${text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")}\n`),
  };
}

function keptElsewhere(file: string): Refusal {
  return new Refusal("invalid_input", "Batches are kept by the supervisor, not in a file.", {
    hint: `hq batch import ${file} takes them over, once.`,
  });
}

/** JSON or `BadJson` with the place: `workflows.json:3:14`. */
export function readJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const [, position] = /at position (\d+)/.exec(why) ?? [];
    const before = text.slice(0, position === undefined ? text.length : Number(position)).split("\n");
    const place = `${what}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    throw new BadJson(`${place}: not JSON: ${why.replace(/ \(line \d+ column \d+\)$/, "")}`);
  }
}
