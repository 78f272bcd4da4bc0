import assert from "node:assert/strict";
import { test } from "node:test";
import {
  csvCell,
  csvLine,
  DELEGATION_COLUMNS,
  delegationCells,
  EVENT_COLUMNS,
  eventCells,
} from "../../src/domain/export.ts";
import type { DelegationView } from "../../src/domain/view.ts";

test("cells of a table hold no formulas and keep their lines", () => {
  for (const text of ["=1", "+1", "-1", "@a", "\tx"]) assert.equal(csvCell(text), `"'${text}"`);
  assert.equal(csvCell('a "b", c'), '"a ""b"", c"');
  assert.equal(csvCell("one\ntwo"), '"one\ntwo"');
  assert.equal(csvCell("plain"), "plain");
  assert.equal(csvCell(-5), "-5");
  assert.equal(csvCell(undefined), "");
  assert.equal(csvLine(["a", 1, null]), "a,1,\r\n");
});

test("an event and a delegation have a cell for each column", () => {
  const event = {
    position: 3,
    stream: "s",
    version: 1,
    at: 0,
    type: "t",
    body: { a: 1 },
    cause: "c",
    actor: "o",
  };
  const cells = eventCells(event);
  assert.equal(cells.length, EVENT_COLUMNS.length);
  assert.deepEqual(cells.slice(0, 3), [3, "1970-01-01T00:00:00.000Z", "s"]);
  const view = { id: "orch-1", status: "queued", queuedAt: 0, attempt: 1 } as unknown as DelegationView;
  const row = delegationCells(7, view);
  assert.equal(row.length, DELEGATION_COLUMNS.length);
  assert.deepEqual([row[0], row[1], row[7]], [7, "orch-1", undefined]);
});
