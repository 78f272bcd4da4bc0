import { type RunFile, readRunFile } from "../app/home.ts";
import { Refusal } from "../kernel/refusal.ts";

const ANSWERS_WITHIN_MS = 2000;

export type Running = RunFile;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The supervisor that run.json names, when it lives and answers as the same process; a stale file counts as none. */
export async function findRunning(home: string): Promise<Running | undefined> {
  const run = readRunFile(home);
  if (!run || !isAlive(run.pid)) return undefined;
  return (await answersAs(run)) ? run : undefined;
}

async function answersAs({ api, pid }: Running): Promise<boolean> {
  try {
    const answer = await fetch(`${api}/api/v1/health/live`, {
      signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
    const live = (await answer.json()) as { readonly pid?: unknown };
    return live.pid === pid;
  } catch {
    // Refused, silent or not ours: whoever has the port, it is not this supervisor.
    return false;
  }
}

export function noSupervisor(home: string): Refusal {
  return new Refusal("no_supervisor", `No supervisor runs for ${home}.`, {
    hint: "Start one with `hq start` (or `npm start`), or set HQ_HOME to the folder of the one that runs.",
  });
}
