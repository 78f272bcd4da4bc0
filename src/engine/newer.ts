import type { Ledger, StoredEvent } from "./ports/ledger.ts";

type Asked = {
  readonly stream: string;
  readonly version: number;
  readonly resolve: (events: readonly StoredEvent[]) => void;
  readonly reject: (error: unknown) => void;
};

/** What others wrote to a stream after a version. The questions of one tick are one question to the ledger. */
export function createNewer(later: NonNullable<Ledger["later"]>) {
  let asked: Asked[] = [];

  async function ask(): Promise<void> {
    const batch = asked;
    asked = [];
    const least = new Map<string, number>();
    for (const { stream, version } of batch)
      least.set(stream, Math.min(version, least.get(stream) ?? version));
    try {
      const events = await later([...least].map(([stream, version]) => ({ stream, version })));
      const byStream = Map.groupBy(events, ({ stream }) => stream);
      for (const { stream, version, resolve } of batch)
        resolve((byStream.get(stream) ?? []).filter((event) => event.version > version));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (stream: string, version: number): Promise<readonly StoredEvent[]> =>
    new Promise((resolve, reject) => {
      if (asked.length === 0) setImmediate(() => void ask());
      asked.push({ stream, version, resolve, reject });
    });
}
