import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { readRunFile } from "../app/home.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { findHome } from "./home.ts";
import type { Hq } from "./hq.ts";
import { jsonText } from "./print.ts";
import { findRunning, isAlive, type Running } from "./running.ts";

const GRACEFUL_WITHIN_MS = 30_000;
const NOW_WITHIN_MS = 4000;
/** One that does not answer rarely hears a signal. */
const DEAF_WITHIN_MS = 1000;
const KILLED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 30;

export function registerStop(program: Command, hq: Hq): void {
  program
    .command("stop")
    .description("stop the supervisor; open work is kept and goes on at the next start")
    .option("--now", "do not wait for what it is doing; kill it when it does not answer")
    .option("--json", "print JSON")
    .action((options: { now?: true; json?: true }) => hq.run(() => stop(hq, options)));
}

async function stop(hq: Hq, options: { readonly now?: true; readonly json?: true }): Promise<number> {
  const { io } = hq;
  const { home } = findHome(io);
  const run = readRunFile(home);
  const isAnswering = (await findRunning(home)) !== undefined;
  if (!run || !isAlive(run.pid) || !(isAnswering || looksLikeUs(run))) {
    io.err(`No supervisor runs for ${home}.\n`);
    if (options.json) io.out(`${jsonText({ stopped: false, reason: "not running" })}\n`);
    return 0;
  }
  const how = await end(hq, run, isAnswering, options.now ? "now" : "graceful");
  if (options.json) io.out(`${jsonText({ stopped: true, pid: run.pid, how })}\n`);
  else io.err(`The supervisor (pid ${run.pid}) is stopped.\n`);
  return 0;
}

/** It does not answer, and its number may belong to another program by now. */
function looksLikeUs(run: Running): boolean {
  if (!existsSync("/proc/self")) return true;
  try {
    return /hq\.js|main\.ts|\bhq\b/.test(readFileSync(`/proc/${run.pid}/cmdline`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function end(
  hq: Hq,
  run: Running,
  isAnswering: boolean,
  mode: "graceful" | "now",
): Promise<"asked" | "signal" | "killed"> {
  const wasAsked = isAnswering && (await ask(hq, run, mode));
  if (!wasAsked) signalTo(run.pid, "SIGTERM");
  const nowWithinMs = wasAsked ? NOW_WITHIN_MS : DEAF_WITHIN_MS;
  if (await isGoneWithin(run.pid, mode === "now" ? nowWithinMs : GRACEFUL_WITHIN_MS)) {
    return wasAsked ? "asked" : "signal";
  }
  if (mode === "graceful") {
    throw new Refusal("timed_out", `The supervisor (pid ${run.pid}) is still finishing something.`, {
      hint: "Wait a little, or end it at once with `hq stop --now`: nothing accepted is lost.",
    });
  }
  signalTo(run.pid, "SIGKILL");
  if (await isGoneWithin(run.pid, KILLED_WITHIN_MS)) return "killed";
  throw new Refusal("timed_out", `The process ${run.pid} does not end, not even killed.`);
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** False when it cannot hear: it is told by a signal then. */
async function ask(hq: Hq, run: Running, mode: "graceful" | "now"): Promise<boolean> {
  try {
    await hq
      .client()
      .ask({ method: "POST", path: "/stop", body: { mode } }, AbortSignal.timeout(NOW_WITHIN_MS));
    return true;
  } catch (error) {
    const isFinal = isRefusal(error) && error.code !== "no_supervisor" && error.code !== "stopping";
    if (isFinal) throw error;
    return !isAlive(run.pid) || (isRefusal(error) && error.code === "stopping");
  }
}

async function isGoneWithin(pid: number, ms: number): Promise<boolean> {
  for (let left = ms; left > 0; left -= LOOK_EVERY_MS) {
    if (!isAlive(pid)) return true;
    await pause(LOOK_EVERY_MS);
  }
  return !isAlive(pid);
}
