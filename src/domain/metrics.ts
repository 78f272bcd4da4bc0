import { MEASURES, type Measure, type Sum, sumOf } from "./figures.ts";
import { quantile, sizeOf } from "./histogram.ts";
import type { DelegationRoll, Latency, Roll, SeriesItem } from "./metrics-types.ts";
import { DAY_MS, HOUR_MS, NANO, startOf, type TalliedKind, type Tally } from "./tally.ts";

/** Up to so long a time line has hours, above it days. */
const HOURS_UP_TO_MS = 72 * HOUR_MS;
/** What is shown of the time when everything is counted. */
const USUAL_SERIES_MS = DAY_MS;
const MADE: ReadonlySet<string> = new Set(["succeeded", "partial", "done"]);
/** Nobody failed when somebody canceled, or when nobody knows how it ended. */
const FREE_OF_BLAME = ["canceled", "unfinished"];

export type Window = { readonly span: Tally["span"]; readonly from: number; readonly until: number };

/** Which kept figures make up the time from `since` on: hours up to the first midnight, then days. */
export function windowsOf(since: number | undefined, now: number): readonly Window[] {
  if (since === undefined) return [{ span: "all", from: 0, until: 1 }];
  const from = startOf("hour", since);
  const end = now + HOUR_MS;
  if (now - since <= HOURS_UP_TO_MS) return [{ span: "hour", from, until: end }];
  const midnight = startOf("day", from) === from ? from : startOf("day", from) + DAY_MS;
  const days = { span: "day", from: midnight, until: now + DAY_MS } as const;
  return midnight === from ? [days] : [{ span: "hour", from, until: midnight }, days];
}

/** How the time line is cut, and which window it needs when everything is counted. */
export function seriesOf(since: number | undefined, now: number): { every: "hour" | "day"; from: number } {
  const from = since ?? now - USUAL_SERIES_MS + HOUR_MS;
  const every = now - from <= HOURS_UP_TO_MS ? "hour" : "day";
  return { every, from: startOf(every, from) };
}

export function only(
  tallies: readonly Tally[],
  wanted: { readonly kind: TalliedKind; readonly agent?: string; readonly workflow?: string },
): readonly Tally[] {
  const { kind, agent, workflow } = wanted;
  return tallies.filter(
    (tally) =>
      tally.kind === kind &&
      (agent === undefined || tally.agent === agent) &&
      (workflow === undefined || tally.workflow === workflow),
  );
}

/** The same figures in as few tallies as groups need: one for each agent, workflow and status, whenever it was. */
export function gathered(tallies: readonly Tally[]): readonly Tally[] {
  const sums = new Map<string, { readonly key: Tally; readonly sum: Sum }>();
  for (const tally of tallies) {
    const name = `${tally.agent}\n${tally.workflow}\n${tally.status}`;
    const known = sums.get(name);
    if (known) known.sum.add(tally.figures);
    else sums.set(name, { key: tally, sum: sumOf([tally.figures]) });
  }
  return [...sums.values()].map(({ key, sum }) => ({ ...key, figures: sum.figures() }));
}

export function rollOf(tallies: readonly Tally[]): Roll {
  return { ...shares(tallies), ...latencies(together(tallies.filter(({ figures }) => figures.spans))) };
}

export function delegationRollOf(tallies: readonly Tally[]): DelegationRoll {
  const all = together(tallies);
  const get = all.count;
  const total = get("n");
  const [high, medium, low] = [get("confidence.high"), get("confidence.medium"), get("confidence.low")];
  const known = (name: string) => ({ known: get(name), unknown: total - get(name) });
  return {
    ...shares(tallies),
    ...latencies(all),
    confidence: { high, medium, low, unknown: total - high - medium - low },
    attempts: get("attempts"),
    retries: get("retries"),
    rerouted: get("rerouted"),
    codes: beginningWith(all.counts(), "code."),
    tokens: { ...known("tokens"), input: get("tokens.in"), output: get("tokens.out") },
    usd: { ...known("usd"), total: get("usd.nano") / NANO },
  };
}

/** One roll for each value of `by` there is, the largest first. */
export function groupsOf<By extends "agent" | "workflow", R extends Roll>(
  tallies: readonly Tally[],
  by: By,
  roll: (tallies: readonly Tally[]) => R,
): readonly (R & { readonly [K in By]: string })[] {
  const groups = new Map<string, Tally[]>();
  for (const tally of tallies) {
    const name = tally[by];
    if (name === "") continue;
    const group = groups.get(name);
    if (group) group.push(tally);
    else groups.set(name, [tally]);
  }
  return [...groups]
    .map(([name, group]) => ({ ...roll(group), [by]: name }) as R & { readonly [K in By]: string })
    .sort((a, b) => b.total - a.total || a[by].localeCompare(b[by]));
}

/** The time line without gaps: nothing ended is a zero. */
export function seriesItems(
  tallies: readonly Tally[],
  every: "hour" | "day",
  from: number,
  now: number,
): readonly SeriesItem[] {
  const pieces = new Map<number, Tally[]>();
  const step = every === "hour" ? HOUR_MS : DAY_MS;
  for (let at = startOf(every, from); at <= now; at += step) pieces.set(at, []);
  for (const tally of tallies) pieces.get(startOf(every, tally.at))?.push(tally);
  return [...pieces].map(([at, piece]) => {
    const { total, byStatus, ...spans } = rollOf(piece);
    return { at, total, byStatus, p50Ms: ofEach(spans, "p50Ms"), p95Ms: ofEach(spans, "p95Ms") };
  });
}

function ofEach(spans: Readonly<Record<Measure, Latency>>, name: "p50Ms" | "p95Ms") {
  const values: Partial<Record<Measure, number>> = {};
  for (const measure of MEASURES) {
    const value = spans[measure][name];
    if (value !== undefined) values[measure] = value;
  }
  return values;
}

function shares(tallies: readonly Tally[]): Pick<Roll, "total" | "byStatus" | "successRate"> {
  const byStatus: Record<string, number> = {};
  for (const { status, figures } of tallies) {
    const count = figures.counts["n"] ?? 0;
    if (count > 0) byStatus[status] = (byStatus[status] ?? 0) + count;
  }
  const entries = Object.entries(byStatus);
  const total = entries.reduce((all, [, count]) => all + count, 0);
  const made = entries.reduce((all, [status, count]) => all + (MADE.has(status) ? count : 0), 0);
  const judged = FREE_OF_BLAME.reduce((left, status) => left - (byStatus[status] ?? 0), total);
  return { total, byStatus, ...(judged > 0 ? { successRate: made / judged } : {}) };
}

function latencies(all: Sum): Readonly<Record<Measure, Latency>> {
  return {
    waiting: latencyOf(all, "waiting"),
    working: latencyOf(all, "working"),
    posting: latencyOf(all, "posting"),
  };
}

function latencyOf(all: Sum, measure: Measure): Latency {
  const histogram = all.histogram(measure);
  const count = sizeOf(histogram);
  const [p50Ms, p95Ms] = [quantile(histogram, 0.5), quantile(histogram, 0.95)];
  if (p50Ms === undefined || p95Ms === undefined) return { count: 0 };
  return { count, p50Ms, p95Ms, meanMs: Math.round(all.ms(measure) / count) };
}

function beginningWith(
  counts: Readonly<Record<string, number>>,
  start: string,
): Readonly<Record<string, number>> {
  const found = Object.entries(counts).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(start.length), value]));
}

function together(tallies: readonly Tally[]): Sum {
  return sumOf(tallies.map(({ figures }) => figures));
}
