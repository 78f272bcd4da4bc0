import { appendFileSync, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LogLine } from "../domain/effects.ts";
import type { Journal } from "../engine/ports/journal.ts";

const TAIL_BYTES = 512 * 1024;

/** Attempt logs as one JSONL file a day in `dir`, and the project log. Lines of one tick are written together. */
export function createJournal(
  settings: () => { readonly dir: string; readonly projectLog?: string },
  makeFolder: (path: string) => void,
): Journal {
  const waiting = new Map<string, { lines: string[]; done: Promise<void> }>();
  /** Files whose last line we ended ourselves. */
  const ended = new Set<string>();
  /** Lines that the disk did not take, or only in part, by file. */
  const refused = new Map<string, Set<string>>();

  function fileFor({ file, line }: LogLine): string | undefined {
    if (file === "project") return settings().projectLog;
    const day = /"at":"(\d{4}-\d{2}-\d{2})/.exec(line)?.[1] ?? "undated";
    return join(settings().dir, `attempts-${day}.jsonl`);
  }

  function write(path: string, line: string): Promise<void> {
    const open = waiting.get(path);
    if (open) {
      open.lines.push(line);
      return open.done;
    }
    const lines = [line];
    const done = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        waiting.delete(path);
        try {
          const gap = ended.has(path) || !isTorn(path) ? "" : "\n";
          appendAll(path, `${gap}${lines.join("\n")}\n`, makeFolder);
          ended.add(path);
          resolve();
        } catch (error) {
          ended.delete(path);
          refused.set(path, new Set([...(refused.get(path) ?? []), ...lines]));
          reject(error);
        }
      });
    });
    waiting.set(path, { lines, done });
    return done;
  }

  return {
    async append(wanted, mayBeThere) {
      const path = fileFor(wanted);
      const { line } = wanted;
      if (path === undefined) return;
      const isDoubtful = refused.get(path)?.delete(line) ?? false;
      if ((mayBeThere || isDoubtful) && (await endsWith(path, line))) return;
      await write(path, line);
    },
  };
}

/** A few lines are written faster than a thread is woken. */
function appendAll(path: string, text: string, makeFolder: (path: string) => void): void {
  try {
    appendFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    makeFolder(dirname(path));
    appendFileSync(path, text, { mode: 0o600 });
  }
}

/** Whether a full disk or a crash cut the last line off. One that we may not read counts as whole. */
function isTorn(path: string): boolean {
  let file: number;
  try {
    // Nobody waits for a pipe.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (["ENOENT", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last.toString() !== "\n";
  } finally {
    closeSync(file);
  }
}

/** Whether the line stands in the last half megabyte of the file. */
async function endsWith(path: string, line: string): Promise<boolean> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return false;
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.subarray(0, bytesRead).toString("utf8").split("\n").includes(line);
  } finally {
    await file.close();
  }
}
