import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeAtomically } from "../config/atomic-file.ts";
import type { Inbox } from "../engine/ports/handoffs.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { FolderMemo } from "../handoffs/inbox.ts";

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
