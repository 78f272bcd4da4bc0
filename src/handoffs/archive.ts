import type { BigIntStats } from "node:fs";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FileMove } from "../domain/effects.ts";
import type { Settings } from "../domain/settings.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import { digestOf } from "../kernel/id.ts";
import { dayOf } from "./names.ts";
import { readHandoffFile, readPlainFile, statOf } from "./read.ts";

type Place = FileMove["to"];

/** The folder or its file system does not let the file go: it stays where it is, noted once. */
const IMMOVABLE = new Set(["EPERM", "EACCES", "EROFS", "EXDEV"]);
/** The file system has no second names, or not across its border: a copy serves. */
const UNLINKABLE = new Set(["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "ENOSYS"]);
/** Bytes of a name to which we put a number, `.problems.json` and `.partial`: file systems take 255. */
const LONGEST_NAME = 220;

export type Archive = {
  /** Moves a committed file to its dated folder. Twice is once; another file at its place is left alone. */
  readonly archive: (wanted: FileMove) => string;
  /** Whether a file's second name is the one that `keepInPlace` gave it in accepted/. */
  readonly isOwnLink: (path: string, stats: BigIntStats) => boolean;
};

export function createArchive(deps: {
  readonly settings: () => Settings["handoffs"];
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
  /** Another file, or other content, lies where the archived one was. */
  readonly onChanged: (path: string) => void;
  readonly onMoved: (path: string) => void;
}): Archive {
  const { settings, log } = deps;

  function archive(wanted: FileMove): string {
    const { path, inode, digest, to } = wanted;
    const { maxBytes, keepInPlace } = settings();
    const limits = {
      maxBytes,
      isOwnLink: (stats: BigIntStats) => isOwnLink(path, stats),
      isDigestOnly: true,
    };
    const found = readHandoffFile(path, limits);
    if (found.state === "trouble") throw found.error;
    const isSame =
      found.state !== "gone" && found.digest === digest && (inode === undefined || found.inode === inode);
    if (!isSame) {
      if (found.state !== "gone") deps.onChanged(path);
      const archived = find(wanted, found.state === "gone");
      if (archived !== undefined) return finish(wanted, archived);
      const { run } = wanted;
      log.warn(
        { run, path, isGone: found.state === "gone" },
        "a handoff file was gone or changed before it was archived",
      );
      return path;
    }
    const isKept = keepInPlace && to === "accepted";
    const linked = isKept ? find(wanted, false) : undefined;
    if (linked !== undefined) return linked;
    try {
      const target = freePlace(to, basename(path));
      const put = isKept ? keep : move;
      try {
        put(path, target, maxBytes);
      } catch (error) {
        // Most often the day's folder is there; asking first would cost each file a call.
        if (codeOf(error) !== "ENOENT" || !mkdirSync(dirname(target), { recursive: true, mode: 0o700 }))
          throw error;
        put(path, target, maxBytes);
      }
      deps.crash("archive:moved");
      return finish(wanted, target);
    } catch (error) {
      if (!IMMOVABLE.has(codeOf(error))) throw error;
      log.warn({ run: wanted.run, path, err: error }, "a handoff file cannot be moved, it stays where it is");
      return path;
    }
  }

  /** Where an earlier try put it: the same inode, or a copy with the same content. */
  function find(wanted: FileMove, isGone: boolean): string | undefined {
    const { maxBytes } = settings();
    for (const place of candidates(wanted.to, basename(wanted.path), deps.now())) {
      const there = readHandoffFile(place, { maxBytes, isOwnLink: () => true, isDigestOnly: true });
      if (there.state === "gone" || there.state === "trouble") continue;
      const isSameFile = wanted.inode !== undefined && there.inode === wanted.inode;
      const isCopy = isGone && there.digest === wanted.digest;
      if (isSameFile || isCopy) return place;
    }
    return undefined;
  }

  /** Every place a file of this name may have been put, the likely days first. */
  function* candidates(to: Place, name: string, atMs: number): Generator<string> {
    const root = join(settings().dir, to);
    const likely = dayOf(atMs);
    yield* inDay(join(root, likely), name);
    for (const day of daysOf(root)) if (day !== likely) yield* inDay(join(root, day), name);
  }

  function isOwnLink(path: string, stats: BigIntStats): boolean {
    // Linking changed the inode's ctime, so that is the likely day.
    if (stats.nlink !== 2n) return false;
    for (const place of candidates("accepted", basename(path), Number(stats.ctimeMs))) {
      const there = statOf(place);
      if (there && !(there instanceof Error) && there.ino === stats.ino && there.dev === stats.dev)
        return true;
    }
    return false;
  }

  function freePlace(to: Place, name: string): string {
    const folder = join(settings().dir, to, dayOf(deps.now()));
    for (let n = 1; ; n++) {
      const place = join(folder, numbered(name, n));
      const there = statOf(place);
      if (there instanceof Error) throw there;
      if (!there) return place;
    }
  }

  function move(path: string, target: string, maxBytes: number): void {
    try {
      renameSync(path, target);
    } catch (error) {
      const stats = statOf(path);
      const isPlain = stats && !(stats instanceof Error) && stats.isFile() && stats.size <= maxBytes;
      if (codeOf(error) !== "EXDEV" || !isPlain) throw error;
      copyAcross(path, target, maxBytes);
      unlinkSync(path);
    }
    deps.onMoved(path);
  }

  /** The reasons lie beside what was set aside. Written again when a crash came between the two. */
  function finish(wanted: FileMove, target: string): string {
    if (wanted.to === "accepted") return target;
    const notice = `${target}.problems.json`;
    if (statOf(notice) !== undefined) return target;
    const { run, path, digest, problems } = wanted;
    const at = new Date(deps.now()).toISOString();
    const text = JSON.stringify({ run, path, digest, setAsideAt: at, problems }, undefined, 2);
    const partial = join(dirname(target), `.${basename(notice)}.partial`);
    writeFileSync(partial, `${text}\n`, { mode: 0o600 });
    renameSync(partial, notice);
    return target;
  }

  return { archive, isOwnLink };
}

/** `orch-1.json`, `orch-1.again-2.json`, … */
function numbered(whole: string, n: number): string {
  const name = Buffer.byteLength(whole) <= LONGEST_NAME ? whole : cut(whole);
  if (n === 1) return name;
  return name.endsWith(".json") ? `${name.slice(0, -5)}.again-${n}.json` : `${name}.again-${n}`;
}

/** What no file system takes with anything behind it; told apart by its digest. */
function cut(name: string): string {
  const begin = new TextDecoder().decode(Buffer.from(name).subarray(0, LONGEST_NAME - 30));
  return `${begin.replace(/\uFFFD+$/, "")}~${digestOf(name).slice(0, 16)}${name.endsWith(".json") ? ".json" : ""}`;
}

function* inDay(folder: string, name: string): Generator<string> {
  for (let n = 1; ; n++) {
    const place = join(folder, numbered(name, n));
    const there = statOf(place);
    if (!there || there instanceof Error) return;
    yield place;
  }
}

/** Newest first. */
function daysOf(root: string): readonly string[] {
  try {
    return readdirSync(root).sort().reverse();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function keep(path: string, target: string, maxBytes: number): void {
  try {
    linkSync(path, target);
  } catch (error) {
    if (!UNLINKABLE.has(codeOf(error))) throw error;
    copyAcross(path, target, maxBytes);
  }
}

/** Safe on disk before the original goes. */
function copyAcross(path: string, target: string, maxBytes: number): void {
  const partial = join(dirname(target), `.${basename(target)}.partial`);
  writeFileSync(partial, readPlainFile(path, maxBytes), { mode: 0o600, flush: true });
  renameSync(partial, target);
  const folder = openSync(dirname(target), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "";
}
