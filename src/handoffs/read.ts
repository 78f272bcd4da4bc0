import type { BigIntStats } from "node:fs";
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { handoffDigest, parseHandoffText } from "../domain/handoff-json.ts";
import { lastResultBlock, textBlock } from "../domain/handoff-text.ts";
import { digestOf } from "../kernel/id.ts";
import type { Problem } from "../kernel/refusal.ts";

/** Which file it is and what it holds; equal when nothing changed. */
type Identity = {
  readonly inode: string;
  readonly digest: string;
};

/** What was found at a path. Reading is synchronous and bounded: one small file is read faster than a thread is woken. */
export type FileLook =
  | { readonly state: "gone" }
  /** The machine is in trouble, not the file: look again later. */
  | { readonly state: "trouble"; readonly error: Error }
  | ({ readonly state: "whole"; readonly document: unknown; readonly remarks: readonly string[] } & Identity)
  /** Not a handoff yet, or never; time tells. `text` when it reads as a text answer. */
  | ({
      readonly state: "incomplete";
      readonly problems: readonly Problem[];
      readonly text?: string;
      readonly remarks: readonly string[];
    } & Identity)
  /** Whatever it holds, it is not taken: not a plain file, or too large. */
  | ({ readonly state: "refused"; readonly problems: readonly Problem[] } & Identity)
  /** It is whole and wrong. */
  | ({ readonly state: "wrong"; readonly problems: readonly Problem[] } & Identity);

export type ReadLimits = {
  readonly maxBytes: number;
  /** Whether a second name of the file is our own archive's. */
  readonly isOwnLink: (stats: BigIntStats) => boolean;
  /** Only which file it is and its digest are wanted: what it says is not read, it counts as incomplete. */
  readonly isDigestOnly?: boolean;
};

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** The file itself forbids reading; everything else that may fail is the machine's trouble. */
const FORBIDDEN = new Set(["EACCES", "EPERM", "ELOOP", "ENXIO", "ENAMETOOLONG"]);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Looks before it opens, follows no link, never waits on a pipe, reads at most `maxBytes`.
 * Digests of what is not read are those of a description, so that the same thing is known again.
 */
export function readHandoffFile(path: string, limits: ReadLimits, stats = statOf(path)): FileLook {
  if (stats instanceof Error) return { state: "trouble", error: stats };
  if (!stats) return { state: "gone" };
  const refused = refusalOf(path, stats, limits);
  if (refused) return refused;
  const inode = String(stats.ino);
  if (stats.size === 0n) return judge("", inode, [], limits);

  let file: number;
  try {
    file = openSync(path, FLAGS);
  } catch (error) {
    return failed(error, stats);
  }
  try {
    const opened = fstatSync(file, { bigint: true });
    if (opened.ino !== stats.ino || opened.dev !== stats.dev) {
      const again = refusalOf(path, opened, limits);
      if (again) return again;
    }
    const bytes = readBounded(file, Number(opened.size), limits.maxBytes);
    if (!bytes) return tooLarge(opened.ino, opened.size, limits.maxBytes);
    return decode(bytes, String(opened.ino), limits);
  } catch (error) {
    return failed(error, stats);
  } finally {
    closeSync(file);
  }
}

