import { bucketOf, emptyHistogram, type Histogram } from "./histogram.ts";

export const MEASURES = ["waiting", "working", "posting"] as const;
export type Measure = (typeof MEASURES)[number];

/** Spans that were added up: their sum in ms, then each bucket that is not empty with how many are in it. */
export type Spread = readonly number[];

/** Nothing but sums, so that figures can be added to each other; small enough to be kept by the thousand. */
export type Figures = {
  readonly counts: Readonly<Record<string, number>>;
  readonly spans?: { readonly [M in Measure]?: Spread };
};

/** One span. A clock that was set back makes no negative one. */
export function spreadOf(from: number, to: number): Spread {
  const ms = Math.max(0, Math.round(to - from));
  return [ms, bucketOf(ms), 1];
}

/** Adds figures up. */
export type Sum = {
  readonly add: (figures: Figures) => void;
  readonly count: (name: string) => number;
  readonly counts: () => Readonly<Record<string, number>>;
  readonly ms: (measure: Measure) => number;
  readonly histogram: (measure: Measure) => Histogram;
  readonly figures: () => Figures;
};

export function createSum(): Sum {
  const counts: Record<string, number> = {};
  const spans = new Map<Measure, Spread | Dense>();

  function addSpread(measure: Measure, spread: Spread): void {
    const before = spans.get(measure);
    // Most are never added to: they stay as they are.
    if (!before) spans.set(measure, spread);
    else spans.set(measure, addTo("ms" in before ? before : dense(before), spread));
  }

  function denseOf(measure: Measure): Dense | undefined {
    const all = spans.get(measure);
    return all && ("ms" in all ? all : dense(all));
  }

  function spreads(): NonNullable<Figures["spans"]> {
    const kept: { [M in Measure]?: Spread } = {};
    for (const [measure, all] of spans) kept[measure] = "ms" in all ? sparse(all) : all;
    return kept;
  }

  return {
    add(figures) {
      for (const name in figures.counts) counts[name] = (counts[name] ?? 0) + (figures.counts[name] ?? 0);
      for (const measure of MEASURES) {
        const spread = figures.spans?.[measure];
        if (spread) addSpread(measure, spread);
      }
    },
    count: (name) => counts[name] ?? 0,
    counts: () => counts,
    ms: (measure) => denseOf(measure)?.ms ?? 0,
    histogram: (measure) => denseOf(measure)?.histogram ?? emptyHistogram(),
    figures: () => (spans.size > 0 ? { counts, spans: spreads() } : { counts }),
  };
}

type Dense = { ms: number; readonly histogram: Histogram };

function dense(spread: Spread): Dense {
  return addTo({ ms: 0, histogram: emptyHistogram() }, spread);
}

function addTo(all: Dense, spread: Spread): Dense {
  const { histogram } = all;
  all.ms += spread[0] ?? 0;
  for (let i = 1; i + 1 < spread.length; i += 2) {
    const bucket = spread[i] ?? 0;
    histogram[bucket] = (histogram[bucket] ?? 0) + (spread[i + 1] ?? 0);
  }
  return all;
}

function sparse({ ms, histogram }: Dense): Spread {
  const spread = [ms];
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    const count = histogram[bucket] ?? 0;
    if (count > 0) spread.push(bucket, count);
  }
  return spread;
}

export function sumOf(all: Iterable<Figures>): Sum {
  const sum = createSum();
  for (const figures of all) sum.add(figures);
  return sum;
}
