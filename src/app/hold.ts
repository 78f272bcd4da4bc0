import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * `$HQ_HOME/held`: an emergency stop that no supervisor heard. Where it lies, no work begins before somebody says
 * `hq start`; a temporary supervisor only reads.
 */
export function hold(home: string, at: number): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(pathIn(home), `${new Date(at).toISOString()}\n`, { mode: 0o600 });
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
