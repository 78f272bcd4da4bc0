import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { explain } from "./trouble.ts";

/** What is read in some seconds, also from a slow disk. */
const IN_PASSING = 256 << 20;

/** What SQLite finds wrong in the pages of a ledger, also while others work on it, or how large one is that would take too long. */
export function damageIn(path: string): { readonly damage?: string; readonly notLooked?: number } {
  const { size } = statSync(path);
  if (size > IN_PASSING) return { notLooked: size };
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    const [first] = db.prepare("pragma quick_check(1)").all();
    const said = String(first?.["quick_check"]);
    return said === "ok" ? {} : { damage: said };
  } catch (error) {
    throw explain(error, path);
  } finally {
    db.close();
  }
}
