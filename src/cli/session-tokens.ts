import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import { Refusal } from "../kernel/refusal.ts";
import { findHome } from "./home.ts";
import type { Io } from "./io.ts";

/** Tokens of sessions that this user spawned, so that nobody has to write them down; mode 0600. */
export function createSessionTokens(io: Io) {
  const folder = join(findHome(io).home, "sessions");
  const pathOf = (id: string) => {
    if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/.test(id)) return join(folder, `${id}.token`);
    throw new Refusal("invalid_input", `--id ${id}: letters, digits, dash and underscore, at most 60.`);
  };
  return {
    keep(id: string, token: string): string {
      const path = pathOf(id);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeAtomically(path, `${token}\n`, 0o600);
      return path;
    },
    kept(id: string): string | undefined {
      try {
        return readFileSync(pathOf(id), "utf8").trim();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    forget(id: string): void {
      rmSync(pathOf(id), { force: true });
    },
  };
}
