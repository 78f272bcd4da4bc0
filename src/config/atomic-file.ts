import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** File systems that keep their folders by themselves refuse to be told to. */
const NEEDLESS = new Set(["EINVAL", "ENOTSUP", "EISDIR", "EPERM"]);

/**
 * Writes a small file so that a reader sees the old text or the new one, never a part; it is on the disk when this
 * returns. Without `mode` an existing file keeps its own. A symbolic link stays one: what it points to is replaced.
 */
export function writeAtomically(path: string, text: string, mode?: number): void {
  const target = existsSync(path) ? realpathSync(path) : path;
  const rights = mode ?? (existsSync(target) ? statSync(target).mode & 0o777 : 0o644);
  put(target, text, rights, renameSync);
}

/** The same for a file that nobody has made yet; false = another one did, and it stays as it is. */
export function writeFirst(path: string, text: string, mode: number): boolean {
  try {
    put(path, text, mode, linkSync);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function put(target: string, text: string, mode: number, give: (from: string, to: string) => void): void {
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  rmSync(temporary, { force: true });
  try {
    const descriptor = openSync(temporary, "wx", mode);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    give(temporary, target);
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(target));
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } catch (error) {
    if (!NEEDLESS.has(codeOf(error))) throw error;
  } finally {
    closeSync(folder);
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";
