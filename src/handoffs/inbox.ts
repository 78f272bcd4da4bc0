import { join, resolve, sep } from "node:path";
import type { AgentCard } from "../domain/agent-card.ts";
import type { Settings } from "../domain/settings.ts";
import type { HandoffSink, Inbox } from "../engine/ports/handoffs.ts";
import type { Crash, Log } from "../engine/ports/log.ts";
import { createBell } from "../kernel/bell.ts";
import { createArchive } from "./archive.ts";
import { createFolder, type Folder } from "./folder.ts";
import { createLooks } from "./look.ts";
import { fileNameOf, isTemporary } from "./names.ts";
import { createLookQueue } from "./queue.ts";

/** Documents in memory at a time, each at most `maxBytes`. */
const WIDTH = 64;
/** Attempts of a run whose files are looked for by name. */
const ATTEMPTS = [1, 2, 3, 4];

/** The folders in which agents may have been told to write, remembered from one life to the next. */
export type FolderMemo = {
  readonly recall: () => readonly string[];
  /** Written before anybody is told. */
  readonly note: (folders: readonly string[]) => void;
};

export type InboxDeps = {
  readonly settings: () => Settings["handoffs"];
  readonly agents: () => readonly AgentCard[];
  readonly sink: HandoffSink;
  readonly memo: FolderMemo;
  readonly now: () => number;
  readonly log: Log;
  readonly crash: Crash;
};

/**
 * Sees handoff files and hands them to the engine.
 * Watching is the quick way, a scan each second the net below it, a sweep now and then the net below that:
 * the system drops events without a word when its queue is full.
 */
