/** How many values fell into each bucket, by the bucket's number. */
export type Histogram = Float64Array;

/** Below this each millisecond is a bucket of its own; above, each doubling is cut into equal parts. */
const EXACT_BELOW = 16;
const EXACT_BITS = 4;
const PARTS = 8;
/** About nineteen years: what is longer counts as this. */
const LONGEST_MS = 2 ** 39;

/** Log-linear buckets: small counts that can be added up, and no value is off by more than an eighth. */
export function bucketOf(ms: number): number {
  const value = Math.min(LONGEST_MS, Math.max(0, Math.round(ms)));
  if (value < EXACT_BELOW) return value;
  const doublings = Math.floor(Math.log2(value));
  const part = Math.min(PARTS - 1, Math.floor((value / 2 ** doublings - 1) * PARTS));
  return EXACT_BELOW + (doublings - EXACT_BITS) * PARTS + part;
}

/** The values of a bucket: from the first one, up to and without the second one. */
export function boundsOf(bucket: number): readonly [number, number] {
  if (bucket < EXACT_BELOW) return [bucket, bucket + 1];
  const step = bucket - EXACT_BELOW;
  const base = 2 ** (Math.floor(step / PARTS) + EXACT_BITS);
  const part = step % PARTS;
  return [base * (1 + part / PARTS), base * (1 + (part + 1) / PARTS)];
}

const BUCKETS = bucketOf(LONGEST_MS) + 1;

export function emptyHistogram(): Histogram {
  return new Float64Array(BUCKETS);
}

export function sizeOf(histogram: Histogram): number {
  return histogram.reduce((size, count) => size + count, 0);
}

/** The value below which this share of all lies, in ms; undefined when there is none. */
export function quantile(histogram: Histogram, share: number): number | undefined {
  const size = sizeOf(histogram);
  if (size === 0) return undefined;
  const wanted = Math.max(1, Math.ceil(share * size));
  let below = 0;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    const count = histogram[bucket] ?? 0;
    if (below + count < wanted) {
      below += count;
      continue;
    }
    const [from, to] = boundsOf(bucket);
    if (to - from <= 1) return from;
    return Math.round(from + ((wanted - below - 0.5) / count) * (to - from));
  }
  return undefined;
}

/** How many are shorter than `ms`, which is a bound of a bucket. */
export function countBelow(histogram: Histogram, ms: number): number {
  let count = 0;
  for (const [bucket, some] of histogram.entries()) {
    if (boundsOf(bucket)[1] > ms) return count;
    count += some;
  }
  return count;
}
