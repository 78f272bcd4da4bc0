import { isUtf8 } from "node:buffer";
import { buffer } from "node:stream/consumers";
import { outsideInstance } from "../agents/cluster/environment.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Asking, createTerminalAsking } from "./asking.ts";
import { machineTrouble } from "./machine-trouble.ts";

/** What a command touches of the outside; tests give their own. */
export type Io = {
  /** Data only. */
  readonly out: (text: string) => void;
  /** Resolves when whoever reads stdout has taken all of it, however late that is, or when `leaving` aborts. */
  readonly taken: (leaving?: AbortSignal) => Promise<void>;
  /** Progress, warnings, refusals. */
  readonly err: (text: string) => void;
  readonly isErrTerminal: boolean;
  /** Of the terminal on stdout, in characters; absent when there is none. */
  readonly outSize?: () => { readonly columns: number; readonly rows: number };
  /** Of the terminal on stderr, in characters. */
  readonly errSize: () => { readonly columns: number; readonly rows: number };
  /** Asks whoever sits there; absent when stdin and stderr are no terminal. */
  readonly asking?: Asking;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder in which bin/hq.js really lies. */
  readonly installation: string;
  /** All of standard input. Refusal `invalid_input` when it is not UTF-8. */
  readonly readInput: () => Promise<string>;
  readonly now: () => number;
  /** Calls `listener` at Ctrl-C in place of ending the process; returns how to stop that. */
  readonly onInterrupt: (listener: () => void) => () => void;
};

export function processIo(installation: string): Io {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // `hq logs … | head` closes its end: that is no failure.
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      // Progress that nobody can be told holds no result back.
      if (stream === process.stdout) leaveUntold(error);
    });
  return {
    out: (part) => void process.stdout.write(part),
    taken: (leaving) =>
      new Promise((resolve) => {
        const end = () => {
          leaving?.removeEventListener("abort", end);
          resolve();
        };
        leaving?.addEventListener("abort", end);
        process.stdout.write("", end);
      }),
    err: (part) => void process.stderr.write(part),
    isErrTerminal: process.stderr.isTTY,
    ...(process.stdout.isTTY
      ? { outSize: () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }) }
      : {}),
    errSize: () => ({ columns: process.stderr.columns || 80, rows: process.stderr.rows || 24 }),
    ...(process.stdin.isTTY && process.stderr.isTTY
      ? { asking: createTerminalAsking({ input: process.stdin, output: process.stderr }) }
      : {}),
    // An agent that runs `hq` inside its gateway gives its token, not the gateway's own places and secrets.
    env: outsideInstance(process.env),
    cwd: process.cwd(),
    installation,
    readInput: async () => textOf(await buffer(process.stdin)),
    now: Date.now,
    onInterrupt(listener) {
      let isInterrupted = false;
      const heard = () => {
        if (!isInterrupted) listener();
        isInterrupted = true;
      };
      process.on("SIGINT", heard);
      // Once heard it stays: a second signal (terminal and npm both send one) must not change the exit code.
      return () => {
        if (!isInterrupted) process.off("SIGINT", heard);
      };
    },
  };
}

/** Other characters in place of what cannot be read would be another task than was given. */
function textOf(input: Buffer): string {
  if (isUtf8(input)) return new TextDecoder().decode(input);
  throw new Refusal("invalid_input", "Standard input is no UTF-8 text.", {
    hint: "Convert it on the way: `iconv -f latin1 -t utf-8`.",
  });
}

function leaveUntold(error: NodeJS.ErrnoException): never {
  const said = machineTrouble(Object.assign(error, { path: "Standard output" }));
  if (!said) throw error;
  process.stderr.write(
    `hq: ${said[0]}\nWhat the command did stays done: look before you give it again (\`hq status\`).\n`,
  );
  process.exit(1);
}
