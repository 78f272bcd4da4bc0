import { join, resolve } from "node:path";
import { seriesOf, windowsOf } from "../domain/metrics.ts";
import { type EndedView, endedView } from "../domain/metrics-view.ts";
import { beginsOf, factsOfOldFiles, type Skipped } from "../domain/old-handoffs.ts";
import { startOf, talliesOf } from "../domain/tally.ts";
import { readOldFolder, readOldLogs } from "../handoffs/old-folder.ts";
import { Refusal } from "../kernel/refusal.ts";

export type FolderFigures = EndedView & {
  readonly folder: string;
  /** Files and folders that say nothing, each with the reason. */
  readonly skipped: readonly Skipped[];
  readonly logs: { readonly folder: string; readonly begins: number; readonly broken: number };
};

/** Figures from a folder of handoffs alone: no supervisor, nothing written. */
export function figuresOfFolder(options: {
  readonly folder: string;
  readonly logs?: string;
  readonly sinceMs?: number;
  readonly agent?: string;
  readonly workflow?: string;
  readonly now: number;
}): FolderFigures {
  const { folder, sinceMs, agent, workflow, now } = options;
  const logFolder = options.logs ?? resolve(folder, "../logs/orchestration");
  const read = readable(folder, () => {
    const { begins, broken } = beginsOf(readOldLogs(logFolder));
    const { files, unread } = readOldFolder(folder);
    const { facts, skipped } = factsOfOldFiles([...files], begins);
    return { begins, broken, facts, skipped: [...unread, ...skipped] };
  });
  const tallies = talliesOf(read.facts);
  // Old folders end long ago: without a span the time line is that of their last day.
  const last = read.facts.reduce((latest, { at }) => Math.max(latest, at), 0);
  const at = sinceMs === undefined && last > 0 ? Math.min(now, last) : now;
  const since = sinceMs === undefined ? undefined : startOf("hour", Math.max(0, now - sinceMs));
  const windows = windowsOf(since, at);
  const inside = tallies.filter((tally) =>
    windows.some(({ span, from, until }) => tally.span === span && tally.at >= from && tally.at < until),
  );
  const cut = seriesOf(since, at);
  const line = since === undefined ? tallies.filter(({ span }) => span === cut.every) : inside;
  const begun = since === undefined ? {} : { since };
  const filter = {
    ...(agent === undefined ? {} : { agent }),
    ...(workflow === undefined ? {} : { workflow }),
  };
  const logs = { folder: logFolder, begins: read.begins.size, broken: read.broken };
  return {
    folder,
    ...endedView({ at, ...begun, ...filter, tallies: inside, line, cut }),
    logs,
    skipped: read.skipped,
  };
}

function readable<T>(folder: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refusal("invalid_input", `The handoffs cannot be read: ${why}`, {
      hint: `Name the folder that the tools wrote to, as ${join(folder, "..", "handoffs")}.`,
    });
  }
}
