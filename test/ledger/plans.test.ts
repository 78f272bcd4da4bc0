import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { migrate } from "../../src/ledger/migrations.ts";
import { SQL } from "../../src/ledger/statements.ts";

/** They read all open effects, one number a status, one agent's slots, one run's effects: none grows with the history. */
const MAY_SCAN: Readonly<Record<string, RegExp>> = {
  release: /^SCAN outbox USING INDEX outbox_open$/,
  backlog: /^SCAN outbox USING INDEX outbox_open$|^USE TEMP B-TREE FOR GROUP BY$/,
  counts: /^SCAN counter$/,
  openByAgent: /^USE TEMP B-TREE FOR GROUP BY$/,
  slots: /^USE TEMP B-TREE FOR ORDER BY$/,
  ofAttempt: /^USE TEMP B-TREE FOR ORDER BY$/,
};

function plansOf(db: DatabaseSync, sql: string): readonly string[] {
  const rows = db.prepare(`explain query plan ${sql}`).all();
  return rows.map((row) => String(row["detail"]));
}

/** Reads a table from end to end, or sorts what it read. `waiting` and json_each are made of few rows. */
function isSlow(plan: string): boolean {
  return /^SCAN (?!waiting|json_each|CONSTANT|\(subquery)|TEMP B-TREE/.test(plan);
}

test("no statement of the ledger walks a table that grows, or sorts", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const slow = Object.entries(SQL).flatMap(([name, sql]) =>
    plansOf(db, sql)
      .filter((plan) => isSlow(plan) && !MAY_SCAN[name]?.test(plan))
      .map((plan) => `${name}: ${plan}`),
  );
  db.close();
  assert.deepEqual(slow, []);
});

test("a statement that walks the outbox would be seen", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const plans = plansOf(db, "select * from outbox where holder = 'x' order by due_at");
  db.close();
  assert.equal(plans.filter(isSlow).length, 2);
});
