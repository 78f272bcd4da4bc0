/** Times of a clock on a wall, written as the instant at which a clock in UTC would show them. */

const DAY_MS = 86_400_000;
const clocks = new Map<string, Intl.DateTimeFormat>();

/** How far a zone's clock is ahead of UTC at an instant, in ms. Throws RangeError when there is no such zone. */
function offsetOf(timeZone: string, at: number): number {
  const clock =
    clocks.get(timeZone) ?? new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" });
  clocks.set(timeZone, clock);
  const text = clock.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "";
  const match = /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text);
  if (!match) return 0;
  const [, sign, hours, minutes, seconds = "0"] = match;
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return sign === "-" ? -ms : ms;
}

export function wallTimeOf(timeZone: string, at: number): number {
  return at + offsetOf(timeZone, at);
}

/** Whether a zone's clock stands otherwise at the end than at the beginning. */
export function changesBetween(timeZone: string, from: number, to: number): boolean {
  return offsetOf(timeZone, from) !== offsetOf(timeZone, to);
}

/**
 * The instants at which a clock shows a time, in order: usually one; when the clock goes back two, of which the
 * second only counts for `every`; when it goes forward over it none, and then the time is counted on from before.
 */
export function instantsOf(timeZone: string, wall: number, every: boolean): readonly number[] {
  const before = offsetOf(timeZone, wall - DAY_MS);
  const after = offsetOf(timeZone, wall + DAY_MS);
  const shown = [...new Set([before, after])]
    .map((offset) => wall - offset)
    .filter((at) => wallTimeOf(timeZone, at) === wall)
    .toSorted((a, b) => a - b);
  if (shown.length === 0) return every ? [] : [wall - before];
  return every ? shown : shown.slice(0, 1);
}
