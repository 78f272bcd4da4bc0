const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `90` (seconds), `90s`, `5m`, `2h`, `1d`, `250ms`; undefined when it is none of these. Returns milliseconds. */
export function parseDuration(text: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(String(text).trim().toLowerCase());
  if (!match) return undefined;
  const unit = UNIT_MS[match[2] ?? "s"];
  const ms = Math.round(Number(match[1]) * (unit ?? 1000));
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** A span for people: `850ms`, `4.2s`, `3m 05s`, `2h 10m`, `3d 4h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toString()}s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, "0")}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, "0")}m`;
  return `${Math.floor(minutes / 1440)}d ${Math.floor((minutes % 1440) / 60)}h`;
}

/** A span as one writes it: `0s`, `90s`, `5m`, `2d`; what parseDuration reads. */
export function writtenDuration(ms: number): string {
  const [unit, length] = Object.entries(UNIT_MS).findLast(([, one]) => ms % one === 0 && ms >= one) ?? [
    "s",
    1000,
  ];
  return `${ms / length}${unit}`;
}

/** setTimeout fires at once above this; longer waits are re-armed. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** Where "now" comes from: epoch milliseconds. */
export type Clock = () => number;

const SLEPT_MS = 1000;

/**
 * Wall time at the start and what has passed since, sleep of the machine included: whoever sets its clock moves no
 * deadline of a running process. `wall` and `monotonic` in ms, `uptime` in seconds.
 */
export function createSteadyClock(sources: {
  readonly wall: Clock;
  readonly monotonic: () => number;
  readonly uptime: () => number;
}): Clock {
  const { wall, monotonic, uptime } = sources;
  const begunAt = wall();
  const begun = monotonic();
  const upMs = uptime() * 1000;
  let lookedAt = 0;
  let sleptMs = 0;
  return () => {
    const passed = monotonic() - begun;
    // A monotonic clock stands still while the machine sleeps; its uptime does not.
    if (passed - lookedAt >= SLEPT_MS) {
      lookedAt = passed;
      const missing = uptime() * 1000 - upMs - passed;
      if (missing - sleptMs > SLEPT_MS) sleptMs = missing;
    }
    return Math.round(begunAt + passed + sleptMs);
  };
}

/** Differences below this are the way to the other clock, not the clock. */
const SHIFT_MS = 100;

/** A clock that can be told to go by another one. */
export function createShiftedClock(clock: Clock): {
  readonly now: Clock;
  readonly shift: (aheadMs: number) => void;
} {
  let shiftedMs = 0;
  return {
    now: () => clock() + shiftedMs,
    shift(aheadMs) {
      if (Math.abs(aheadMs) >= SHIFT_MS) shiftedMs += Math.round(aheadMs);
    },
  };
}
