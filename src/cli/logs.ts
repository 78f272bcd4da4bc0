import type { Command } from "commander";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { oneLine } from "../kernel/text.ts";
import type { Client } from "./client.ts";
import { eventsOf } from "./follow.ts";
import type { Hq } from "./hq.ts";
import { jsonText } from "./print.ts";
import { findWork, isWorkOver, pathOf, type Work } from "./work.ts";

const INTERRUPTED = 130;
const ENDS: Readonly<Record<Exclude<Work["kind"], "task">, readonly string[]>> = {
  delegation: ["delegation.settled"],
  run: ["run.settled", "run.resumed"],
};
/** What of an event's body is told in its line, in this order. */
const TOLD = [
  "step",
  "item",
  "generation",
  "child",
  "attempt",
  "status",
  "verdict",
  "decision",
  "reason",
  "text",
  "agentRunId",
  "next",
  "channel",
] as const;

export function registerLogs(program: Command, hq: Hq): void {
  program
    .command("logs")
    .description("everything that happened to a delegation, run or task, oldest first")
    .argument("<id>")
    .option("-f, --follow", "go on until it is settled")
    .option("--json", "one event a line as JSON")
    .action((id: string, options: { follow?: true; json?: true }) =>
      hq.run(async () => {
        const write = (event: StoredEvent) =>
          hq.io.out(`${options.json ? jsonText(event, 0) : lineOf(event)}\n`);
        const client = hq.client("if-used");
        const work = await findWork(client, id);
        if (options.follow) return follow(hq, client, work, write);
        const { items } = await client.ask<{ readonly items: readonly StoredEvent[] }>({
          path: `${pathOf(work.kind, id)}/history`,
        });
        for (const event of items) write(event);
        return 0;
      }),
    );
}

async function follow(
  { io }: Hq,
  client: Client,
  { kind, view: { id } }: Work,
  write: (event: StoredEvent) => void,
): Promise<number> {
  const leaving = new AbortController();
  const stopListening = io.onInterrupt(() => leaving.abort());
  try {
    const events = eventsOf({
      client,
      kind,
      id,
      signal: leaving.signal,
      now: io.now,
      tell: (line) => io.err(`${line}\n`),
      wasThere: true,
    });
    for await (const piece of events) {
      for (const event of piece) write(event);
      const isOver =
        kind === "task" ? await isTaskOverNow(client, id, leaving.signal) : isSettledIn(piece, kind, id);
      if (isOver) return 0;
    }
    return 0;
  } catch (error) {
    if (leaving.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    stopListening();
  }
}

/** Tasks end in more ways than one event tells. */
async function isTaskOverNow(client: Client, id: string, signal: AbortSignal): Promise<boolean> {
  const view = await client.ask<TaskView>({ path: pathOf("task", id) }, signal);
  return isWorkOver({ kind: "task", view });
}

/** A run may be settled and then be opened again: only its last word counts. */
function isSettledIn(piece: readonly StoredEvent[], kind: keyof typeof ENDS, id: string): boolean {
  const last = piece.findLast(({ stream, type }) => stream === id && ENDS[kind].includes(type));
  return last?.type === `${kind}.settled`;
}

function lineOf({ at, type, stream, body, actor }: StoredEvent): string {
  type Known = Readonly<Record<string, unknown>>;
  const own = body as Known;
  // Events of a run name the place and what came of it in objects of their own.
  const known: Known = { ...(own.outcome as Known), ...(own.of as Known), ...own };
  const told = TOLD.filter((name) => known[name] !== undefined).map(
    (name) => `${name}=${wordOf(known[name])}`,
  );
  return oneLine([new Date(at).toISOString(), stream, type, ...told, `by=${actor}`].join("  "), 1000);
}

function wordOf(value: unknown): string {
  return typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value);
}
