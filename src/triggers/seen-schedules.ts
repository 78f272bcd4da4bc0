import type { ScheduleDefinition } from "../domain/workflow-types.ts";

/** A schedule as it was seen: up to when it was looked at, and a firing that waits for an earlier run. */
export type SeenSchedule = {
  readonly cron: string;
  readonly timezone: string;
  /** Names its firings wherever it stands in the file; no other schedule of its workflow has the same. */
  readonly slot: number;
  readonly since: number;
  readonly queuedAt?: number;
};

/**
 * What is known of each of a workflow's schedules, in their order. One with another cron or time zone than any that
 * was seen begins at `beginsAt`: it makes up for nothing. What was seen and is there no more is forgotten.
 */
export function recognize(
  schedules: readonly Pick<ScheduleDefinition, "cron" | "timezone">[],
  seen: readonly SeenSchedule[],
  beginsAt: number,
): readonly SeenSchedule[] {
  const left = [...seen];
  const known = schedules.map((schedule) => {
    const place = left.findIndex((one) => one.cron === schedule.cron && one.timezone === schedule.timezone);
    return place < 0 ? undefined : left.splice(place, 1)[0];
  });
  const taken = new Set(known.flatMap((one) => (one ? [one.slot] : [])));
  return schedules.map(({ cron, timezone }, index) => {
    const before = known[index];
    if (before) return before;
    let slot = index;
    while (taken.has(slot)) slot += 1;
    taken.add(slot);
    return { cron, timezone, slot, since: beginsAt };
  });
}

/** What was noted, brought up to what this process looked at itself. It knows also what somebody else took out. */
export function broughtUp(
  noted: readonly SeenSchedule[],
  own: readonly SeenSchedule[],
): readonly SeenSchedule[] {
  const rest = own.filter((one) => !noted.some((other) => isSame(one, other)));
  const upToDate = noted.map((one) => {
    const same = own.find((other) => isSame(one, other));
    return same && same.since > one.since ? { ...one, since: same.since } : one;
  });
  return [...upToDate, ...rest];
}

/** Members' clocks differ by less. */
const MOST_AHEAD_MS = 60_000;

/** Whether it was looked at while the clock was ahead, and that was set back since. */
export function isAhead({ since }: Pick<SeenSchedule, "since">, now: number): boolean {
  return since > now + MOST_AHEAD_MS;
}

/** Times that were looked at ahead of time are still to come: what was ahead is looked at from now on. */
export function setBack(seen: readonly SeenSchedule[], now: number): readonly SeenSchedule[] {
  return seen.map((one) => (isAhead(one, now) ? { ...one, since: now } : one));
}

/** Whether two lists are of the same schedules, whatever is known of each. */
export function areSame(some: readonly SeenSchedule[], others: readonly SeenSchedule[]): boolean {
  return (
    some.length === others.length &&
    some.every((one, index) => {
      const other = others[index];
      return other !== undefined && isSame(one, other);
    })
  );
}

function isSame(one: SeenSchedule, other: SeenSchedule): boolean {
  return one.slot === other.slot && one.cron === other.cron && one.timezone === other.timezone;
}
