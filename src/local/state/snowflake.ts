/** Discord's epoch: the first second of 2015, in epoch milliseconds. */
const DISCORD_EPOCH = 1_420_070_400_000;

export type Snowflakes = {
  /** A new id, larger than every id before it, also when the clock goes back. */
  readonly next: () => string;
  /** Takes note of an id that exists already. */
  readonly seen: (id: string) => void;
  readonly last: () => string;
};

export function createSnowflakes(now: () => number): Snowflakes {
  let last = 0n;
  return {
    next() {
      const timed = snowflakeAt(now());
      last = timed > last ? timed : last + 1n;
      return last.toString();
    },
    seen(id) {
      const value = BigInt(id);
      if (value > last) last = value;
    },
    last: () => last.toString(),
  };
}

/** The smallest id of an instant (epoch milliseconds). */
export function snowflakeAt(atMs: number): bigint {
  return BigInt(Math.max(0, Math.floor(atMs) - DISCORD_EPOCH)) << 22n;
}

export const isSnowflake = (text: unknown): text is string =>
  typeof text === "string" && /^\d{15,20}$/.test(text);

/** Orders ids by age; ids of different lengths too. */
export function olderFirst(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
