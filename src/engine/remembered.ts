import type { Kind } from "../domain/aggregates.ts";

/** Without a state: there is no such stream. `length`: of the state as it is written, in characters. */
export type Remembered = {
  readonly kind: Kind;
  readonly state: unknown;
  readonly version: number;
  readonly length: number;
};

const MOST = 4096;
/** Objects take a few times as much as the text they are written as. */
const MOST_LENGTH = 16 * 2 ** 20;

/** The states of the streams that were written or read last; bounded by their number and by what they take. */
export function createRemembered({
  most = MOST,
  mostLength = MOST_LENGTH,
}: {
  readonly most?: number;
  readonly mostLength?: number;
} = {}) {
  const entries = new Map<string, Remembered>();
  let length = 0;

  function forget(stream: string): void {
    length -= entries.get(stream)?.length ?? 0;
    entries.delete(stream);
  }

  return {
    get: (stream: string) => entries.get(stream),
    forget,
    /** Those that were put longest ago make room; the new one stays, however long it is. */
    put(stream: string, entry: Remembered): void {
      forget(stream);
      entries.set(stream, entry);
      length += entry.length;
      for (const oldest of entries.keys()) {
        if ((entries.size <= most && length <= mostLength) || oldest === stream) return;
        forget(oldest);
      }
    },
  };
}
