import { resolve } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import type { ConfigProblem } from "../domain/config.ts";

/** An editor's save is several events: the files are read when they have been quiet this long. */
const SETTLE_MS = 80;

export type FolderWatch = {
  readonly dir: () => string;
  /** Levels below the folder that are followed too. */
  readonly depth: number;
  /** All that counts as one text: two reads are alike when nothing was saved between them. */
  readonly contentOf: (dir: string) => string;
  readonly onSaved: () => void;
  readonly onProblems: (problems: readonly ConfigProblem[]) => void;
  readonly settleMs?: number | undefined;
};

/** Follows a folder of files that people edit, and tells once when what is in it has become another. */
export function watchFolder(options: FolderWatch) {
  const settleMs = options.settleMs ?? SETTLE_MS;
  let watcher: FSWatcher | undefined;
  let followed = "";
  const left: Promise<void>[] = [];
  let timer: NodeJS.Timeout | undefined;
  let last = "";
  let stopped = false;

  function look(): void {
    const content = options.contentOf(resolve(options.dir()));
    if (content === last) return;
    last = content;
    options.onSaved();
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
      const message = `changes are not seen any more: ${(cause as Error).message}`;
      options.onProblems([{ file: dir, path: "", message, suggestion: "restart to read them" }]);
    });
    return new Promise<void>((ready) => started.once("ready", ready));
  }

  return {
    /** What is there now was read some other way: it is no news. The folder may be another one by now. */
    known(): void {
      last = options.contentOf(resolve(options.dir()));
      if (!watcher || stopped || followed === resolve(options.dir())) return;
      left.push(watcher.close());
      // What was saved before it was followed is seen then.
      void follow().then(settle);
    },
    async start(): Promise<void> {
      if (watcher || stopped) return;
      last = options.contentOf(resolve(options.dir()));
      await follow();
    },
    async stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      await Promise.all([...left, watcher?.close()]);
    },
  };
}
