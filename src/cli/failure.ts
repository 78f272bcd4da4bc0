import { CommanderError } from "commander";
import { isRefusal, type Problem, REFUSALS, type Refusal } from "../kernel/refusal.ts";
import { forTerminal } from "../kernel/text.ts";
import { cutOff, isCutOff, SupervisorBroke } from "./client.ts";
import { machineTrouble } from "./machine-trouble.ts";

/** Something in a file or argument that should be JSON is none. */
export class BadJson extends Error {}
/** A file cannot be read. */
export class Unreadable extends Error {}

/** What went wrong, for people line by line, for programs by its code. */
export type Failure = {
  readonly exit: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly problems?: readonly Problem[];
  readonly lines: readonly string[];
};

const USAGE = 2;
const FAILED = 1;

/** `written` is what commander says of a wrong command line; undefined when it is a bug. */
export function failureOf(error: unknown, written: string): Failure | undefined {
  if (error instanceof CommanderError) return usageFailure(error, written);
  if (isRefusal(error)) return refusalFailure(error);
  if (isCutOff(error)) return refusalFailure(cutOff(error));
  if (error instanceof BadJson) return plainFailure(USAGE, "bad_json", [error.message]);
  if (error instanceof Unreadable) return plainFailure(USAGE, "io_error", [error.message]);
  const said = error instanceof SupervisorBroke ? [error.message] : machineTrouble(error);
  return said && plainFailure(FAILED, "error", said);
}

/** One line on stderr. Batches have the spelling of the old ledger. */
export function failureDocument({ code, message, hint, problems }: Failure, isBatch: boolean): object {
  return {
    status: "error",
    code: isBatch ? code.toUpperCase() : code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(problems === undefined ? {} : { problems }),
  };
}

function plainFailure(exit: number, code: string, said: readonly string[]): Failure {
  return {
    exit,
    code,
    message: said.join("\n"),
    lines: `hq: ${said.map(forTerminal).join("\n")}`.split("\n"),
  };
}

function usageFailure(error: CommanderError, written: string): Failure {
  const lines = written.trimEnd().split("\n");
  const common = { exit: USAGE, code: "invalid_input", lines } as const;
  // Commander shows the help of a group whose command is missing, and throws without words.
  if (error.code === "commander.help")
    return { ...common, message: "A command is missing.", hint: "`--help` names those that there are." };
  const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return { ...common, message, hint: lines.at(-1) ?? "" };
}

function refusalFailure(refusal: Refusal): Failure {
  const { code, message, hint, problems } = refusal;
  return {
    exit: REFUSALS[code][1],
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(problems.length === 0 ? {} : { problems }),
    lines: [...linesOf(refusal), ...(hint === undefined ? [] : [hint])],
  };
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
