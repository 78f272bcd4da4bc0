import { promises as files } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { WorkerEnd, WorkerOrder } from "../../engine/ports/workers.ts";

/** What is on disk before a worker's process is told to begin: enough to find it again. */
export type WorkerRecord = {
  readonly order: WorkerOrder;
  /** The word that its command begins with. */
  readonly program: string;
  readonly startedAt: number;
  readonly bootId: string;
  readonly keeper: { readonly pid: number; readonly startTime: string };
  /** The control group of all its processes, where the system has such. */
  readonly group?: string;
};

/** What the keeper says of the worker's own process. */
export type WorkerExit = {
  readonly at: number;
  readonly code?: number;
  readonly signal?: string;
  /** It could not be started at all: ENOENT, EACCES. */
  readonly error?: string;
};

export const readRecord = (path: string) => readJson<WorkerRecord>(path);
export const readExit = (path: string) => readJson<WorkerExit>(path);
export const readEnd = (path: string) => readJson<WorkerEnd>(path);

/** Undefined when it is not there. Ours are written by rename, so one that does not parse was tampered with. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await files.readFile(path, "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${path} cannot be read; move its folder away and run the task again`, { cause: error });
  }
}

export async function isThere(path: string): Promise<boolean> {
  return files.access(path).then(
    () => true,
    () => false,
  );
}

/** The old content or the new one, never a part, and on the disk when this resolves. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const half = await writeHalf(path, text);
  await files.rename(half, path);
  await syncFolder(dirname(path));
}

/** The same for something that is decided once: whoever comes first. Resolves with what then holds. */
export async function writeOnce(path: string, text: string): Promise<string> {
  const half = await writeHalf(path, text);
  try {
    await files.link(half, path);
    await syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await files.rm(half, { force: true });
  }
  return files.readFile(path, "utf8");
}

let count = 0;

async function writeHalf(path: string, text: string): Promise<string> {
  count++;
  const half = join(dirname(path), `.${basename(path)}.${process.pid}.${count}.tmp`);
  const file = await files.open(half, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  return half;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await files.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
