import assert from "node:assert/strict";
import test from "node:test";
import { fileNameOf, isTemporary, readName } from "../../src/handoffs/names.ts";
import { isRunId } from "../../src/kernel/id.ts";

const nobody = () => false;

test("what is written by fileNameOf is read back, for ids with dots too", () => {
  for (const run of ["orch-1", "wf-x-1.step~2", "orch-1.0123456789"]) {
    for (const attempt of [1, 2, 9, 12]) {
      const name = fileNameOf(run, attempt);
      assert.deepEqual(readName(name, nobody), { kind: "handoff", run, attempt });
    }
  }
});

test("a run that is waited for wins over the reading as an attempt", () => {
  assert.deepEqual(
    readName("trial.2.json", (run) => run === "trial.2"),
    { kind: "handoff", run: "trial.2", attempt: 1 },
  );
  assert.deepEqual(readName("trial.2.json", nobody), { kind: "handoff", run: "trial", attempt: 2 });
  assert.deepEqual(
    readName("wf-x.lock.2.json", (run) => run === "wf-x.lock.2"),
    { kind: "handoff", run: "wf-x.lock.2", attempt: 1 },
  );
});

test("attempts are counted from 1 and have two digits at most; any other number belongs to the run", () => {
  for (const run of ["trial.0", "trial.02", "trial.100"])
    assert.deepEqual(readName(`${run}.json`, nobody), { kind: "handoff", run, attempt: 1 });
});

for (const name of [
  ".x.json",
  "x.json.tmp",
  "x.json~",
  "#x.json#",
  "x.json.8271",
  "x.part",
  "x.json.tmp.12",
  "x.swp",
  "x.swx",
  "x.temp",
  "x.partial.json",
  "x.json.lock",
  "x.json.8F2Zq",
  "X.JSON.TMP",
]) {
  test(`${name} is somebody's temporary name`, () => assert.equal(readName(name, nobody).kind, "ignored"));
}

test("what is passed over without a closer look is ignored whatever is waited for", () => {
  for (const name of [".x.json", ".x", "x.tmp", "x.json.tmp", "x.2.json.tmp"]) {
    assert.ok(isTemporary(name), name);
    assert.equal(readName(name, isRunId).kind, "ignored", name);
  }
  for (const name of ["x.json", "tmp", "x.tmp.json", "part.json"]) assert.ok(!isTemporary(name), name);
});

for (const name of [
  "x.txt",
  "x.json.bak",
  "a b.json",
  "a..b.json",
  "-x.json",
  `${"x".repeat(81)}.json`,
  "x",
]) {
  test(`${name.slice(0, 20)} is odd`, () => {
    assert.equal(readName(name, nobody).kind, "odd");
  });
}

test("a run that is waited for is no temporary file, whatever its steps are called", () => {
  const isExpected = (run: string) => ["wf-x.part-1", "wf-x.lock"].includes(run);
  assert.deepEqual(readName("wf-x.part-1.json", isExpected), {
    kind: "handoff",
    run: "wf-x.part-1",
    attempt: 1,
  });
  assert.deepEqual(readName("wf-x.lock.2.json", isExpected), {
    kind: "handoff",
    run: "wf-x.lock",
    attempt: 2,
  });
  assert.equal(readName("wf-x.part-2.json", isExpected).kind, "ignored");
  assert.equal(readName("wf-x.part-1.json.tmp", isExpected).kind, "ignored");
});
