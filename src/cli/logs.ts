import type { Command } from "commander";
import { eventLine } from "../domain/event-line.ts";
import type { StoredEvent } from "../engine/ports/ledger.ts";
import type { TaskView } from "../engine/task-verbs.ts";
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
          hq.io.out(`${options.json ? jsonText(event, 0) : eventLine(event)}\n`);
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
