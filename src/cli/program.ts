import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { isRefusal, REFUSALS, type Refusal } from "../kernel/refusal.ts";
import { forTerminal } from "../kernel/text.ts";
import { SupervisorBroke } from "./client.ts";
import { createHq } from "./hq.ts";
import type { Io } from "./io.ts";
import { machineTrouble } from "./machine-trouble.ts";
import { registerStart } from "./start.ts";

const USAGE = 2;
const FAILED = 1;

/** Runs one command line; resolves to its exit code. Only bugs are thrown. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  try {
    const program = await createProgram(io, argv[0], (kept) => {
      code = kept;
    });
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    if (isRefusal(error)) return sayNo(io, error);
    const said = error instanceof SupervisorBroke ? [error.message] : machineTrouble(error);
    if (!said) throw error;
    io.err(`hq: ${said.map(forTerminal).join("\n")}\n`);
    return FAILED;
  }
}

function sayNo(io: Io, refusal: Refusal): number {
  for (const line of linesOf(refusal)) io.err(`${forTerminal(line)}\n`);
  if (refusal.hint) io.err(`${forTerminal(refusal.hint)}\n`);
  return REFUSALS[refusal.code][1];
}

/** What the message names itself is told once: one problem in the message, several on lines of their own. */
function linesOf({ code, message, problems }: Refusal): readonly string[] {
  const lines = problems.map(({ path, message: what }) => `  ${path ? `${path}: ` : ""}${what}`);
  const starts = problems.map(({ path, message: what }) => {
    const at = message.indexOf(what);
    const before = [`${path}: `, `${path} `].find((word) => message.endsWith(word, at)) ?? "";
    return at - before.length;
  });
  if (starts.some((at) => at < 0)) return [`hq: ${message}`, ...lines];
  if (lines.length < 2) return [`hq: ${message}`];
  return [`hq: ${message.slice(0, Math.min(...starts)).trimEnd() || `${REFUSALS[code][2]}.`}`, ...lines];
}

async function createProgram(
  io: Io,
  first: string | undefined,
  keep: (code: number) => void,
): Promise<Command> {
  const { version } = JSON.parse(readFileSync(join(io.installation, "package.json"), "utf8")) as {
    version: string;
  };
  const program = bareProgram(io)
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
  showUsageAfterErrors(program);
  return program;
}

function showUsageAfterErrors(command: Command, path = command.name()): void {
  command.showHelpAfterError(`Usage: ${path} ${command.usage()}\n\`${path} --help\` explains each part.`);
  for (const under of command.commands) showUsageAfterErrors(under, `${path} ${under.name()}`);
}

function bareProgram(io: Io): Command {
  return new Command("hq").exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
}
