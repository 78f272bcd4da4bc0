import {
  existsSync,
  promises as files,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CONFIG_FILES } from "../config/load.ts";
import { CONTRACTS_DIR } from "../config/skill-contracts.ts";
import type { Config } from "../domain/config.ts";
import { makeFolder } from "../handoffs/make-folder.ts";
import { Refusal } from "../kernel/refusal.ts";
import {
  checkLedger,
  copyLedger,
  doubtOpenWork,
  halfOf,
  refuseHalf,
  refuseNewerCopy,
} from "../ledger/backup.ts";
import { refuseMoved } from "../ledger/moved.ts";
import {
  type BackupManifest,
  FORMAT,
  LEDGER,
  MANIFEST,
  readManifest,
  refuseOtherCopy,
} from "./backup-manifest.ts";
import { HANDLED_TASKS } from "./handled-tasks.ts";
import { HANDOFF_FOLDERS } from "./handoff-folders.ts";
import { API_PORT } from "./port.ts";
import { isOfBackup, liesIn, makeRoom, refuseFull, sync, UNPACKING } from "./room.ts";
import { realOf } from "./successor.ts";

/** Lies in a configuration as long as not all of it is there. */
const RESTORING = ".hq-restoring";
/** What is known beside the ledger: what other tools had claimed, and where agents were told to hand in. */
const NOTES = [HANDLED_TASKS, HANDOFF_FOLDERS, API_PORT];
/** Stay where they are; who restores brings them along or lets new ones be made. */
const SECRETS = ["api.key", "secret.key", ".env"];
const CONFIG_NAMES: readonly string[] = [...CONFIG_FILES, CONTRACTS_DIR];
const LEFT_OUT = [
  ...SECRETS,
  "tokens of sessions",
  "logs",
  "project_log.md",
  "proposals",
  "workers",
  "accepted and rejected handoffs",
  "workflow files",
  "folders of agents",
];

export type BackupPlace = {
  readonly home: string;
  readonly configDir: string;
  readonly config: Config;
  readonly version: string;
  readonly now: () => number;
};

/**
 * Copies what a supervisor knows into a new folder, also while it works. Handoffs come first and the local guild last: what
 * the ledger has taken meanwhile is then there twice and never missing.
 */
export async function makeBackup(place: BackupPlace, target: string): Promise<BackupManifest> {
  const { home } = place;
  if (!existsSync(join(home, LEDGER))) {
    refuseMoved(home);
    refuseHalf(join(home, LEDGER));
    throw new Refusal("not_found", `There is no ledger in ${home}.`, {
      hint: "Set HQ_HOME to the folder of the supervisor.",
    });
  }
  const hint = `Name a folder that is empty or not there; what a backup left that was broken off has no ${MANIFEST}, and may go.`;
  refuseFull(target, "A backup goes into a folder of its own.", hint);
  const copied = [place.configDir, place.config.settings.handoffs.dir, join(home, "guild")];
  const around = copied.find((folder) => liesIn(target, folder));
  if (around !== undefined) {
    throw new Refusal("invalid_input", `A backup cannot go into ${around}, which is copied itself.`, {
      hint: "Name a folder elsewhere.",
    });
  }
  makeFolder(target);
  try {
    return await copyAll(place, target);
  } catch (error) {
    // Half a backup would stand in the way of the next try.
    for (const name of readdirSync(target).filter(isOfBackup))
      rmSync(join(target, name), { recursive: true, force: true });
    throw error;
  }
}

