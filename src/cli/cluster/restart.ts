import type { Io } from "../io.ts";
import { runStart } from "./start.ts";
import { stopAll } from "./stop.ts";

const FAILED = 1;

/** What cannot be stopped is not started a second time. */
export async function runRestart(
  io: Io,
  words: readonly string[],
  options: { readonly timeout?: number; readonly usualMs: number; readonly json?: true },
): Promise<number> {
  const ended = await stopAll(io, words, options);
  const stuck = ended.filter(({ stopped }) => !stopped);
  for (const { id, reason } of stuck) io.err(`${id}: not stopped: ${reason}\n`);
  if (stuck.length > 0) return FAILED;
  return runStart(io, words, { ...options, timeout: options.timeout ?? options.usualMs });
}
