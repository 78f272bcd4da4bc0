import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeHome } from "../app/home.ts";
import { REFUSALS, Refusal } from "../kernel/refusal.ts";
import { isAlive } from "./holder.ts";
import type { Home } from "./home.ts";
import type { Io } from "./io.ts";
import { findRunning, type Running } from "./running.ts";

const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 40;
const [, EXIT_LOCKED] = REFUSALS.locked;

/**
 * Starts the ordinary supervisor as a child without edges, or finds the one that somebody else is starting.
 * The child outlives us. Its lock decides who wins; the file `starting` only saves the losers the trouble.
 */
export async function startTemporary(io: Io, place: Home, signal: AbortSignal): Promise<Running> {
  const { home } = place;
  makeHome(home);
  const deadline = io.now() + READY_WITHIN_MS;
  while (io.now() < deadline) {
    const found = await findRunning(home);
    if (found) return found;
    const letGo = claimStart(join(home, "starting"), io.now());
    if (letGo) {
      try {
        const started = await startChild(io, place, deadline, signal);
        if (started) return started;
      } finally {
        letGo();
      }
    }
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
  throw new Refusal(
    "no_supervisor",
    `No temporary supervisor was ready within ${READY_WITHIN_MS / 1000} s.`,
    {
      hint: `See ${logPath(home)}, or start one yourself with \`hq start\`.`,
    },
  );
}

/** How to let go, when nobody else is starting one now. */
function claimStart(path: string, nowMs: number): (() => void) | undefined {
  const letGo = () => rmSync(path, { force: true });
  try {
    const file = openSync(path, "wx", 0o600);
    try {
      writeSync(file, String(process.pid));
    } catch (error) {
      letGo();
      throw error;
    } finally {
      closeSync(file);
    }
    return letGo;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (isAbandoned(path, nowMs)) rmSync(path, { force: true });
  return undefined;
}

function isAbandoned(path: string, nowMs: number): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return (pid > 0 && !isAlive(pid)) || nowMs - statSync(path).mtimeMs > READY_WITHIN_MS;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Undefined when another supervisor holds the folder, for it is starting or just leaving, or when ours was killed. */
async function startChild(
  io: Io,
  place: Home,
  deadline: number,
  signal: AbortSignal,
): Promise<Running | undefined> {
  const path = logPath(place.home);
  mkdirSync(join(place.home, "logs"), { recursive: true, mode: 0o700 });
  const log = openSync(path, "a", 0o600);
  const before = statSync(path).size;
  const child = spawnSupervisor(io, place, log);
  closeSync(log);
  let exit: number | "killed" | undefined;
  child.once("error", () => {
    exit = 1;
  });
  child.once("exit", (code) => {
    exit = code ?? "killed";
  });
  while (io.now() < deadline) {
    const found = await findRunning(place.home);
    if (found) return found;
    if (exit === EXIT_LOCKED || exit === 0 || exit === "killed") return undefined;
    if (exit !== undefined) {
      const said = lastWords(readFileSync(path).subarray(before).toString("utf8"));
      throw new Refusal("no_supervisor", `The temporary supervisor did not start: ${said}`, {
        hint: `Everything it said stands in ${path}; \`hq check\` looks through the config.`,
      });
    }
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
  return undefined;
}

function spawnSupervisor(io: Io, { home, config }: Home, log: number): ChildProcess {
  const env = {
    ...io.env,
    HQ_HOME: home,
    HQ_CONFIG: config,
    HQ_AGENT_TOKEN: undefined,
    HQ_RUN_TOKEN: undefined,
  };
  const hq = join(io.installation, "bin", "hq.js");
  const child = spawn(process.execPath, [hq, "start", "--embedded", "--port", "0", "--json"], {
    cwd: io.installation,
    env,
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
  return child;
}

function logPath(home: string): string {
  return join(home, "logs", "temporary.log");
}

/** What a process said when it died, without the stack. */
function lastWords(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !/^\s+at |^Node\.js v/.test(line));
  return lines.slice(-6).join("\n");
}
