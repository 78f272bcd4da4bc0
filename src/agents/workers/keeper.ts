/**
 * A process between the supervisor and a worker: `node keeper.ts`, told what to run by one line on its input.
 * It begins only when that line came whole, at most once, outlives the supervisor, keeps the log within its size
 * and writes down how the worker ended. It leads the worker's process group and session.
 */
import { spawn } from "node:child_process";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { enterGroup } from "./cgroup.ts";

export type KeeperOrder = {
  readonly command: readonly string[];
  readonly folder: string;
  readonly log: string;
  readonly logMax: number;
  readonly begun: string;
  readonly exit: string;
  /** A control group to be in; made here when it can be. */
  readonly group?: string;
};

/** What still comes out of the pipes after the process is gone is waited for this long. */
const DRAIN_MS = 500;

if (import.meta.main) main();

function main(): void {
  // What is asked of the group is for the worker; its end is to be written down.
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, () => undefined);
  const [line, rest] = readFileSync(0, "utf8").split("\n");
  // The supervisor died before it had told everything: then it will tell another one.
  if (line === undefined || rest === undefined) return;
  const order = JSON.parse(line) as KeeperOrder;
  if (claim(order.begun)) keep(order);
}

function claim(path: string): boolean {
  try {
    const file = openSync(path, "wx", 0o600);
    fsyncSync(file);
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function keep(order: KeeperOrder): void {
  if (order.group !== undefined) enterGroup(order.group);
  const [program = "", ...args] = order.command;
  const write = openLog(order.log, order.logMax);
  const child = spawn(program, args, { cwd: order.folder, stdio: ["ignore", "pipe", "pipe"], shell: false });
  child.stdout.on("data", write);
  child.stderr.on("data", write);
  let ended: object | undefined;
  const finish = () => {
    const half = `${order.exit}.tmp`;
    const file = openSync(half, "w", 0o600);
    writeFileSync(file, JSON.stringify(ended));
    fsyncSync(file);
    closeSync(file);
    renameSync(half, order.exit);
    process.exit(0);
  };
  child.on("error", (error: NodeJS.ErrnoException) => {
    ended ??= { at: Date.now(), error: error.code ?? error.message };
    finish();
  });
  child.on("exit", (code, signal) => {
    ended ??= { at: Date.now(), ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }) };
    setTimeout(finish, DRAIN_MS);
  });
  child.on("close", finish);
}

/** Writes up to `max` bytes and then one line that says so. A full disk costs the log, not the worker. */
function openLog(path: string, max: number): (chunk: Buffer) => void {
  const file = openSync(path, "a", 0o600);
  let left = max;
  return (chunk) => {
    if (left <= 0) return;
    const part = chunk.subarray(0, left);
    left -= chunk.length;
    try {
      writeSync(file, part);
      if (left <= 0) writeSync(file, `\n[the rest was left out: the log holds ${max} bytes]\n`);
    } catch {
      left = 0;
    }
  };
}
