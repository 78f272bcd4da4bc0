/** A value at an instant, both in the same unit throughout. */
export type Sample = { readonly at: number; readonly value: number };

export type Slope = {
  /** How much it grows in an hour, in percent of its mean. */
  readonly percentPerHour: number;
  /** The 95 % interval of that. */
  readonly from: number;
  readonly to: number;
  readonly mean: number;
  readonly samples: number;
};

const HOUR_MS = 3_600_000;
const NORMAL_95 = 1.96;

/**
 * The straight line of least squares through samples. Neighbours are alike (memory goes up and down in waves), so
 * the interval is that of as many independent samples as their correlation leaves.
 */
export function slopeOf(samples: readonly Sample[]): Slope {
  const count = samples.length;
  if (count < 3) throw new Error(`a slope needs three samples, there are ${count}`);
  const meanAt = meanOf(samples.map(({ at }) => at));
  const mean = meanOf(samples.map(({ value }) => value));
  const spread = sumOf(samples.map(({ at }) => (at - meanAt) ** 2));
  const slope = sumOf(samples.map(({ at, value }) => (at - meanAt) * (value - mean))) / spread;
  const rests = samples.map(({ at, value }) => value - mean - slope * (at - meanAt));
  const squares = sumOf(rests.map((rest) => rest * rest));
  const alike =
    squares === 0 ? 0 : Math.max(0, sumOf(rests.slice(1).map((rest, n) => rest * (rests[n] ?? 0))) / squares);
  const independent = Math.max(3, (count * (1 - alike)) / (1 + alike));
  const error = Math.sqrt((squares / (count - 2) / spread) * (count / independent));
  const perHour = (value: number) => (value === 0 ? 0 : ((value * HOUR_MS) / mean) * 100);
  return {
    percentPerHour: perHour(slope),
    from: perHour(slope - NORMAL_95 * error),
    to: perHour(slope + NORMAL_95 * error),
    mean,
    samples: count,
  };
}

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);
const meanOf = (numbers: readonly number[]) => sumOf(numbers) / numbers.length;
