import assert from "node:assert/strict";
import test from "node:test";
import { isRefusal } from "../../src/kernel/refusal.ts";
import { concernsAll, explain, isLost, mayWorkAgain } from "../../src/ledger/postgres/trouble.ts";

const errorOf = (code: string) => Object.assign(new Error("as PostgreSQL says it"), { code });

test("what the database or the way to it lacks is told with its place and what to do, and what is only away is waited for", () => {
  const said: Readonly<Record<string, RegExp>> = {
    ECONNREFUSED: /does not answer/,
    ECONNRESET: /does not answer/,
    ETIMEDOUT: /does not answer/,
    ENOTFOUND: /does not answer/,
    EHOSTUNREACH: /does not answer/,
    "57P01": /does not answer/,
    "57P02": /does not answer/,
    "57P03": /does not answer/,
    "25006": /only reads.*Name the one that writes/,
    "08006": /does not answer/,
    "53300": /no connection left\. Raise max_connections/,
    "28P01": /refuses the user or the password/,
    "28000": /refuses the user or the password/,
    "3D000": /no such database/,
    "42501": /may not do that/,
    "53100": /is full\. Free some space/,
    "53200": /no memory left/,
    "57014": /took too long and was stopped/,
    "58030": /reported an error/,
    XX001: /is damaged/,
    XX002: /is damaged/,
  };
  for (const [code, words] of Object.entries(said)) {
    const error = errorOf(code);
    const told = explain(error, "hq at db:5432");
    assert.ok(isRefusal(told) && told.code === "ledger_trouble", code);
    assert.match(told.message, words, code);
    assert.match(told.message, /hq at db:5432.*\(PostgreSQL: as PostgreSQL says it\)$/);
    assert.equal(told.cause, error);
    const isAway = /does not answer|no connection left|only reads/.test(told.message);
    assert.deepEqual([concernsAll(error), isLost(error)], [true, isAway], code);
  }
});

test("a deadlock, a conflict or a lock is asked again; a write that is wrong by itself stays as it is", () => {
  for (const code of ["40P01", "40001", "55P03"]) {
    const error = errorOf(code);
    assert.deepEqual([mayWorkAgain(error), concernsAll(error), isLost(error)], [true, false, false], code);
  }
  const error = errorOf("23505");
  assert.deepEqual([mayWorkAgain(error), concernsAll(error), isLost(error)], [false, false, false]);
  assert.equal(explain(error, "hq at db:5432"), error);
});
