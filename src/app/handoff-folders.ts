import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import type { Inbox } from "../engine/ports/handoffs.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { FolderMemo } from "../handoffs/inbox.ts";
import { Refusal } from "../kernel/refusal.ts";
import { isHomeHeld } from "../ledger/lock.ts";
import { LOCK } from "./home.ts";

export const HANDOFF_FOLDERS = "handoff-folders.txt";

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
