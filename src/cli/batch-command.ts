import type { Command } from "commander";
import { isRefusal, REFUSALS, Refusal } from "../kernel/refusal.ts";
import { type Call, type Client, SupervisorBroke } from "./client.ts";
import type { Hq } from "./hq.ts";
import { jsonText } from "./print.ts";

/** Something in a file or argument that should be JSON is none. */
class BadJson extends Error {}
/** A file cannot be read. */
export class Unreadable extends Error {}

/** What the commands about batches share. */
export type BatchCommand = {
  readonly io: Hq["io"];
  readonly ledger: () => string | undefined;
  /** Runs one; what goes wrong is JSON on stderr. `reads` = the command takes an old ledger. */
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
        try {
          if (!reads && ledger() !== undefined) throw keptElsewhere(ledger() ?? "");
          await command();
          return 0;
        } catch (error) {
          const failure = failureOf(error);
          io.err(`${jsonText(failure.document, 0)}\n`);
          return failure.exit;
        }
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

/** The codes of the old ledger where it had one, else ours in its spelling. */
function failureOf(error: unknown): { readonly document: object; readonly exit: number } {
  const said = (code: string, message: string, more: object = {}) => ({
    status: "error",
    code,
    message,
    ...more,
  });
  if (error instanceof BadJson) return { document: said("BAD_JSON", error.message), exit: 2 };
  if (error instanceof Unreadable) return { document: said("IO_ERROR", error.message), exit: 2 };
  if (error instanceof SupervisorBroke) return { document: said("ERROR", error.message), exit: 1 };
  if (!isRefusal(error)) throw error;
  const { code, message, hint, problems } = error;
  const more = { ...(hint === undefined ? {} : { hint }), ...(problems.length === 0 ? {} : { problems }) };
  return { document: said(code.toUpperCase(), message, more), exit: REFUSALS[code][1] };
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
