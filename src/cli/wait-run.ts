import type { RunView } from "../domain/run-view.ts";
import type { Client } from "./client.ts";
import { viewsOf } from "./follow.ts";
import type { Io } from "./io.ts";
import { createLeaving } from "./leaving.ts";
import { createPeople } from "./people.ts";
import { refuseHeldRun } from "./refuse-held.ts";
import { exitOfRun, printRun, tellPeople } from "./run-outcome.ts";
import { createRunProgress } from "./run-progress.ts";
import { isOver } from "./work.ts";

const INTERRUPTED = 130;
const STILL_WORKING = 4;

export type RunWaiting = {
  readonly isJson: boolean;
  readonly withinMs?: number | undefined;
  /** At a gate: `ask` the person at the terminal, `tell` what to type, or `leave` with exit 4. */
  readonly atPeople: "ask" | "tell" | "leave";
};

/** Follows a run to its end and prints what came of it; stopping to wait stops nothing else. */
export async function waitForRun(
  io: Io,
  client: Client,
  known: RunView,
  options: RunWaiting,
): Promise<number> {
  const { id } = known;
  const leaving = createLeaving(io, options.withinMs);
  const { signal } = leaving;
  const progress = createRunProgress(io);
  const asking = options.atPeople === "ask" ? io.asking : undefined;
  const interrupt = () => leaving.leave("interrupted");
  const people = createPeople({
    client,
    progress,
    asking,
    signal,
    onGivenUp: interrupt,
    onTrouble: leaving.leave,
  });
  let view = known;
  // Asked at first, when the supervisor was away, and as long as all is held: a long run changes often.
  let mayBeHeld = true;
  const tell = (line: string) => {
    mayBeHeld = true;
    progress.tell(line);
  };
  try {
    const follow = {
      kind: "run",
      client,
      id,
      signal,
      now: io.now,
      tell,
      wasThere: true,
    } as const;
    for await (view of viewsOf(follow)) {
      progress.show(view);
      if (mayBeHeld && !isOver(view.status)) mayBeHeld = await refuseHeldRun(client, view, signal);
      if (options.atPeople !== "leave") people.look(view);
      else if (view.waiting === "gate" || view.waiting === "answer") {
        leaving.leave("people");
        break;
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    leaving.end();
    progress.end();
  }
  if (!signal.aborted) {
    printRun(io, view, options.isJson);
    return exitOfRun(io, view);
  }
  if (signal.reason instanceof Error) throw signal.reason;
  if (signal.reason === "people") tellPeople(io, view);
  else {
    const why = signal.reason === "interrupted" ? "Interrupted" : "Waited long enough";
    io.err(`${why}: ${id} goes on. See it with \`hq wait ${id}\`, end it with \`hq cancel ${id}\`.\n`);
  }
  if (signal.reason === "interrupted") return INTERRUPTED;
  printRun(io, view, options.isJson);
  return STILL_WORKING;
}
