import { closeSync, existsSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Ledger } from "../../src/engine/ports/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { commitOf } from "../contract/ledger-fixture.ts";

/** Runs in a folder that is small; prints what a ledger does there as one JSON line. */
const [, , dir = ""] = process.argv;
const path = join(dir, "ledger.db");
const filler = join(dir, "filler");
const letter = "x".repeat(8192);

/** Writes until a commit fails; returns how many were acknowledged, and the words of the failure. */
async function writeUntilRefused(ledger: Ledger, name: string) {
  for (let done = 0; done < 2000; done++) {
    try {
      await ledger.commit(commitOf(`${name}-${done}`, { state: { letter } }));
    } catch (error) {
      return { done, message: error instanceof Error ? error.message : String(error) };
    }
  }
  throw new Error("the disk is too large for this test");
}

async function count(ledger: Ledger, name: string, done: number): Promise<number> {
  let found = 0;
  for (let i = 0; i < done; i++) if (await ledger.load(`${name}-${i}`)) found++;
  return found;
}

/** Takes what is left of the disk; false where the limit is on single files. */
function fill(): boolean {
  const file = openSync(filler, "w");
  try {
    for (let i = 0; i < 10_000; i++) writeSync(file, letter);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ENOSPC";
  } finally {
    closeSync(file);
  }
}

const ledger = await openSqliteLedger({ path, ballastBytes: 256 << 10 });
const hadBallast = existsSync(`${path}.ballast`);
await ledger.commit(commitOf("first-0", { state: { letter } }));
const isFilled = fill();
const full = await writeUntilRefused(ledger, "full");
const hasBallast = existsSync(`${path}.ballast`);
const readable = await count(ledger, "full", full.done);
const afterBallast = await ledger.settle([{ id: "run-1@1#0", outcome: "x" }]).then(
  () => ledger.remember("mark", "written with the reserve").then(() => true),
  () => false,
);
rmSync(filler, { force: true });
const free = await ledger.commit(commitOf("free-0")).then(
  ({ ok }) => ok,
  () => false,
);
await ledger.close();
const again = await openSqliteLedger({ path, ballastBytes: 0 });
const kept = await count(again, "full", full.done);
const first = await count(again, "first", 1);
await again.close();
console.log(
  JSON.stringify({ isFilled, hadBallast, hasBallast, ...full, readable, afterBallast, free, kept, first }),
);
