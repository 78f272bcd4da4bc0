import { closeSync, openSync, write, writeSync } from "node:fs";

/** What may wait for a disk that takes nothing and refuses nothing; more is dropped. */
const MOST_WAITING = 16 * 2 ** 20;

export type LogFile = {
  readonly write: (line: string) => void;
  /** Resolves when all that was said so far is written, or refused by the disk. */
  readonly written: () => Promise<void>;
  /** Likewise, and nothing more is written. Twice is once. */
  readonly close: () => Promise<void>;
};

const writeTo = (file: number, bytes: Buffer): Promise<number> =>
  new Promise((resolve, reject) =>
    write(file, bytes, (error, written) => (error ? reject(error) : resolve(written))),
  );

/**
 * Lines at the end of a file, in order. What the disk does not take is dropped, for whoever logs goes on; the next line
 * that it takes tells how many are missing.
 */
export function openLogFile(path: string, now: () => number): LogFile {
  const file = openSync(path, "a", 0o600);
  let lines: string[] = [];
  let waiting = 0;
  let dropped = 0;
  let isTorn = false;
  let writing: Promise<void> | undefined;
  let isClosed = false;

  function take(): { readonly text: string; readonly count: number; readonly told: number } {
    const gap = dropped === 0 ? "" : gapLine(dropped, now());
    const taken = {
      text: `${isTorn ? "\n" : ""}${gap}${lines.join("")}`,
      count: lines.length,
      told: dropped,
    };
    lines = [];
    waiting = 0;
    return taken;
  }

  async function writeAll(): Promise<void> {
    while (lines.length > 0) {
      const { text, count, told } = take();
      let rest = Buffer.from(text);
      try {
        while (rest.length > 0) {
          rest = rest.subarray(await writeTo(file, rest));
          isTorn = rest.length > 0;
        }
        dropped -= told;
      } catch {
        dropped += count;
      }
    }
    writing = undefined;
  }

  /** The process ends now: one try. */
  function leave(): void {
    try {
      if (lines.length > 0) writeSync(file, take().text);
    } catch {
      // The disk takes nothing, and nobody is left to be told.
    }
  }

  process.on("exit", leave);
  return {
    write(line) {
      if (isClosed || waiting + line.length > MOST_WAITING) {
        dropped++;
        return;
      }
      lines.push(line);
      waiting += line.length;
      // What is said in one go is written in one go.
      writing ??= Promise.resolve().then(writeAll);
    },
    written: async () => writing,
    async close() {
      if (isClosed) return;
      isClosed = true;
      await writing;
      process.off("exit", leave);
      closeSync(file);
    },
  };
}

function gapLine(dropped: number, at: number): string {
  const time = new Date(at).toISOString();
  return `${JSON.stringify({ level: 40, time, lines: dropped, msg: "lines are missing here: the disk did not take them" })}\n`;
}
