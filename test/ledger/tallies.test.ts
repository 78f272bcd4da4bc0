import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { migrate } from "../../src/ledger/migrations.ts";
import { TALLY_SQL } from "../../src/ledger/tallies.ts";

test("no statement of the kept figures reads a table from end to end, or sorts", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const slow = Object.entries(TALLY_SQL).flatMap(([name, sql]) =>
    db
      .prepare(`explain query plan ${sql}`)
      .all()
      .map((row) => `${name}: ${String(row["detail"])}`)
      .filter((plan) => /SCAN|TEMP B-TREE/.test(plan)),
  );
  db.close();
  assert.deepEqual(slow, []);
});
