import { setTimeout as pause } from "node:timers/promises";
import type { Page } from "../engine/ports/ledger.ts";
import { isTaskOver } from "../engine/queue-verbs.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import type { Client } from "./client.ts";
import type { Io } from "./io.ts";
import { createLeaving } from "./leaving.ts";
import { refuseHeld } from "./refuse-held.ts";
import { pathOf } from "./work.ts";

const TIMED_OUT = 4;
const INTERRUPTED = 130;
const LOOK_EVERY_MS = 500;

/** Waits for one open task after the other, until there is none that goes on by itself. */
export async function waitUntilNothingIsOpen(
  io: Io,
  client: Client,
  withinMs: number | undefined,
): Promise<number> {
  const leaving = createLeaving(io, withinMs);
  const { signal } = leaving;
  try {
    for (;;) {
      const page = await client.ask<Page<TaskView>>({ path: "/tasks?open=true&limit=200" }, signal);
      const next = page.items.findLast((view) => !isTaskOver(view));
      if (!next) return 0;
      if (next.status === "open") await refuseHeld(client, next, signal);
      await client.ask({ path: `${pathOf("task", next.id)}?wait=60s` }, signal);
      // A supervisor that is stopping answers at once.
      await pause(LOOK_EVERY_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    const isInterrupted = signal.reason === "interrupted";
    io.err(
      `${isInterrupted ? "Interrupted" : "Waited long enough"}: the tasks go on, see \`hq queue list\`.\n`,
    );
    return isInterrupted ? INTERRUPTED : TIMED_OUT;
  } finally {
    leaving.end();
  }
}
