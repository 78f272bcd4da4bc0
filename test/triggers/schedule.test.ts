import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { dueFirings, scheduleProblem } from "../../src/triggers/schedule.ts";
import { broughtUp, recognize, setBack } from "../../src/triggers/seen-schedules.ts";

const HOUR = 3_600_000;
const at = (text: string) => Date.parse(text);
const iso = (instant: number | undefined) =>
  instant === undefined ? undefined : new Date(instant).toISOString().replace(".000", "");

function look(cron: string, timezone: string, since: string, now: string, catchupMs = 6 * HOUR) {
  const { due, nextAt } = dueFirings({
    schedules: [{ cron, timezone, catchupMs }],
    since: at(since),
    now: at(now),
  });
  return { due: due.map((firing) => iso(firing.at)), next: iso(nextAt) };
}

/** Every firing of a span, looked at each minute as the supervisor does. */
function firings(cron: string, timezone: string, from: string, to: string) {
  const found: (string | undefined)[] = [];
  for (let now = at(from); now < at(to); now += 60_000) {
    const schedules = [{ cron, timezone, catchupMs: HOUR }];
    for (const { at: fired } of dueFirings({ schedules, since: now, now: now + 60_000 }).due)
      found.push(iso(fired));
  }
  return found;
}

test("a firing is due once: at its minute, not before and not again", () => {
  const cron = "0 7 * * mon-fri";
  const zone = "Europe/Berlin";
  assert.deepEqual(look(cron, zone, "2026-11-23T05:58:00Z", "2026-11-23T05:59:59Z"), {
    due: [],
    next: "2026-11-23T06:00:00Z",
  });
  assert.deepEqual(look(cron, zone, "2026-11-23T05:59:59Z", "2026-11-23T06:00:00Z"), {
    due: ["2026-11-23T06:00:00Z"],
    next: "2026-11-24T06:00:00Z",
  });
  assert.deepEqual(look(cron, zone, "2026-11-23T06:00:00Z", "2026-11-23T06:01:00Z").due, []);
  assert.deepEqual(look(cron, zone, "2026-11-20T06:00:00Z", "2026-11-22T23:00:00Z").due, [], "a weekend");
});

test("after a pause only the latest missed firing is made up for, and only within its catch-up", () => {
  const missed = (now: string, catchupMs: number) =>
    look("0 * * * *", "UTC", "2026-11-20T00:30:00Z", now, catchupMs).due;
  assert.deepEqual(missed("2026-11-23T09:10:00Z", 6 * HOUR), ["2026-11-23T09:00:00Z"]);
  const daily = (now: string) => look("0 7 * * *", "UTC", "2026-11-20T08:00:00Z", now).due;
  assert.deepEqual(daily("2026-11-23T13:00:00Z"), ["2026-11-23T07:00:00Z"], "just inside");
  assert.deepEqual(daily("2026-11-23T13:00:01Z"), [], "just outside");
  assert.deepEqual(daily("2026-11-23T06:59:00Z"), []);
});

test("a schedule of each minute over a week of pause is one firing, found at once", () => {
  const begun = performance.now();
  const { due } = look(
    "* * * * *",
    "Europe/Berlin",
    "2026-11-01T00:00:00Z",
    "2026-11-23T09:10:30Z",
    168 * HOUR,
  );
  assert.deepEqual(due, ["2026-11-23T09:10:00Z"]);
  assert.ok(performance.now() - begun < 1000);
});

test("each schedule of a workflow is looked at alone, and the nearest next time counts", () => {
  const { due, nextAt } = dueFirings({
    schedules: [
      { cron: "0 7 * * *", timezone: "UTC", catchupMs: HOUR },
      { cron: "0 7 * * *", timezone: "Asia/Tokyo", catchupMs: HOUR },
      { cron: "*/5 * * * *", timezone: "UTC", catchupMs: HOUR },
    ],
    since: at("2026-11-23T06:59:00Z"),
    now: at("2026-11-23T07:01:00Z"),
  });
  assert.deepEqual(
    due.map((firing) => [firing.index, iso(firing.at)]),
    [
      [0, "2026-11-23T07:00:00Z"],
      [2, "2026-11-23T07:00:00Z"],
    ],
  );
  assert.equal(iso(nextAt), "2026-11-23T07:05:00Z");
  assert.deepEqual(dueFirings({ schedules: [], since: 0, now: 1 }), { due: [], nextAt: undefined });
});

