import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import { makeFolder } from "../handoffs/make-folder.ts";

/**
 * `$HQ_HOME/held`: an emergency stop that no supervisor heard. Where it lies, no work begins before somebody says
 * `hq start`; a temporary supervisor only reads.
 */
export function hold(home: string, at: number): void {
  makeFolder(home);
  try {
    writeAtomically(pathIn(home), `${new Date(at).toISOString()}\n`, 0o600);
  } catch {
    // That it is there counts; a full disk may take a name and nothing to go with it.
    closeSync(openSync(pathIn(home), "a", 0o600));
  }
}

export function isHeld(home: string): boolean {
  return existsSync(pathIn(home));
}

export function letGo(home: string): void {
  rmSync(pathIn(home), { force: true });
}

function pathIn(home: string): string {
  return join(home, "held");
}
