import { resolve } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import type { ConfigProblem } from "../domain/config.ts";

/** An editor's save is several events: the files are read when they have been quiet this long. */
const SETTLE_MS = 80;
/** What cannot be read now is looked at again: nobody tells when it can. */
const LOOK_AGAIN_MS = 2000;

export type FolderWatch = {
  readonly dir: () => string;
  /** Levels below the folder that are followed too. */
  readonly depth: number;
  /** All that counts as one text: two reads are alike when nothing was saved between them. */
  readonly contentOf: (dir: string) => string;
  /** All that counted when what holds now was read. */
  readonly first: string;
  readonly onSaved: () => void;
  readonly onProblems: (problems: readonly ConfigProblem[]) => void;
  readonly settleMs?: number | undefined;
};

/** Follows a folder of files that people edit, and tells once when what is in it has become another. */
export function watchFolder(options: FolderWatch) {
  const settleMs = options.settleMs ?? SETTLE_MS;
  let watcher: FSWatcher | undefined;
  let followed = "";
  let isFollowed: () => void = () => undefined;
  const left: Promise<void>[] = [];
  let timer: NodeJS.Timeout | undefined;
  /** Set where the system takes no more watches. */
  let looking: NodeJS.Timeout | undefined;
  let last = "";
  let trouble = "";
  let stopped = false;

  /** A folder that the system does not let us read changes nothing, and is told once. */
  function attempt(read: (dir: string) => void): boolean {
    const dir = resolve(options.dir());
    try {
      read(dir);
      trouble = "";
      return true;
    } catch (cause) {
      const { syscall, message } = cause as NodeJS.ErrnoException;
      if (syscall === undefined) throw cause;
      if (message !== trouble)
        options.onProblems([{ file: dir, path: "", message: `cannot be read: ${message}` }]);
      trouble = message;
      clearTimeout(timer);
      if (!stopped) timer = setTimeout(look, LOOK_AGAIN_MS);
      return false;
    }
  }

  function look(): void {
    attempt((dir) => {
      const content = options.contentOf(dir);
      if (content === last) return;
      options.onSaved();
      last = content;
    });
  }

  function settle(): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(look, settleMs);
  }

  /** Resolves when changes of the folder that is meant now are seen. */
  function follow(): Promise<void> {
    followed = resolve(options.dir());
    const dir = followed;
    const started = watch(dir, { ignoreInitial: true, depth: options.depth });
    watcher = started;
    started.on("all", settle);
    started.on("error", (cause) => {
      if (looking || stopped) return;
      looking = setInterval(look, LOOK_AGAIN_MS);
      const every = `${LOOK_AGAIN_MS / 1000} s`;
      const message = `cannot be watched, and is looked at every ${every} instead: ${(cause as Error).message}`;
      options.onProblems([{ file: dir, path: "", message }]);
    });
    return new Promise<void>((ready) => {
      isFollowed = ready;
      started.once("ready", ready);
    });
  }

  return {
    /**
     * What is there now is read some other way: it is no news. The folder may be another one by now. False when it cannot
     * be read now; then it is told as saved as soon as it can.
     */
    known(): boolean {
      last = "";
      const isRead = attempt((dir) => {
        last = options.contentOf(dir);
      });
      if (watcher && !stopped && followed !== resolve(options.dir())) {
        left.push(watcher.close());
        // One that is closed before it is ready never says so, and a start waits for it.
        isFollowed();
        // What was saved before it was followed is seen then.
        void follow().then(settle);
      }
      return isRead;
    },
    async start(): Promise<void> {
      if (watcher || stopped) return;
      last = options.first;
      await follow();
      // What was saved before it was followed is seen now.
      settle();
    },
    async stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      clearInterval(looking);
      await Promise.all([...left, watcher?.close()]);
    },
  };
}
