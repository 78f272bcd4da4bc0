import type { Retention } from "../domain/settings.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import type { PruneOptions, PruneReport } from "../engine/prune.ts";

const MEMO = "pruned";
const LEASE_MS = 50_000;

/** Takes out what is too old once a day, when the configuration says so. Asked each minute. */
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

  return async function look(signal: AbortSignal): Promise<void> {
    const retention = deps.retention();
    if (!retention) return;
    const { atMinute, ...options } = retention;
    const now = new Date(deps.now());
    if (now.getHours() * 60 + now.getMinutes() < atMinute) return;
    const day = `${now.getFullYear()}-${now.getMonth() + 1}-${now.getDate()}`;
    if ((await ledger.recall(memo)) === day) return;
    // Not two at a time; the other one comes a minute later.
    if (!(await ledger.lease(MEMO, deps.holder, LEASE_MS))) return;
    await ledger.remember(memo, day);
    const { streams, files, before } = await deps.prune({ ...options, signal });
    log.info({ streams, files: files.count, before }, "what ended long ago was taken out");
  };
}
