import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunFiles } from "../engine/ports/run-files.ts";
import { makeFolder } from "./make-folder.ts";

/** Files of runs in the handoff folder, beside what agents write; the inbox does not look there. */
export function createRunFiles(handoffDir: () => string): RunFiles {
  const folderOf = (run: string) => join(handoffDir(), "workflows", run);
  return {
    pathOf: (run, name) => join(folderOf(run), `${name}.json`),
    async write(run, name, document) {
      const folder = folderOf(run);
      makeFolder(folder);
      const target = join(folder, `${name}.json`);
      const temporary = join(folder, `.${name}.json.tmp`);
      const file = openSync(temporary, "w", 0o600);
      try {
        writeFileSync(file, `${JSON.stringify(document, undefined, 2)}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, target);
    },
  };
}
