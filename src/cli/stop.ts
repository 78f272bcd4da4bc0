import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { hold, isHeld, letGo } from "../app/hold.ts";
import type { StoppedNow } from "../engine/verbs.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { counted, oneLine } from "../kernel/text.ts";
import { type EndedWorkers, endWorkers } from "./end-workers.ts";
import { holderIn, isAlive } from "./holder.ts";
import { findHome } from "./home.ts";
import type { Hq } from "./hq.ts";
import type { Io } from "./io.ts";
import { machineTrouble } from "./machine-trouble.ts";
import { jsonText } from "./print.ts";
import { findRunning } from "./running.ts";

const GRACEFUL_WITHIN_MS = 30_000;
/** An emergency stop is over within 5 s, whatever the supervisor does: answering, leaving, being killed. */
const EMERGENCY_ANSWER_MS = 2500;
const NOW_WITHIN_MS = 4000;
const ANSWER_MS = 4000;
/** One that does not answer rarely hears a signal. */
const DEAF_WITHIN_MS = 1000;
const KILLED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 30;
const FAILED = 1;

export function registerStop(program: Command, hq: Hq): void {
  program
    .command("stop")
    .description("stop the supervisor; open work is kept and goes on at the next start")
    .option("--now", "emergency: end all work, kill every worker, and let nothing begin before `hq start`")
    .option("--json", "print JSON")
    .action((options: { now?: true; json?: true }) => hq.run(() => stop(hq, options)));
}

async function stop(hq: Hq, options: { readonly now?: true; readonly json?: true }): Promise<number> {
  const { io } = hq;
  const { home } = findHome(io);
  const { unheld, ...ended } = await (options.now
    ? endAllWork(hq, home)
    : endSupervisor(hq, home, "graceful"));
  if (!ended.stopped) io.err(`No supervisor runs for ${home}.\n`);
  else if (!options.json) io.err(`The supervisor (pid ${ended.pid}) is stopped.\n`);
  if (!options.now) {
    if (options.json) io.out(`${jsonText(ended)}\n`);
    return 0;
  }
  const workers = await endWorkers(io);
  if (options.json) io.out(`${jsonText({ ...ended, workers, ...(unheld ? { unheld } : {}) })}\n`);
  tellEmergency(io, ended, workers, unheld);
  return workers.isProven && workers.left.length === 0 && !unheld ? 0 : FAILED;
}

/**
 * Whatever comes in between, nothing begins again; who may not stop it holds nothing either. Where the disk lets nothing
 * be held, all is ended all the same.
 */
async function endAllWork(hq: Hq, home: string): Promise<Ended> {
  const wasHeld = isHeld(home);
  const unheld = whyUnheld(home, hq.io.now());
  try {
    const ended = await endSupervisor(hq, home, "now");
    return unheld === undefined ? ended : { ...ended, unheld };
  } catch (error) {
    if (!wasHeld && isRefusal(error) && error.code === "not_allowed") letGo(home);
    throw error;
  }
}

function whyUnheld(home: string, at: number): string | undefined {
  try {
    hold(home, at);
    return undefined;
  } catch (error) {
    const said = machineTrouble(error);
    if (!said) throw error;
    return said[0];
  }
}

type Ended = {
  /** Why an emergency stop cannot keep work from beginning again. */
  readonly unheld?: string;
} & (
  | { readonly stopped: false; readonly reason: "not running"; readonly work?: never }
  | {
      readonly stopped: true;
      readonly pid: number;
      readonly how: "asked" | "signal" | "killed";
      /** What an emergency stop ended; absent when the supervisor could not be asked. */
      readonly work?: StoppedNow;
    }
);

async function endSupervisor(hq: Hq, home: string, mode: "graceful" | "now"): Promise<Ended> {
  const running = await findRunning(home);
  const pid = running?.pid ?? holderIn(home);
  if (pid === undefined) return { stopped: false, reason: "not running" };
  const { how, work } = await end(hq, pid, running !== undefined, mode);
  return { stopped: true, pid, how, ...(work ? { work } : {}) };
}

