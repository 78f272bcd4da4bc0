import type { BigIntStats } from "node:fs";
import { basename, dirname, sep } from "node:path";
import type { Settings } from "../domain/settings.ts";
import type { ArrivedHandoff, HandoffSink } from "../engine/ports/handoffs.ts";
import type { Log } from "../engine/ports/log.ts";
import type { Problem } from "../kernel/refusal.ts";
import type { Folder } from "./folder.ts";
import { type ReadName, readName } from "./names.ts";
import { type FileLook, printOf, readHandoffFile, statOf } from "./read.ts";

/** A file that has lain unchanged so long is not being written any more, even if we see it for the first time. */
const OLD_MS = 10 * 60_000;
/** A file that took longer than this to read in vain is not read again at each of its writes. */
const COSTLY_MS = 1;

/** A file that is not acceptable as it is, and when it is looked at again. */
type Wait = { readonly key: string; readonly since: number; readonly notBefore: number; lookAt: number };

/** What a path means now: handed to the sink, waited for, or known already. */
export type Looks = {
  /** Synchronous up to the sink; a promise only when the sink was asked. It never rejects. */
  readonly look: (path: string) => Promise<void> | undefined;
  readonly waiting: ReadonlyMap<string, Wait>;
  /** Paths to be tried again at the next scan; asking empties it. */
  readonly takeRetries: () => readonly string[];
  readonly forgetFile: (path: string) => void;
};

export function createLooks(deps: {
  readonly settings: () => Settings["handoffs"];
  readonly folderOf: (directory: string) => Folder | undefined;
  /** Folders of agents may hold other files too; only what ends in .json is meant for us. */
  readonly isOwn: (folder: Folder) => boolean;
  readonly isExpected: (run: string) => boolean;
  readonly isOwnLink: (path: string, stats: BigIntStats) => boolean;
  readonly sink: HandoffSink;
  readonly now: () => number;
  /** Monotonic, ms. */
  readonly clock: () => number;
  readonly onWait: () => void;
  readonly log: Log;
}): Looks {
  const { settings, clock, log } = deps;
  const waiting = new Map<string, Wait>();
  const retries = new Set<string>();
  /** Told once; told again only after it went well in between. */
  const troubled = new Set<string>();

  function look(path: string): Promise<void> | undefined {
    const cutAt = path.lastIndexOf(sep);
    const folder = deps.folderOf(path.slice(0, cutAt));
    if (!folder) return undefined;
    const name = path.slice(cutAt + 1);
    const said = readName(name, deps.isExpected);
    if (said.kind === "ignored") return undefined;
    const isOurs = /\.json$/i.test(name);
    if (!isOurs && !deps.isOwn(folder)) return undefined;

    const stats = statOf(path);
    if (!stats) return gone(folder, path, name);
    if (stats instanceof Error) return later(path, stats);
    if (!isOurs && stats.isDirectory()) return undefined;
    const print = printOf(stats);
    const before = folder.known.get(name);
    if (before?.startsWith(`${print} `)) return undefined;

    const begunAt = clock();
    const wait = waiting.get(path);
    if (wait && begunAt < wait.notBefore) return postpone(wait);
    const { maxBytes } = settings();
    const isOwnLink = (link: BigIntStats) => deps.isOwnLink(path, link);
    const found = readHandoffFile(path, { maxBytes, isOwnLink }, stats);
    if (found.state === "gone") return gone(folder, path, name);
    if (found.state === "trouble") return later(path, found.error);

    const mark = `${print} ${found.digest.slice(0, 16)}`;
    if (before !== undefined && isSameContent(before, mark)) {
      folder.known.set(name, mark);
      waiting.delete(path);
      return undefined;
    }
    const isFinal = said.kind === "handoff" && (found.state === "whole" || found.state === "wrong");
    if (!isFinal && !isQuiet(path, mark, stats, begunAt)) return undefined;
    waiting.delete(path);
    folder.known.set(flat(name), flat(mark));
    return hand(folder, name, arrivedOf(path, said, found));
  }

  /** Anything that is not acceptable may still become so: it counts only after it lay still for a while. */
  function isQuiet(path: string, key: string, stats: BigIntStats, begunAt: number): boolean {
    const { quietMs, polling } = settings();
    const before = waiting.get(path);
    const at = clock();
    if (before?.key === key && at - before.since >= quietMs) return true;
    // The clock of a network file system may be another one, so only local files are judged by their age.
    if (!before && !polling && deps.now() - Number(stats.ctimeMs) > OLD_MS) return true;
    const since = before?.key === key ? before.since : at;
    const costMs = at - begunAt;
    const notBefore = costMs > COSTLY_MS ? at + 20 * costMs : 0;
    waiting.set(path, { key, since, notBefore, lookAt: since + quietMs });
    deps.onWait();
    return false;
  }

  async function hand(folder: Folder, name: string, arrived: ArrivedHandoff): Promise<void> {
    const { path } = arrived.source;
    try {
      await deps.sink(arrived);
      troubled.delete(path);
    } catch (error) {
      folder.known.delete(name);
      const fields = { run: arrived.runId, path, err: error };
      if (!troubled.has(path)) log.error(fields, "a handoff could not be recorded, it is tried again");
      troubled.add(path);
      retries.add(path);
    }
  }

  function gone(folder: Folder, path: string, name: string): undefined {
    folder.known.delete(name);
    waiting.delete(path);
    troubled.delete(path);
  }

  function later(path: string, error: Error): undefined {
    if (!troubled.has(path)) {
      log.warn({ path, err: error }, "a handoff file could not be looked at, it is tried again");
    }
    troubled.add(path);
    retries.add(path);
  }

  function postpone(wait: Wait): undefined {
    wait.lookAt = Math.min(wait.lookAt, wait.notBefore);
    deps.onWait();
  }

  return {
    look,
    waiting,
    takeRetries() {
      const paths = [...retries];
      retries.clear();
      return paths;
    },
    forgetFile(path) {
      waiting.delete(path);
      deps.folderOf(dirname(path))?.known.delete(basename(path));
    },
  };
}

