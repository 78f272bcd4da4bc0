import { spawn } from "node:child_process";
import { closeSync, promises as files, openSync } from "node:fs";
import { join } from "node:path";
import type { WORKER_CRASH_POINTS } from "../../engine/ports/log.ts";
import type { WorkerOrder } from "../../engine/ports/workers.ts";
import { groupPathOf } from "./cgroup.ts";
import type { Instructions } from "./instructions.ts";
import type { KeeperOrder } from "./keeper.ts";
import { makePlace, type WorkerPlace } from "./place.ts";
import { readBootId, readProcess } from "./processes.ts";
import { type WorkerRecord, writeSynced } from "./record.ts";

const KEEPER = join(import.meta.dirname, "keeper.ts");

/** Where a test may kill the supervisor. */
export type WorkerPoint = (typeof WORKER_CRASH_POINTS)[number];

export type Started = {
  readonly record: WorkerRecord;
  /** Resolves when the keeper is gone. */
  readonly gone: Promise<void>;
  /** Lets our process end while it lives. */
  readonly release: () => void;
};

/** Writes what the worker finds in its folder: where it works, and in the folder above, where older tools put it. */
export async function furnish(
  place: WorkerPlace,
  { agentsMd, toolsMd, taskTxt }: Instructions,
): Promise<void> {
  makePlace(place);
  const write = (folder: string, name: string, text: string) =>
    files.writeFile(join(folder, name), text, { mode: 0o600 });
  await Promise.all([
    ...[place.agent, place.task].flatMap((folder) => [
      write(folder, "AGENTS.md", agentsMd),
      write(folder, "TOOLS.md", toolsMd),
    ]),
    write(place.task, "TASK.txt", taskTxt),
  ]);
}

/** Starts a keeper that waits, writes down which one it is, and only then tells it to begin. */
export async function startKeeper(given: {
  readonly order: WorkerOrder;
  readonly place: WorkerPlace;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logMax: number;
  readonly now: () => number;
  readonly crash: (point: WorkerPoint) => void;
}): Promise<Started> {
  const { order, place, command, crash } = given;
  const log = openSync(place.log, "a", 0o600);
  const keeper = spawn(process.execPath, [KEEPER], {
    cwd: place.task,
    env: given.env,
    stdio: ["pipe", "ignore", log],
    detached: true,
  });
  closeSync(log);
  const gone = new Promise<void>((resolve) => keeper.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    keeper.once("spawn", resolve);
    keeper.once("error", reject);
  });
  const { pid, stdin } = keeper;
  if (pid === undefined || stdin === null) throw new Error("a process was started and has no number");
  // It may be gone before it hears of its order; that shows in its end.
  stdin.on("error", () => undefined);
  crash("worker:spawned");
  const group = groupPathOf(place);
  const record: WorkerRecord = {
    order,
    program: command[0] ?? "",
    startedAt: given.now(),
    bootId: readBootId(),
    keeper: { pid, startTime: readProcess(pid)?.startTime ?? "" },
    ...(group === undefined ? {} : { group }),
  };
  await writeSynced(place.record, JSON.stringify(record));
  crash("worker:recorded");
  const told: KeeperOrder = {
    command,
    folder: place.task,
    log: place.log,
    logMax: given.logMax,
    begun: place.begun,
    exit: place.exit,
    ...(group === undefined ? {} : { group }),
  };
  stdin.end(`${JSON.stringify(told)}\n`);
  crash("worker:told");
  return { record, gone, release: () => keeper.unref() };
}

/** Whether the keeper of a record still lives: the same process, not a later one with its number. */
export function isKept({ keeper, bootId }: WorkerRecord): boolean {
  const found = bootId === readBootId() ? readProcess(keeper.pid) : undefined;
  return found !== undefined && found.startTime === keeper.startTime;
}
