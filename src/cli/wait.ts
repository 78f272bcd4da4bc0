import { type Command, Option } from "commander";
import type { DelegationView } from "../domain/view.ts";
import type { Client } from "./client.ts";
import { viewsOf } from "./follow.ts";
import { type Hq, parseSpan } from "./hq.ts";
import type { Io } from "./io.ts";
import { createLeaving } from "./leaving.ts";
import { exitOf, printOutcome } from "./outcome.ts";
import { createProgress } from "./progress.ts";
import { refuseHeld, waitsToBegin } from "./refuse-held.ts";
import { waitForRun } from "./wait-run.ts";
import { waitForTask } from "./wait-task.ts";
import { findWork } from "./work.ts";

const INTERRUPTED = 130;
const STILL_WORKING = 4;

/** Follows one delegation to its end and prints what came of it; stopping to wait stops nothing else. */
export async function waitAndPrint(
  io: Io,
  client: Client,
  id: string,
  options: {
    readonly isJson: boolean;
    readonly withinMs?: number | undefined;
    readonly known?: DelegationView;
  },
): Promise<number> {
  const leaving = createLeaving(io, options.withinMs);
  const progress = createProgress(io);
  let view = options.known;
  try {
    const { signal } = leaving;
    const wasThere = view !== undefined;
    const follow = {
      kind: "delegation",
      client,
      id,
      signal,
      now: io.now,
      tell: progress.tell,
      wasThere,
    } as const;
    for await (view of viewsOf(follow)) {
      progress.show(view);
      if (waitsToBegin(view)) await refuseHeld(client, view, signal);
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error;
  } finally {
    leaving.end();
    progress.end();
  }
  if (leaving.signal.aborted) {
    const why = leaving.signal.reason === "interrupted" ? "Interrupted" : "Waited long enough";
    io.err(`${why}: ${id} goes on. See it with \`hq wait ${id}\`, end it with \`hq cancel ${id}\`.\n`);
    if (leaving.signal.reason === "interrupted") return INTERRUPTED;
    if (view) printOutcome(io, view, options.isJson);
    return STILL_WORKING;
  }
  if (!view) return STILL_WORKING;
  printOutcome(io, view, options.isJson);
  return exitOf(io, view);
}

export function registerWait(program: Command, hq: Hq): void {
  program
    .command("wait")
    .description("wait for a delegation, a run or a task and print what came of it")
    .argument("<id>", "the id that `hq delegate`, `hq workflow run` or `hq submit` printed")
    .option("--wait-timeout <duration>", "stop waiting after this span (exit 4); the work goes on", parseSpan)
    .addOption(
      new Option("--format <format>", "what is printed: the handoff or run, or its result")
        .choices(["json", "text"])
        .default("json"),
    )
    .option("--json", "print JSON whatever --format says")
    .action((id: string, given: { waitTimeout?: number; format: string; json?: boolean }) =>
      hq.run(async () => {
        const isJson = given.json === true || given.format !== "text";
        const withinMs = given.waitTimeout;
        const client = hq.client("if-used");
        const work = await findWork(client, id);
        const options = { isJson, withinMs };
        if (work.kind === "task") return waitForTask(hq.io, client, work.view, options);
        return work.kind === "run"
          ? waitForRun(hq.io, client, work.view, { ...options, atPeople: "tell" })
          : waitAndPrint(hq.io, client, id, { ...options, known: work.view });
      }),
    );
}
