import { DatabaseSync } from "node:sqlite";
import { Refusal } from "../kernel/refusal.ts";
import { MIGRATIONS, refuseNewer, versionIn } from "./migrations.ts";
import { explain } from "./trouble.ts";

/** The version of the ledger in a file, and the one that this program brings it to. Nothing is written. */
export function versionOfFile(path: string): { readonly version: number; readonly ours: number } {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
    return { version: versionIn(db), ours: MIGRATIONS.length };
  } catch (error) {
    throw explain(error, path);
  } finally {
    db?.close();
  }
}

/** For whoever reads a ledger that is not to be changed by it: only one of this program's version. */
export function refuseOther(version: number, path: string): void {
  refuseNewer(version, path);
  if (version === MIGRATIONS.length) return;
  throw new Refusal(
    "ledger_trouble",
    `The ledger ${path} has version ${version}, and this program reads version ${MIGRATIONS.length}: an older program wrote it.`,
    { hint: "Start it once with this program (`hq start`, `hq stop`): that brings it up to date." },
  );
}
