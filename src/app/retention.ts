import type { Retention } from "../domain/settings.ts";
import type { Ledger } from "../engine/ports/ledger.ts";
import type { Log } from "../engine/ports/log.ts";
import type { PruneOptions, PruneReport } from "../engine/prune.ts";

const MEMO = "pruned";

/** Takes out what is too old once a day, when the configuration says so. Asked each minute. */
export function createRetention(deps: {
  readonly retention: () => Retention | undefined;
  readonly ledger: Pick<Ledger, "recall" | "remember">;
  readonly prune: (options: PruneOptions) => Promise<PruneReport>;
  readonly now: () => number;
  readonly log: Log;
}) {
  const { ledger, log } = deps;

  return async function look(signal: AbortSignal): Promise<void> {
    const retention = deps.retention();
    if (!retention) return;
    const { atMinute, ...options } = retention;
    const now = new Date(deps.now());
    if (now.getHours() * 60 + now.getMinutes() < atMinute) return;
    const day = `${now.getFullYear()}-${now.getMonth() + 1}-${now.getDate()}`;
    if ((await ledger.recall(MEMO)) === day) return;
    await ledger.remember(MEMO, day);
    const { streams, files, before } = await deps.prune({ ...options, signal });
    log.info({ streams, files: files.count, before }, "what ended long ago was taken out");
  };
}
