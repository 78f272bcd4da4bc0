import type { BigIntStats, FSWatcher } from "node:fs";
import { opendirSync, statSync, watch } from "node:fs";
import { basename } from "node:path";
import type { Log } from "../engine/ports/log.ts";
import { makeFolder } from "./make-folder.ts";

/** Above this many entries a folder is not listed at each scan. */
const LARGE = 5_000;
/** Names of one chunk; between two of them everything else gets its turn. */
const CHUNK = 256;
/** A folder that changed so recently may change again within one tick of its clock. */
const YOUNG_MS = 3_000;

/** One watched directory. */
export type Folder = {
  readonly path: string;
  /** File name → the mark of what was handed over and still lies there. */
  readonly known: Map<string, string>;
  /** Whether listing it is too much for each scan. */
  readonly isLarge: () => boolean;
  /** Makes it and watches it again where needed. Says whether names may have come since it was last listed. */
  readonly check: () => "same" | "changed" | "absent";
  /** Lists it in chunks. Resolves when all chunks were taken. */
  readonly list: (take: (names: readonly string[]) => Promise<void>) => Promise<void>;
  /** The error that keeps it from being used, if any. */
  readonly trouble: () => Error | undefined;
  readonly close: () => void;
};

export function createFolder(deps: {
  readonly path: string;
  /** Without watching, each check finds it changed. */
  readonly isPolled: () => boolean;
  readonly onName: (name: string) => void;
  readonly now: () => number;
  readonly log: Log;
}): Folder {
  const { path, log } = deps;
  const known = new Map<string, string>();
  let watcher: FSWatcher | undefined;
  let watched: string | undefined;
  let listedAt: bigint | undefined;
  let count = 0;
  let trouble: Error | undefined;
  let isDeaf = false;
  let isClosed = false;

  function check(): "same" | "changed" | "absent" {
    try {
      const stats = ensure();
      const isNew = listen(stats);
      if (trouble) log.info({ folder: path }, "a handoff folder can be used again");
      trouble = undefined;
      const ageMs = Math.abs(deps.now() - Number(stats.mtimeMs));
      const isSettled = listedAt === stats.mtimeNs && ageMs > YOUNG_MS;
      return isSettled && !isNew && !deps.isPolled() ? "same" : "changed";
    } catch (error) {
      unlisten();
      const found = error instanceof Error ? error : new Error(String(error));
      if (trouble?.message !== found.message) {
        log.error({ folder: path, err: found }, "a handoff folder cannot be used");
      }
      trouble = found;
      return "absent";
    }
  }

  function ensure(): BigIntStats {
    const there = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (there?.isDirectory()) return there;
    if (there) throw new Error(`${path} is not a directory`);
    makeFolder(path);
    return statSync(path, { bigint: true });
  }

  /** A directory that was deleted, renamed away or replaced leaves its watch silent, so the inode is compared. */
  function listen(stats: BigIntStats): boolean {
    const identity = `${stats.dev}:${stats.ino}`;
    const isNew = identity !== watched;
    if (isNew) unlisten();
    if (deps.isPolled()) unlisten();
    else if (!watcher) open();
    watched = identity;
    return isNew;
  }

  function open(): void {
    try {
      watcher = watch(path, (_, name) => {
        // Without a name, or with its own, all that is known is that something happened.
        if (name === null || name === basename(path)) listedAt = undefined;
        if (name !== null && !isClosed) deps.onName(name);
      });
    } catch (error) {
      if (!isDeaf)
        log.warn({ folder: path, err: error }, "a handoff folder cannot be watched, it is scanned");
      isDeaf = true;
      return;
    }
    isDeaf = false;
    watcher.on("error", (error) => {
      log.warn({ folder: path, err: error }, "the watch of a handoff folder broke, it is renewed");
      unlisten();
    });
  }

  function unlisten(): void {
    watcher?.close();
    watcher = undefined;
    watched = undefined;
    listedAt = undefined;
  }

  async function list(take: (names: readonly string[]) => Promise<void>): Promise<void> {
    const { mtimeNs } = statSync(path, { bigint: true });
    const directory = opendirSync(path, { bufferSize: CHUNK });
    let seen = 0;
    try {
      for (;;) {
        const names = chunk();
        if (names.length === 0 || isClosed) break;
        seen += names.length;
        await take(names);
        if (names.length === CHUNK) await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      directory.closeSync();
    }
    count = seen;
    listedAt = mtimeNs;

    function chunk(): string[] {
      const names: string[] = [];
      while (names.length < CHUNK) {
        const entry = directory.readSync();
        if (!entry) break;
        names.push(entry.name);
      }
      return names;
    }
  }

  return {
    path,
    known,
    isLarge: () => count > LARGE,
    check,
    list,
    trouble: () => trouble,
    close() {
      isClosed = true;
      unlisten();
    },
  };
}
