import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { spreadOf, sumOf } from "../../src/domain/figures.ts";
import {
  boundsOf,
  bucketOf,
  countBelow,
  emptyHistogram,
  type Histogram,
  quantile,
} from "../../src/domain/histogram.ts";
import {
  delegationRollOf,
  gathered,
  groupsOf,
  only,
  rollOf,
  seriesItems,
  seriesOf,
  windowsOf,
} from "../../src/domain/metrics.ts";
import { DAY_MS, type Fact, HOUR_MS, startOf, talliesOf } from "../../src/domain/tally.ts";

const NOW = Date.parse("2026-03-04T10:30:00Z");

function fact(more: Partial<Fact> = {}, counts: Fact["figures"]["counts"] = {}): Fact {
  const key = { kind: "delegation", at: NOW, agent: "webster", workflow: "", status: "succeeded" } as const;
  return { ...key, ...more, figures: { counts: { n: 1, attempts: 1, ...counts } } };
}

function histogramOf(spans: readonly number[]): Histogram {
  return sumOf(spans.map((ms) => ({ counts: {}, spans: { working: spreadOf(0, ms) } }))).histogram("working");
}

test("every span lies in its bucket, which is never wider than an eighth of it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 38 }), (ms) => {
      const [from, to] = boundsOf(bucketOf(ms));
      assert.ok(from <= ms && ms < to, `${ms} in ${from}–${to}`);
      assert.ok(to - from <= Math.max(1, from / 8));
    }),
  );
});

test("buckets follow each other without gaps, and what makes no sense has one too", () => {
  for (let bucket = 0; bucket < 250; bucket++) assert.equal(boundsOf(bucket)[1], boundsOf(bucket + 1)[0]);
  assert.equal(bucketOf(-5), 0);
  assert.equal(bucketOf(Number.MAX_SAFE_INTEGER), bucketOf(2 ** 39));
});