test("when the clock goes forward, a time that is left out fires an hour later, once", () => {
  const from = "2026-03-28T12:00:00Z";
  const to = "2026-03-30T12:00:00Z";
  assert.deepEqual(firings("30 2 * * *", "Europe/Berlin", from, to), [
    "2026-03-29T01:30:00Z",
    "2026-03-30T00:30:00Z",
  ]);
  assert.deepEqual(firings("0 7 * * *", "Europe/Berlin", from, to), [
    "2026-03-29T05:00:00Z",
    "2026-03-30T05:00:00Z",
  ]);
});

test("when the clock goes back, a time that comes twice fires once, and hourly ones each hour", () => {
  const from = "2026-10-24T12:00:00Z";
  const to = "2026-10-26T12:00:00Z";
  assert.deepEqual(firings("30 2 * * *", "Europe/Berlin", from, to), [
    "2026-10-25T00:30:00Z",
    "2026-10-26T01:30:00Z",
  ]);
  assert.deepEqual(
    firings("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z"),
    ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"],
  );
  assert.deepEqual(firings("30 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z"), [
    "2026-10-24T23:30:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-10-25T02:30:00Z",
  ]);
});

test("however often one looks, every firing is told once and in order", () => {
  const cron = fc.constantFrom("*/7 * * * *", "0 */3 * * *", "30 2 * * *", "15 1-3 * * *", "0 0 * * sun");
  const zone = fc.constantFrom(
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
  );
  const day = fc.constantFrom(
    "2026-03-28T20:00:00Z",
    "2026-10-24T20:00:00Z",
    "2026-04-04T08:00:00Z",
    "2026-06-01T00:00:00Z",
  );
  const gaps = fc.array(fc.integer({ min: 1, max: 4 * 60 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(cron, zone, day, gaps, (expression, timezone, start, minutes) => {
      const schedules = [{ cron: expression, timezone, catchupMs: 12 * HOUR }];
      const told: number[] = [];
      let since = at(start);
      for (const gap of minutes) {
        const now = since + gap * 60_000;
        const { due, nextAt } = dueFirings({ schedules, since, now });
        for (const firing of due) {
          assert.ok(firing.at > since && firing.at <= now);
          told.push(firing.at);
        }
        assert.ok(nextAt !== undefined && nextAt > now);
        since = now;
      }
      assert.deepEqual(
        told,
        [...new Set(told)].toSorted((a, b) => a - b),
      );
    }),
    { numRuns: 60 },
  );
});

test("expressions that have no time, or one by chance, are refused with a reason", () => {
  for (const good of ["0 7 * * *", "*/5 0-6 1,15 * mon-fri", "0 0 29 2 *", "0 9 * * thu", "0 7 L * *"])
    assert.equal(scheduleProblem(good, "Europe/Berlin"), undefined, good);
  for (const bad of ["61 * * * *", "0 0 30 2 *", "a b c d e", "*/0 * * * *", "H 7 * * *", "0 H(0-5) * * *"])
    assert.equal(typeof scheduleProblem(bad, "UTC"), "string", bad);
  assert.equal(typeof scheduleProblem("0 7 * * *", "Europe/Nowhere"), "string");
});

test("what was noted is brought up to what was looked at since, each schedule once", () => {
  const one = { cron: "0 7 * * *", timezone: "UTC", slot: 0, since: 10 };
  const two = { cron: "0 8 * * *", timezone: "UTC", slot: 1, since: 10 };
  const own = { cron: "0 9 * * *", timezone: "UTC", slot: 2, since: 30 };
  assert.deepEqual(
    broughtUp([{ ...one, queuedAt: 5 }, two], [{ ...one, since: 20 }, { ...two, since: 5 }, own]),
    [{ ...one, since: 20, queuedAt: 5 }, two, own],
  );
});

test("what was looked at ahead of time is looked at from now on; what another member's clock is ahead stays", () => {
  const seen = { cron: "0 7 * * *", timezone: "UTC", slot: 0, queuedAt: 5 };
  const at = (since: number) => setBack([{ ...seen, since }], 1_000_000)[0]?.since;
  assert.deepEqual([at(900_000), at(1_060_000), at(1_060_001)], [900_000, 1_060_000, 1_000_000]);
  assert.equal(setBack([{ ...seen, since: 2_000_000 }], 1_000_000)[0]?.queuedAt, 5);
});

test("no two entries have one slot, wherever those that were seen stand by now", () => {
  const [a, b, c] = ["0 7 * * *", "0 8 * * *", "0 9 * * *"].map((cron) => ({ cron, timezone: "UTC" }));
  assert.ok(a && b && c);
  const slots = recognize([a, b, c], [{ ...a, slot: 1, since: 10 }], 20).map(({ slot }) => slot);
  assert.deepEqual(slots, [1, 2, 3]);
});