function tellEmergency(
  io: Io,
  { stopped, work }: Ended,
  workers: EndedWorkers,
  unheld: string | undefined,
): void {
  const say = (line: string) => io.err(`${oneLine(line, 1000)}\n`);
  if (work) {
    say(
      `${counted(work.canceled.length, "delegation or run", "delegations and runs")} canceled, ${counted(work.killed.length, "worker")} killed.`,
    );
    for (const { id, agent, reason } of work.notCancelable)
      say(`Could not be canceled at ${agent}: ${id} (${reason}).`);
    if (work.held > 0)
      say(`${counted(work.held, "task was not begun, and waits", "tasks were not begun, and wait")}.`);
  } else if (stopped) {
    say(
      "The supervisor did not answer: its delegations and runs were not canceled, and go on at `hq start`.",
    );
    say("Where it is a service, stop that as well: it would be started again.");
  }
  if (workers.killed.length > 0) say(`Killed after that: processes ${workers.killed.join(", ")}.`);
  if (workers.left.length > 0) say(`Could not be killed: processes ${workers.left.join(", ")}.`);
  const left = workers.isProven
    ? `${workers.left.length === 0 ? "No" : "Only that"} process of a worker is left.`
    : "This system does not tell of its processes: look for workers yourself.";
  say(`${left} ${unheld ? `Work may begin again: ${unheld}` : "Nothing begins before `hq start`."}`);
}

async function end(
  hq: Hq,
  pid: number,
  isAnswering: boolean,
  mode: "graceful" | "now",
): Promise<{ readonly how: "asked" | "signal" | "killed"; readonly work?: StoppedNow }> {
  const answer = isAnswering ? await ask(hq, pid, mode) : undefined;
  const work = answer?.ended ? { work: answer.ended } : {};
  if (!answer) signalTo(pid, "SIGTERM");
  const nowWithinMs = answer ? NOW_WITHIN_MS : DEAF_WITHIN_MS;
  if (await isGoneWithin(pid, mode === "now" ? nowWithinMs : GRACEFUL_WITHIN_MS)) {
    return { how: answer ? "asked" : "signal", ...work };
  }
  if (mode === "graceful") {
    throw new Refusal("timed_out", `The supervisor (pid ${pid}) is still finishing something.`, {
      hint: `Wait a little, or end it with \`kill -9 ${pid}\`: what it took goes on at the next start. \`hq stop --now\` would cancel all work.`,
    });
  }
  signalTo(pid, "SIGKILL");
  if (await isGoneWithin(pid, KILLED_WITHIN_MS)) return { how: "killed", ...work };
  throw new Refusal("timed_out", `The process ${pid} does not end, not even killed.`);
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

type StopAnswer = { readonly ended?: StoppedNow };

/** Undefined when it cannot hear: it is told by a signal then. */
async function ask(hq: Hq, pid: number, mode: "graceful" | "now"): Promise<StopAnswer | undefined> {
  const isEmergency = mode === "now";
  const within = AbortSignal.timeout(isEmergency ? EMERGENCY_ANSWER_MS : ANSWER_MS);
  try {
    const body = isEmergency ? { now: true } : { mode };
    return await hq.client().ask<StopAnswer>({ method: "POST", path: "/stop", body }, within);
  } catch (error) {
    const isLeaving = isRefusal(error) && error.code === "stopping";
    const isFinal = isRefusal(error) && error.code !== "no_supervisor" && !isLeaving;
    // In an emergency a lost key, or a ledger that is in trouble, is no reason to leave it running.
    if (isFinal && (!isEmergency || error.code === "not_allowed")) throw error;
    return isLeaving || !isAlive(pid) ? {} : undefined;
  }
}

/** By the time that passes: on a machine that has much to do a pause takes longer than was asked for. */
async function isGoneWithin(pid: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isAlive(pid)) {
    if (performance.now() >= deadline) return false;
    await pause(LOOK_EVERY_MS);
  }
  return true;
}
