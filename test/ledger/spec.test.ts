import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { migrate } from "../../src/ledger/migrations.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/specs/ledger.md"), "utf8");

test("ledger.md names every table with its columns", () => {
  // What differs in PostgreSQL stands in the last section; the full text index is told of in words.
  const [embedded = ""] = page.split("## In PostgreSQL");
  const said = [...embedded.matchAll(/^\| `(\w+)` \| ([\w, ]+) \|/gm)].map(
    ([, name, columns = ""]) => [name, columns.trim().split(", ").toSorted()] as const,
  );
  const db = new DatabaseSync(":memory:");
  migrate(db, ":memory:");
  const columns = db.prepare("select name from pragma_table_info(?)");
  const there = db
    .prepare("select name from sqlite_master where type = 'table' and name not glob 'search*'")
    .all()
    .map(({ name }) => String(name))
    .filter((name) => !name.startsWith("sqlite_"))
    .map(
      (name) =>
        [
          name,
          columns
            .all(name)
            .map((column) => String(column["name"]))
            .toSorted(),
        ] as const,
    );
  db.close();
  assert.deepEqual(Object.fromEntries(said), Object.fromEntries(there));
});
