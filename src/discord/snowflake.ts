const DISCORD_EPOCH_MS = 1_420_070_400_000;

/** Below every id that Discord gives from this instant on. */
export function idAt(instant: number): string {
  return String(BigInt(Math.max(0, Math.floor(instant) - DISCORD_EPOCH_MS)) << 22n);
}

export function givenAt(id: string): number {
  return Number(BigInt(id) >> 22n) + DISCORD_EPOCH_MS;
}
