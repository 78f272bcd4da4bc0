import { CronExpressionParser } from "cron-parser";
import type { ScheduleDefinition } from "../domain/workflow-types.ts";
import { changesBetween, instantsOf, wallTimeOf } from "./wall-time.ts";

/** A schedule's place in its workflow, and the instant that it names. */
export type Firing = { readonly index: number; readonly at: number };
type When = Pick<ScheduleDefinition, "cron" | "timezone">;

const HOUR_MS = 3_600_000;
/** Longer than any clock change. */
const MARGIN_MS = 3 * HOUR_MS;
/** Tried one after the other: a schedule of each minute has a firing in the last hour, a yearly one in none of them. */
const WINDOWS_MS = [HOUR_MS, 24 * HOUR_MS, Number.POSITIVE_INFINITY];

/** Why a cron expression of five fields has no next time, as a sentence; undefined when it has one. */
export function scheduleProblem(cron: string, timezone: string): string | undefined {
  // The library would choose a time for H by chance, another one at each start.
  if (/(?:^|[\s,])h(?:[\s,/(]|$)/i.test(cron)) return '"H" is not read: name the minute and the hour';
  try {
    wallTimes(cron, 0).next();
    changesBetween(timezone, 0, 0);
    return undefined;
  } catch (cause) {
    return `cannot be read: ${(cause as Error).message}`;
  }
}

/**
 * What fell due after `since` and up to `now`: of each schedule the latest firing alone, and only when it is at most
 * its `catchupMs` ago; and when to look next. When the clock goes forward, a time that is left out fires an hour
 * later by the clock; when it goes back, one that comes twice fires the first time, unless it is of every hour.
 */
export function dueFirings(input: {
  readonly schedules: readonly Pick<ScheduleDefinition, "cron" | "timezone" | "catchupMs">[];
  /** The instant up to which was looked before; not itself looked at again. */
  readonly since: number;
  readonly now: number;
}): { readonly due: readonly Firing[]; readonly nextAt: number | undefined } {
  const { schedules, now } = input;
  const due = schedules.flatMap((schedule, index) => {
    const after = Math.max(input.since, now - schedule.catchupMs - 1);
    const at = latestBetween(schedule, after, now);
    return at === undefined ? [] : [{ index, at }];
  });
  const next = schedules.map((schedule) => firstAfter(schedule, now));
  return { due, nextAt: next.length === 0 ? undefined : Math.min(...next) };
}

/** The latest firing that is after `after` and not after `now`. */
function latestBetween(schedule: When, after: number, now: number): number | undefined {
  for (const window of WINDOWS_MS) {
    const from = Math.max(after, now - window);
    const margin = marginAt(schedule, from, now);
    const end = wallTimeOf(schedule.timezone, now) + margin;
    let latest: number | undefined;
    for (const { wall, instants } of firingsFrom(schedule, from, margin)) {
      if (wall > end) break;
      for (const at of instants) if (at > from && at <= now) latest = Math.max(at, latest ?? at);
    }
    if (latest !== undefined || from === after) return latest;
  }
  return undefined;
}

function firstAfter(schedule: When, now: number): number {
  const margin = marginAt(schedule, now, now);
  let first: { readonly at: number; readonly wall: number } | undefined;
  for (const { wall, instants } of firingsFrom(schedule, now, margin)) {
    // Around a clock change, a later time of the clock may be an earlier instant.
    if (first && wall > first.wall + margin) break;
    for (const at of instants) if (at > now && at < (first?.at ?? Infinity)) first = { at, wall };
  }
  return first?.at ?? Infinity;
}

/** Around a clock change, times of the clock are looked at from well before to well after. */
function marginAt({ timezone }: When, from: number, to: number): number {
  return changesBetween(timezone, from - MARGIN_MS, to + MARGIN_MS) ? MARGIN_MS : 0;
}

/** The times of the clock at which a schedule fires, each with its instants. */
function* firingsFrom({ cron, timezone }: When, after: number, margin: number) {
  const isEveryHour = cron.trim().split(/\s+/)[1]?.startsWith("*") ?? false;
  const times = wallTimes(cron, wallTimeOf(timezone, after) - margin);
  for (;;) {
    const wall = times.next().getTime();
    yield { wall, instants: instantsOf(timezone, wall, isEveryHour) };
  }
}

/** As if the clock were UTC: the library does not know every clock change, and this one has none. */
function wallTimes(cron: string, after: number) {
  return CronExpressionParser.parse(cron, { tz: "UTC", currentDate: new Date(after) });
}
