import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { canSeeProcesses, endProcesses, huntWorkersIn } from "../agents/workers/processes.ts";
import { loadConfig } from "../config/load.ts";
import { readInstallation } from "./installation.ts";
import type { Io } from "./io.ts";

/** Workers get no time to say goodbye: what they would still do is what is to be stopped. */
const ASK_FOR_MS = 0;
const KILLED_WITHIN_MS = 2000;

export type EndedWorkers = {
  /** Process numbers that were found and are gone. */
  readonly killed: readonly number[];
  /** What even SIGKILL did not end. */
  readonly left: readonly number[];
  /** False where the system does not tell of its processes: then nothing is proven. */
  readonly isProven: boolean;
};

/** Kills every process of a worker of this folder, found by the mark that they all inherit and the group that they are in, and looks again until none is left. */
export async function endWorkers(io: Pick<Io, "env" | "cwd" | "installation">): Promise<EndedWorkers> {
  if (!canSeeProcesses()) return { killed: [], left: [], isProven: false };
  const hunt = huntWorkersIn(workerFolders(io));
  const found = new Set<number>();
  const look = () => {
    const now = hunt();
    for (const { pid } of now) found.add(pid);
    return now;
  };
  const left = await endProcesses(look, { graceMs: ASK_FOR_MS, withinMs: KILLED_WITHIN_MS });
  const alive = new Set(left.map(({ pid }) => pid));
  return { killed: [...found].filter((pid) => !alive.has(pid)), left: [...alive], isProven: true };
}

/** Where the configuration says, and where it says nothing or cannot be read: in the state folder. */
function workerFolders(io: Pick<Io, "env" | "cwd" | "installation">): readonly string[] {
  const { place } = readInstallation(io);
  const loaded = loadConfig(place);
  const named = loaded.ok ? [loaded.config.settings.taskQueue.worker.dir] : [];
  const all = [...named, join(place.home, "workers")].map((dir) =>
    existsSync(dir) ? realpathSync(dir) : dir,
  );
  return [...new Set(all)];
}
