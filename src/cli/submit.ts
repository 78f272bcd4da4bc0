import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { THINKING_LEVELS } from "../domain/task-types.ts";
import { isTaskOver } from "../engine/queue-verbs.ts";
import type { TaskView } from "../engine/task-verbs.ts";
import { Refusal } from "../kernel/refusal.ts";
import { type Hq, parseSpan } from "./hq.ts";
import { jsonText } from "./print.ts";
import { untilInterrupted } from "./until-interrupted.ts";
import { exitOfTask, waitForTask } from "./wait-task.ts";

type SubmitOptions = {
  readonly agent?: string;
  readonly worker?: string;
  readonly workflow?: string;
  readonly timeout?: number;
  readonly wait?: true;
  readonly waitTimeout?: number;
  readonly key?: string;
  readonly format: "json" | "text";
  readonly json?: true;
};

export function registerSubmit(program: Command, hq: Hq): void {
  program
    .command("submit")
    .description("post a task to the queue, where people see it and it is done once")
    .argument("<text>", "what is to be done, in quotes; - reads it from standard input")
    .argument("[model]", "a model of config/hq.yaml: cheap, primary, coder, research")
    .argument("[thinking]", `how hard it thinks: ${THINKING_LEVELS.join(", ")}`)
    .option("--agent <agent>", "who does it: id, alias or letter")
    .option("--worker <kind>", "a worker of config/hq.yaml does it")
    .option("--workflow <name>", "the workflow that it starts; the text is its first required input")
    .option("--timeout <duration>", "for the one who does it", parseSpan)
    .option("--wait", "wait until it is done and print what came of it")
    .addOption(
      new Option("--wait-timeout <duration>", "wait at most so long (exit 4); the work goes on")
        .argParser(parseSpan)
        .implies({ wait: true }),
    )
    .option("--key <key>", "the same key again answers the task that it posted, in place of a second one")
    .addOption(
      new Option("--format <format>", "what --wait prints: the task, or its result")
        .choices(["json", "text"])
        .default("text"),
    )
    .option("--json", "print the task as JSON")
    .addHelpText("after", EXAMPLES)
    .action((text: string, model: string | undefined, thinking: string | undefined, options: SubmitOptions) =>
      hq.run(() => submit(hq, text, { model, thinking }, options)),
    );
}

const EXAMPLES = `
Examples:
  hq submit "Compare Zerodur and ULE for a 0.5 m mirror" cheap low
  hq submit "CTE of ULE between 20 and 40 °C" --agent webster --wait
  cat task.md | hq submit - coder high --timeout 10m

Exit codes: 0 posted (with --wait: done), 1 failed or withdrawn, 2 wrong input, 3 refused, 4 timeout,
5 no supervisor or no Discord, 130 interrupted (the work goes on).
`;

async function submit(
  hq: Hq,
  given: string,
  words: { readonly model: string | undefined; readonly thinking: string | undefined },
  options: SubmitOptions,
): Promise<number> {
  const { io } = hq;
  const text = given === "-" ? await io.readInput() : given;
  if (text.trim() === "") {
    throw new Refusal("invalid_input", "The task is empty.", {
      hint: 'Say what is to be done: hq submit "Find the CTE of ULE".',
    });
  }
  const { agent, worker, workflow, timeout } = options;
  const thinking = words.thinking?.trim().toLowerCase();
  const client = hq.client("always");
  const task = await untilInterrupted(io, (signal) =>
    client.ask<TaskView>(
      {
        method: "POST",
        path: "/tasks",
        body: {
          text,
          model: words.model,
          thinking,
          agent,
          worker,
          workflow,
          timeout: timeout === undefined ? undefined : `${timeout}ms`,
        },
        key: options.key ?? randomUUID(),
        isRepeatable: true,
      },
      signal,
    ),
  );
  if (task === undefined) return 130;
  const isJson = options.json === true || options.format === "json";
  if (options.wait) return waitForTask(io, client, task, { isJson, withinMs: options.waitTimeout });
  io.out(isJson ? `${jsonText(task)}\n` : `${task.id}\n`);
  if (isTaskOver(task)) return exitOfTask(io, task);
  io.err(`It stands in the queue: see \`hq wait ${task.id}\`.\n`);
  return 0;
}
