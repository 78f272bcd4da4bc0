import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { concernsAll, explain, isFull } from "../../src/ledger/trouble.ts";

const errorOf = (errcode: unknown) => Object.assign(new Error("as SQLite says it"), { errcode });

test("what is wrong with the machine is told with the path and what to do, whatever its exact number is", () => {
  const said = {
    3: /cannot be written/,
    5: /locked by another program/,
    6: /locked by another program/,
    7: /no memory left/,
    8: /cannot be written/,
    10: /reported an error/,
    11: /damaged or is no ledger/,
    13: /is full/,
    14: /cannot be opened/,
    26: /damaged or is no ledger/,
  };
  for (const [code, words] of Object.entries(said)) {
    // The upper bytes say more of the same.
    for (const errcode of [Number(code), Number(code) + 256, Number(code) + 3 * 256]) {
      const error = errorOf(errcode);
      const told = explain(error, "/home/ledger.db");
      assert.ok(isRefusal(told) && told.code === "ledger_trouble", String(errcode));
      assert.match(told.message, words);
      assert.match(told.message, /\/home\/ledger\.db.*\(SQLite: as SQLite says it\)$/);
      assert.equal(told.cause, error);
      assert.deepEqual([concernsAll(error), isFull(error)], [true, Number(code) === 13]);
    }
  }
});

test("what is wrong with one write alone stays as it is, and concerns no other", () => {
  for (const thrown of [
    errorOf(19),
    errorOf(1),
    errorOf("13"),
    new TypeError("a bug"),
    "a word",
    undefined,
  ]) {
    assert.equal(explain(thrown, "/home/ledger.db"), thrown);
    assert.deepEqual([concernsAll(thrown), isFull(thrown)], [false, false]);
  }
});