/** A string that was cut or joined keeps its parts in memory; this one stays long. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

/** Marks are `<inode>.<size>.<times> <digest>`: the same file with the same content, whatever its times say. */
function isSameContent(before: string, mark: string): boolean {
  const inode = mark.slice(0, mark.indexOf(".") + 1);
  return before.startsWith(inode) && before.endsWith(mark.slice(mark.indexOf(" ")));
}

function arrivedOf(
  path: string,
  said: Exclude<ReadName, { kind: "ignored" }>,
  found: Exclude<FileLook, { state: "gone" | "trouble" }>,
): ArrivedHandoff {
  const isNamed = said.kind === "handoff";
  const source = {
    path,
    digest: found.digest,
    inode: found.inode,
    attempt: isNamed ? said.attempt : 1,
  };
  const runId = isNamed ? said.run : "";
  if (!isNamed) {
    const name: Problem = { path: "", message: `${basename(path)}: ${said.message}` };
    const more = found.state === "refused" ? found.problems : [];
    return { runId, source, ok: false, problems: [name, ...more] };
  }
  switch (found.state) {
    case "whole":
      return { runId, source, ok: true, document: found.document, ...remarksOf(found) };
    case "incomplete":
      if (found.text === undefined) return { runId, source, ok: false, problems: found.problems };
      return { runId, source, ok: true, document: found.text, text: found.text, ...remarksOf(found) };
    case "wrong":
    case "refused":
      return { runId, source, ok: false, problems: found.problems };
  }
}

function remarksOf(found: { readonly remarks: readonly string[] }): { readonly remarks?: readonly string[] } {
  return found.remarks.length > 0 ? { remarks: found.remarks } : {};
}
