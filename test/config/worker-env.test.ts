import assert from "node:assert/strict";
import test from "node:test";
import { readWorkerWishes } from "../../src/config/worker-env.ts";

const HOUR = 3_600_000;

/** What a variable asks for; the words of the problem when it cannot be read. */
function read(name: string, text: string): unknown {
  const { wishes, problems } = readWorkerWishes({ [name]: text });
  const { set: _, ...rest } = wishes;
  return problems[0]?.message ?? Object.values(rest)[0];
}

test("TIMEOUT takes seconds or a duration, from one second to two days", () => {
  const wrong = "must be seconds from 1 to 172800, or a duration such as 5m";
  const said = ["0", "1", "5m", " 45 ", "172800", "172801", "49h", "-1"].map((text) => read("TIMEOUT", text));
  assert.deepEqual(said, [wrong, 1000, 300_000, 45_000, 48 * HOUR, wrong, wrong, wrong]);
});

test("SUMMARY_MAX_LENGTH takes 50 to 100000 characters", () => {
  const wrong = "must be a number of characters from 50 to 100000";
  const said = ["49", "50", " 100000 ", "100001", "5e2", "99.5"].map((text) =>
    read("SUMMARY_MAX_LENGTH", text),
  );
  assert.deepEqual(said, [wrong, 50, 100_000, wrong, wrong, wrong]);
});

test("WORKER_RETENTION_HOURS takes none to a year's hours, also a part of one", () => {
  const wrong = "must be a number of hours from 0 to 8760";
  const said = ["0", "1.5", " 8760 ", "8760.5", "8761", ".5", "-1"].map((text) =>
    read("WORKER_RETENTION_HOURS", text),
  );
  assert.deepEqual(said, [0, 1.5 * HOUR, 8760 * HOUR, wrong, wrong, wrong, wrong]);
});

test("a variable without anything in it asks for nothing", () => {
  for (const name of ["TIMEOUT", "SUMMARY_MAX_LENGTH", "WORKER_RETENTION_HOURS", "OPENCLAW_BIN"])
    assert.equal(read(name, "  "), undefined, name);
  assert.deepEqual(readWorkerWishes({ EXTRA_PYTHONPATH: " /opt " }).wishes.set, { PYTHONPATH: "/opt" });
});
