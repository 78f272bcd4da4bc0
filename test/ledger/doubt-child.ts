import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { checkLedger, doubtOpenWork } from "../../src/ledger/backup.ts";

/**
 * Puts what is open in a copy into doubt on a small disk, which gets a page more each time until it is done. Prints the
 * refusals, and what was done then, as one JSON line.
 */
const [, , copy = "", small = ""] = process.argv;
const half = join(small, "half");
const refused: string[] = [];
let doubted: number | undefined;
for (let bytes = statSync(copy).size; doubted === undefined; bytes += 4096) {
  for (const name of readdirSync(small)) rmSync(join(small, name));
  execFileSync("mount", ["-o", `remount,size=${bytes}`, small]);
  copyFileSync(copy, half);
  try {
    doubted = doubtOpenWork(half, Date.now());
  } catch (error) {
    if (!isRefusal(error)) throw error;
    refused.push(`${error.code} ${error.message}`);
  }
}
checkLedger(half);
const db = new DatabaseSync(half, { readOnly: true });
const left = Number(db.prepare("select count(*) as n from outbox where begun_at is null").get()?.["n"]);
db.close();
console.log(JSON.stringify({ refused, doubted, left }));
