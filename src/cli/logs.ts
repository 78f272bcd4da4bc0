import type { Command } from "commander";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import { oneLine } from "../kernel/text.ts";
import { eventsOf } from "./follow.ts";
import type { Hq } from "./hq.ts";
import { jsonText } from "./print.ts";

const INTERRUPTED = 130;
/** What of an event's body is told in its line, in this order. */
const TOLD = ["attempt", "status", "verdict", "reason", "text", "agentRunId", "next", "channel"] as const;

export function registerLogs(program: Command, hq: Hq): void {
  program
    .command("logs")
    .description("everything that happened to a delegation, oldest first")
    .argument("<id>")
    .option("-f, --follow", "go on until it is settled")
    .option("--json", "one event a line as JSON")
    .action((id: string, options: { follow?: true; json?: true }) =>
      hq.run(async () => {
        const write = (event: StoredEvent) =>
          hq.io.out(`${options.json ? jsonText(event, 0) : lineOf(event)}\n`);
        if (options.follow) return follow(hq, id, write);
        const { items } = await hq.client("if-used").ask<{ readonly items: readonly StoredEvent[] }>({
          path: `/delegations/${encodeURIComponent(id)}/history`,
        });
        for (const event of items) write(event);
        return 0;
      }),
    );
}

async function follow({ io, client }: Hq, id: string, write: (event: StoredEvent) => void): Promise<number> {
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    const events = eventsOf({
      client: client("if-used"),
      id,
      signal: leaving.signal,
      now: io.now,
      tell: (line) => io.err(`${line}\n`),
      wasThere: false,
    });
    for await (const piece of events) {
      for (const event of piece) write(event);
      if (piece.some(({ type, stream }) => type === "delegation.settled" && stream === id)) return 0;
    }
    return 0;
  } catch (error) {
    if (leaving.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    stopListening();
  }
}

function lineOf({ at, type, stream, body, actor }: StoredEvent): string {
  const known = body as Readonly<Record<string, unknown>>;
  const told = TOLD.filter((name) => known[name] !== undefined).map(
    (name) => `${name}=${wordOf(known[name])}`,
  );
  return oneLine([new Date(at).toISOString(), stream, type, ...told, `by=${actor}`].join("  "), 1000);
}

function wordOf(value: unknown): string {
  return typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value);
}
