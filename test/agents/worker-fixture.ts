import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, watch } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { createWorkers, type WorkersDeps } from "../../src/agents/workers/workers.ts";
import type { TaskQueueSettings } from "../../src/domain/task-settings.ts";
import type { WorkerOrder } from "../../src/engine/ports/workers.ts";
import { taskQueueOf } from "../support/task-queue.ts";

const root = join(import.meta.dirname, "..", "..");
const SAMPLE = [
  process.execPath,
  join(root, "src/local/worker/sample-worker.ts"),
  "work",
  "{session}",
  "{model}",
  "{thinking}",
];
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

type More = {
  readonly queue?: Partial<TaskQueueSettings>;
  readonly worker?: Partial<TaskQueueSettings["worker"]>;
  readonly kind?: Partial<TaskQueueSettings["worker"]["kinds"][string]>;
  readonly deps?: Partial<WorkersDeps>;
};

export function queueOf(home: string, more: More = {}): TaskQueueSettings {
  const queue = taskQueueOf(home);
  const { standard } = queue.worker.kinds;
  if (!standard) throw new Error("no standard worker");
  const kinds = { standard: { ...standard, command: SAMPLE, ...more.kind } };
  return { ...queue, ...more.queue, worker: { ...queue.worker, kinds, ...more.worker } };
}

/** A folder of workers, and workers in it; nothing is left of either after the test. */
export function startWorkers(t: TestContext, more: More = {}) {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "hq-workers-")));
  const open = (settings: More = more) =>
    createWorkers({
      settings: () => queueOf(home, settings),
      env: { PATH: process.env["PATH"], HOME: home },
      secrets: () => [],
      now: Date.now,
      log: SILENT,
      grace: { gone: 100, canceled: 100, late: 200 },
      ...settings.deps,
    });
  const workers = open();
  t.after(async () => {
    await workers.close();
    await open().killAll();
    rmSync(home, { recursive: true, force: true });
  });
  return { home, dir: join(home, "workers"), workers, open };
}

let count = 0;

export function orderOf(text: string, more: Partial<WorkerOrder> = {}): WorkerOrder {
  count++;
  const task = `task-1471858733452890${String(count).padStart(3, "0")}`;
  return {
    id: `${task}/w1`,
    agent: `agent-1795241${String(count).padStart(6, "0")}-${process.pid}`,
    task,
    text,
    worker: "standard",
    model: "openrouter/moonshotai/kimi-k2.5",
    thinking: "medium",
    timeoutMs: 60_000,
    ...more,
  };
}

export function folderOf(dir: string, order: WorkerOrder): string {
  return join(dir, order.agent, "tasks", order.id.replace("/", "~"));
}

/** A worker that is a few lines of JavaScript, run in the task's folder. */
export function script(code: string): { readonly command: readonly string[] } {
  return { command: [process.execPath, "--input-type=module", "-e", code, "{message}"] };
}

/** The numbers of all processes that carry a mark of this folder, read without the code under test. */
export function markedIn(dir: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => textOf(`/proc/${pid}/environ`).includes(`HQ_WORKER=${dir}/`));
}

export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES") return "";
    throw error;
  }
}

export function isAlive(pid: number): boolean {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat !== "" && !/\) [ZX] /.test(stat);
}

/** Resolves when a file has been written that `test` is content with. */
export async function untilFile(path: string, test: (text: string) => boolean = (text) => text !== "") {
  const seen = () => existsSync(path) && test(readFileSync(path, "utf8"));
  while (!existsSync(dirname(path))) await untilEntry(dirname(path));
  const watcher = watch(dirname(path));
  const signal = AbortSignal.timeout(20_000);
  try {
    while (!seen()) await once(watcher, "change", { signal });
  } finally {
    watcher.close();
  }
  return readFileSync(path, "utf8");
}

/** Resolves when there is something of this name: the nearest folder that exists is watched. */
async function untilEntry(path: string): Promise<void> {
  let near = dirname(path);
  while (!existsSync(near)) near = dirname(near);
  const watcher = watch(near);
  try {
    const changed = once(watcher, "change", { signal: AbortSignal.timeout(20_000) });
    changed.catch(() => undefined);
    // It may have come between the look and the watching.
    let isDeeper = near !== dirname(path) && existsSync(join(near, relativeStep(near, path)));
    isDeeper ||= existsSync(path);
    if (!isDeeper) await changed;
  } finally {
    watcher.close();
  }
}

function relativeStep(near: string, path: string): string {
  return path.slice(near.length + 1).split("/")[0] ?? "";
}

/** A process that runs one order as a supervisor does, and dies at a point when it is told to. */
export function startSupervisor(
  home: string,
  order: WorkerOrder,
  more: { readonly dieAt?: string; readonly command?: readonly string[] } = {},
): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, "worker-supervisor.ts")], {
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      SUPERVISOR: JSON.stringify({ home, order, command: more.command, dieAt: more.dieAt }),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
}
