import type { Io } from "./io.ts";

/** Hands work to the supervisor. Undefined when Ctrl-C came before the answer: nobody knows then whether it was taken. */
export async function untilInterrupted<T>(
  io: Io,
  ask: (signal: AbortSignal) => Promise<T>,
  words = "Interrupted before the supervisor had answered: `hq status` shows whether it took the work.",
): Promise<T | undefined> {
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    return await ask(leaving.signal);
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    io.err(`${words}\n`);
    return undefined;
  } finally {
    stopListening();
  }
}
