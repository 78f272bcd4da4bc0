import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
} from "node:fs";

const PIECE = 64 * 1024;
const LINE_FEED = 10;

/** The size of a file; 0 when there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Sets a log aside as `<log>.1` when it is longer than `max`. The gateway holds the file open and outlives its keeper,
 * so the file is emptied and not renamed; what is written while it is copied is copied too.
 */
export function rotateLog(path: string, max: number): boolean {
  if (sizeOf(path) <= max) return false;
  const half = `${path}.1.tmp`;
  copyFileSync(path, half);
  for (let copied = sizeOf(half); copied < sizeOf(path); copied = sizeOf(half))
    appendFileSync(half, readFrom(path, copied).bytes);
  truncateSync(path, 0);
  renameSync(half, `${path}.1`);
  return true;
}

/** What stands in a file from `start` on; from its beginning when it was emptied meanwhile. */
export function readFrom(path: string, start: number): { readonly bytes: Buffer; readonly end: number } {
  const size = sizeOf(path);
  const from = size < start ? 0 : start;
  const bytes = Buffer.alloc(size - from);
  if (bytes.length === 0) return { bytes, end: from };
  const file = openSync(path, "r");
  try {
    const read = readSync(file, bytes, 0, bytes.length, from);
    return { bytes: bytes.subarray(0, read), end: from + read };
  } finally {
    closeSync(file);
  }
}

/** The last lines of a log, the part that was set aside included, and where the log ended then. */
export function lastLines(
  path: string,
  count: number,
): { readonly lines: readonly string[]; readonly end: number } {
  const now = tailOf(path, count);
  const missing = count - now.lines.length;
  const before = missing > 0 ? tailOf(`${path}.1`, missing).lines : [];
  return { lines: [...before, ...now.lines], end: now.end };
}

function tailOf(path: string, count: number): { readonly lines: readonly string[]; readonly end: number } {
  const end = sizeOf(path);
  if (end === 0 || count === 0) return { lines: [], end };
  const file = openSync(path, "r");
  try {
    let start = end;
    let breaks = 0;
    const pieces: Buffer[] = [];
    // One break more than lines: the one that the first of them begins after.
    while (start > 0 && breaks <= count) {
      const length = Math.min(PIECE, start);
      start -= length;
      const piece = Buffer.alloc(length);
      readSync(file, piece, 0, length, start);
      for (const byte of piece) if (byte === LINE_FEED) breaks++;
      pieces.unshift(piece);
    }
    const lines = Buffer.concat(pieces).toString("utf8").split("\n");
    if (lines.at(-1) === "") lines.pop();
    return { lines: lines.slice(-count), end };
  } finally {
    closeSync(file);
  }
}
