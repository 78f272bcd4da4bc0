import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { isRefusal, REFUSALS, type Refusal } from "../kernel/refusal.ts";
import { forTerminal } from "../kernel/text.ts";
import { registerAcl } from "./acl.ts";
import { registerAgents } from "./agents.ts";
import { registerAudit } from "./audit.ts";
import { registerBackup } from "./backup.ts";
import { registerBatch } from "./batch.ts";
import { registerCheck } from "./check.ts";
import { SupervisorBroke } from "./client.ts";
import { registerCluster } from "./cluster.ts";
import { registerDelegate } from "./delegate.ts";
import { registerCancel, registerStatus } from "./delegations.ts";
import { registerDoctor } from "./doctor.ts";
import { registerEvolve } from "./evolve.ts";
import { registerExport } from "./export.ts";
import { registerHelp } from "./help.ts";
import { createHq } from "./hq.ts";
import { registerHealth } from "./instances.ts";
import type { Io } from "./io.ts";
import { registerLogs } from "./logs.ts";
import { registerMetrics } from "./metrics.ts";
import { registerFanout, registerRoute } from "./orchestrate.ts";
import { registerPage } from "./page.ts";
import { registerPlan } from "./plan.ts";
import { registerPrune } from "./prune.ts";
import { registerQueue } from "./queue.ts";
import { registerContext, registerHandoffs } from "./reading.ts";
import { registerSessions } from "./sessions.ts";
import { registerSetup } from "./setup.ts";
import { registerStart } from "./start.ts";
import { registerStop } from "./stop.ts";
import { registerStore } from "./store.ts";
import { registerSubmit } from "./submit.ts";
import { registerTemplates } from "./templates.ts";
import { registerTrace } from "./trace.ts";
import { registerWait } from "./wait.ts";
import { registerWork } from "./work-items.ts";
import { registerWorkflow } from "./workflow.ts";

const USAGE = 2;
const FAILED = 1;

/** Runs one command line; resolves to its exit code. Only bugs are thrown. */
export async function runCommandLine(argv: readonly string[], io: Io): Promise<number> {
  let code = 0;
  const program = createProgram(io, (kept) => {
    code = kept;
  });
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    if (isRefusal(error)) return sayNo(io, error);
    if (!(error instanceof SupervisorBroke)) throw error;
    io.err(`hq: ${forTerminal(error.message)}\n`);
    return FAILED;
  }
}

function sayNo(io: Io, refusal: Refusal): number {
  for (const line of linesOf(refusal)) io.err(`${forTerminal(line)}\n`);
  if (refusal.hint) io.err(`${forTerminal(refusal.hint)}\n`);
  return REFUSALS[refusal.code][1];
}

/** What the message names itself is told once: one problem in the message, several on lines of their own. */
function linesOf({ message, problems }: Refusal): readonly string[] {
  const lines = problems.map(({ path, message: what }) => `  ${path ? `${path}: ` : ""}${what}`);
  const starts = problems.map(({ path, message: what }) => {
    const at = message.indexOf(what);
    return message.endsWith(`${path} `, at) ? at - path.length - 1 : at;
  });
  if (starts.some((at) => at < 0)) return [`hq: ${message}`, ...lines];
  if (lines.length < 2) return [`hq: ${message}`];
  return [`hq: ${message.slice(0, Math.min(...starts)).trimEnd() || message}`, ...lines];
}

function createProgram(io: Io, keep: (code: number) => void): Command {
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
  registerStop(program, hq);
  registerDelegate(program, hq);
  registerWorkflow(program, hq);
  registerTemplates(program, hq);
  registerPlan(program, hq);
  registerWork(program, hq);
  registerEvolve(program, hq);
  registerSubmit(program, hq);
  registerQueue(program, hq);
  registerWait(program, hq);
  registerCancel(program, hq);
  registerStatus(program, hq);
  registerLogs(program, hq);
  registerPage(program, hq);
  registerTrace(program, hq);
  registerHandoffs(program, hq);
  registerContext(program, hq);
  registerMetrics(program, hq);
  registerAgents(program, hq);
  registerAcl(program, hq);
  registerRoute(program, hq);
  registerFanout(program, hq);
  registerSessions(program, hq);
  registerBatch(program, hq);
  registerHealth(program, hq);
  registerCluster(program, hq);
  registerAudit(program, hq);
  registerExport(program, hq);
  registerBackup(program, hq);
  registerPrune(program, hq);
  registerStore(program, hq);
  // These three load what they need only when they are called.
  registerSetup(program, hq);
  registerCheck(program, hq);
  registerDoctor(program, hq);
  registerHelp(program, hq);
  return program;
}

function bareProgram(io: Io): Command {
  return new Command("hq")
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })
    .showHelpAfterError("See the help: hq <command> --help");
}
