import type { Retention } from "../domain/settings.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import type { PruneOptions, PruneReport } from "../engine/prune.ts";

const MEMO = "pruned";
/** Longer than it takes until a later look of ours takes it anew. */
const LEASE_MS = 150_000;
/** What broke off by an error or a crash is not tried each minute. */
const AGAIN_AFTER_MS = 15 * 60_000;

/** What is remembered: the day that is done, or one that is begun and since when, or that was left for the next start. */
const begun = (day: string, at: number) => `${day} begun ${at}`;
const left = (day: string) => `${day} left`;

/** The day that was begun and not done, and when it may go on. */
function unfinishedIn(memo: string | undefined): { readonly day: string; readonly at: number } | undefined {
  const [, day = "", how, at = "0"] = /^(\S+) (begun|left)(?: (\d+))?$/.exec(memo ?? "") ?? [];
  if (how === undefined) return undefined;
  return { day, at: how === "left" ? 0 : Number(at) + AGAIN_AFTER_MS };
}

/**
 * Takes out what is too old once a day, when the configuration says so. Asked each minute. What was broken off goes on
 * at the next start, or after a while.
 */
export function createRetention(deps: {
  readonly retention: () => Retention | undefined;
  readonly ledger: Pick<Ledger, "recall" | "remember" | "lease">;
  readonly holder: string;
  /** Where several share the ledger, each takes out the old files of its own home. */
  readonly home?: string;
  readonly prune: (options: PruneOptions) => Promise<PruneReport>;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { ledger, log } = deps;
  const memo = deps.home === undefined ? MEMO : `${MEMO}/${deps.home}`;
  let isAtWork = false;

  /** Not two at a time; the other one comes a minute later. */
  const take = () => ledger.lease(MEMO, deps.holder, LEASE_MS);

  async function prune(day: string, options: PruneOptions, signal: AbortSignal): Promise<void> {
    await ledger.remember(memo, begun(day, deps.now()));
    try {
      const { streams, files, before } = await deps.prune({ ...options, signal });
      await ledger.remember(memo, day);
      log.info({ streams, files: files.count, before }, "what ended long ago was taken out");
    } catch (error) {
      if (signal.aborted) await ledger.remember(memo, left(day));
      throw error;
    }
  }

  return async function look(signal: AbortSignal): Promise<void> {
    if (isAtWork) {
      await take();
      return;
    }
    const retention = deps.retention();
    if (!retention) return;
    isAtWork = true;
    try {
      const { atMinute, ...options } = retention;
      const now = new Date(deps.now());
      const today = `${now.getFullYear()}-${now.getMonth() + 1}-${now.getDate()}`;
      const known = await ledger.recall(memo);
      const unfinished = unfinishedIn(known);
      const hasCome = now.getHours() * 60 + now.getMinutes() >= atMinute;
      if (unfinished ? deps.now() < unfinished.at : known === today || !hasCome) return;
      if (!(await take())) return;
      await prune(unfinished && !hasCome ? unfinished.day : today, options, signal);
    } finally {
      isAtWork = false;
    }
  };
}
