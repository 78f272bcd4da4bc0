import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { isFree, sync, UNPACKING } from "../app/room.ts";
import { takePlace } from "../app/successor.ts";
import { makeFolder } from "../handoffs/make-folder.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { isAlive } from "./holder.ts";

/** Several machines may keep their backups in one place, each with processes of its own. */
const PACKING = `.hq-backup-${hostname()}-`;

export async function packed<T>(file: string, make: (folder: string) => Promise<T>): Promise<T> {
  if (existsSync(file)) throw new Refusal("invalid_input", `${file} is there already.`);
  const place = dirname(file);
  makeFolder(place);
  removeLeft(place, PACKING);
  const folder = mkdtempSync(join(place, `${PACKING}${process.pid}-`));
  try {
    const made = await make(join(folder, "backup"));
    // Packed inside the folder that is ours alone: what was asked and answered is in it.
    const whole = join(folder, "backup.tar.gz");
    const hint = "Name a folder instead of a .tar.gz file.";
    tar(["-czf", whole, "-C", folder, "backup"], hint);
    tar(["-tzf", whole], hint);
    chmodSync(whole, 0o600);
    await sync(whole);
    if (existsSync(file)) throw new Refusal("invalid_input", `${file} is there already.`);
    renameSync(whole, file);
    await sync(place);
    return made;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Unpacked where the ledger will be: the archive may lie where nothing can be written, and be larger than /tmp. */
export async function unpacked<T>(
  file: string,
  home: string,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const beside = dirname(home);
  for (const place of [home, beside]) removeLeft(place, prefixOf(home));
  takePlace(home);
  const wasThere = existsSync(home);
  makeFolder(home);
  // One that is not empty is moved aside before anything is put into its place.
  const place = isFree(home) ? home : beside;
  const folder = mkdtempSync(join(place, `${prefixOf(home)}${process.pid}-`));
  try {
    tar(
      ["-xzf", file, "-C", folder],
      "One that is cut or damaged is no backup any more: name another one, or a folder.",
    );
    return await use(join(folder, "backup"));
  } catch (error) {
    throw isRefusal(error) ? naming(file, join(folder, "backup"), error) : error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (!wasThere && readdirSync(home).length === 0) rmdirSync(home);
  }
}

/** Where it was unpacked is gone when somebody reads of it. */
function naming(file: string, folder: string, { code, message, hint, problems }: Refusal): Refusal {
  return new Refusal(code, message.replaceAll(folder, file), { ...(hint ? { hint } : {}), problems });
}

/** Several homes may lie beside one another. */
const prefixOf = (home: string) => `${UNPACKING}${basename(home)}-`;

/** What a backup or restore of ours left that was killed; another user's, or of a longer name, is not ours to take. */
function removeLeft(place: string, prefix: string): void {
  if (!existsSync(place)) return;
  for (const name of readdirSync(place)) {
    const [, pid] = name.startsWith(prefix) ? (/^(\d+)-[^-]*$/.exec(name.slice(prefix.length)) ?? []) : [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const left = join(place, name);
    // Another one may take it away at this moment.
    if (lstatSync(left, { throwIfNoEntry: false })?.uid === process.geteuid?.())
      rmSync(left, { recursive: true, force: true });
  }
}

function tar(args: readonly string[], hint: string): void {
  const { status, stderr, error } = spawnSync("tar", [...args], {
    env: { PATH: process.env["PATH"] },
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) return;
  const why = error ? error.message : stderr.trim().split("\n")[0];
  throw new Refusal("invalid_input", `tar could not do it: ${why ?? "unknown"}.`, {
    hint,
  });
}
