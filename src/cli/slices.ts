import { isRefusal, type RefusalCode } from "../kernel/refusal.ts";
import type { Hq } from "./hq.ts";
import { untilInterrupted } from "./until-interrupted.ts";

const USUAL_MS = 60_000;
/** A connection that is silent for long is cut by what lies between. */
const SLICE_MS = 45_000;

/**
 * Asks for something that is waited for: under one key in slices, so that neither a long time limit nor a restart of the
 * supervisor asks for the work twice. Undefined when interrupted: what was handed over goes on.
 */
export function askInSlices<T>(
  hq: Hq,
  asked: {
    readonly path: string;
    readonly body: object;
    readonly key: string;
    readonly timeoutMs: number | undefined;
    readonly isOpen: (answer: T) => boolean;
    /** A refusal that a longer wait may mend: it holds when the time limit is over. */
    readonly passing?: RefusalCode;
  },
): Promise<T | undefined> {
  const { io } = hq;
  const { path, body, key, isOpen } = asked;
  const timeoutMs = asked.timeoutMs ?? USUAL_MS;
  const client = hq.client("always");
  const words = "Interrupted: what was handed over goes on; `hq status` shows it.";
  const ask = async (signal: AbortSignal): Promise<T> => {
    const deadline = io.now() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(0, deadline - io.now());
      const timeout = `${Math.min(leftMs, SLICE_MS)}ms`;
      const call = { method: "POST", path, body: { ...body, timeout }, key, isWhole: true } as const;
      const isLast = leftMs <= SLICE_MS;
      try {
        const answer = await client.ask<T>({ ...call, isRepeatable: true }, signal);
        if (isLast || !isOpen(answer)) return answer;
      } catch (error) {
        if (isLast || !isRefusal(error) || error.code !== asked.passing) throw error;
      }
    }
  };
  return untilInterrupted(io, ask, words);
}
