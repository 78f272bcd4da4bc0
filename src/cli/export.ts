import { type Command, Option } from "commander";
import type { ExportQuery } from "../engine/upkeep-verbs.ts";
import { findHome } from "./home.ts";
import type { Hq } from "./hq.ts";
import { readInstallation } from "./installation.ts";
import { findRunning } from "./running.ts";
import { parseSince } from "./since.ts";

type Options = {
  readonly since?: number;
  readonly after?: string;
  readonly format: "jsonl" | "csv";
  readonly json?: true;
};

export function registerExport(program: Command, hq: Hq): void {
  program
    .command("export")
    .description("all events, or all delegations as they are now, oldest first, to stdout")
    .argument("[what]", "events or delegations", "events")
    .addOption(new Option("--format <format>", "how").choices(["jsonl", "csv"]).default("jsonl"))
    .option("--json", "JSON lines whatever --format says")
    .option("--since <when>", "only what was written to since: 24h, 7d, 2026-02-17", parseSince(hq.io.now))
    .option("--after <cursor>", "go on after this line: position of an event, cursor of a delegation")
    .addHelpText(
      "after",
      "\nEach line holds its cursor: keep the last one and pass it to --after the next time.",
    )
    .action((what: string, options: Options) => hq.run(() => exportAll(hq, what, options)));
}

async function exportAll(hq: Hq, what: string, { since, after, json, ...given }: Options): Promise<number> {
  const { io } = hq;
  const format = json ? "jsonl" : given.format;
  const query = new URLSearchParams({
    what,
    format,
    ...(since === undefined ? {} : { since: String(since) }),
    ...(after === undefined ? {} : { after }),
  });
  const { home } = findHome(io);
  if ((await findRunning(home)) === undefined) {
    const { exportOffline } = await import("../app/audit.ts");
    const { readInput } = await import("../api/inputs.ts");
    const { exportQuery } = await import("../api/upkeep-inputs.ts");
    const { databaseOf } = await import("../app/store.ts");
    const { loadConfig } = await import("../config/load.ts");
    const { place } = readInstallation(io);
    const loaded = loadConfig(place);
    const read = readInput(exportQuery, Object.fromEntries(query)) as ExportQuery;
    for await (const text of exportOffline(
      { home, database: databaseOf(place.env, loaded.ok ? loaded.config : undefined) },
      read,
    )) {
      io.out(text);
      await io.taken();
    }
    return 0;
  }
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    const decoder = new TextDecoder();
    const chunks = await hq.client().open({ path: `/export?${query.toString()}` }, leaving.signal);
    for await (const chunk of chunks) {
      io.out(decoder.decode(chunk, { stream: true }));
      await io.taken(leaving.signal);
    }
    return 0;
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
    return 130;
  } finally {
    stopListening();
  }
}
