import { existsSync, lstatSync, readlinkSync, realpathSync, renameSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { successorOf } from "../ledger/backup.ts";

/** The folder itself, where it is or would be. */
export function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realOf(dirname(path)), basename(path));
}

/** The same for a home: a link to one that was just moved aside leads nowhere. */
function homeBehind(path: string): string {
  const leadsNowhere = !existsSync(path) && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
  return realOf(leadsNowhere ? resolve(dirname(path), readlinkSync(path)) : path);
}

/** Between moving a folder aside and this step a restore may be killed: then whoever comes next to the folder does it. */
export function takePlace(path: string): void {
  const home = homeBehind(path);
  const successor = successorOf(home);
  if (!existsSync(successor)) return;
  try {
    renameSync(successor, home);
  } catch (error) {
    // Somebody else was quicker, or what is there was not moved aside.
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
