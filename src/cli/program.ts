import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { forTerminal } from "../kernel/text.ts";
import { failureDocument, failureOf } from "./failure.ts";
import { createHq } from "./hq.ts";
import type { Io } from "./io.ts";
import { jsonText } from "./print.ts";
import { registerStart } from "./start.ts";

/** Runs one command line; resolves to its exit code. Only bugs are thrown. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  try {
    const program = await createProgram(io, write, argv[0], (kept) => {
      code = kept;
    });
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const failure = failureOf(error, written);
    if (!failure) throw error;
    const isBatch = BATCHES.has(argv[0] ?? "");
    const isHelp = error instanceof CommanderError && error.code === "commander.help";
    if (hasJson(argv) || (isBatch && !isHelp)) io.err(`${jsonText(failureDocument(failure, isBatch), 0)}\n`);
    else io.err(failure.lines.map((line) => `${forTerminal(line)}\n`).join(""));
    return failure.exit;
  }
}

/** What goes wrong with batches is always JSON, as in the old ledger. */
const BATCHES = new Set(["batch", "ledger"]);

function hasJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? undefined : end).includes("--json");
}

async function createProgram(
  io: Io,
  write: (text: string) => void,
  first: string | undefined,
  keep: (code: number) => void,
): Promise<Command> {
  const { version } = JSON.parse(readFileSync(join(io.installation, "package.json"), "utf8")) as {
    version: string;
  };
  const program = bareProgram(io, write)
    .description("Atomizer HQ: hand work to agents and read what they give back")
    .version(version)
    .addHelpText(
      "after",
      "\nThe supervisor is found by HQ_HOME, else by .hq beside the nearest config/hq.yaml, else by the installation.\nExit codes: 0 done, 1 failed, 2 wrong input, 3 refused, 4 timeout, 5 nobody reachable, 130 interrupted.",
    );
  const hq = createHq(io, keep);
  registerStart(program, hq);
  // A supervisor keeps no other command in memory.
  if (first !== "start") (await import("./commands.ts")).registerCommands(program, hq);
  for (const [command, path] of commandsOf(program)) {
    command.showHelpAfterError(`Usage: ${path} ${command.usage()}\n\`${path} --help\` explains each part.`);
    refuseBoth(command);
  }
  return program;
}

/** Every command with the words by which it is called. */
function commandsOf(command: Command, path = command.name()): readonly (readonly [Command, string])[] {
  return [
    [command, path],
    ...command.commands.flatMap((under) => commandsOf(under, `${path} ${under.name()}`)),
  ];
}

/** `--wait` and `--no-wait` at once: commander lets the last one win. */
function refuseBoth(command: Command): void {
  for (const { long: no } of command.options.filter(({ negate }) => negate)) {
    const pair = [no, no?.replace("--no-", "--")];
    const given = new Set<string | undefined>();
    for (const flag of pair)
      command.on(`option:${flag?.slice(2)}`, () => {
        given.add(flag);
        if (given.size < pair.length) return;
        command.error(`error: option '${pair[1]}' cannot be used with option '${no}'`);
      });
  }
}

/** `write` takes what is wrong with a command line. */
function bareProgram(io: Io, write: (text: string) => void): Command {
  return new Command("hq").exitOverride().configureOutput({ writeOut: io.out, writeErr: write });
}