export function createInbox(deps: InboxDeps): Inbox {
  const { settings, log } = deps;
  const clock = () => performance.now();
  const bell = createBell();
  const folders = new Map<string, Folder>();
  const listings = new Map<Folder, Promise<void>>();
  /** Told once; told again only after it went well in between. */
  const unlisted = new Set<Folder>();
  const expected = new Set<string>();
  /** Runs whose files are looked for this moment. */
  const lookedFor = new Set<string>();
  /** Folders that config let go, each with the runs whose agents may have been told to write there. */
  const leaving = new Map<string, Set<string>>();
  /** What we moved away ourselves: the next event of such a path tells only of that. */
  const moved = new Set<string>();
  /** The settings and agents that the folders were made from. */
  let madeFrom: readonly unknown[] = [];
  /** As the memo has them. */
  let noted = "";
  let isMemoTroubled = false;
  let loop: Promise<void> | undefined;
  let isStopping = false;

  const archive = createArchive({
    settings,
    now: deps.now,
    log,
    crash: deps.crash,
    onChanged: (path) => {
      looks.forgetFile(path);
      queue.offer(path);
    },
    onMoved: (path) => {
      looks.forgetFile(path);
      moved.add(path);
    },
  });
  const looks = createLooks({
    settings,
    folderOf: (directory) => folders.get(directory),
    isOwn: (folder) => folder.path === root() || folder.path === join(root(), "sub"),
    isExpected: (run) => expected.has(run) || lookedFor.has(run),
    isOwnLink: archive.isOwnLink,
    sink: deps.sink,
    now: deps.now,
    clock,
    onWait: bell.ring,
    log,
  });
  const queue = createLookQueue({ look: looks.look, width: WIDTH });

  const root = () => resolve(settings().dir);

  function pathFor(order: Parameters<Inbox["pathFor"]>[0], agent: AgentCard, attempt: number): string {
    const shared = order.parent ? join(root(), "sub") : root();
    return join(agent.handoffDir ?? shared, fileNameOf(order.id, attempt));
  }

  function isStillOwed(path: string): boolean {
    const runs = leaving.get(path) ?? new Set(expected);
    if (runs.size > 0) leaving.set(path, runs);
    else leaving.delete(path);
    return runs.size > 0;
  }

  function wantedFolders(): ReadonlySet<string> {
    const own = deps.agents().flatMap(({ handoffDir }) => (handoffDir ? [resolve(handoffDir)] : []));
    return new Set([root(), join(root(), "sub"), ...own]);
  }

  /** What is watched follows config: folders come and go with a reload or a restart, and stay for what was sent before it. */
  function refreshFolders(): void {
    madeFrom = [settings(), deps.agents()];
    const wanted = wantedFolders();
    if (folders.size === 0) for (const path of deps.memo.recall()) watch(path);
    for (const [path, folder] of folders) {
      if (wanted.has(path)) leaving.delete(path);
      if (wanted.has(path) || isStillOwed(path)) continue;
      folder.close();
      folders.delete(path);
    }
    for (const path of wanted) if (!folders.has(path)) watch(path);
    note([...folders.keys()].sort());
  }

  function watch(path: string): void {
    // Temporary names and our own moves are most of the events.
    const onName = (name: string) => {
      if (isTemporary(name)) return;
      const file = `${path}${sep}${name}`;
      if (!moved.delete(file)) queue.offer(file);
    };
    folders.set(path, createFolder({ path, isPolled: () => settings().polling, onName, now: deps.now, log }));
  }

  function note(paths: readonly string[]): void {
    const text = paths.join("\n");
    if (text === noted) return;
    try {
      deps.memo.note(paths);
      noted = text;
      isMemoTroubled = false;
    } catch (error) {
      const what = "the folders in which agents write cannot be noted for the next start, it is tried again";
      if (!isMemoTroubled) log.error({ err: error }, what);
      isMemoTroubled = true;
    }
  }

  /** Whoever is about to be told a folder of a new configuration is told one that is watched, and remembered. */
  function followConfig(): void {
    const now = [settings(), deps.agents()];
    if (folders.size > 0 && now.some((value, at) => value !== madeFrom[at])) refreshFolders();
  }

  function list(folder: Folder, isThorough: boolean): Promise<void> {
    const under = listings.get(folder);
    if (under) return under;
    if (isThorough) lookForExpected(folder, expected);
    const listing = walk(folder, isThorough)
      .then(() => void unlisted.delete(folder))
      .catch((error: unknown) => {
        if (!isStopping && !unlisted.has(folder))
          log.warn({ folder: folder.path, err: error }, "a handoff folder could not be listed");
        unlisted.add(folder);
      })
      .finally(() => listings.delete(folder));
    listings.set(folder, listing);
    return listing;
  }

  /** A thorough walk looks at every file again; the other one only at names that are new. */
  async function walk(folder: Folder, isThorough: boolean): Promise<void> {
    const unseen = new Set(isThorough ? folder.known.keys() : []);
    await folder.list(async (names) => {
      const paths: string[] = [];
      for (const name of names) {
        unseen.delete(name);
        if (!isThorough && folder.known.has(name)) continue;
        const path = join(folder.path, name);
        paths.push(path);
        queue.offer(path);
      }
      // Waiting here bounds the rate at which old files are handed over.
      await Promise.all(paths.map(queue.done));
    });
    if (isStopping) return;
    for (const name of unseen) queue.offer(join(folder.path, name));
  }

  const pathsIn = (folder: Folder, run: string) =>
    ATTEMPTS.map((attempt) => join(folder.path, fileNameOf(run, attempt)));

  function lookForExpected(folder: Folder, runs: Iterable<string>): void {
    for (const run of runs) for (const path of pathsIn(folder, run)) queue.offer(path);
  }

  function scan(isThorough: boolean): void {
    refreshFolders();
    // An event that was dropped must not hide what comes under the same name.
    moved.clear();
    for (const path of looks.takeRetries()) queue.offer(path);
    if (settings().polling) for (const path of looks.waiting.keys()) queue.offer(path);
    for (const folder of folders.values()) {
      const found = folder.check();
      if (found === "absent") continue;
      const isWorthIt = isThorough || (found === "changed" && !folder.isLarge());
      if (listings.has(folder) || !isWorthIt) lookForExpectedIfLarge(folder, expected);
      else void list(folder, isThorough);
    }
  }

  function lookForExpectedIfLarge(folder: Folder, runs: Iterable<string>): void {
    if (folder.isLarge() || listings.has(folder)) lookForExpected(folder, runs);
  }

  async function run(): Promise<void> {
    let scanAt = 0;
    let sweepAt = 0;
    for (;;) {
      if (isStopping) return;
      const at = clock();
      if (at >= scanAt) {
        const isThorough = at >= sweepAt;
        scan(isThorough);
        scanAt = at + settings().scanMs;
        if (isThorough) sweepAt = at + settings().sweepMs;
      }
      let next = scanAt;
      for (const [path, wait] of looks.waiting) {
        if (wait.lookAt <= at) {
          wait.lookAt = at + settings().quietMs;
          queue.offer(path);
        }
        next = Math.min(next, wait.lookAt);
      }
      await bell.sleep(Math.max(1, next - clock()));
    }
  }

  return {
    pathFor,
    leftFolders() {
      const wanted = wantedFolders();
      return deps.memo.recall().filter((path) => !wanted.has(path));
    },
    expect(run) {
      expected.add(run);
      followConfig();
      for (const folder of folders.values()) lookForExpectedIfLarge(folder, [run]);
    },
    forget(run) {
      expected.delete(run);
      for (const runs of leaving.values()) runs.delete(run);
    },
    async lookFor(run) {
      lookedFor.add(run);
      followConfig();
      const paths = [...folders.values()].flatMap((folder) => pathsIn(folder, run));
      for (const path of paths) queue.offer(path);
      await Promise.all(paths.map(queue.done));
      lookedFor.delete(run);
    },
    archive: async (move) => archive.archive(move),
    async sweep() {
      refreshFolders();
      await Promise.all(
        [...folders.values()].map(async (folder) => {
          if (folder.check() === "absent") return;
          await listings.get(folder);
          await list(folder, true);
        }),
      );
    },
    async start() {
      refreshFolders();
      for (const folder of folders.values()) folder.check();
      const trouble = folders.get(root())?.trouble();
      if (trouble) throw new Error(`handoffs cannot be kept in ${root()}`, { cause: trouble });
      if (!isStopping) loop ??= run();
    },
    async stop() {
      isStopping = true;
      bell.ring();
      for (const folder of folders.values()) folder.close();
      await queue.close();
      await Promise.all([loop, ...listings.values()]);
    },
  };
}
