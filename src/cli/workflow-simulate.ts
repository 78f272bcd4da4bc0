import type { RunOrder } from "../domain/run-types.ts";
import { simulateRun } from "../domain/simulate-run.ts";
import type { InputValue } from "../domain/workflow-types.ts";
import { newId } from "../kernel/id.ts";
import { Refusal } from "../kernel/refusal.ts";
import { createCheckSchema } from "../schemas/check-schema.ts";
import type { Io } from "./io.ts";
import { headLine, stepLines } from "./run-lines.ts";
import { exitOfRun, printRun, tellPeople } from "./run-outcome.ts";
import { readStubs } from "./stubs.ts";
import { readJson } from "./workflow-inputs.ts";
import { agreeOffline } from "./workflow-offline.ts";

const PAUSED = 4;

/** `--stubs`: the whole run on given outcomes. Nothing is called, posted or written. */
export function simulate(
  io: Io,
  name: string,
  inputs: Readonly<Record<string, InputValue>>,
  options: {
    readonly stubs: string;
    readonly caller?: string | undefined;
    readonly runId?: string | undefined;
    readonly format?: "json" | "text" | undefined;
    readonly json?: true | undefined;
  },
): number {
  const agreed = agreeOffline(io, { name, inputs, caller: options.caller });
  const { definition, nested, actor } = agreed;
  const content = readJson(io.cwd, "--stubs", options.stubs);
  const stubs = readStubs(options.stubs, content, definition, createCheckSchema());
  const startedAt = io.now();
  const order: RunOrder = {
    id: options.runId ?? newId(`wf-${definition.name}`, startedAt),
    definition,
    nested,
    inputs: agreed.inputs,
    actor,
    origin: { door: "cli" },
    deliver: false,
    startedAt,
    deadlineAt: startedAt + definition.limits.timeoutMs,
    depth: 1,
  };
  const { view, problems } = simulateRun(order, stubs, startedAt);
  // Waits are over at once, so that the end of a simulation lies ahead.
  io.err(`${headLine(view, startedAt)}\n`);
  for (const line of stepLines(view.steps, startedAt)) io.err(`${line}\n`);
  io.err("This was a simulation: nothing was called, posted or written.\n");
  if (problems.length > 0) {
    throw new Refusal("invalid_input", `${options.stubs} does not fit ${definition.name}.`, {
      problems: problems.map((message) => ({ path: "", message })),
    });
  }
  printRun(io, view, options.json === true || options.format !== "text");
  if (view.status !== "running") return exitOfRun(io, view, { isSimulated: true });
  tellPeople(io, view, { isSimulated: true });
  return PAUSED;
}