test("quantiles of any spans are within an eighth of the true ones", () => {
  const spans = fc.array(fc.integer({ min: 0, max: 10_000_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(spans, fc.constantFrom(0.5, 0.95), (all, share) => {
      const histogram = histogramOf(all);
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0;
      const told = quantile(histogram, share) ?? -1;
      assert.ok(Math.abs(told - exact) <= Math.max(1, exact / 8), `${told} for ${exact}`);
    }),
  );
  assert.equal(quantile(emptyHistogram(), 0.5), undefined);
});

test("how many are shorter is exact at the bounds of buckets", () => {
  const histogram = histogramOf([10, 255, 256, 9000]);
  assert.deepEqual(
    [16, 256, 1024, 16_384].map((ms) => countBelow(histogram, ms)),
    [1, 2, 3, 4],
  );
});

test("a fact counts once in its hour, its day and in all, together with those of its kind", () => {
  const tallies = talliesOf([fact(), fact(), fact({ at: NOW - HOUR_MS }), fact({ status: "failed" })]);
  const of = (span: string) =>
    tallies
      .filter((tally) => tally.span === span)
      .map(({ at, status, figures }) => [at, status, figures.counts["n"]]);
  const hour = startOf("hour", NOW);
  assert.deepEqual(of("hour"), [
    [hour, "succeeded", 2],
    [hour - HOUR_MS, "succeeded", 1],
    [hour, "failed", 1],
  ]);
  assert.deepEqual(of("day"), [
    [startOf("day", NOW), "succeeded", 3],
    [startOf("day", NOW), "failed", 1],
  ]);
  assert.deepEqual(of("all"), [
    [0, "succeeded", 3],
    [0, "failed", 1],
  ]);
});

test("the windows of a span hold each instant of it exactly once, whole hours and days", () => {
  const back = fc.integer({ min: 1, max: 400 * 24 });
  fc.assert(
    fc.property(back, fc.integer({ min: 0, max: 10 * DAY_MS }), (hours, later) => {
      const now = NOW + later;
      const since = now - hours * HOUR_MS;
      const windows = windowsOf(since, now);
      assert.ok(windows.length <= 2);
      assert.equal(windows[0]?.from, startOf("hour", since));
      for (let at = since; at <= now; at += 7 * HOUR_MS + 11) {
        const hits = windows.filter(({ span, from, until }) => {
          const start = startOf(span, at);
          return start >= from && start < until;
        });
        assert.equal(hits.length, 1, new Date(at).toISOString());
      }
    }),
  );
  assert.deepEqual(windowsOf(undefined, NOW), [{ span: "all", from: 0, until: 1 }]);
});

test("success is what came to something among all that nobody canceled", () => {
  const count = (status: string, n: number) => fact({ status }, { n });
  const tallies = talliesOf([
    count("succeeded", 6),
    count("partial", 1),
    count("failed", 1),
    count("timed_out", 2),
    count("canceled", 5),
  ]).filter(({ span }) => span === "all");
  const roll = rollOf(tallies);
  assert.equal(roll.total, 15);
  assert.equal(roll.successRate, 0.7);
  assert.deepEqual(roll.byStatus, { succeeded: 6, partial: 1, failed: 1, timed_out: 2, canceled: 5 });
  assert.equal(rollOf(only(tallies, { kind: "run" })).successRate, undefined);
});

test("what was not said is unknown and no zero", () => {
  const tallies = talliesOf([
    fact(
      {},
      { "confidence.high": 1, tokens: 1, "tokens.in": 100, "tokens.out": 20, usd: 1, "usd.nano": 1_500_000 },
    ),
    fact({}, { tokens: 1, "tokens.in": 5 }),
    fact(),
  ]).filter(({ span }) => span === "all");
  const roll = delegationRollOf(tallies);
  assert.deepEqual(roll.tokens, { known: 2, unknown: 1, input: 105, output: 20 });
  assert.deepEqual(roll.usd, { known: 1, unknown: 2, total: 0.0015 });
  assert.deepEqual(roll.confidence, { high: 1, medium: 0, low: 0, unknown: 2 });
  assert.deepEqual(roll.waiting, { count: 0 });
});

test("groups are the largest first, and who has no name is in none", () => {
  const tallies = talliesOf([
    fact({ agent: "auditor" }),
    fact({ workflow: "design-review" }, { n: 4 }),
    fact({ agent: "" }),
  ]).filter(({ span }) => span === "all");
  assert.deepEqual(
    groupsOf(tallies, "agent", rollOf).map(({ agent, total }) => [agent, total]),
    [
      ["webster", 4],
      ["auditor", 1],
    ],
  );
  assert.deepEqual(
    groupsOf(tallies, "workflow", rollOf).map(({ workflow }) => workflow),
    ["design-review"],
  );
});

test("a time line has no gaps; above three days it goes by days", () => {
  const before = fact({ at: NOW - 3 * HOUR_MS });
  const hours = talliesOf([
    fact(),
    { ...before, figures: { ...before.figures, spans: { working: [500, 40, 1] as const } } },
  ]).filter(({ span }) => span === "hour");
  const { every, from } = seriesOf(NOW - 4 * HOUR_MS, NOW);
  const items = seriesItems(hours, every, from, NOW);
  assert.deepEqual(
    items.map(({ total }) => total),
    [0, 1, 0, 0, 1],
  );
  assert.equal(items[1]?.p50Ms.working, 136);
  assert.equal(items[0]?.p50Ms.working, undefined);
  assert.equal(seriesOf(NOW - 72 * HOUR_MS, NOW).every, "hour");
  assert.equal(seriesOf(NOW - 73 * HOUR_MS, NOW).every, "day");
  assert.equal(seriesItems([], "hour", seriesOf(undefined, NOW).from, NOW).length, 24);
});

test("tallies that were put together say the same of all and of each group, and are fewer", () => {
  const some = fc.record({
    agent: fc.constantFrom("webster", "auditor"),
    workflow: fc.constantFrom("", "panel"),
    status: fc.constantFrom("succeeded", "failed"),
    at: fc.integer({ min: NOW - 3 * DAY_MS, max: NOW }),
    ms: fc.integer({ min: 0, max: 9_000_000 }),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 60 }), (all) => {
      const tallies = talliesOf(
        all.map(({ ms, ...key }) => {
          const { figures, ...rest } = fact(key, { "confidence.high": 1, "code.agent_error": 1 });
          return { ...rest, figures: { ...figures, spans: { working: spreadOf(0, ms) } } };
        }),
      ).filter(({ span }) => span === "hour");
      const few = gathered(tallies);
      assert.ok(few.length <= 12);
      assert.deepEqual(delegationRollOf(few), delegationRollOf(tallies));
      for (const by of ["agent", "workflow"] as const)
        assert.deepEqual(groupsOf(few, by, delegationRollOf), groupsOf(tallies, by, delegationRollOf));
    }),
  );
});
