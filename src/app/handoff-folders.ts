import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import type { Config } from "../domain/config.ts";
import type { Inbox } from "../engine/ports/handoffs.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { FolderMemo } from "../handoffs/inbox.ts";
import { Refusal } from "../kernel/refusal.ts";
import { isHomeHeld } from "../ledger/lock.ts";
import { LOCK } from "./home.ts";
import { liesIn } from "./room.ts";
import { realOf } from "./successor.ts";

export const HANDOFF_FOLDERS = "handoff-folders.txt";
/** In a folder of handoffs: the home of the supervisor that took from it last, and the folder. */
const OWNER = ".hq-home";

/** `$HQ_HOME/handoff-folders.txt`: the folders in which agents may have been told to write, one a line. */
export function createFolderMemo(home: string): FolderMemo {
  const path = join(home, HANDOFF_FOLDERS);
  return {
    recall() {
      try {
        return readFileSync(path, "utf8")
          .split("\n")
          .filter((line) => line !== "");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      }
    },
    note: (folders) => writeAtomically(path, folders.map((folder) => `${folder}\n`).join(""), 0o600),
  };
}

/** A copy of a supervisor that still works would take from it what is handed in there. */
export function refuseBesideOriginal(home: string, inbox: Pick<Inbox, "leftFolders">): void {
  const left = inbox.leftFolders();
  // Sub-delegations have a folder of their own in the shared one.
  const homes = new Set([...left, ...left.map(dirname)].map(dirname).filter((other) => other !== home));
  for (const other of homes) {
    if (!isHomeHeld(join(other, LOCK))) continue;
    throw new Refusal("locked", `The supervisor in ${other} works, and agents were told to write there.`, {
      hint: `Stop it first (HQ_HOME=${other} hq stop): both would do what was open. If this is no copy of it, take ${join(home, HANDOFF_FOLDERS)} away.`,
    });
  }
}

function foldersOf({ settings, registry }: Config): readonly string[] {
  const own = registry.agents.flatMap(({ handoffDir }) => handoffDir ?? []);
  return [...new Set([settings.handoffs.dir, ...own].map(realOf))];
}

/** Two that know nothing of each other would each take away what is handed in for the other one. Why a configuration is not taken. */
export function folderOfAnother(home: string, config: Config): Refusal | undefined {
  for (const folder of foldersOf(config)) {
    const note = join(folder, OWNER);
    const other = [dirname(folder), ownerIn(note, folder)].find(
      (one) => one !== undefined && realOf(one) !== realOf(home) && isHomeHeld(join(one, LOCK)),
    );
    if (other === undefined) continue;
    return new Refusal(
      "locked",
      `The supervisor in ${other} works, and takes what is handed in in ${folder}.`,
      {
        hint: `Each would take away what the other one waits for: name another folder (handoffs.dir, handoff_dir), or stop it first (HQ_HOME=${other} hq stop). If it looks elsewhere by now, take ${note} away.`,
      },
    );
  }
  return undefined;
}

/** Says in each folder whose it is, unless its place does; one that takes no note is used without. */
export function claimFolders(home: string, config: Config): void {
  for (const folder of foldersOf(config)) {
    const note = join(folder, OWNER);
    if (liesIn(folder, home) || ownerIn(note, folder) === home) continue;
    try {
      writeAtomically(note, `${home}\n${folder}\n`, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    }
  }
}

/** Undefined when nothing is said there, or it was copied from elsewhere. */
function ownerIn(note: string, folder: string): string | undefined {
  try {
    const [home, of] = readFileSync(note, "utf8").split("\n");
    return of === folder ? home : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
}

/** What is open may be handed in where config does not look any more: its agents were told so before the last stop. */
export async function expectInLeftFolders(
  inbox: Pick<Inbox, "leftFolders" | "expect">,
  ledger: Pick<Ledger, "list">,
): Promise<void> {
  if (inbox.leftFolders().length === 0) return;
  for (let before: string | undefined; ; ) {
    const query = { kind: "delegation", open: true, limit: 200 } as const;
    const page = await ledger.list({ ...query, ...(before ? { before } : {}) });
    for (const { stream } of page.items) inbox.expect(stream);
    before = page.next;
    if (!before) return;
  }
}
