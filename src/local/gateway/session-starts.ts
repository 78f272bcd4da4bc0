const DAY_MS = 86_400_000;
const PER_DAY = 1000;

/** How often bots began a session in the last 24 hours: Discord lets them do so 1,000 times a day. */
export type SessionStarts = ReturnType<typeof createSessionStarts>;

export function createSessionStarts({ now }: { now: () => number }) {
  const begun = new Map<string, number[]>();
  const lately = (botId: string) => (begun.get(botId) ?? []).filter((at) => now() - at < DAY_MS);
  return {
    note(botId: string): void {
      begun.set(botId, [...lately(botId), now()]);
    },
    /** As GET /gateway/bot tells it. */
    limitOf(botId: string) {
      const begunLately = lately(botId);
      const first = begunLately[0];
      return {
        total: PER_DAY,
        remaining: Math.max(0, PER_DAY - begunLately.length),
        reset_after: first === undefined ? 0 : first + DAY_MS - now(),
        max_concurrency: 1,
      };
    },
  };
}
