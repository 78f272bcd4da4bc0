import { readdirSync, readFileSync } from "node:fs";
import { groupOf, groupOfProcess, groupsIn } from "./cgroup.ts";
import type { WorkerPlace } from "./place.ts";

/** A process as the kernel tells it; `startTime` (ticks since boot) tells it from a later one with the same number. */
export type Process = {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  readonly startTime: string;
};

/** The variable that every process of a worker inherits, those that left its group and session too. */
export const MARK = "HQ_WORKER";

const LOOK_EVERY_MS = 25;

/** Whether this system tells of its processes; without it nothing could be proven dead. */
export function canSeeProcesses(): boolean {
  return readProcess(process.pid) !== undefined;
}

/** Undefined when there is none, or only what is left of one until its parent asks. */
export function readProcess(pid: number): Process | undefined {
  const text = readOf(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name stands in brackets and may hold anything, brackets too.
  const [state, parent, , session, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return undefined;
  return { pid, parent: Number(parent), session: Number(session), startTime: rest[15] ?? "" };
}

/** This boot of the machine: numbers of processes of an earlier one mean nothing. */
export function readBootId(): string {
  return readOf("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

function markOf(pid: number, variable: string): string | undefined {
  const start = `${variable}=`;
  const entry = readOf(`/proc/${pid}/environ`)
    ?.split("\0")
    .find((each) => each.startsWith(start));
  return entry?.slice(start.length);
}

function readOf(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return undefined;
    throw error;
  }
}

/**
 * A hunt finds, again and again, every process whose mark fits, or whose control group, whoever shares a session
 * with one, and their children; what it has seen once it keeps in mind, so that nobody slips away by losing its mark or its parent.
 */
export function createHunt(
  fits: (mark: string) => boolean,
  variable: string = MARK,
  isOwnGroup?: (name: string) => boolean,
): () => readonly Process[] {
  const sessions = new Set<number>();
  const seen = new Map<number, string>();
  return () => {
    const all = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((name) => readProcess(Number(name)) ?? []);
    const own = readProcess(process.pid)?.session;
    const found = new Map<number, Process>();
    const add = (one: Process) => {
      found.set(one.pid, one);
      seen.set(one.pid, one.startTime);
      if (one.session !== own && one.session > 1) sessions.add(one.session);
    };
    for (const one of all) {
      const mark = markOf(one.pid, variable);
      const isMarked = mark !== undefined && fits(latin1ToUtf8(mark));
      const isIn = isMarked || isOwnGroup?.(groupOfProcess(one.pid)) === true;
      if (seen.get(one.pid) === one.startTime || isIn) add(one);
    }
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const one of all)
        if (!found.has(one.pid) && (sessions.has(one.session) || found.has(one.parent))) add(one);
    }
    return [...found.values()];
  };
}

/** Everything of one worker. */
export function huntWorker(place: Pick<WorkerPlace, "agent" | "task">): () => readonly Process[] {
  const group = groupOf(place);
  return createHunt(
    (mark) => mark === place.task,
    MARK,
    (name) => name === group,
  );
}

/** Everything of all workers of these folders. */
export function huntWorkersIn(folders: readonly string[]): () => readonly Process[] {
  const groups = folders.map(groupsIn);
  return createHunt(
    (mark) => folders.some((dir) => mark.startsWith(`${dir}/`)),
    MARK,
    (name) => groups.some((group) => name.startsWith(group)),
  );
}

function latin1ToUtf8(text: string): string {
  return Buffer.from(text, "latin1").toString("utf8");
}

/**
 * Ends whatever the hunt finds: asks, waits for `graceMs`, kills, and looks again until nothing is left.
 * Resolves with what could not be killed within `withinMs`, which is nothing unless the kernel itself holds it.
 */
export async function endProcesses(
  hunt: () => readonly Process[],
  { graceMs, withinMs = 5000 }: { readonly graceMs: number; readonly withinMs?: number },
): Promise<readonly Process[]> {
  const startedAt = performance.now();
  const passed = () => performance.now() - startedAt;
  let left = hunt();
  for (const one of left) signal(one, "SIGTERM");
  while (left.length > 0 && passed() < graceMs) {
    await pause(LOOK_EVERY_MS);
    left = hunt();
  }
  while (left.length > 0 && passed() < graceMs + withinMs) {
    for (const one of left) signal(one, "SIGKILL");
    await pause(LOOK_EVERY_MS);
    left = hunt();
  }
  return left;
}

/** Never another process that got the number meanwhile. */
function signal(one: Process, name: "SIGTERM" | "SIGKILL"): void {
  if (readProcess(one.pid)?.startTime !== one.startTime) return;
  try {
    process.kill(one.pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // One that became another user's stays in the hunt and is told as what is left.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
