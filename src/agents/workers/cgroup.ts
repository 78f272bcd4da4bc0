import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { digestOf } from "../../kernel/id.ts";
import type { WorkerPlace } from "./place.ts";

/**
 * A control group (cgroup v2) of its own for each worker. Whatever it starts is in it and stays in it, also what drops
 * the mark, the session and the parent by which processes are found elsewhere. Where the system has no such groups,
 * or lets us make none, workers go without.
 */
const PREFIX = "hq-worker-";

const short = (text: string, length: number) => digestOf(text).slice(0, length);

/** The beginning of the names of all groups of a folder of workers. */
export const groupsIn = (dir: string) => `${PREFIX}${short(dir, 12)}-`;

export const groupOf = (place: Pick<WorkerPlace, "agent" | "task">) =>
  `${groupsIn(dirname(place.agent))}${short(place.task, 16)}`;

/** Where the group of a worker is to be: below our own one. Undefined where there are none. */
export function groupPathOf(place: Pick<WorkerPlace, "agent" | "task">): string | undefined {
  const own = /^0::(.*)$/m.exec(textOf("/proc/self/cgroup"))?.[1];
  const mounted = textOf("/proc/self/mountinfo")
    .split("\n")
    .find((line) => line.includes(" - cgroup2 "))
    ?.split(" ")[4];
  return own === undefined || mounted === undefined ? undefined : join(mounted, own, groupOf(place));
}

/** Makes the group and goes into it, with everything that is started from now on. */
export function enterGroup(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!isRefused(error)) throw error;
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return;
  }
  try {
    writeFileSync(join(path, "cgroup.procs"), String(process.pid));
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
}

/** A group in which something still lives stays. */
export function removeGroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
}

/** The name of the group that a process is in; empty where there is none. */
export function groupOfProcess(pid: number): string {
  return (
    /^0::(.*)$/m
      .exec(textOf(`/proc/${pid}/cgroup`))?.[1]
      ?.split("/")
      .at(-1) ?? ""
  );
}

/** What a system says that has no groups for us. */
const REFUSED = new Set([
  "EACCES",
  "EBUSY",
  "EEXIST",
  "EINVAL",
  "ENOENT",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
  "EROFS",
]);
const isRefused = (error: unknown) => REFUSED.has((error as NodeJS.ErrnoException).code ?? "");

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return "";
    throw error;
  }
}
