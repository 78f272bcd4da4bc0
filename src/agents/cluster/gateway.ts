import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createHunt, endProcesses, type Process, readBootId, readProcess } from "../workers/processes.ts";
import type { Holder } from "./claim.ts";
import { MARK } from "./environment.ts";
import type { Exit } from "./record.ts";

const LOOK_EVERY_MS = 250;
const KILLED_WITHIN_MS = 5000;

export type Gateway = {
  readonly process: Holder;
  /** Resolves when it is gone; how it ended is known only of one's own child. */
  readonly ended: Promise<Exit>;
};

/**
 * Finds, at each call, every process of an instance, its tools and browsers too. For one errand only: it keeps in mind
 * what it has seen, and numbers of sessions come again.
 */
export function huntFor(mark: string): () => readonly Process[] {
  return createHunt((found) => found === mark, MARK);
}

/** The gateway itself among its processes: the one that none of the others began; of several the oldest. */
export function leaderOf(found: readonly Process[]): Process | undefined {
  const pids = new Set(found.map(({ pid }) => pid));
  return found
    .filter(({ parent }) => !pids.has(parent))
    .toSorted((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid)[0];
}

/** Begins one in a session of its own. What it says goes straight into its log, so that it outlives us. */
export function startGateway(given: {
  readonly command: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly log: string;
}): Promise<Gateway | Exit> {
  const [program = "", ...args] = given.command;
  const log = openSync(given.log, "a", 0o600);
  const child = spawn(program, args, {
    cwd: given.folder,
    env: given.env,
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const ended = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve({
        at: Date.now(),
        ...(code === null ? {} : { code }),
        ...(signal === null ? {} : { signal }),
      }),
    );
  });
  return new Promise((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      resolve({ at: Date.now(), error: error.code ?? error.message }),
    );
    child.once("spawn", () => {
      const pid = child.pid ?? 0;
      const startTime = readProcess(pid)?.startTime ?? "";
      resolve({ process: { pid, startTime, boot: readBootId() }, ended });
    });
  });
}

/** Watches one that another keeper began; nothing signals the end of a process that is not our child. */
export function adoptGateway({ pid, startTime }: Process): Gateway {
  const ended = new Promise<Exit>((resolve) => {
    const timer = setInterval(() => {
      if (readProcess(pid)?.startTime === startTime) return;
      clearInterval(timer);
      resolve({ at: Date.now() });
    }, LOOK_EVERY_MS);
  });
  return { process: { pid, startTime, boot: readBootId() }, ended };
}

/**
 * Asks the gateway alone to end, so that a turn and its tools may finish; after `graceMs` everything of the instance
 * is killed, until nothing is found. Resolves with what could not be killed.
 */
export async function endGateway(
  hunt: () => readonly Process[],
  graceMs: number,
): Promise<readonly Process[]> {
  const startedAt = performance.now();
  const leader = leaderOf(hunt());
  if (leader && graceMs > 0) {
    ask(leader);
    const isOver = () => performance.now() - startedAt >= graceMs;
    while (readProcess(leader.pid)?.startTime === leader.startTime && !isOver())
      await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_EVERY_MS, graceMs)));
  }
  return endProcesses(hunt, { graceMs: 0, withinMs: KILLED_WITHIN_MS });
}

function ask({ pid, startTime }: Process): void {
  if (readProcess(pid)?.startTime !== startTime) return;
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
