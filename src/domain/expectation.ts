/** Work that usually takes no time is given this much all the same. */
const SHORTEST_EXPECTATION_MS = 30_000;

/** After so long without an end, work that usually takes `expectedMs` is called slow. */
export function slowAfterMs(expectedMs: number): number {
  return 2 * Math.max(SHORTEST_EXPECTATION_MS, expectedMs);
}
