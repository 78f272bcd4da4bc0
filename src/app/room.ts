import { existsSync, promises as files, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { makeFolder } from "../handoffs/make-folder.ts";
import { Refusal } from "../kernel/refusal.ts";
import { ASIDE, halfOf, successorOf } from "../ledger/backup.ts";
import { holdHome } from "../ledger/lock.ts";
import { LEDGER } from "./backup-manifest.ts";
import { hold, isHeld } from "./hold.ts";
import { LOCK } from "./home.ts";
import { realOf, takePlace } from "./successor.ts";

/** How the name begins of what is not whole yet: a folder in which a backup is unpacked, a file that is copied. */
export const UNPACKING = ".hq-restore-";

export const isOfBackup = (name: string) => !name.startsWith(LOCK);

type Room = { readonly release: () => Promise<void>; readonly before?: string };

/**
 * Only into an empty folder, or with the old one kept beside it; never under a supervisor, and none begins there before
 * it is released.
 */
export async function makeRoom(
  place: { readonly home: string; readonly now: () => number },
  source: string,
  force: boolean,
): Promise<Room> {
  const { now } = place;
  takePlace(place.home);
  // Behind a link it is the folder itself that makes room: the link would be followed no more.
  const home = realOf(place.home);
  makeFolder(home);
  const old = await holdFor(home);
  if (isFree(home)) return old;
  const before = `${home}${ASIDE}${new Date(now()).toISOString().replace(/[:.]/g, "-")}`;
  try {
    const why = "What is there would be mixed with what is restored.";
    const hint =
      "Set HQ_HOME to a folder that is empty or not there; `hq restore --force` keeps the old one aside.";
    if (!force) refuseFull(home, why, hint);
    if (liesIn(source, home)) {
      throw new Refusal("invalid_input", `${source} lies in ${home}, which would be moved aside.`, {
        hint: "Move the backup to another place, and restore it from there.",
      });
    }
    await layUp(home, now());
    moveAside(home, before);
  } finally {
    await old.release();
  }
  takePlace(home);
  await sync(dirname(home));
  return { ...(await holdFor(home, ` What was there is kept in ${before}.`)), before };
}

/** Made before anything is moved: at no time may a start find nothing, and begin anew. */
async function layUp(home: string, at: number): Promise<void> {
  const successor = successorOf(home);
  rmSync(successor, { recursive: true, force: true });
  makeFolder(successor);
  // Nobody has said yet that work may begin again.
  if (isHeld(home)) hold(successor, at);
  writeFileSync(halfOf(join(successor, LEDGER)), "", { mode: 0o600 });
  for (const path of [successor, dirname(successor)]) await sync(path);
}

function moveAside(home: string, before: string): void {
  try {
    renameSync(home, before);
  } catch (cause) {
    rmSync(successorOf(home), { recursive: true, force: true });
    if ((cause as NodeJS.ErrnoException).code !== "EBUSY") throw cause;
    throw new Refusal("invalid_input", `${home} cannot be moved aside: something is mounted there.`, {
      hint: "Set HQ_HOME to a folder in it, or move by hand what lies in it.",
      cause,
    });
  }
}

async function holdFor(home: string, more = ""): Promise<Room> {
  const describe = { pid: process.pid, isRestoring: true };
  const hold = await holdHome({ path: join(home, LOCK), describe });
  if (hold.ok) return hold;
  throw new Refusal("locked", `A supervisor works in ${home}, or another restore.${more}`, {
    hint: "Stop it with `hq stop`, or set HQ_HOME to another folder.",
  });
}

/** Whether nothing is there, but for a backup that is just unpacked there, and the lock. */
export function isFree(home: string): boolean {
  if (!existsSync(home)) return true;
  return readdirSync(home).every((name) => name.startsWith(UNPACKING) || !isOfBackup(name));
}

export function refuseFull(folder: string, why: string, hint: string): void {
  if (!existsSync(folder) || !readdirSync(folder).some(isOfBackup)) return;
  throw new Refusal("invalid_input", `${folder} is not empty. ${why}`, { hint });
}

/** Whether it is that folder, or will be in it, by whatever names. */
export function liesIn(place: string, folder: string): boolean {
  return `${realOf(place)}${sep}`.startsWith(`${realOf(folder)}${sep}`);
}

export async function sync(path: string): Promise<void> {
  const handle = await files.open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
