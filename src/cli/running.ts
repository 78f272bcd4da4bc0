import { type RunFile, readRunFile } from "../app/home.ts";
import { Refusal } from "../kernel/refusal.ts";
import { holdsLock, isAlive } from "./holder.ts";

const ANSWERS_WITHIN_MS = 2000;
/** On a machine that has much to do one may answer late, and no other can take its place. */
const BUSY_WITHIN_MS = 10_000;

export type Running = RunFile;

/** The supervisor that run.json names, when it lives and answers as the same process; a stale file counts as none. */
export async function findRunning(home: string): Promise<Running | undefined> {
  const run = livingIn(home);
  if (!run) return undefined;
  const answer = await lookAt(run, AbortSignal.timeout(ANSWERS_WITHIN_MS));
  return answer === "its own" ? run : undefined;
}

/** The same for whoever has something to ask of it: one that is busy is waited for, and one that stays silent is told of. */
export async function findAnswering(home: string, signal: AbortSignal): Promise<Running | undefined> {
  const run = livingIn(home);
  if (!run) return undefined;
  const answer = await lookAt(run, AbortSignal.any([signal, AbortSignal.timeout(BUSY_WITHIN_MS)]));
  signal.throwIfAborted();
  if (answer === "none" && holdsLock(home, run.pid)) {
    throw new Refusal("no_supervisor", `The supervisor (pid ${run.pid}) does not answer.`, {
      hint: "It is busy or stands still, and what it took is kept: try again, or end it with `hq stop`.",
    });
  }
  return answer === "its own" ? run : undefined;
}

function livingIn(home: string): Running | undefined {
  const run = readRunFile(home);
  return run && isAlive(run.pid) ? run : undefined;
}

/** Whose answer came from the port that it named; `none`: the question was taken, and nothing came in time. */
async function lookAt({ api, pid }: Running, signal: AbortSignal): Promise<"its own" | "another's" | "none"> {
  try {
    const answer = await fetch(`${api}/api/v1/health/live`, { signal });
    const live = (await answer.json()) as { readonly pid?: unknown };
    return live.pid === pid ? "its own" : "another's";
  } catch {
    // Refused, or no answer of ours: whoever has the port, it is not this supervisor.
    return signal.aborted ? "none" : "another's";
  }
}

export function noSupervisor(home: string): Refusal {
  return new Refusal("no_supervisor", `No supervisor runs for ${home}.`, {
    hint: "Start one with `hq start` (or `npm start`), or set HQ_HOME to the folder of the one that runs.",
  });
}
