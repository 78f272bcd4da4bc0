import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isHeld } from "../../app/hold.ts";
import { readRunFile } from "../../app/home.ts";
import type { Env } from "../../app/mode.ts";
import { formatDuration } from "../../kernel/time.ts";
import { isReadByOthers } from "../check-files.ts";
import { holdsLock, isAlive } from "../holder.ts";
import { findRunning } from "../running.ts";
import { type Finding, fail, ok, skip, warn } from "./finding.ts";

const NODE_MAJOR = 24;
const NODE_MINOR = 12;
const MIB = 1024 * 1024;
const DISK_WARN = 1024 * MIB;
const DISK_FAIL = 200 * MIB;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NODE_MAJOR || (major === NODE_MAJOR && minor >= NODE_MINOR)) return ok("node", version);
  return fail(
    "node",
    `${version} is too old`,
    `run: npm ci (it brings Node ${NODE_MAJOR}.${NODE_MINOR} or newer)`,
  );
}

/** What is there of a folder, or of those above it. */
function thereOf(home: string): string {
  let there = home;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  return there;
}

/** HQ_HOME as a start needs it: a folder to write in, or a place to make one. Nothing is said where it is so. */
export function checkHome(home: string): readonly Finding[] {
  const there = thereOf(home);
  const mend = "set HQ_HOME to another folder, or make it yours (chown, chmod)";
  if (!statSync(there).isDirectory()) return [fail("home", `${there} is no folder`, mend)];
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return [];
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return [fail("home", `${there} cannot be written (${code})`, mend)];
  }
}

/** The secrets that a start reads, and that nobody else should. Nothing is said where they are well, or not made yet. */
export function checkKeys(home: string, env: Env): readonly Finding[] {
  const names = [
    ...(env["ORCHESTRATOR_API_KEY"] ? [] : ["api.key"]),
    ...(env["HQ_SECRET"] ? [] : ["secret.key"]),
  ];
  return names.flatMap((name) => {
    const path = join(home, name);
    try {
      readFileSync(path);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return [];
      return [fail("keys", `${path} cannot be read (${code})`, `make it a file of yours (chown, chmod 600)`)];
    }
    // Nobody comes by a folder that lets no others in.
    if (!isReadByOthers(path) || (statSync(home).mode & 0o011) === 0) return [];
    return [warn("keys", `${path} is a secret, and other users may read it`, `chmod 600 ${path}`)];
  });
}

/** An emergency stop lasts until somebody ends it. Nothing is said where there was none. */
export function checkHold(home: string): readonly Finding[] {
  if (!isHeld(home)) return [];
  return [
    warn("held", "hq stop --now has stopped all work, and none begins", "when it may begin again: hq start"),
  ];
}

/** Free space where the ledger and the handoffs are. */
export function checkDisk(home: string): Finding {
  const there = thereOf(home);
  const { bavail, bsize } = statfsSync(there);
  return judgeDisk(bavail * bsize, there);
}

export function judgeDisk(free: number, folder: string): Finding {
  const text = `${Math.floor(free / MIB)} MiB free at ${folder}`;
  if (free >= DISK_WARN) return ok("disk", text);
  const mend = "make room, or move HQ_HOME to another disk";
  return free >= DISK_FAIL ? warn("disk", text, mend) : fail("disk", text, mend);
}

/** What run.json says, and whether it is true. */
export async function checkSupervisor(options: {
  readonly home: string;
  readonly version: string;
  readonly now: () => number;
}): Promise<Finding> {
  const { home } = options;
  const run = readRunFile(home);
  const mend = 'nothing to do: the next "hq start" replaces it';
  if (!run) {
    return existsSync(join(home, "run.json"))
      ? warn("supervisor", "run.json cannot be read", mend)
      : skip("supervisor", "not running");
  }
  if (!isAlive(run.pid)) return warn("supervisor", `run.json names pid ${run.pid}, which is gone`, mend);
  if (!holdsLock(home, run.pid))
    return warn("supervisor", `run.json names pid ${run.pid}, which is another program by now`, mend);
  if (!(await findRunning(home))) {
    const text = `pid ${run.pid} lives, and ${run.api} does not answer as the supervisor`;
    return fail(
      "supervisor",
      text,
      `wait a moment; if it stays so: kill -9 ${run.pid}, then hq start: nothing it took is lost`,
    );
  }
  const since = formatDuration(Math.max(0, options.now() - Date.parse(run.startedAt)));
  const text = `running for ${since}: pid ${run.pid}, ${run.mode}, ${run.api}`;
  if (run.version === options.version) return ok("supervisor", text);
  return warn(
    "supervisor",
    `${text}, version ${run.version}`,
    `hq stop, then hq start, for ${options.version}`,
  );
}
