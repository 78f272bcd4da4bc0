import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { createBell } from "../../src/kernel/bell.ts";
import { readCrashAt } from "../../src/kernel/crash.ts";
import { canonicalJson, childId, isRunId, newId, nonceOf } from "../../src/kernel/id.ts";
import { inTime } from "../../src/kernel/in-time.ts";
import { createLifecycle } from "../../src/kernel/lifecycle.ts";
import { counted, cut, firstLines, forTerminal, nearest, oneLine } from "../../src/kernel/text.ts";
import { createShiftedClock, formatDuration, parseDuration, writtenDuration } from "../../src/kernel/time.ts";

test("durations read as bare seconds or with a unit, and nothing else reads", () => {
  const read = ["90", "90s", "5m", "2h", "1d", "250ms", "1.5s", " 10S "].map(parseDuration);
  assert.deepEqual(read, [90_000, 90_000, 300_000, 7_200_000, 86_400_000, 250, 1500, 10_000]);
  for (const bad of ["", "s", "-5", "5 weeks", "1e3", "5mm"])
    assert.equal(parseDuration(bad), undefined, bad);
});

test("what is counted is one of something, or several", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "run")),
    ["0 runs", "1 run", "2 runs"],
  );
  assert.equal(counted(1, "event is", "events are"), "1 event is");
  assert.equal(counted(3, "event is", "events are"), "3 events are");
});

test("spans are written for people", () => {
  assert.deepEqual([850, 4200, 185_000, 7_800_000, 273_600_000].map(formatDuration), [
    "850ms",
    "4.2s",
    "3m 05s",
    "2h 10m",
    "3d 4h",
  ]);
  const written = [0, 250, 1000, 90_000, 60_000, 3_600_000, 172_800_000, 90_061_000].map(writtenDuration);
  assert.deepEqual(written, ["0s", "250ms", "1s", "90s", "1m", "1h", "2d", "90061s"]);
  for (const [i, text] of written.entries())
    assert.equal(writtenDuration(parseDuration(text) ?? -1), text, `${i}`);
});

test("ids of one prefix sort by the time they were made and are safe as file names", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 42), fc.nat(2 ** 42), (a, b) => {
      const [early, late] = [newId("orch", Math.min(a, b)), newId("orch", Math.max(a, b))];
      assert.ok(isRunId(early) && isRunId(late));
      if (a !== b) assert.ok(early < late);
    }),
  );
});

test("run ids that could leave the folder are refused", () => {
  for (const bad of ["", "../x", "a/b", "a..b", ".hidden", "a\u0000b", "x".repeat(81), "a b"])
    assert.equal(isRunId(bad), false, bad);
});

test("a child's id is derived, so that the same request twice is the same child", () => {
  assert.equal(childId("orch-1", "webster", "a"), childId("orch-1", "webster", "a"));
  assert.notEqual(childId("orch-1", "webster", "a"), childId("orch-1", "webster", "b"));
  assert.ok(childId("p".repeat(80), "webster", "a").length <= 60);
});

test("a nonce is the same for the same part, differs between parts, and fits Discord's 25 characters", () => {
  assert.equal(nonceOf("orch-1/result", 0), nonceOf("orch-1/result", 0));
  assert.notEqual(nonceOf("orch-1/result", 0), nonceOf("orch-1/result", 1));
  assert.ok(nonceOf("x", 0).length <= 25);
});

test("canonical JSON does not depend on the order of keys", () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: undefined }), canonicalJson({ b: [{ c: 2, d: 1 }] }));
});

test("cutting never splits a surrogate pair and says that something is missing", () => {
  assert.equal(cut("ab😀cd", 4), "ab…");
  assert.equal(cut("abc", 3), "abc");
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.integer({ min: 1, max: 20 }),
      (text, length) =>
        cut(text, length).length <= Math.max(length, text.length <= length ? text.length : length),
    ),
  );
});

test("of a long text its first lines that say something are told, and that there is more", () => {
  assert.deepEqual(firstLines("a \r\n\n \n  b\n", 2, 100), ["a", "  b"]);
  assert.deepEqual(firstLines("a\nb\nc", 2, 100), ["a", "b", "…"]);
  const long = "x".repeat(40);
  assert.deepEqual(firstLines(`${long}\n${long}`, 8, 61), [long, `${"x".repeat(19)}…`]);
  assert.deepEqual(
    firstLines(`${long}\n${long}`, 8, 60),
    [long, "…"],
    "too little room for a line says nothing",
  );
  assert.deepEqual(firstLines("", 8, 60), []);
});

test("terminals and lines get no control characters", () => {
  assert.equal(forTerminal("a\u001b[31mred\u001b[0m\u0007b\nc"), "aredb\nc");
  assert.equal(oneLine("a\r\nb\u2028c"), "a b c");
});

test("a terminal reads no words in another order than they were written", () => {
  assert.equal(forTerminal("notes-\u202etxt.exe \u2066a\u2069"), "notes-txt.exe a");
});

test("a mistyped word finds its neighbour, a strange one finds none", () => {
  assert.equal(nearest("webstr", ["webster", "auditor"]), "webster");
  assert.equal(nearest("zzzzzz", ["webster", "auditor"]), undefined);
});

test("a ring while nobody sleeps is kept", async () => {
  const bell = createBell();
  bell.ring();
  await bell.sleep();
  const slept = bell.sleep();
  bell.ring();
  await slept;
  await bell.sleep(1);
});

test("parts stop in the opposite order, once, and a part that fails to start is stopped and told", async () => {
  const seen: string[] = [];
  const part = (name: string) => ({
    name,
    start: async () => void seen.push(`+${name}`),
    stop: async () => void seen.push(`-${name}`),
  });
  const lifecycle = createLifecycle(assert.ifError);
  await lifecycle.add(part("a"));
  await lifecycle.add(part("b"));
  const broken = { ...part("c"), start: () => Promise.reject(new Error("no")) };
  await assert.rejects(lifecycle.add(broken), /no/);
  await Promise.all([lifecycle.stop(), lifecycle.stop()]);
  assert.deepEqual(seen, ["+a", "+b", "-c", "-b", "-a"]);
});

test("why a part did not start is told also when it does not stop either, of which there is a warning", async () => {
  const warned: unknown[] = [];
  const left = new Error("and it does not stop");
  const broken = {
    name: "b",
    start: () => Promise.reject(new Error("the port is taken")),
    stop: () => Promise.reject(left),
  };
  await assert.rejects(createLifecycle((error) => warned.push(error)).add(broken), /the port is taken/);
  assert.deepEqual(warned, [left]);
});

test("a named crash point kills the n-th time it is passed, and a bad name is refused", () => {
  let killed = 0;
  const crash = readCrashAt("dispatch:sent#2", () => killed++);
  crash?.("dispatch:sent");
  crash?.("post:sent");
  assert.equal(killed, 0);
  crash?.("dispatch:sent");
  assert.equal(killed, 1);
  assert.throws(() => readCrashAt("nonsense", () => undefined), /crash point/);
});

test("a clock goes by another one when they differ, and not by the way to it", () => {
  let at = 1000;
  const { now, shift } = createShiftedClock(() => at);
  shift(99);
  assert.equal(now(), 1000);
  shift(250.4);
  at += 10;
  assert.equal(now(), 1260);
  shift(-5000);
  assert.equal(now(), -3740);
});

test("work that takes longer than its time comes to something else, and work in time to itself", async () => {
  const work = Promise.withResolvers<string>();
  assert.equal(await inTime(1, work.promise, "late"), "late");
  work.resolve("done");
  assert.equal(await inTime(60_000, work.promise, "late"), "done");
});
