import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import type { RunPlan } from "../domain/run-plan.ts";
import type { RunView } from "../domain/run-view.ts";
import { isRefusal, Refusal } from "../kernel/refusal.ts";
import { nearest } from "../kernel/text.ts";
import { findHome } from "./home.ts";
import { type Hq, parseRunId, parseSpan } from "./hq.ts";
import { refuseIdleWait } from "./leaving.ts";
import { planText } from "./plan-text.ts";
import { jsonText } from "./print.ts";
import { printRun } from "./run-outcome.ts";
import { findRunning } from "./running.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { waitForRun } from "./wait-run.ts";
import { type Given, parseInput, readInputs } from "./workflow-inputs.ts";

export type RunOptions = {
  readonly input?: Given;
  readonly inputsFile?: string;
  readonly caller?: string;
  readonly dryRun?: true;
  readonly nonInteractive?: true;
  readonly stubs?: string;
  readonly wait: boolean;
  readonly waitTimeout?: number;
  readonly deliver: boolean;
  readonly runId?: string;
  readonly format?: "json" | "text";
  readonly json?: true;
};

export function registerWorkflowRun(workflow: Command, hq: Hq): void {
  workflow
    .command("run", { isDefault: true })
    .description("run a workflow and wait for its end; `run` may be left out")
    .usage("[options] <name>")
    .argument("[name]", "the name of the workflow")
    .option("--input <key=value>", "an input; may be repeated; the value may hold anything", parseInput)
    .option("--inputs-file <file>", "inputs as one JSON object; --input wins over it")
    .option("--caller <agent>", "for which agent you ask; its row of the matrix counts (operator only)")
    .option("--dry-run", "print the plan: waves, agents, gates, time; nothing is called, posted or written")
    .option("--stubs <file>", "run it on the given outputs, without agents and without a supervisor")
    .option("--non-interactive", "ask nothing, approve nothing: at a gate end with 4, the run goes on")
    .option("--wait", "wait for its end", true)
    .option("--no-wait", "print the run and leave")
    .option("--wait-timeout <duration>", "stop waiting after this span (exit 4); the run goes on", parseSpan)
    .option("--deliver", "post the result to #results", true)
    .option("--no-deliver", "do not post it to #results; the line in #agent-logs stays")
    .option("--run-id <id>", "an id of your own; the same again answers what came of it", parseRunId)
    .addOption(
      new Option("--format <format>", "what is printed: the run as JSON, or its result as text").choices([
        "json",
        "text",
      ]),
    )
    .option("--json", "print JSON whatever --format says; the plan too")
    .addHelpText("after", EXAMPLES)
    .action((name: string | undefined, options: RunOptions) =>
      hq.run(() => {
        if (name === undefined) throw unnamed();
        return runWorkflow(hq, name, options).catch((error: unknown) => {
          const others = workflow.commands.map((command) => command.name());
          throw isRefusal(error) && error.code === "not_found" ? orCommand(error, name, others) : error;
        });
      }),
    );
}

function unnamed(): Refusal {
  return new Refusal("invalid_input", "No workflow is named.", {
    hint: '`hq workflow list` shows which there are: hq workflow run quick-research --input query="…". `hq workflow --help` lists the other commands.',
  });
}

/** `run` may be left out, so a mistyped command looks like the name of a workflow. */
function orCommand(refusal: Refusal, name: string, commands: readonly string[]): Refusal {
  const near = nearest(name, commands);
  if (near === undefined) return refusal;
  const hint = `${refusal.hint ?? ""} Or did you mean the command \`hq workflow ${near}\`?`.trim();
  return new Refusal(refusal.code, refusal.message, { hint, problems: refusal.problems, cause: refusal });
}

const EXAMPLES = `
Examples:
  hq workflow run quick-research --input query="CTE of ULE" --caller manager
  hq workflow run material-trade-study --input materials="Zerodur, Clearceram-Z HS, ULE" \\
    --input requirements="CTE < 0.01 ppm/K" --caller manager --dry-run

Exit codes: 0 done (partial: with a warning), 1 failed, canceled or rejected, 2 wrong input, 3 refused,
4 timeout or paused at a gate, 5 nobody reachable, 130 interrupted (the run goes on).
`;

async function runWorkflow(hq: Hq, name: string, options: RunOptions): Promise<number> {
  const { io } = hq;
  if (options.dryRun && options.stubs !== undefined) {
    throw new Refusal("invalid_input", "--dry-run and --stubs are given together.", {
      hint: "--dry-run prints the plan, --stubs runs it on given outputs: choose one.",
    });
  }
  refuseIdleWait(options);
  const inputs = readInputs(io.cwd, options.input, options.inputsFile);
  if (options.stubs !== undefined) {
    const { simulate } = await import("./workflow-simulate.ts");
    return simulate(io, name, inputs, { ...options, stubs: options.stubs });
  }
  if (options.dryRun) return showPlan(hq, name, inputs, options);
  const client = hq.client("always");
  const { caller, runId, deliver } = options;
  const run = await untilInterrupted(io, (signal) =>
    client.ask<RunView>(
      {
        method: "POST",
        path: "/runs",
        body: { workflow: name, inputs, caller, runId, deliver },
        ...(runId === undefined ? { key: randomUUID() } : {}),
        isRepeatable: true,
      },
      signal,
    ),
  );
  if (run === undefined) return 130;
  const isJson = options.json === true || options.format !== "text";
  if (options.wait) {
    const atPeople = options.nonInteractive ? "leave" : "ask";
    return waitForRun(io, client, run, { isJson, withinMs: options.waitTimeout, atPeople });
  }
  if (isJson) printRun(io, run, true);
  else io.out(`${run.id}\n`);
  io.err(`${run.workflow} runs: see \`hq wait ${run.id}\`.\n`);
  return 0;
}

/** From the supervisor, which knows how long agents took before; from the files when none runs. */
async function showPlan(
  hq: Hq,
  name: string,
  inputs: Awaited<ReturnType<typeof readInputs>>,
  { caller, format, json }: RunOptions,
): Promise<number> {
  const { io } = hq;
  const ask = async (): Promise<RunPlan> => {
    if (await findRunning(findHome(io).home)) {
      return hq.client().ask<RunPlan>({
        method: "POST",
        path: `/workflows/${encodeURIComponent(name)}/plan`,
        body: { inputs, caller },
        isRepeatable: true,
      });
    }
    const { planOffline } = await import("./workflow-offline.ts");
    return planOffline(io, { name, inputs, caller });
  };
  const plan = await ask();
  io.out(json || format === "json" ? `${jsonText(plan)}\n` : planText(plan));
  return 0;
}
