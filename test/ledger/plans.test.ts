import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { LEFTOVERS_SQL } from "../../src/ledger/leftovers.ts";
import { migrate } from "../../src/ledger/migrations.ts";
import { PRUNE_SQL } from "../../src/ledger/prune.ts";
import { SCAN_SQL } from "../../src/ledger/scan-statements.ts";
import { SEARCH_SQL } from "../../src/ledger/search.ts";
import { SQL } from "../../src/ledger/statements.ts";
import { TRAIL_SQL } from "../../src/ledger/trail.ts";

/** They read all open effects, one number a status, one agent's slots, one run's effects: none grows with the history. */
const MAY_SCAN: Readonly<Record<string, RegExp>> = {
  release: /^SCAN outbox USING INDEX outbox_open$/,
  comeBack: /^SCAN outbox USING INDEX outbox_open$/,
  backlog: /^SCAN outbox USING INDEX outbox_open$|^USE TEMP B-TREE FOR GROUP BY$/,
  counts: /^SCAN counter$/,
  openByAgent: /^USE TEMP B-TREE FOR GROUP BY$/,
  slots: /^USE TEMP B-TREE FOR ORDER BY$/,
  // The full text index, newest first as it is kept.
  "search.find": /^SCAN search VIRTUAL TABLE INDEX 192:M1<$/,
  "search.remove": /^SCAN search VIRTUAL TABLE INDEX 0:=$/,
  // The events and posts of one stream; the open effects; what one pruning left.
  "scan.counts": /^USE TEMP B-TREE FOR GROUP BY$/,
  "scan.sentAgain": /^USE TEMP B-TREE FOR GROUP BY$/,
  "scan.postedTwice": /^USE TEMP B-TREE FOR GROUP BY$/,
  "scan.batches": /^SCAN outbox USING INDEX outbox_open$/,
  "prune.noted": /^SCAN pruned$/,
  ofAttempt: /^USE TEMP B-TREE FOR ORDER BY$/,
};

function plansOf(db: DatabaseSync, sql: string): readonly string[] {
  const rows = db.prepare(`explain query plan ${sql}`).all();
  return rows.map((row) => String(row["detail"]));
}

/** The same names as in the hot path, told apart. */
const trail = Object.fromEntries(Object.entries(TRAIL_SQL).map(([name, sql]) => [`trail.${name}`, sql]));

const scan = Object.fromEntries(Object.entries(SCAN_SQL).map(([name, sql]) => [`scan.${name}`, sql]));
const prune = Object.fromEntries(Object.entries(PRUNE_SQL).map(([name, sql]) => [`prune.${name}`, sql]));
const leftovers = Object.fromEntries(
  Object.entries(LEFTOVERS_SQL).map(([name, sql]) => [`leftovers.${name}`, sql]),
);
const search = Object.fromEntries(Object.entries(SEARCH_SQL).map(([name, sql]) => [`search.${name}`, sql]));

/** Reads a table from end to end, or sorts what it read. `waiting` and json_each are made of few rows. */
function isSlow(plan: string): boolean {
  return /^SCAN (?!waiting|json_each|CONSTANT|\(subquery)|TEMP B-TREE/.test(plan);
}

test("no statement of the ledger walks a table that grows, or sorts", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const slow = Object.entries({ ...SQL, ...trail, ...search, ...scan, ...prune, ...leftovers }).flatMap(
    ([name, sql]) =>
      plansOf(db, sql)
        .filter((plan) => isSlow(plan) && !MAY_SCAN[name]?.test(plan))
        .map((plan) => `${name}: ${plan}`),
  );
  db.close();
  assert.deepEqual(slow, []);
});

test("what a commit ends is found among what is open, however much a stream has done before", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const plans = ["settle", "cancel", "postpone", "postponeBegun"].map((name) =>
    plansOf(db, SQL[name as keyof typeof SQL]).join(),
  );
  db.close();
  for (const plan of plans) assert.match(plan, /USING INDEX outbox_open/);
});

test("a statement that walks the outbox would be seen", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const plans = plansOf(db, "select * from outbox where holder = 'x' order by due_at");
  db.close();
  assert.equal(plans.filter(isSlow).length, 2);
});
