import { promises as files } from "node:fs";
import { LONGEST_TIMER_MS } from "../../kernel/time.ts";
import type { Ending } from "./outcome.ts";
import type { WorkerPlace } from "./place.ts";
import { endProcesses, huntWorker, type Process } from "./processes.ts";
import { isThere, readExit, type WorkerRecord, writeOnce } from "./record.ts";
import { isKept } from "./start-keeper.ts";

/** How long a worker may take to end when it is asked to, before it is killed. */
export const GRACE_MS = { gone: 1000, canceled: 1000, late: 5000 } as const;
export type Grace = Readonly<Record<keyof typeof GRACE_MS, number>>;
const LOOK_EVERY_MS = 100;

/** Things that keep waiting, and can be told to stop. */
export type Waits = { readonly add: (stop: () => void) => () => void };

export type Watched = {
  /** Undefined = it was never told to begin, or never did: nothing was done. */
  readonly ending: Ending | undefined;
  readonly endedAt: number;
  readonly survivors: readonly Process[];
};

/**
 * Waits until a worker has ended, was canceled or is late, ends every process of it, and says how it was.
 * `isFound`: another life of the supervisor started it.
 */
export async function watchWorker(given: {
  readonly record: WorkerRecord;
  readonly place: WorkerPlace;
  readonly gone: Promise<void>;
  readonly canceled: Promise<void>;
  readonly isFound: boolean;
  readonly now: () => number;
  readonly waits: Waits;
  readonly grace: Grace;
}): Promise<Watched> {
  const { record, place, now } = given;
  const timer = startTimer(record.startedAt + record.order.timeoutMs - now(), given.waits);
  const why = await Promise.race([
    given.gone.then(() => "gone" as const),
    given.canceled.then(() => "canceled" as const),
    timer.ended.then(() => "late" as const),
  ]);
  timer.stop();
  const isLate = why === "late" && (await readExit(place.exit)) === undefined;
  if (isLate) await writeOnce(place.verdict, "timed_out");
  const hunt = huntWorker(place);
  const survivors = await endProcesses(hunt, { graceMs: given.grace[why] });
  const exit = await readExit(place.exit);
  const ending = await endingOf(given, exit);
  return { ending, endedAt: exit?.at ?? now(), survivors };
}

async function endingOf(
  { place, isFound }: { readonly place: WorkerPlace; readonly isFound: boolean },
  exit: Awaited<ReturnType<typeof readExit>>,
): Promise<Ending | undefined> {
  const verdict = await readVerdict(place);
  if (verdict !== undefined) return { kind: verdict };
  if (exit) return { kind: "exited", exit };
  if (!(await isThere(place.begun))) return undefined;
  return { kind: isFound ? "lost" : "killed" };
}

export async function readVerdict(place: WorkerPlace): Promise<"canceled" | "timed_out" | undefined> {
  const text = await files.readFile(place.verdict, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  return text === "timed_out" ? "timed_out" : "canceled";
}

/** The end of a process that is not our child can only be seen by looking. */
export function untilGone(record: WorkerRecord, waits: Waits): Promise<void> {
  return new Promise((resolve) => {
    if (!isKept(record)) {
      resolve();
      return;
    }
    const look = setInterval(() => {
      if (isKept(record)) return;
      stop();
      resolve();
    }, LOOK_EVERY_MS);
    const stop = waits.add(() => clearInterval(look));
  });
}

function startTimer(ms: number, waits: Waits) {
  let stop: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    stop = waits.add(() => clearTimeout(timer));
  });
  return { ended, stop: () => stop() };
}
