import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { LOCK, readRunFile, supervisorIn } from "../app/home.ts";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The process that works in the folder, whether it answers or not: it may just start or stop, be busy or stand still. */
export function holderIn(home: string): number | undefined {
  return [readRunFile(home)?.pid, supervisorIn(home)].find(
    (pid) => pid !== undefined && isAlive(pid) && holdsLock(home, pid),
  );
}

/** Its number may belong to another program by now, as to the supervisor of another folder: the lock is open in its own. */
export function holdsLock(home: string, pid: number): boolean {
  if (!existsSync("/proc/self")) return true;
  const lock = join(realpathSync(home), LOCK);
  try {
    const open = readdirSync(`/proc/${pid}/fd`);
    const names: ReadonlySet<string | undefined> = new Set([lock, `${lock} (deleted)`]);
    return open.some((fd) => names.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // Another user's is told by the name that it was started by.
    if (code === "EACCES" || code === "EPERM") return looksLikeUs(pid);
    if (code === "ENOENT") return false;
    throw error;
  }
}

/** Undefined when it was closed meanwhile. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function looksLikeUs(pid: number): boolean {
  try {
    return /hq\.js|main\.ts|\bhq\b/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
