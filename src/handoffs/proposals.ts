import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Proposals } from "../engine/ports/proposals.ts";

/** `$HQ_HOME/proposals/<slug>.md`. Nothing reads them but people: no agent's own file is ever written. */
export function createProposals(home: string): Proposals {
  const folder = join(home, "proposals");
  return {
    async write(slug, text) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const target = join(folder, `${slug}.md`);
      const half = join(folder, `.${slug}.md.tmp`);
      const file = openSync(half, "w", 0o600);
      try {
        writeFileSync(file, text);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(half, target);
      return target;
    },
  };
}
