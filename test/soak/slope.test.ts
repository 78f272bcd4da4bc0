import assert from "node:assert/strict";
import test from "node:test";
import { slopeOf } from "./slope.ts";
import { seededRandom } from "./troubles.ts";

const HOUR_MS = 3_600_000;
const samples = (count: number, valueAt: (part: number) => number) =>
  Array.from({ length: count }, (_, n) => ({
    at: (n / (count - 1)) * HOUR_MS,
    value: valueAt(n / (count - 1)),
  }));

test("a straight line has its slope, and no doubt about it", () => {
  const { percentPerHour, from, to, mean } = slopeOf(samples(60, (part) => 95 + 10 * part));
  assert.ok(Math.abs(mean - 100) < 1e-9);
  for (const value of [percentPerHour, from, to]) assert.ok(Math.abs(value - 10) < 1e-6, `${value}`);
});

test("what goes up and down around one value grows by nothing, within an interval that holds 0", () => {
  const random = seededRandom(3);
  const { percentPerHour, from, to } = slopeOf(samples(600, () => 100 + random() - 0.5));
  assert.ok(Math.abs(percentPerHour) < 0.2);
  assert.ok(from < 0 && to > 0);
});

test("of long waves less is known than of as many samples that know nothing of each other", () => {
  const random = seededRandom(4);
  let wave = 0;
  const widthOf = (valueAt: () => number) => {
    const { from, to } = slopeOf(samples(600, valueAt));
    return to - from;
  };
  const alone = widthOf(() => 100 + random() - 0.5);
  const waves = widthOf(() => {
    wave = 0.95 * wave + 0.3 * (random() - 0.5);
    return 100 + wave;
  });
  // Both go up and down by about as much.
  assert.ok(waves > 2 * alone, `${waves} and ${alone}`);
});

test("two samples are no slope", () => {
  assert.throws(() => slopeOf(samples(2, () => 1)), /needs three samples/);
});
