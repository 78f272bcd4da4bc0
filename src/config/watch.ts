import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { type FSWatcher, watch } from "chokidar";
import type { Config, ConfigProblem } from "../domain/config.ts";
import { CONFIG_FILES, type ConfigPlace, loadConfig } from "./load.ts";

/** An editor's save is several events: the files are read when they have been quiet this long. */
const SETTLE_MS = 80;

/**
 * Follows the configuration folder. A good change is handed on, a bad one is told once and changes nothing:
 * who asked for it keeps what was good last.
 */
export function watchConfig(options: {
  readonly place: ConfigPlace;
  /** The files that the running configuration came from: they may change, not vanish. */
  readonly files: readonly string[];
  readonly onChange: (config: Config, warnings: readonly ConfigProblem[]) => void;
  readonly onProblems: (problems: readonly ConfigProblem[]) => void;
  readonly settleMs?: number;
}): { readonly start: () => Promise<void>; readonly stop: () => Promise<void> } {
  const dir = resolve(options.place.dir);
  const settleMs = options.settleMs ?? SETTLE_MS;
  let required = options.files;
  let watcher: FSWatcher | undefined;
  let timer: NodeJS.Timeout | undefined;
  let last = "";
  let stopped = false;

  function reload(): void {
    const text = contentOf(dir);
    if (text === last) return;
    last = text;
    const loaded = loadConfig({ ...options.place, required });
    if (!loaded.ok) return options.onProblems(loaded.problems);
    required = loaded.config.files;
    options.onChange(loaded.config, loaded.warnings);
  }

  function settle(): void {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(reload, settleMs);
  }

  return {
    async start() {
      if (watcher || stopped) return;
      last = contentOf(dir);
      const started = watch(dir, { ignoreInitial: true, depth: 0 });
      watcher = started;
      started.on("all", settle);
      started.on("error", (cause) => {
        const message = `changes are not seen any more: ${(cause as Error).message}`;
        options.onProblems([{ file: dir, path: "", message, suggestion: "restart to read them" }]);
      });
      await new Promise<void>((ready) => started.once("ready", ready));
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await watcher?.close();
    },
  };
}

/** All files as one text: two reads are alike when none was saved between them, be it as it was. */
function contentOf(dir: string): string {
  return JSON.stringify(
    CONFIG_FILES.map((name) => {
      const file = join(dir, name);
      try {
        const found = statSync(file);
        return found.isFile() ? [found.mtimeMs, readFileSync(file, "latin1")] : "not a file";
      } catch (cause) {
        return { code: (cause as NodeJS.ErrnoException).code };
      }
    }),
  );
}
