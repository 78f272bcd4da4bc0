import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Config, ConfigProblem } from "../domain/config.ts";
import { CONFIG_FILES, type ConfigPlace, loadConfig } from "./load.ts";
import { CONTRACTS_DIR, contractNames } from "./skill-contracts.ts";
import { watchFolder } from "./watch-folder.ts";

/**
 * Follows the configuration folder. A good change is handed on, a bad one is told once and changes nothing:
 * who asked for it keeps what was good last.
 */
export function watchConfig(options: {
  readonly place: ConfigPlace;
  /** The files that said something to the running configuration: they may change, not vanish. */
  readonly required: readonly string[];
  /** What `savedIn` said before they were read. */
  readonly first: string;
  readonly onChange: (config: Config, warnings: readonly ConfigProblem[]) => void;
  readonly onProblems: (problems: readonly ConfigProblem[]) => void;
  readonly settleMs?: number;
}): { readonly start: () => Promise<void>; readonly stop: () => Promise<void> } {
  let required = options.required;

  function reload(): void {
    const loaded = loadConfig({ ...options.place, required });
    if (!loaded.ok) return options.onProblems(loaded.problems);
    required = loaded.required;
    options.onChange(loaded.config, loaded.warnings);
  }

  return watchFolder({
    dir: () => options.place.dir,
    depth: 1,
    contentOf,
    first: options.first,
    onSaved: reload,
    onProblems: options.onProblems,
    settleMs: options.settleMs,
  });
}

/** The same for whoever reads them now; what cannot be read is told by whoever reads it, and is read again. */
export function savedIn(dir: string): string {
  try {
    return contentOf(dir);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    return "";
  }
}

/** All files as one text: two reads are alike when none was saved between them, be it as it was. */
function contentOf(dir: string): string {
  return JSON.stringify(
    [
      ...CONFIG_FILES,
      ...contractNames(join(dir, CONTRACTS_DIR)).map((name) => join(CONTRACTS_DIR, name)),
    ].map((name) => {
      const file = join(dir, name);
      try {
        const found = statSync(file);
        return found.isFile() ? [name, found.mtimeMs, readFileSync(file, "latin1")] : "not a file";
      } catch (cause) {
        return { code: (cause as NodeJS.ErrnoException).code };
      }
    }),
  );
}
