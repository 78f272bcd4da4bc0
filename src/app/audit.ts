import { createWorkerLeftovers } from "../agents/workers/leftovers.ts";
import type { Config } from "../domain/config.ts";
import { type AuditOptions, type AuditReport, createFileAudit, reportOf } from "../engine/audit.ts";
import { exportLines } from "../engine/export.ts";
import type { Leftovers } from "../engine/ports/leftovers.ts";
import type { ExportQuery } from "../engine/upkeep-verbs.ts";
import { createLeftovers } from "../handoffs/leftovers.ts";
import { openReader } from "./store.ts";

export function leftoversOf(config: () => Config): Leftovers {
  const handoffs = createLeftovers({
    settings: () => config().settings.handoffs,
    agents: () => config().registry.agents,
  });
  const workers = createWorkerLeftovers(() => config().settings.taskQueue.worker.dir);
  return {
    async *all(since) {
      yield* handoffs.all(since);
      yield* workers.all(since);
    },
  };
}

/** Without a supervisor: the ledger and the folders as they lie there. */
export async function auditOffline(
  place: {
    readonly home: string;
    /** Of the database that holds the ledger; a file in `home` without it. */
    readonly database?: string;
    readonly config: () => Config;
    readonly now: () => number;
  },
  options: AuditOptions,
): Promise<AuditReport> {
  const upkeep = await openReader(place.home, place.database);
  const at = place.now();
  try {
    const leftovers = leftoversOf(place.config);
    const audit = createFileAudit({ upkeep, leftovers, isRunning: false, now: place.now });
    const { findings, rows, files } = await audit(options);
    const why = "Discord, since no supervisor runs";
    return reportOf(at, options, { findings, looked: { rows, files, messages: 0 }, notLooked: why });
  } finally {
    await upkeep.close();
  }
}

/** Without a supervisor: lines of text, some at a time. */
export async function* exportOffline(
  { home, database }: { readonly home: string; readonly database: string | undefined },
  query: ExportQuery,
): AsyncGenerator<string> {
  const upkeep = await openReader(home, database);
  try {
    yield* exportLines(upkeep, query);
  } finally {
    await upkeep.close();
  }
}