async function copyAll(place: BackupPlace, target: string): Promise<BackupManifest> {
  const { home } = place;
  const at = place.now();
  // In one folder with all the rest only what is read as configuration is such.
  const isShared = realOf(place.configDir) === realOf(home);
  const isOther = (path: string) =>
    isShared && dirname(path) === place.configDir && !CONFIG_NAMES.includes(basename(path));
  // What is linked into a configuration is a part of it; in the other folders a link is nobody's word.
  let count = await copyTree(place.configDir, join(target, "config"), {
    isLeft: (path) => isOther(path) || SECRETS.includes(basename(realOf(path))),
    followsUnless: [target, home],
  });
  const { dir } = place.config.settings.handoffs;
  const isArchive = (path: string) => /^(accepted|rejected)$/.test(basename(path)) && dirname(path) === dir;
  count += await copyTree(dir, join(target, "handoffs"), { isLeft: isArchive });
  const copied = await copyLedger(join(home, LEDGER), join(target, LEDGER));
  count += await copyTree(join(home, "guild"), join(target, "guild"));
  for (const name of NOTES) count += await copyFile(join(home, name), join(target, name));
  const manifest: BackupManifest = {
    format: FORMAT,
    version: place.version,
    at: new Date(at).toISOString(),
    home,
    ledger: copied,
    files: count,
    leftOut: LEFT_OUT,
  };
  // The last thing that is written: a folder without it is no backup.
  const path = join(target, MANIFEST);
  writeFileSync(path, `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
  for (const written of [path, target, dirname(target)]) await sync(written);
  return manifest;
}

export type Restored = {
  readonly manifest: BackupManifest;
  /** Open work that is looked into before it is done, since it may have been done after the backup. */
  readonly doubtful: number;
  readonly config: { readonly path: string; readonly isUsed: boolean };
  /** Where its handoffs lie: where the configuration that is in use now looks for them. */
  readonly handoffs: string;
  /** Where the folder went that was there before. */
  readonly before?: string;
};

export async function restoreBackup(
  place: Pick<BackupPlace, "home" | "configDir" | "now"> & {
    /** Asked when the configuration is there; undefined when it is not valid. */
    readonly handoffs: () => string | undefined;
  },
  source: string,
  options: { readonly force: boolean },
): Promise<Restored> {
  const manifest = readManifest(source);
  const ledger = join(source, LEDGER);
  const copy = checkLedger(ledger);
  refuseNewerCopy(ledger);
  refuseOtherCopy(source, manifest, copy);
  const room = await makeRoom(place, source, options.force);
  try {
    const restored = await copyBack(place, source, manifest);
    return { ...restored, ...(room.before === undefined ? {} : { before: room.before }) };
  } finally {
    await room.release();
  }
}

async function copyBack(
  place: Parameters<typeof restoreBackup>[0],
  source: string,
  manifest: BackupManifest,
): Promise<Restored> {
  const { home } = place;
  // Whoever is broken off before the last step leaves no ledger that does not know that it is old, nor room for a new one.
  const half = halfOf(join(home, LEDGER));
  writeFileSync(half, "", { mode: 0o600 });
  await sync(home);
  await copyTree(join(source, "guild"), join(home, "guild"));
  for (const name of NOTES) await copyFile(join(source, name), join(home, name));
  const restoring = join(place.configDir, RESTORING);
  const isUsed = isWithout(place.configDir) || existsSync(restoring);
  const config = isUsed ? place.configDir : join(home, "config-of-backup");
  if (isUsed) {
    makeFolder(config);
    writeFileSync(restoring, "");
  }
  await copyTree(join(source, "config"), config);
  rmSync(restoring, { force: true });
  const handoffs = place.handoffs() ?? join(home, "handoffs");
  await copyTree(join(source, "handoffs"), handoffs);
  await files.copyFile(join(source, LEDGER), half);
  await files.chmod(half, 0o600);
  const doubtful = doubtOpenWork(half, Date.parse(manifest.at));
  // Its name is believed: what it names is on the disk first, after a power loss too.
  await sync(half);
  renameSync(half, join(home, LEDGER));
  await sync(home);
  return {
    manifest,
    doubtful,
    config: { path: config, isUsed },
    handoffs,
  };
}

const isWithout = (folder: string) => !existsSync(folder) || readdirSync(folder).length === 0;

/**
 * Regular files and folders, mode and all, whole and on the disk under their names; what goes away meanwhile is left out,
 * and a file that is there already stays. Returns how many files.
 */
async function copyTree(
  from: string,
  to: string,
  options: { readonly isLeft?: (path: string) => boolean; readonly followsUnless?: readonly string[] } = {},
): Promise<number> {
  if (!existsSync(from)) return 0;
  makeFolder(to);
  let count = 0;
  const { followsUnless } = options;
  const others = followsUnless && [...followsUnless, from];
  const within = { ...options, ...(others ? { followsUnless: others } : {}) };
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const path = join(from, entry.name);
    if (options.isLeft?.(path)) continue;
    const what = others ? partAt(path, others) : entry;
    if (what?.isDirectory()) count += await copyTree(path, join(to, entry.name), within);
    if (what?.isFile()) count += await copyFile(path, join(to, entry.name));
  }
  await sync(to);
  return count;
}

/** Undefined when it leads nowhere, in a circle, or to what holds one of the others: those that it was reached by, or no part of it. */
function partAt(path: string, others: readonly string[]): Stats | undefined {
  try {
    return others.some((place) => liesIn(place, path)) ? undefined : statSync(path);
  } catch (error) {
    if (["ENOENT", "ELOOP", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}

async function copyFile(from: string, to: string): Promise<number> {
  const half = join(dirname(to), `${UNPACKING}${basename(to)}`);
  try {
    await files.copyFile(from, half);
    const { atime, mtime } = await files.stat(from);
    await files.utimes(half, atime, mtime);
    await sync(half);
    if (existsSync(to)) return 0;
    renameSync(half, to);
    return 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  } finally {
    rmSync(half, { force: true });
  }
}
