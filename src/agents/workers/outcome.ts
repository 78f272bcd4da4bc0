import { constants, promises as files } from "node:fs";
import { join } from "node:path";
import { costOf, type TaskQueueSettings } from "../../domain/task-settings.ts";
import type { WorkerEnd, WorkerOrder, WorkerUsage } from "../../engine/ports/workers.ts";
import { oneLine } from "../../kernel/text.ts";
import { sessionOf } from "./instructions.ts";
import type { WorkerPlace } from "./place.ts";
import type { WorkerExit } from "./record.ts";
import { tokensOfSession, tokensPrinted } from "./usage.ts";

const CUT = "... (truncated, see RESULT.txt)";
const MOST_RESULT_CHARS = 100_000;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_FILES = 100;
const OUR_FILES: ReadonlySet<string> = new Set(["AGENTS.md", "TOOLS.md", "TASK.txt", "agent-output.log"]);

/** How it came to its end: by itself, by us, or while nobody looked. */
export type Ending =
  | { readonly kind: "exited"; readonly exit: WorkerExit }
  /** Even its keeper was killed, and not by us. */
  | { readonly kind: "killed" }
  | { readonly kind: "lost" }
  /** It never started, because of what the configuration says. */
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "canceled" }
  | { readonly kind: "timed_out" };

/** Reads what a worker left. To be called when none of its processes lives: nothing here changes any more. */
export async function readOutcome(given: {
  readonly order: WorkerOrder;
  readonly place: WorkerPlace;
  readonly ending: Ending;
  readonly queue: TaskQueueSettings;
  readonly program: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** Numbers of processes that even SIGKILL did not end. */
  readonly survivors: readonly number[];
}): Promise<WorkerEnd> {
  const { order, place, ending, queue } = given;
  const written = await readText(join(place.task, "RESULT.txt"));
  const result = written?.trim() ? written.trim() : undefined;
  const summary = (await readText(join(place.task, "SUMMARY.txt")))?.trim();
  const status = statusOf(ending, result);
  const log = (await readText(place.log)) ?? "";
  const usage = await readUsage({ order, place, log, queue });
  const shown = summary
    ? cutTo(summary, queue.worker.summaryMax)
    : result && cutTo(result, queue.worker.summaryMax);
  const reason = [
    reasonOf({ ending, order, status, program: given.program, isThere: written !== undefined, log }),
    given.survivors.length > 0 ? `could not be killed: process ${given.survivors.join(", ")}` : undefined,
  ].filter((text) => text !== undefined);
  return {
    status,
    ...(reason.length > 0 ? { reason: reason.join("; ") } : {}),
    ...(result === undefined ? {} : { result: cutTo(result, MOST_RESULT_CHARS) }),
    ...(shown ? { summary: shown } : {}),
    files: await filesIn(place.task),
    folder: place.task,
    ...(usage === undefined ? {} : { usage }),
    startedAt: given.startedAt,
    endedAt: given.endedAt,
  };
}

/** A result counts only from a worker that ended by itself: what a killed one left may be half of it. */
function statusOf(ending: Ending, result: string | undefined): WorkerEnd["status"] {
  switch (ending.kind) {
    case "exited":
      return result === undefined ? "failed" : "succeeded";
    case "killed":
    case "refused":
      return "failed";
    case "lost":
    case "canceled":
    case "timed_out":
      return ending.kind;
  }
}

function reasonOf(given: {
  readonly ending: Ending;
  readonly order: WorkerOrder;
  readonly status: WorkerEnd["status"];
  readonly program: string;
  readonly isThere: boolean;
  readonly log: string;
}): string | undefined {
  const { ending, program, status } = given;
  switch (ending.kind) {
    case "killed":
      return "it was killed from outside (by the system, for want of memory, or by a person)";
    case "refused":
      return ending.text;
    case "lost":
      return "it was running when the supervisor or the machine went down, and nothing of it is left";
    case "canceled":
      return "it was canceled";
    case "timed_out":
      return `it took longer than ${Math.round(given.order.timeoutMs / 1000)} s`;
    case "exited": {
      const { code, signal, error } = ending.exit;
      if (error === "ENOENT")
        return `${program} was not found: correct task_queue.worker.command, or say where it is with openclaw_bin or OPENCLAW_BIN`;
      if (error !== undefined) return `${program} could not be started (${error})`;
      const how = signal === undefined ? `exit code ${code ?? "unknown"}` : `signal ${signal}`;
      if (status === "succeeded") return code === 0 ? undefined : `it ended with ${how}, after its result`;
      const what = given.isThere ? "RESULT.txt is empty" : "there is no RESULT.txt";
      const last = lastLine(given.log);
      return `${what} (${how})${last ? `; its last words: ${last}` : ""}`;
    }
  }
}

function lastLine(log: string): string {
  return oneLine(log.trimEnd().split("\n").at(-1) ?? "", 200);
}

async function readUsage(given: {
  readonly order: WorkerOrder;
  readonly place: WorkerPlace;
  readonly log: string;
  readonly queue: TaskQueueSettings;
}): Promise<WorkerUsage | undefined> {
  const { order, place } = given;
  const name = `${sessionOf(order)}.jsonl`;
  const session = await readText(join(place.agent, "agents", "main", "sessions", name));
  const tokens = (session === undefined ? undefined : tokensOfSession(session)) ?? tokensPrinted(given.log);
  if (!tokens) return undefined;
  const usd = costOf(given.queue.prices, order.model, tokens);
  return {
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    ...(usd === undefined ? {} : { usd }),
  };
}

/** Cut to the limit, the words that say so included. */
function cutTo(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, Math.max(0, most - CUT.length)).replace(/[\ud800-\udbff]$/, "");
  return `${kept}${CUT}`;
}

/** A regular file as text; undefined when there is none, or something else in its place. */
async function readText(path: string): Promise<string | undefined> {
  const file = await files
    .open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    .catch((error: NodeJS.ErrnoException) => {
      if (["ENOENT", "ELOOP", "EACCES", "ENXIO", "ENOTDIR", "EISDIR"].includes(error.code ?? ""))
        return undefined;
      throw error;
    });
  if (!file) return undefined;
  try {
    const about = await file.stat();
    if (!about.isFile()) return undefined;
    const length = Math.min(about.size, MOST_BYTES);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** What the worker made, without what lies in dot-folders and node_modules; the first hundred by name. */
async function filesIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const walk = async (below: string): Promise<void> => {
    const entries = await files.readdir(join(folder, below), { withFileTypes: true }).catch(unreadable);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (found.length >= MOST_FILES) return;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
        await walk(path);
      if (entry.isFile() && !OUR_FILES.has(path)) found.push(path);
    }
  };
  await walk("");
  return found;
}

function unreadable(error: NodeJS.ErrnoException) {
  if (error.code === "ENOENT" || error.code === "EACCES") return [];
  throw error;
}