/** The bytes of a plain file, never through a link; throws when it is none or larger than `maxBytes`. */
export function readPlainFile(path: string, maxBytes: number): Buffer {
  const file = openSync(path, FLAGS);
  try {
    const stats = fstatSync(file);
    const bytes = stats.isFile() ? readBounded(file, stats.size, maxBytes) : undefined;
    if (!bytes) throw new Error(`${path} is not a plain file of at most ${maxBytes} bytes`);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Undefined when there is nothing; an error when nobody can tell. */
export function statOf(path: string): BigIntStats | Error | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Changes whenever the file may have: inode, size and both times, to the nanosecond. */
export function printOf(stats: BigIntStats): string {
  return `${stats.ino}.${stats.size}.${stats.mtimeNs}.${stats.ctimeNs}`;
}

function refusalOf(path: string, stats: BigIntStats, limits: ReadLimits): FileLook | undefined {
  const refuse = (what: string, message: string): FileLook => ({
    state: "refused",
    problems: [{ path: "", message }],
    inode: String(stats.ino),
    digest: digestOf(what),
  });
  if (stats.isSymbolicLink()) {
    return refuse(`link to ${targetOf(path)}`, "is a symbolic link; write a plain file");
  }
  if (!stats.isFile()) {
    const kind = kindOf(stats);
    return refuse(kind, `is ${kind}; write a plain file`);
  }
  if (stats.nlink > 1n && !limits.isOwnLink(stats)) {
    return refuse(`${stats.nlink} names`, `has ${stats.nlink} names (hard links); write a file of its own`);
  }
  return stats.size > BigInt(limits.maxBytes) ? tooLarge(stats.ino, stats.size, limits.maxBytes) : undefined;
}

function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isFIFO()) return "a named pipe";
  return stats.isSocket() ? "a socket" : "a device";
}

function tooLarge(inode: bigint, size: bigint, maxBytes: number): FileLook {
  const message = `has ${size} bytes, at most ${maxBytes} are read; put the long part into an artifact file`;
  return {
    state: "refused",
    problems: [{ path: "", message }],
    inode: String(inode),
    digest: digestOf(`${size} bytes`),
  };
}

/** All bytes, or undefined when there are more than `maxBytes`. */
function readBounded(file: number, size: number, maxBytes: number): Buffer | undefined {
  // One byte more than it should have tells a file that grows meanwhile.
  let buffer = Buffer.allocUnsafe(Math.min(size, maxBytes) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(file, buffer, length, buffer.length - length, length);
    length += read;
    if (length > maxBytes) return undefined;
    // Only the end of a plain file makes a read shorter than asked for.
    if (length < buffer.length) return buffer.subarray(0, length);
    const larger = Buffer.allocUnsafe(Math.min(length * 2, maxBytes) + 1);
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  }
}

function decode(bytes: Buffer, inode: string, limits: ReadLimits): FileLook {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // The end of a half-written file may cut a character in two, so this may pass.
    const problems = [{ path: "", message: "is not UTF-8" }];
    return { state: "incomplete", problems, inode, digest: digestOf(bytes), remarks: [] };
  }
  const hasMark = text.startsWith("\ufeff");
  const remarks = hasMark ? ["a byte order mark at the beginning was skipped"] : [];
  return judge(hasMark ? text.slice(1) : text, inode, remarks, limits);
}

function judge(text: string, inode: string, remarks: readonly string[], limits: ReadLimits): FileLook {
  const identity = { inode, digest: handoffDigest(text) };
  if (limits.isDigestOnly) return { state: "incomplete", problems: [], remarks, ...identity };
  const parsed = parseHandoffText(text);
  switch (parsed.state) {
    case "whole":
      return { state: "whole", document: parsed.document, remarks, ...identity };
    case "refused":
      return { state: "wrong", problems: parsed.problems, ...identity };
    case "incomplete": {
      // Half an object may quote a block; that is no answer.
      const isText = !text.trimStart().startsWith("{");
      const isAnswer = isText && (textBlock(text) !== undefined || lastResultBlock(text) !== undefined);
      const problems = [parsed.problem];
      return { state: "incomplete", problems, remarks, ...(isAnswer ? { text } : {}), ...identity };
    }
  }
}

function failed(error: unknown, stats: BigIntStats): FileLook {
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (code === "ENOENT") return { state: "gone" };
  if (!FORBIDDEN.has(code)) return { state: "trouble", error: cause };
  return {
    state: "refused",
    problems: [{ path: "", message: `cannot be read (${code}); make it readable for the supervisor` }],
    inode: String(stats.ino),
    digest: digestOf(`unreadable ${code}`),
  };
}

/** The digest by which the archive knows a file again; undefined when it is gone. */
export function digestOfFile(path: string, maxBytes: number): string | undefined {
  const found = readHandoffFile(path, { maxBytes, isOwnLink: () => true, isDigestOnly: true });
  if (found.state === "trouble") throw found.error;
  return found.state === "gone" ? undefined : found.digest;
}
