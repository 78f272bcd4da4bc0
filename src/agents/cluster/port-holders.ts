import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

const LISTENS = "0A";

/** The processes that hold a listening socket of this machine's port; those of other users are not shown. */
export function portHolders(port: number): readonly number[] {
  const sockets = new Set(["tcp", "tcp6"].flatMap((name) => listenersOn(port, `/proc/net/${name}`)));
  if (sockets.size === 0) return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => opens(pid, sockets)).map(Number);
}

/** `socket:[inode]` of each. */
function listenersOn(port: number, table: string): readonly string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return tried(() => readFileSync(table, "latin1").split("\n").slice(1), [])
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = "", , state]) => state === LISTENS && local.endsWith(`:${hex}`))
    .map((fields) => `socket:[${fields[9] ?? ""}]`);
}

function opens(pid: string, sockets: ReadonlySet<string>): boolean {
  const folder = `/proc/${pid}/fd`;
  return tried(() => readdirSync(folder), []).some((name) =>
    sockets.has(tried(() => readlinkSync(join(folder, name)), "")),
  );
}

/** Processes end while one looks, and those of others are not shown. */
function tried<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(code)) return otherwise;
    throw error;
  }
}
